/**
 * The keys of an emulated SZZT pad: which mode they are in, what a press does in it, and when time is over. It
 * reports bytes; digits of a PIN go into the secure module and nowhere else.
 */
import type {Clock, Timer} from '../../../kit/clock.ts'
import type {Key} from '../port.ts'
import {STAR, TIMED_OUT} from './bytes.ts'
import type {Profile} from './bytes.ts'
import type {SecureModule} from './secure-module.ts'

export type Input =
  | {readonly kind: 'idle'}
  | {readonly kind: 'clear'}
  | {readonly kind: 'pin'; readonly keyIndex: number; readonly pan: string}
  /** The enter key was pressed; the digits wait to be fetched. */
  | {readonly kind: 'entered'; readonly keyIndex: number; readonly pan: string}

export interface Settings {
  inputTimeS: number
  mask: number
  lengthMin: number
  lengthMax: number
  beepTime: number
  keyTone: boolean
}

/** What the keys do to the rest of the pad. */
export interface Hands {
  report(byte: number): void
  /** Whether the next digit in PIN mode is told in clear, as only a broken pad would. */
  leaks(): boolean
  changed(): void
}

/** What the key without a label is reported as. */
const UNLABELLED = 0x07

export class Keypad {
  settings: Settings = defaults()
  readonly #module: SecureModule
  readonly #profile: Profile
  readonly #clock: Clock
  readonly #hands: Hands
  #input: Input = {kind: 'idle'}
  #inputEnds: Timer | null = null

  constructor(module: SecureModule, profile: Profile, clock: Clock, hands: Hands) {
    this.#module = module
    this.#profile = profile
    this.#clock = clock
    this.#hands = hands
  }

  get input(): Input {
    return this.#input
  }

  /** A finger. */
  press(key: Key): 'pressed' | 'ignored' {
    const pressed = this.#input.kind === 'clear' ? this.#pressClear(key) : this.#pressPin(key)
    if (pressed === 'pressed') this.#hands.changed()
    return pressed
  }

  /** As after power-on. */
  toDefaults(): void {
    this.settings = defaults()
  }

  #pressClear(key: Key): 'pressed' | 'ignored' {
    this.#hands.report(this.codeOf(key))
    this.#restartInputTime()
    return 'pressed'
  }

  #pressPin(key: Key): 'pressed' | 'ignored' {
    const input = this.#input
    if (input.kind !== 'pin') return 'ignored'
    if (/^[0-9]+$/.test(key)) {
      if (this.#module.digitCount + key.length > this.settings.lengthMax) return 'ignored'
      for (const digit of key) this.#takeDigit(digit)
    } else if (key === 'clear') {
      this.#module.erase(this.#profile.clearErases)
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

  #takeDigit(digit: string): void {
    this.#module.press(digit)
    this.#hands.report(this.#hands.leaks() ? digit.charCodeAt(0) : this.settings.mask)
  }

  /** The byte that a key is reported as. */
  codeOf(key: Key): number {
    for (const [code, name] of this.#profile.keys) if (name === key) return code
    return UNLABELLED
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
    this.#module.erase('all')
    this.#input = input
    this.#restartInputTime()
    this.#hands.changed()
  }

  /** Back to idle; digits are forgotten. */
  end(): void {
    this.#inputEnds?.cancel()
    this.#module.erase('all')
    this.#input = {kind: 'idle'}
    this.#hands.changed()
  }
}

function defaults(): Settings {
  return {inputTimeS: 30, mask: STAR, lengthMin: 4, lengthMax: 12, beepTime: 10, keyTone: true}
}
