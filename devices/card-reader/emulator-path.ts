/**
 * The inside of an emulated motor reader: a mouth, rollers, chip contacts, a bin behind them, and cards that are
 * always somewhere. It knows nothing of bytes.
 */
import {assert} from '../../kit/assert.ts'
import type {Clock, Timer} from '../../kit/clock.ts'
import {hasStripe} from './emulator-card.ts'
import type {Card} from './emulator-card.ts'

/** What lets a card in at the mouth: anything that fits, a stripe, both of it, or nothing. */
export type Mouth = 'closed' | 'switch' | 'mag' | 'magAndSwitch'

export const PLACES = ['frontHeld', 'frontFree', 'inside', 'insideContact', 'rearHeld'] as const
export type Place = (typeof PLACES)[number]

/** Everything that can be seen of it. Holds nothing that a stripe or a chip holds. */
export interface World {
  readonly isPowered: boolean
  readonly mouth: Mouth
  /** Whether a card could be pushed in now. */
  readonly isAdmitting: boolean
  readonly place: Place | 'none'
  readonly isMoving: boolean
  /** Cards that came in, that were taken at the mouth, and that lie in the bin. */
  readonly insertedCount: number
  readonly takenCount: number
  readonly capturedCount: number
  /** Blank cards that wait to be given out; 0 where there is no stacker. */
  readonly stackedCount: number
}

/** All of it that a power cut leaves as it is: where the cards are. */
export interface Remains {
  readonly card: Card | null
  /** Where that card is; means nothing without one. */
  readonly place: Place
  readonly bin: readonly Card[]
  readonly takenCount: number
  readonly stackedCount?: number
}

export const JOURNEYS = ['insert', 'eject', 'capture'] as const
export type Journey = (typeof JOURNEYS)[number]

export interface PathSettings {
  /** Time that one movement of a card takes, 0 or more. */
  readonly moveMs: number
  /** As it is found after a power cut; empty when left out. */
  readonly remains?: Remains
}

/** A card out of the stacker: nothing on it. */
export const BLANK: Card = {}

export class CardPath {
  mouth: Mouth = 'closed'
  /** Where a card that was let in comes to rest; `bin`: it goes right through. */
  stop: Place | 'bin' = 'inside'
  readonly #clock: Clock
  readonly #moveMs: number
  readonly #changed: () => void
  #card: Card | null = null
  #place: Place = 'inside'
  #wentToRear = false
  #motion: Timer | null = null
  #isPowered = true
  #jams: Journey[] = []
  #inserted = 0
  #taken = 0
  #stacked = 0
  #fed = 0
  #removed = 0
  readonly #bin: Card[] = []

  constructor(clock: Clock, settings: PathSettings, changed: () => void) {
    this.#clock = clock
    this.#moveMs = settings.moveMs
    this.#changed = changed
    const {remains} = settings
    if (remains === undefined) return
    this.#card = remains.card
    this.#place = remains.place
    this.#bin.push(...remains.bin)
    this.#taken = remains.takenCount
    this.#stacked = remains.stackedCount ?? 0
    this.#inserted = this.#taken + this.#bin.length + (this.#card === null ? 0 : 1)
  }

  get remains(): Remains {
    return {
      card: this.#card,
      place: this.#place,
      bin: [...this.#bin],
      takenCount: this.#taken,
      stackedCount: this.#stacked,
    }
  }

  get world(): World {
    return {
      isPowered: this.#isPowered,
      mouth: this.mouth,
      isAdmitting: this.#isPowered && this.mouth !== 'closed' && this.#card === null,
      place: this.#card === null ? 'none' : this.#place,
      isMoving: this.#motion !== null,
      insertedCount: this.#inserted,
      takenCount: this.#taken,
      capturedCount: this.#bin.length,
      stackedCount: this.#stacked,
    }
  }

  /** The card that is in the reader or in its mouth, or null. */
  get card(): Card | null {
    return this.#card
  }

  /** The card was drawn in and can be told apart from a good one by its length. */
  get isAbnormal(): boolean {
    const isInside = this.#place !== 'frontHeld' && this.#place !== 'frontFree'
    return this.#card !== null && isInside && (this.#card.length ?? 'normal') !== 'normal'
  }

  /** The last card left to the rear, and none came since. */
  get wentToRear(): boolean {
    return this.#card === null && this.#wentToRear
  }

  /** The card that the heads have gone over, or null. */
  get readable(): Card | null {
    return this.#place === 'frontFree' ? null : this.#card
  }

  /** The card whose chip is at the contacts, or null. */
  get atContacts(): Card | null {
    return this.#place === 'insideContact' && this.#motion === null ? this.#card : null
  }

  /** The hand of the customer pushes a card in. */
  insert(card: Card): 'inserted' | 'refused' {
    if (!this.world.isAdmitting) return 'refused'
    if (this.mouth !== 'switch' && !hasStripe(card)) return 'refused'
    this.#card = card
    this.#inserted += 1
    this.#wentToRear = false
    const {stop} = this
    this.#place = stop === 'frontFree' ? 'frontFree' : 'frontHeld'
    this.#settle()
    if (stop !== this.#place && !this.#isJammed('insert'))
      void this.#travel(() => {
        this.#arrive(stop)
      })
    return 'inserted'
  }

  /** The hand of the customer pulls at a card in the mouth; null when there is none to be had. */
  take(): Card | null {
    if (this.#motion !== null || (this.#place !== 'frontHeld' && this.#place !== 'frontFree')) return null
    const card = this.#card
    if (card === null) return null
    this.#card = null
    this.#taken += 1
    this.#settle()
    return card
  }

  /** Moves the card there; resolves when it has arrived, or false when it did not move at all. */
  async moveTo(place: Place | 'bin'): Promise<boolean> {
    if (this.#isJammed(place === 'bin' ? 'capture' : 'eject')) return false
    return this.#travel(() => {
      this.#arrive(place)
    })
  }

  /** Draws a blank card out of the stacker to the contacts; false when there is none. */
  async feed(): Promise<boolean> {
    if (this.#stacked === 0) return false
    this.#stacked -= 1
    this.#fed += 1
    this.#card = BLANK
    this.#place = 'inside'
    this.#settle()
    return this.#travel(() => {
      this.#arrive('insideContact')
    })
  }

  /** The card goes over the heads again and back to where it was; resolves when it is there. */
  async passHeads(): Promise<void> {
    await this.#travel(() => undefined)
  }

  /** The next such movement fails. */
  jam(journey: Journey): void {
    this.#jams.push(journey)
  }

  forgetRear(): void {
    this.#wentToRear = false
  }

  /** The rollers stop where they are: a card under way stays where it started from. */
  halt(): void {
    this.#motion?.cancel()
    this.#motion = null
  }

  cutPower(): void {
    this.#isPowered = false
    this.halt()
    this.#settle()
  }

  restorePower(): void {
    this.#isPowered = true
    this.#wentToRear = false
    this.#settle()
  }

  /** The operator's hand: empties the bin. @returns what lay in it */
  emptyBin(): readonly Card[] {
    const cards = this.#bin.splice(0)
    this.#removed += cards.length
    this.#settle()
    return cards
  }

  /** Tells whoever watches, after checking that no card came or went by itself. */
  settle(): void {
    this.#settle()
  }

  #travel(arrive: () => void): Promise<boolean> {
    return new Promise(resolve => {
      this.#motion?.cancel()
      this.#motion = this.#clock.after(this.#moveMs, () => {
        this.#motion = null
        arrive()
        this.#settle()
        resolve(true)
      })
      this.#changed()
    })
  }

  #arrive(place: Place | 'bin'): void {
    if (place !== 'bin') {
      this.#place = place
      return
    }
    assert(this.#card !== null, 'no card to drop into the bin')
    this.#bin.push(this.#card)
    this.#card = null
    this.#wentToRear = true
  }

  #isJammed(journey: Journey): boolean {
    const at = this.#jams.indexOf(journey)
    if (at < 0) return false
    this.#jams = this.#jams.filter((_, index) => index !== at)
    return true
  }

  #settle(): void {
    const held = this.#card === null ? 0 : 1
    assert(
      this.#inserted + this.#fed === this.#taken + this.#bin.length + this.#removed + held,
      `cards made or lost: ${this.#inserted} in, ${this.#taken} taken, ${this.#bin.length} captured, ${held} here`,
    )
    this.#changed()
  }
}
