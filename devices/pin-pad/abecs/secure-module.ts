/**
 * The inside of an emulated ABECS pad that nobody may look into: master keys and DUKPT keys in their slots, those for
 * PINs apart from those for data, and the digits of a PIN. Encrypted working keys come in with each request;
 * ciphertext, PIN blocks and KSNs come out. It knows nothing of packets.
 */
import {dukptKey, initialKey, nextCounter, withCounter} from '../../../crypto/dukpt.ts'
import type {DukptUse} from '../../../crypto/dukpt.ts'
import {bytesOfHex} from '../../../crypto/hex.ts'
import {encodeIso0} from '../../../crypto/pin-block.ts'
import {DES_BLOCK_BYTES, tdesCbcEncrypt, tdesDecrypt, tdesEncrypt} from '../../../crypto/tdes.ts'

/** Slots of each kind: the published text asks for 64 at least. */
export const SLOT_COUNT = 64

/** The published key, for demonstrations, and no secret. */
export const DEMO_KEY: Uint8Array = bytesOfHex('0123456789ABCDEFFEDCBA9876543210')
const DEMO_KSN: Uint8Array = bytesOfHex('FFFF9876543210E00000')

/** One DUKPT slot: the key it began with, its name, and how far it has come. */
export interface DukptSlot {
  readonly initial: Uint8Array
  readonly ksn: Uint8Array
  /** Of the last key used; 0 when none was. */
  readonly counter: number
}

export interface SlotKeys {
  /** 16 bytes each, by slot. */
  readonly masterPin: ReadonlyMap<number, Uint8Array>
  readonly masterData: ReadonlyMap<number, Uint8Array>
  readonly dukptPin: ReadonlyMap<number, DukptSlot>
  readonly dukptData: ReadonlyMap<number, DukptSlot>
}
export type SlotKind = keyof SlotKeys
export const SLOT_KINDS: readonly SlotKind[] = ['masterPin', 'masterData', 'dukptPin', 'dukptData']

/** The published keys where the published examples use them: slot 1, and slot 7 for data. */
export function demoSlots(): SlotKeys {
  const dukpt: DukptSlot = {initial: initialKey(DEMO_KEY, DEMO_KSN), ksn: DEMO_KSN, counter: 0}
  return {
    masterPin: new Map([[1, DEMO_KEY]]),
    masterData: new Map([
      [1, DEMO_KEY],
      [7, DEMO_KEY],
    ]),
    dukptPin: new Map([[1, dukpt]]),
    dukptData: new Map([
      [1, dukpt],
      [7, dukpt],
    ]),
  }
}

/** `ksn` is null unless the key is a DUKPT key. */
export interface Enciphered {
  readonly bytes: Uint8Array
  readonly ksn: Uint8Array | null
}

export class SecureModule {
  readonly #masters: {
    readonly masterPin: Map<number, Uint8Array>
    readonly masterData: Map<number, Uint8Array>
  }
  readonly #dukpts: {readonly dukptPin: Map<number, DukptSlot>; readonly dukptData: Map<number, DukptSlot>}
  #digits = ''

  constructor(keys: SlotKeys) {
    this.#masters = {masterPin: new Map(keys.masterPin), masterData: new Map(keys.masterData)}
    this.#dukpts = {dukptPin: new Map(keys.dukptPin), dukptData: new Map(keys.dukptData)}
  }

  /** All that it keeps, for the next life of the pad. */
  get keys(): SlotKeys {
    return {
      masterPin: new Map(this.#masters.masterPin),
      masterData: new Map(this.#masters.masterData),
      dukptPin: new Map(this.#dukpts.dukptPin),
      dukptData: new Map(this.#dukpts.dukptData),
    }
  }

  has(kind: SlotKind, slot: number): boolean {
    return kind === 'masterPin' || kind === 'masterData'
      ? this.#masters[kind].has(slot)
      : this.#nextKsn(this.#dukpts[kind].get(slot)) !== null
  }

  /** A hundred characters: `1` with a key, `0` without, `2` where there is no slot. */
  map(kind: SlotKind): string {
    return Array.from({length: 100}, (_, slot) =>
      slot >= SLOT_COUNT ? '2' : this.has(kind, slot) ? '1' : '0',
    ).join('')
  }

  /** What the next use of the slot will be named; null without a key, or when its keys are used up. */
  nextKsn(kind: 'dukptPin' | 'dukptData', slot: number): Uint8Array | null {
    return this.#nextKsn(this.#dukpts[kind].get(slot))?.ksn ?? null
  }

  get digitCount(): number {
    return this.#digits.length
  }

  press(digit: string): void {
    this.#digits += digit
  }

  takeBack(which: 'all' | 'last'): void {
    this.#digits = which === 'all' ? '' : this.#digits.slice(0, -1)
  }

  /** The format 0 block of the digits, which are forgotten; null when the slot is empty. @param workingKey null for DUKPT */
  pinBlock(slot: number, workingKey: Uint8Array | null, pan: string): Enciphered | null {
    const used =
      workingKey === null
        ? this.#useDukpt('dukptPin', slot, 'pin')
        : this.#open('masterPin', slot, workingKey)
    if (used === null) return null
    const block = encodeIso0(this.#digits, pan)
    this.takeBack('all')
    return {bytes: tdesEncrypt(used.key, block), ksn: used.ksn}
  }

  /**
   * Whole blocks, each by itself or chained; null when the slot is empty.
   * @param key the working key under the master key of that slot, or the variant of the DUKPT key
   */
  encipher(
    slot: number,
    key: Uint8Array | DukptUse,
    chain: 'ecb' | 'cbc',
    blocks: Uint8Array,
    initial: Uint8Array,
  ): Enciphered | null {
    const used =
      typeof key === 'string' ? this.#useDukpt('dukptData', slot, key) : this.#open('masterData', slot, key)
    if (used === null) return null
    const bytes = chain === 'ecb' ? tdesEncrypt(used.key, blocks) : tdesCbcEncrypt(used.key, blocks, initial)
    return {bytes, ksn: used.ksn}
  }

  /** Somebody opened the pad: every key and digit is gone for good. */
  wipe(): void {
    this.#masters.masterPin.clear()
    this.#masters.masterData.clear()
    this.#dukpts.dukptPin.clear()
    this.#dukpts.dukptData.clear()
    this.takeBack('all')
  }

  #open(
    kind: 'masterPin' | 'masterData',
    slot: number,
    workingKey: Uint8Array,
  ): {readonly key: Uint8Array; readonly ksn: null} | null {
    const master = this.#masters[kind].get(slot)
    return master === undefined ? null : {key: tdesDecrypt(master, workingKey), ksn: null}
  }

  /** The next key of the slot, used up by being used. */
  #useDukpt(
    kind: 'dukptPin' | 'dukptData',
    slot: number,
    use: DukptUse,
  ): {readonly key: Uint8Array; readonly ksn: Uint8Array} | null {
    const held = this.#dukpts[kind].get(slot)
    const next = this.#nextKsn(held)
    if (held === undefined || next === null) return null
    this.#dukpts[kind].set(slot, {...held, counter: next.counter})
    return {key: dukptKey(use, held.initial, next.ksn), ksn: next.ksn}
  }

  #nextKsn(held: DukptSlot | undefined): {readonly counter: number; readonly ksn: Uint8Array} | null {
    const counter = held === undefined ? null : nextCounter(held.counter)
    return held === undefined || counter === null ? null : {counter, ksn: withCounter(held.ksn, counter)}
  }
}

/** Zeros, where a chain begins without anything before it. */
export const NO_INITIAL: Uint8Array = new Uint8Array(DES_BLOCK_BYTES)
