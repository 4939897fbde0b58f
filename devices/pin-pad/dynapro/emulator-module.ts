/**
 * The inside of an emulated DynaPro that nobody may look into: its keys, and the digits of a PIN. Digits go in; how
 * many there are, and blocks under keys that are used once, come out. It knows nothing of reports.
 */
import {dukptKey, initialKey, nextCounter, withCounter} from '../../../crypto/dukpt.ts'
import {bytesOfHex} from '../../../crypto/hex.ts'
import {withZeros} from '../../../crypto/mac.ts'
import {encodeIso0, encodeIso1, encodeIso3, PIN_PLACES} from '../../../crypto/pin-block.ts'
import {tdesCbcEncrypt, tdesEncrypt} from '../../../crypto/tdes.ts'
import type {Random} from '../../../kit/random.ts'
import {KSN_BYTES} from './bytes.ts'

/** The base key of published examples, for demonstrations, and no secret. */
export const DEMO_BASE_KEY: Uint8Array = bytesOfHex('0123456789ABCDEFFEDCBA9876543210')
/** Names of the pad's two initial keys: for PINs as published, for cards one of ours. */
export const DEMO_PIN_KSN: Uint8Array = bytesOfHex('FFFF9876543210E00000')
export const DEMO_MSR_KSN: Uint8Array = bytesOfHex('FFFF9876543211000000')
/** The one key of a pad without DUKPT, for demonstrations. */
export const DEMO_FIXED_KEY: Uint8Array = bytesOfHex('C1D0F8FB4958670DBA40AB1F3752EF0D')

/** Which PIN key lies in the pad. */
export type PinKey = 'dukpt' | 'fixed' | 'none'

/** A block and the name of its key; zeros where the key has none. */
export interface Sealed {
  readonly ksn: Uint8Array
  readonly block: Uint8Array
}

/** Keys that follow one another, each used once. */
class KeySeries {
  readonly #initial: Uint8Array
  #ksn: Uint8Array
  #counter: number | null

  constructor(ksn: Uint8Array, counter: number) {
    this.#initial = initialKey(DEMO_BASE_KEY, ksn)
    this.#ksn = withCounter(ksn, 0)
    this.#counter = counter
  }

  /** Of the key used last; null when all are used up. */
  get counter(): number | null {
    return this.#counter
  }

  /** The next key for that use, or null when all are used up. */
  next(use: 'pin' | 'dataRequest'): {readonly ksn: Uint8Array; readonly key: Uint8Array} | null {
    if (this.#counter === null) return null
    this.#counter = nextCounter(this.#counter)
    if (this.#counter === null) return null
    this.#ksn = withCounter(this.#ksn, this.#counter)
    return {ksn: this.#ksn, key: dukptKey(use, this.#initial, this.#ksn)}
  }
}

export class SecureModule {
  readonly #random: Random
  readonly #cardKeys = new KeySeries(DEMO_MSR_KSN, 0)
  readonly #pinKeys: KeySeries
  #pinKey: PinKey
  #digits = ''
  #first: string | null = null

  /** @param counter of the PIN key used last; 0 for none */
  constructor(random: Random, pinKey: PinKey, counter: number) {
    this.#random = random
    this.#pinKey = pinKey
    this.#pinKeys = new KeySeries(DEMO_PIN_KSN, counter)
  }

  get hasPinKey(): boolean {
    return this.#pinKey === 'fixed' || (this.#pinKey === 'dukpt' && this.#pinKeys.counter !== null)
  }

  get pinKey(): PinKey {
    return this.#pinKey
  }

  /** Of the PIN key used last. */
  get pinCounter(): number {
    return this.#pinKeys.counter ?? 0
  }

  /** Digits so far. */
  get digitCount(): number {
    return this.#digits.length
  }

  press(digit: string): void {
    this.#digits += digit
  }

  /** Every digit is forgotten. */
  erase(): void {
    this.#digits = ''
  }

  /** Those of a first entry as well. */
  forget(): void {
    this.#digits = ''
    this.#first = null
  }

  /** For an entry that is made twice: keeps the first, and compares the second. */
  again(): 'first' | 'equal' | 'different' {
    const first = this.#first
    if (first === null) {
      this.#first = this.#digits
      this.#digits = ''
      return 'first'
    }
    this.#first = null
    return first === this.#digits ? 'equal' : 'different'
  }

  /** The PIN block of the digits under the next PIN key, or null without one. @param pan null makes format 1 */
  pinBlock(pan: string | null, isIso3: boolean): Sealed | null {
    const clear = this.#clearBlock(pan, isIso3)
    this.#digits = ''
    if (this.#pinKey === 'fixed')
      return {ksn: new Uint8Array(KSN_BYTES), block: tdesEncrypt(DEMO_FIXED_KEY, clear)}
    const next = this.#pinKey === 'dukpt' ? this.#pinKeys.next('pin') : null
    return next === null ? null : {ksn: next.ksn, block: tdesEncrypt(next.key, clear)}
  }

  /** Digits that are no PIN, in a block like format 1 under the next card key. */
  entryBlock(): Sealed | null {
    const fill = this.#letters('0123456789ABCDEF', PIN_PLACES - this.#digits.length)
    const clear = bytesOfHex(`1${this.#digits.length.toString(16)}${this.#digits}${fill}`)
    this.#digits = ''
    const next = this.#cardKeys.next('dataRequest')
    return next === null ? null : {ksn: next.ksn, block: tdesEncrypt(next.key, clear)}
  }

  /** Digits that are no PIN, in clear. */
  takeEntry(): string {
    const digits = this.#digits
    this.#digits = ''
    return digits
  }

  /** Tracks under the next card key, filled with zeros to whole blocks. */
  cardBlocks(
    tracks: readonly string[],
  ): {readonly ksn: Uint8Array; readonly blocks: readonly Uint8Array[]} | null {
    const next = this.#cardKeys.next('pin')
    if (next === null) return null
    const blocks = tracks.map(track =>
      track === '' ? new Uint8Array() : tdesCbcEncrypt(next.key, withZeros(Buffer.from(track, 'latin1'))),
    )
    return {ksn: next.ksn, blocks}
  }

  /** Somebody opened the pad: every key and digit is gone for good. */
  tamper(): void {
    this.#pinKey = 'none'
    this.forget()
  }

  #clearBlock(pan: string | null, isIso3: boolean): Uint8Array {
    const pin = this.#digits
    const places = PIN_PLACES - pin.length
    if (pan === null) return encodeIso1(pin, this.#letters('0123456789ABCDEF', places))
    return isIso3 ? encodeIso3(pin, pan, this.#letters('ABCDEF', places)) : encodeIso0(pin, pan)
  }

  #letters(alphabet: string, count: number): string {
    return Array.from({length: count}, () => alphabet.charAt(this.#random.below(alphabet.length))).join('')
  }
}
