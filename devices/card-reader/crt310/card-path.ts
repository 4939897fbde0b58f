/**
 * Creator CRT-310, the emulator's inside: a mouth with a shutter, rollers, a bin behind them, and cards
 * that are always somewhere. It knows nothing of bytes.
 */
import {assert} from '../../../kit/assert.ts'
import type {Clock, Timer} from '../../../kit/clock.ts'
import type {CardAt, Mouth, Rear, StopAt, TrackFault} from './bytes.ts'

export interface Card {
  /** What track 2 holds between its sentinels, `PAN=YYMM...`. */
  readonly track2: string
  /** What is wrong with the stripe; `good` when left out. */
  readonly stripe?: 'good' | 'notReadable' | TrackFault
  /** `long` and `short` are cards of a length that is none. */
  readonly length?: 'normal' | 'long' | 'short'
}

export type Place = 'frontHeld' | 'frontFree' | 'inside' | 'insideContact' | 'rearHeld'

/** Everything that can be seen of it. Holds nothing that a stripe holds. */
export interface World {
  readonly isPowered: boolean
  readonly mouth: Mouth
  readonly rear: Rear
  /** Whether a card could be pushed in now. */
  readonly isAdmitting: boolean
  readonly place: Place | 'none'
  readonly isMoving: boolean
  /** Cards that came in, that were taken at the mouth, and that lie in the bin. */
  readonly insertedCount: number
  readonly takenCount: number
  readonly capturedCount: number
}

/** All of it that a power cut leaves as it is: where the cards are. */
export interface Remains {
  readonly card: Card | null
  /** Where that card is; means nothing without one. */
  readonly place: Place
  readonly bin: readonly Card[]
  readonly takenCount: number
}

export type Journey = 'insert' | 'eject' | 'capture'

export class CardPath {
  mouth: Mouth = 'switch'
  rear: Rear = 'open'
  stop: StopAt = 'inside'
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
  readonly #bin: Card[] = []

  /**
   * @param moveMs time that one movement of a card takes, 0 or more
   * @param remains as it is found after a power cut; empty when left out
   */
  constructor(clock: Clock, moveMs: number, changed: () => void, remains?: Remains) {
    this.#clock = clock
    this.#moveMs = moveMs
    this.#changed = changed
    if (remains === undefined) return
    this.#card = remains.card
    this.#place = remains.place
    this.#bin.push(...remains.bin)
    this.#taken = remains.takenCount
    this.#inserted = this.#taken + this.#bin.length + (this.#card === null ? 0 : 1)
  }

  get remains(): Remains {
    return {card: this.#card, place: this.#place, bin: [...this.#bin], takenCount: this.#taken}
  }

  get world(): World {
    return {
      isPowered: this.#isPowered,
      mouth: this.mouth,
      rear: this.rear,
      isAdmitting: this.#isPowered && this.mouth !== 'closed' && this.#card === null,
      place: this.#card === null ? 'none' : this.#place,
      isMoving: this.#motion !== null,
      insertedCount: this.#inserted,
      takenCount: this.#taken,
      capturedCount: this.#bin.length,
    }
  }

  /** What the sensors tell. */
  get cardAt(): CardAt {
    if (this.#card === null) return this.#wentToRear ? 'goneRear' : 'none'
    const isInside = this.#place !== 'frontHeld' && this.#place !== 'frontFree'
    if (isInside && this.#card.length === 'long') return 'longCard'
    if (isInside && this.#card.length === 'short') return 'shortCard'
    return this.#place
  }

  /** The card that can be read now, or null. */
  get readable(): Card | null {
    return this.#place === 'frontFree' ? null : this.#card
  }

  /** The hand of the customer pushes a card in. */
  insert(card: Card): 'inserted' | 'refused' {
    if (!this.world.isAdmitting) return 'refused'
    const hasSignal = card.stripe !== 'blank' && card.stripe !== 'notReadable'
    if (this.mouth !== 'switch' && !hasSignal) return 'refused'
    this.#card = card
    this.#inserted += 1
    this.#wentToRear = false
    this.#place = 'frontHeld'
    this.#settle()
    if (!this.#isJammed('insert'))
      void this.#travel(() => {
        this.#comeToRest()
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
      if (place === 'bin') this.#drop()
      else this.#place = place
    })
  }

  /** The next such movement fails. */
  jam(journey: Journey): void {
    this.#jams.push(journey)
  }

  forgetRear(): void {
    this.#wentToRear = false
  }

  /** The rollers stop where they are: a card under way stays where it started from. */
  cutPower(): void {
    this.#isPowered = false
    this.#motion?.cancel()
    this.#motion = null
    this.#settle()
  }

  restorePower(): void {
    this.#isPowered = true
    this.#wentToRear = false
    this.#settle()
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

  #comeToRest(): void {
    if (this.stop === 'rearFree') this.#drop()
    else this.#place = this.stop
  }

  #drop(): void {
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
      this.#inserted === this.#taken + this.#bin.length + held,
      `cards made or lost: ${this.#inserted} in, ${this.#taken} taken, ${this.#bin.length} captured, ${held} here`,
    )
    this.#changed()
  }
}
