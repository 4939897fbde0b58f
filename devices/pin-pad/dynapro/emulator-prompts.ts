/**
 * What an emulated DynaPro asks of the person in front of it: which prompt is on, what a key does in it, and when
 * time is over. Digits go into the secure module and nowhere else.
 */
import {PIN_DIGITS_MAX} from '../../../crypto/pin-block.ts'
import type {Clock, Timer} from '../../../kit/clock.ts'
import type {Key} from '../port.ts'
import {ENTRY_DIGITS, PIN_MODE, PIN_OPTION, SELECTION, WAIT_ZERO_S} from './bytes.ts'
import type {Operation, SelectionKey} from './bytes.ts'
import type {PinAsk} from './codec.ts'
import {SELECTION_KEYS} from './codec.ts'
import type {SecureModule} from './emulator-module.ts'

/** What waits for the person. */
export type Prompt =
  | {readonly kind: 'card'}
  | {readonly kind: 'pin'; readonly ask: PinAsk}
  | {readonly kind: 'selection'; readonly mask: number}
  | {readonly kind: 'message'}
  /** Digits that are no PIN. */
  | {readonly kind: 'entry'; readonly mode: number; readonly isClear: boolean}

/** How a prompt ended. */
export interface PromptEnd {
  readonly prompt: Prompt
  readonly operation: Operation
  readonly key: SelectionKey | null
}

export class Prompts {
  readonly #module: SecureModule
  readonly #clock: Clock
  readonly #ended: (end: PromptEnd) => void
  #prompt: Prompt | null = null
  #timer: Timer | null = null

  constructor(module: SecureModule, clock: Clock, ended: (end: PromptEnd) => void) {
    this.#module = module
    this.#clock = clock
    this.#ended = ended
  }

  get prompt(): Prompt | null {
    return this.#prompt
  }

  /** @param waitS as the command's byte has it @param isEndless whether 0 means without end rather than 256 s */
  begin(prompt: Prompt, waitS: number, isEndless: boolean): void {
    this.drop()
    this.#prompt = prompt
    if (waitS === 0 && isEndless) return
    this.#timer = this.#clock.after((waitS === 0 ? WAIT_ZERO_S : waitS) * 1_000, () => {
      // A message that was shown for its time is done; everything else was waited for in vain.
      this.end(prompt.kind === 'message' ? 'done' : 'timeout')
    })
  }

  /** Ends it and says so. */
  end(operation: Operation, key: SelectionKey | null = null): void {
    const prompt = this.#prompt
    if (prompt === null) return
    this.#timer?.cancel()
    this.#prompt = null
    this.#ended({prompt, operation, key})
    this.#module.forget()
  }

  /** Ends it and says nothing: the power is gone. */
  drop(): void {
    this.#timer?.cancel()
    this.#prompt = null
    this.#module.forget()
  }

  /** A finger. */
  press(key: Key): 'pressed' | 'ignored' {
    const prompt = this.#prompt
    if (prompt === null) return 'ignored'
    if (key === 'cancel') {
      this.end('userCancel')
      return 'pressed'
    }
    switch (prompt.kind) {
      case 'pin':
        return this.#pressPin(prompt.ask, key)
      case 'selection':
        return this.#pressSelection(prompt.mask, key)
      case 'entry':
        return this.#pressEntry(ENTRY_DIGITS[prompt.mode] ?? 0, key)
      case 'card':
      case 'message':
        return 'ignored'
    }
  }

  #pressPin({mode, lengthMin, lengthMax, options}: PinAsk, key: Key): 'pressed' | 'ignored' {
    if (key !== 'enter') return this.#pressDigit(Math.min(lengthMax, PIN_DIGITS_MAX), key)
    if (this.#module.digitCount < lengthMin) return 'ignored'
    const isTwice = mode === PIN_MODE.verify || (options & PIN_OPTION.verify) !== 0
    const verdict = isTwice ? this.#module.again() : 'equal'
    if (verdict !== 'first') this.end(verdict === 'equal' ? 'done' : 'verifyMismatch')
    return 'pressed'
  }

  #pressSelection(mask: number, key: Key): 'pressed' | 'ignored' {
    const selected = SELECTION_KEYS.find(name => name === key)
    if (selected === undefined || (mask & SELECTION[selected].mask) === 0) return 'ignored'
    this.end('done', selected)
    return 'pressed'
  }

  #pressEntry(digits: number, key: Key): 'pressed' | 'ignored' {
    if (key !== 'enter') return this.#pressDigit(digits, key)
    if (this.#module.digitCount !== digits) return 'ignored'
    this.end('done')
    return 'pressed'
  }

  #pressDigit(digitsMax: number, key: Key): 'pressed' | 'ignored' {
    if (key === 'clear') {
      this.#module.erase()
      return 'pressed'
    }
    if (!/^[0-9]$/.test(key) || this.#module.digitCount >= digitsMax) return 'ignored'
    this.#module.press(key)
    return 'pressed'
  }
}
