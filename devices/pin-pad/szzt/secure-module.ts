/**
 * The inside of an emulated PIN pad that nobody may look into: master keys, working keys, the digits of a
 * PIN. Encrypted keys go in; check values, a count of digits and an encrypted PIN block come out. It knows
 * nothing of frames.
 */
import {bytesOfHex} from '../../../crypto/hex.ts'
import {encodeIso0, isPan, isPin} from '../../../crypto/pin-block.ts'
import {hasOddParity, keyCheckValue, tdesDecrypt, tdesEncrypt} from '../../../crypto/tdes.ts'
import {CODE} from './bytes.ts'

/** A refusal, by its return code. */
export interface Refused {
  readonly kind: 'refused'
  readonly code: number
}

/** The key of published examples, for demonstrations, and no secret: 0123456789ABCDEFFEDCBA9876543210. */
export const DEMO_MASTER_KEY: Uint8Array = bytesOfHex('0123456789ABCDEFFEDCBA9876543210')

/** A PIN key as it came in: encrypted, under a master key. */
export interface LoadedKey {
  readonly masterIndex: number
  readonly index: number
  readonly encryptedKey: Uint8Array
}

export class SecureModule {
  readonly #masterKeys: Map<number, Uint8Array>
  readonly #pinKeys = new Map<number, Uint8Array>()
  readonly #loaded = new Map<number, LoadedKey>()
  #digits = ''
  #isTampered = false

  /** @param masterKeys by index, 16 or 24 bytes each */
  constructor(masterKeys: ReadonlyMap<number, Uint8Array>) {
    this.#masterKeys = new Map(masterKeys)
  }

  get isTampered(): boolean {
    return this.#isTampered
  }

  get hasMasterKey(): boolean {
    return this.#masterKeys.size > 0
  }

  /** What the battery keeps, still encrypted. */
  get loaded(): readonly LoadedKey[] {
    return [...this.#loaded.values()]
  }

  get pinKeyIndexes(): readonly number[] {
    return [...this.#pinKeys.keys()]
  }

  /** Digits of the PIN so far. */
  get digitCount(): number {
    return this.#digits.length
  }

  /** Deciphers and keeps a PIN key. @param encryptedKey 16 or 24 bytes */
  loadPinKey(
    masterIndex: number,
    index: number,
    encryptedKey: Uint8Array,
  ): {readonly kind: 'loaded'; readonly checkValue: string} | Refused {
    const master = this.#masterKeys.get(masterIndex)
    if (master === undefined) return refused(CODE.noMasterKey)
    if (encryptedKey.length !== 16 && encryptedKey.length !== 24) return refused(CODE.keyLength)
    const key = tdesDecrypt(master, encryptedKey)
    if (!hasOddParity(key)) return refused(CODE.parity)
    this.#pinKeys.set(index, key)
    this.#loaded.set(index, {masterIndex, index, encryptedKey})
    return {kind: 'loaded', checkValue: keyCheckValue(key)}
  }

  hasPinKey(index: number): boolean {
    return this.#pinKeys.has(index)
  }

  press(digit: string): void {
    this.#digits += digit
  }

  /** Takes the last digit back, or all. */
  erase(which: 'all' | 'last'): void {
    this.#digits = which === 'all' ? '' : this.#digits.slice(0, -1)
  }

  /** The format 0 block of the digits under a PIN key, and how many digits there were. @param pan digits, as sent */
  block(
    index: number,
    pan: string,
  ): {readonly kind: 'block'; readonly digits: number; readonly block: Uint8Array} | Refused {
    const key = this.#pinKeys.get(index)
    if (key === undefined) return refused(CODE.keyMissing)
    if (!isPin(this.#digits)) return refused(CODE.inputMode)
    if (!isPan(pan)) return refused(CODE.malformed)
    const block = tdesEncrypt(key, encodeIso0(this.#digits, pan))
    return {kind: 'block', digits: this.#digits.length, block}
  }

  /** Somebody opened the pad: every key and digit is gone for good. */
  tamper(): void {
    this.#isTampered = true
    this.#masterKeys.clear()
    this.#pinKeys.clear()
    this.#loaded.clear()
    this.#digits = ''
  }
}

function refused(code: number): Refused {
  return {kind: 'refused', code}
}
