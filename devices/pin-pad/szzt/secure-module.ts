/**
 * The inside of an emulated SZZT pad that nobody may look into: keys, and the digits of a PIN. Keys go in, in clear
 * or under one another; check values, a count of digits, encrypted PIN blocks, MACs and ciphertext come out. It
 * knows nothing of frames.
 */
import {bytesOfHex} from '../../../crypto/hex.ts'
import {macOf} from '../../../crypto/mac.ts'
import {
  encodeIso0,
  encodeIso1,
  encodeIso2,
  encodeIso3,
  isPan,
  isPin,
  PIN_PLACES,
} from '../../../crypto/pin-block.ts'
import {
  DES_BLOCK_BYTES,
  hasOddParity,
  keyCheckValue,
  singleDes,
  tdesCbcDecrypt,
  tdesCbcEncrypt,
  tdesDecrypt,
  tdesEncrypt,
} from '../../../crypto/tdes.ts'
import {BadInput} from '../../../kit/errors.ts'
import type {Random} from '../../../kit/random.ts'
import {AUTHENTICATION_BYTES, CODE, KEY_LENGTH, KEY_TYPE} from './bytes.ts'
import type {CipherType, KeyType, MAC_TYPE, PinFormat} from './bytes.ts'

/** A refusal, by its return code. */
export interface Refused {
  readonly kind: 'refused'
  readonly code: number
}

export type Loaded = {readonly kind: 'loaded'; readonly checkValue: string} | Refused
export type Made = {readonly kind: 'made'; readonly bytes: Uint8Array} | Refused

/** One key: 8, 16 or 24 bytes, and what it is for. */
export interface PadKey {
  readonly type: KeyType
  readonly key: Uint8Array
}

/**
 * A key as it is kept between two lives of an emulated pad: under the published master key, so that no file has a
 * key lying in clear. It protects nothing, as nothing there is worth it.
 */
export interface WrappedKey {
  readonly index: number
  readonly type: KeyType
  readonly wrapped: Uint8Array
}

/** The keys that lie wrapped. @throws BadInput where one has no odd parity, so that it cannot have been a key */
export function unwrapped(keys: readonly WrappedKey[]): ReadonlyMap<number, PadKey> {
  return new Map(
    keys.map(({index, type, wrapped}) => {
      const key = tdesDecrypt(DEMO_MASTER_KEY, wrapped)
      if (!hasOddParity(key))
        throw new BadInput(`keys: that of index ${index} is none under the published key`)
      return [index, {type, key}]
    }),
  )
}

/** The key of published examples, for demonstrations, and no secret: 0123456789ABCDEFFEDCBA9876543210. */
export const DEMO_MASTER_KEY: Uint8Array = bytesOfHex('0123456789ABCDEFFEDCBA9876543210')
/** The working key of the same examples: C1D0F8FB4958670DBA40AB1F3752EF0D. */
export const DEMO_PIN_KEY: Uint8Array = bytesOfHex('C1D0F8FB4958670DBA40AB1F3752EF0D')

export class SecureModule {
  readonly #keys: Map<number, PadKey>
  readonly #random: Random
  readonly #authenticationKey: Uint8Array
  #digits = ''
  #isTampered = false
  #challenge: Uint8Array | null = null
  #isAuthenticated = false

  /** @param keys by index @param authenticationKey 8 bytes */
  constructor(keys: ReadonlyMap<number, PadKey>, authenticationKey: Uint8Array, random: Random) {
    this.#keys = new Map(keys)
    this.#authenticationKey = singleDes(authenticationKey)
    this.#random = random
  }

  get isTampered(): boolean {
    return this.#isTampered
  }

  get isAuthenticated(): boolean {
    return this.#isAuthenticated
  }

  get hasInitialKey(): boolean {
    return this.#hasType(KEY_TYPE.initial)
  }

  /** What the battery keeps. */
  get wrapped(): readonly WrappedKey[] {
    return Array.from(this.#keys, ([index, {type, key}]) => ({
      index,
      type,
      wrapped: tdesEncrypt(DEMO_MASTER_KEY, key),
    }))
  }

  /** Indexes at which a PIN key lies. */
  get pinKeyIndexes(): readonly number[] {
    return [...this.#keys].filter(([, {type}]) => type === KEY_TYPE.pin).map(([index]) => index)
  }

  /** Digits of the PIN so far. */
  get digitCount(): number {
    return this.#digits.length
  }

  hasPinKey(index: number): boolean {
    return this.#keys.get(index)?.type === KEY_TYPE.pin
  }

  /** A key in clear. A master key wants an initial key there first, a working key a master key. */
  loadClear(index: number, type: KeyType, key: Uint8Array): Loaded {
    if (!KEY_LENGTH.has(key.length)) return refused(CODE.keyLength)
    if (type !== KEY_TYPE.initial) {
      if (!this.hasInitialKey) return refused(CODE.noInitialKey)
      if (type !== KEY_TYPE.master && !this.#hasType(KEY_TYPE.master)) return refused(CODE.noMasterKey)
    }
    return this.#keep(index, type, key)
  }

  /** A key under the key at another index, which must be a master key or the initial one. */
  loadUnder(masterIndex: number, index: number, type: KeyType, encryptedKey: Uint8Array): Loaded {
    const master = this.#keys.get(masterIndex)
    if (master === undefined || !(master.type === KEY_TYPE.master || master.type === KEY_TYPE.initial))
      return refused(CODE.noMasterKey)
    if (!KEY_LENGTH.has(encryptedKey.length)) return refused(CODE.keyLength)
    return this.#keep(index, type, tdesDecrypt(whole(master.key), encryptedKey))
  }

  #keep(index: number, type: KeyType, key: Uint8Array): Loaded {
    if (!hasOddParity(key)) return refused(CODE.parity)
    this.#keys.set(index, {type, key})
    return {kind: 'loaded', checkValue: keyCheckValue(whole(key))}
  }

  /** @returns whether there was one */
  erase(index: number): boolean {
    return this.#keys.delete(index)
  }

  /** Every key and digit gone; the pad itself stays well. */
  wipe(): void {
    this.#keys.clear()
    this.forget()
  }

  press(digit: string): void {
    this.#digits += digit
  }

  /** Takes the last digit back, or all. */
  takeBack(which: 'all' | 'last'): void {
    this.#digits = which === 'all' ? '' : this.#digits.slice(0, -1)
  }

  /** What does not outlive a power cut: digits, and who proved what. */
  forget(): void {
    this.#digits = ''
    this.#challenge = null
    this.#isAuthenticated = false
  }

  /** The block of the digits under a PIN key, and how many digits there were. @param pan digits, as sent */
  block(
    index: number,
    format: PinFormat,
    pan: string,
  ): {readonly kind: 'block'; readonly digits: number; readonly block: Uint8Array} | Refused {
    const held = this.#keys.get(index)
    if (held === undefined) return refused(CODE.keyMissing)
    if (held.type !== KEY_TYPE.pin) return refused(CODE.keyIncompatible)
    if (!isPin(this.#digits)) return refused(CODE.inputMode)
    if (bindsPan(format) && !isPan(pan)) return refused(CODE.malformed)
    const block = tdesEncrypt(whole(held.key), this.#clearBlock(format, pan))
    return {kind: 'block', digits: this.#digits.length, block}
  }

  /** The last block of the chain over the message, filled with zeros. */
  mac(index: number, how: keyof typeof MAC_TYPE, message: Uint8Array): Made {
    const held = this.#keys.get(index)
    if (held === undefined) return refused(CODE.keyMissing)
    if (held.type !== KEY_TYPE.mac) return refused(CODE.keyIncompatible)
    const key = whole(held.key)
    return made(macOf(how, how === 'desCbc' ? key.subarray(0, 2 * DES_BLOCK_BYTES) : key, message))
  }

  /** Enciphers or deciphers whole blocks with a key that is there for it, and with no other. */
  cipher(index: number, how: CipherType, blocks: Uint8Array): Made {
    const held = this.#keys.get(index)
    if (held === undefined) return refused(CODE.keyMissing)
    const isBack = how === 'ecbDecrypt' || how === 'cbcDecrypt'
    if (held.type !== KEY_TYPE.cipher && held.type !== (isBack ? KEY_TYPE.decrypt : KEY_TYPE.encrypt))
      return refused(CODE.keyIncompatible)
    return made(CIPHERS[how](whole(held.key), blocks))
  }

  /** Begins an authentication. @returns 16 bytes of chance */
  newChallenge(): Uint8Array {
    return this.#random.bytes(AUTHENTICATION_BYTES)
  }

  /** What the host gave, turned into the challenge by a key. @param given 16 bytes */
  turned(index: number, given: Uint8Array): Made {
    const held = this.#keys.get(index)
    if (held === undefined) return refused(CODE.keyMissing)
    this.#challenge = tdesEncrypt(whole(held.key), given)
    return made(this.#challenge)
  }

  /** Whether the host answered the challenge; the pad's own proof comes back. @param proof 16 bytes */
  prove(proof: Uint8Array): Made {
    const challenge = this.#challenge
    this.#challenge = null
    if (challenge === null || !Buffer.from(tdesEncrypt(this.#authenticationKey, challenge)).equals(proof))
      return refused(CODE.unauthenticated)
    this.#isAuthenticated = true
    return made(tdesEncrypt(this.#authenticationKey, proof))
  }

  /** Somebody opened the pad: every key and digit is gone for good. */
  tamper(): void {
    this.#isTampered = true
    this.wipe()
  }

  #clearBlock(format: PinFormat, pan: string): Uint8Array {
    const places = PIN_PLACES - this.#digits.length
    const fill = (symbols: string) =>
      Array.from({length: places}, () => symbols.charAt(this.#random.below(symbols.length))).join('')
    switch (format) {
      case 'iso0':
        return encodeIso0(this.#digits, pan)
      case 'iso1':
        return encodeIso1(this.#digits, fill('0123456789ABCDEF'))
      case 'iso2':
        return encodeIso2(this.#digits)
      // The digits and what fills them, nothing else; that it is F is assumed.
      case 'ibm3624':
        return bytesOfHex(this.#digits.padEnd(2 * DES_BLOCK_BYTES, 'F'))
      case 'iso3':
        return encodeIso3(this.#digits, pan, fill('ABCDEF'))
    }
  }

  #hasType(type: KeyType): boolean {
    return [...this.#keys.values()].some(held => held.type === type)
  }
}

const CIPHERS: Readonly<Record<CipherType, (key: Uint8Array, blocks: Uint8Array) => Uint8Array>> = {
  ecbEncrypt: tdesEncrypt,
  cbcEncrypt: tdesCbcEncrypt,
  ecbDecrypt: tdesDecrypt,
  cbcDecrypt: tdesCbcDecrypt,
}

/** Whether the card's number goes into the block. */
export function bindsPan(format: PinFormat): boolean {
  return format === 'iso0' || format === 'iso3'
}

/** A key of 8 bytes as the triple DES key that does the same. */
function whole(key: Uint8Array): Uint8Array {
  return key.length === DES_BLOCK_BYTES ? singleDes(key) : key
}

function made(bytes: Uint8Array): Made {
  return {kind: 'made', bytes}
}

function refused(code: number): Refused {
  return {kind: 'refused', code}
}
