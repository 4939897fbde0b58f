/**
 * The keys of an emulated SZZT pad: which mode they are in, what a press does in it, and when time is over. It
 * reports bytes; digits of a PIN go into the secure module and nowhere else.
 */
import {PIN_DIGITS_MAX} from '../../../crypto/pin-block.ts'
import type {Clock, Timer} from '../../../kit/clock.ts'
import type {Key} from '../port.ts'
import {NO_MASK, STAR, TIMED_OUT} from './bytes.ts'
import type {PinFormat} from './bytes.ts'
import type {SecureModule} from './secure-module.ts'

/** What a PIN entry was started with; key and format may come with the fetch instead. */
export interface PinInput {
  readonly keyIndex: number
  readonly format: PinFormat
  readonly pan: string
  readonly clearErases: 'all' | 'last'
}

export type Input =
  | {readonly kind: 'idle'}
  | {readonly kind: 'clear'}
  | (PinInput & {readonly kind: 'pin'})
  /** The enter key was pressed; the digits wait to be fetched. */
  | (PinInput & {readonly kind: 'entered'})

export interface Settings {
  inputTimeS: number
  mask: number
  lengthMin: number
  lengthMax: number
  beepTime: number
  keyTone: boolean
  hex: 'plain' | 'broken'
  /** As the settings tell it, 30 to 37. */
  rate: number
}

/** What the keys do to the rest of the pad. */
export interface Hands {
  report(byte: number): void
  /** Whether the next digit in PIN mode is told in clear, as only a broken pad would. */
  leaks(): boolean
  changed(): void
}

/** The keys as they lie, row by row, four a row; null is the one without a label. */
const LAYOUT: readonly (Key | null)[] = [
  ...(['1', '2', '3', 'cancel'] as const),
  ...(['4', '5', '6', 'clear'] as const),
  ...['7' as const, '8' as const, '9' as const, null],
  ...(['dot', '0', '00', 'enter'] as const),
  ...(['A', 'C', 'E', 'G'] as const),
  ...(['B', 'D', 'F', 'H'] as const),
]

export class Keypad {
  settings: Settings = defaults()
  readonly #module: SecureModule
  readonly #clock: Clock
  readonly #hands: Hands
  readonly #defaultCodes: Uint8Array
  #codes: Uint8Array
  #input: Input = {kind: 'idle'}
  #inputEnds: Timer | null = null
  #stuck: Key | null = null

  /** @param codes what the 24 keys are reported as until told otherwise */
  constructor(module: SecureModule, codes: Uint8Array, clock: Clock, hands: Hands) {
    this.#module = module
    this.#defaultCodes = codes
    this.#codes = codes
    this.#clock = clock
    this.#hands = hands
  }

  get input(): Input {
    return this.#input
  }

  /** What the 24 keys are reported as, row by row. */
  get codes(): Uint8Array {
    return this.#codes
  }

  setCodes(codes: Uint8Array): void {
    this.#codes = codes
  }

  /** A finger. */
  press(key: Key): 'pressed' | 'ignored' {
    // While one key is held down the others make no contact of their own.
    if (this.#stuck !== null) return 'ignored'
    const pressed = this.#input.kind === 'clear' ? this.#pressClear(key) : this.#pressPin(key)
    if (pressed === 'pressed') this.#hands.changed()
    return pressed
  }

  /** A finger that stays. It is one press; nothing else is, until `release`. */
  hold(key: Key): 'pressed' | 'ignored' {
    const pressed = this.press(key)
    this.#stuck = key
    return pressed
  }

  release(): void {
    this.#stuck = null
  }

  /** As after power-on; the table of codes is kept. */
  toDefaults(): void {
    this.settings = defaults()
  }

  /** As from the maker. */
  toFactory(): void {
    this.toDefaults()
    this.#codes = this.#defaultCodes
  }

  #pressClear(key: Key): 'pressed' | 'ignored' {
    if (!LAYOUT.includes(key)) return 'ignored'
    this.#hands.report(this.codeOf(key))
    this.#restartInputTime()
    return 'pressed'
  }

  #pressPin(key: Key): 'pressed' | 'ignored' {
    const input = this.#input
    if (input.kind !== 'pin') return 'ignored'
    if (/^[0-9]+$/.test(key)) {
      if (this.#module.digitCount + key.length > this.#lengthMax) return 'ignored'
      for (const digit of key) this.#takeDigit(digit)
    } else if (key === 'clear') {
      this.#module.takeBack(input.clearErases)
      this.#hands.report(this.codeOf(key))
    } else if (key === 'cancel') {
      this.end()
      this.#hands.report(this.codeOf(key))
      return 'pressed'
    } else if (key === 'enter' && this.#module.digitCount >= this.settings.lengthMin) {
      this.#inputEnds?.cancel()
      this.#input = {...input, kind: 'entered'}
      this.#hands.report(this.codeOf(key))
      return 'pressed'
    } else {
      return 'ignored'
    }
    this.#restartInputTime()
    return 'pressed'
  }

  /** The digits may be fetched: enter was pressed, or no more fit. */
  get fetchable(): PinInput | null {
    const input = this.#input
    if (input.kind === 'entered') return input
    return input.kind === 'pin' && this.#module.digitCount === this.#lengthMax ? input : null
  }

  get #lengthMax(): number {
    return Math.min(this.settings.lengthMax, PIN_DIGITS_MAX)
  }

  #takeDigit(digit: string): void {
    this.#module.press(digit)
    const star = this.settings.mask === NO_MASK ? STAR : this.settings.mask
    this.#hands.report(this.#hands.leaks() ? digit.charCodeAt(0) : star)
  }

  /** The byte that a key is reported as. */
  codeOf(key: Key): number {
    return this.#codes[LAYOUT.indexOf(key)] ?? 0
  }

  #restartInputTime(): void {
    this.#inputEnds?.cancel()
    this.#inputEnds = this.#clock.after(this.settings.inputTimeS * 1_000, () => {
      this.end()
      this.#hands.report(TIMED_OUT)
    })
  }

  /** Into that mode, with no digit pressed. */
  begin(input: Input): void {
    this.#module.takeBack('all')
    this.#input = input
    this.#restartInputTime()
    this.#hands.changed()
  }

  /** Back to idle; digits are forgotten. */
  end(): void {
    this.#inputEnds?.cancel()
    this.#module.takeBack('all')
    this.#input = {kind: 'idle'}
    this.#hands.changed()
  }
}

function defaults(): Settings {
  return {
    inputTimeS: 30,
    mask: STAR,
    lengthMin: 4,
    lengthMax: PIN_DIGITS_MAX,
    beepTime: 10,
    keyTone: true,
    hex: 'plain',
    rate: 0x33,
  }
}
