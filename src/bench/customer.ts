/** A scripted customer: looks at the screen and the slots, and does one thing after another, as people do. */
import {bankCard} from '../../devices/card-reader/emulator-card.ts'
import type {Key} from '../../devices/pin-pad/port.ts'
import {isRest} from '../../fsm/context.ts'
import type {Clock} from '../../kit/clock.ts'
import {digitsOf as currencyDigits} from '../../kit/money.ts'
import type {Machine} from '../machine.ts'
import type {Manners} from './plan.ts'
import type {Emulators} from './rig.ts'

export interface Wish {
  readonly track2: string
  readonly pin: string
  /** Whole units of the currency, as typed. */
  readonly amountDigits: string
}

/** Between two looks. */
const LOOK_MS = 250
/** A key press after another. */
const KEY_MS = 100

/** Goes through one visit; resolves when there is nothing left to do. */
export class Customer {
  readonly #machine: Machine
  readonly #emulators: Emulators
  readonly #clock: Clock
  readonly #wish: Wish
  readonly #manners: Manners
  #phase: 'before' | 'visiting' | 'done' = 'before'
  #answered = ''

  constructor(machine: Machine, emulators: Emulators, clock: Clock, wish: Wish, manners: Manners) {
    this.#machine = machine
    this.#emulators = emulators
    this.#clock = clock
    this.#wish = wish
    this.#manners = manners
  }

  get isDone(): boolean {
    return this.#phase === 'done'
  }

  /** Lives until the visit is over, or the machine never lets a card in. */
  async visit(): Promise<void> {
    while (this.#phase !== 'done') {
      await this.#clock.sleep(LOOK_MS)
      await this.#actOnce()
    }
  }

  async #actOnce(): Promise<void> {
    const {state} = this.#machine.standing
    if (!this.#manners.leavesCard && this.#takeCard()) return
    if (!this.#manners.leavesNotes) this.#emulators.dispenser.takeNotes()
    if (this.#phase === 'before') {
      if (state !== 'idle') return
      if (this.#emulators.reader.insert(bankCard(this.#wish.track2)) === 'inserted') this.#phase = 'visiting'
      return
    }
    if (isRest(state) && this.#emulators.reader.world.place === 'none') {
      this.#phase = 'done'
      return
    }
    if (state === this.#answered) return
    this.#answered = state
    await this.#answer(state)
  }

  #takeCard(): boolean {
    const {place} = this.#emulators.reader.world
    return (place === 'frontFree' || place === 'frontHeld') && this.#emulators.reader.take() !== null
  }

  /** Says to the screen of a state what this customer came for. */
  async #answer(state: string): Promise<void> {
    if (this.#manners.walksOff) return
    if (this.#manners.cancels) {
      await this.#press(['cancel'])
      return
    }
    switch (state) {
      case 'enteringPin':
        this.#answered = ''
        await this.#press([...digitsOf(this.#wish.pin), 'enter'])
        await this.#clock.sleep(LOOK_MS)
        return
      case 'choosingService':
        await this.#choose('withdrawal')
        return
      case 'choosingAccount':
        await this.#press(['A'])
        return
      case 'choosingAmount':
        await this.#enterAmount()
        return
      case 'amountRefused':
        await this.#press(['cancel'])
        return
      case 'confirmingFee':
        await this.#press(['enter'])
        return
      case 'choosingReceipt':
        await this.#choose('receipt')
        return
      default:
        return
    }
  }

  /** Typed where the pad has digits, touched where it has none. */
  async #enterAmount(): Promise<void> {
    const digits = digitsOf(this.#wish.amountDigits)
    await this.#clock.sleep(KEY_MS)
    const [first, ...rest] = digits
    if (first !== undefined && this.#emulators.pinPad.press(first) === 'pressed') {
      await this.#press([...rest, 'enter'])
      return
    }
    const {currency} = this.#machine.standing.context.setup
    this.#machine.choose(`amount-${Number(this.#wish.amountDigits) * 10 ** currencyDigits(currency)}`)
  }

  /** The key that the screen binds to that choice. */
  async #choose(id: string): Promise<void> {
    const key = this.#machine.current().choices.find(choice => choice.id === id)?.keys[0]
    if (key !== undefined) await this.#press([key])
  }

  async #press(keys: readonly Key[]): Promise<void> {
    for (const key of keys) {
      await this.#clock.sleep(KEY_MS)
      this.#emulators.pinPad.press(key)
    }
  }
}

function digitsOf(text: string): readonly Key[] {
  return Array.from(text).filter(isDigit)
}

function isDigit(text: string): text is Key & ('0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9') {
  return /^[0-9]$/.test(text)
}
