/**
 * The PIN pad's master key in two halves, which two people bring and nobody has together: each types their own into a
 * log-in of their own, the halves meet in memory on their way into the pad, and check values are all that is shown.
 * The first half waits in memory alone, for a while, and a power cut forgets it.
 */
import {bytesOfHex} from '../../crypto/hex.ts'
import {keyCheckValue} from '../../crypto/tdes.ts'
import {xored} from '../../crypto/xor.ts'
import type {Clock, Timer} from '../../kit/clock.ts'
import type {Secret} from '../../kit/secret.ts'

/** How long the first half waits for the second. Chosen: the way to a second safe in the same house. */
export const HALF_WAIT_MS = 30 * 60_000
/** A double- or triple-length triple DES key in hexadecimal. */
const HALF = /^([0-9A-Fa-f]{32}|[0-9A-Fa-f]{48})$/

export type HalfTaken =
  /** It waits for the other. */
  | {readonly kind: 'first'}
  /** Both are there, and forgotten here. */
  | {
      readonly kind: 'whole'
      readonly key: Secret<Uint8Array>
      readonly checkValue: string
      readonly first: string
    }
  | {readonly kind: 'refused'; readonly why: string}

interface Half {
  readonly person: string
  readonly bytes: Secret<Uint8Array>
}

export class Ceremony {
  readonly #clock: Clock
  #first: Half | null = null
  #timer: Timer | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whose half waits; null while none does. */
  get waitingFor(): string | null {
    return this.#first?.person ?? null
  }

  /**
   * @param typed the half, 32 or 48 hexadecimal digits
   * @param checkValue of the half, as it is printed beside it: a half that was mistyped goes no further
   */
  take(person: string, typed: Secret<string>, checkValue: string): HalfTaken {
    const isHalf = typed.map(text => HALF.test(text)).reveal()
    if (!isHalf) return {kind: 'refused', why: 'a half has 32 or 48 hexadecimal digits'}
    const bytes = typed.map(bytesOfHex)
    if (bytes.map(keyCheckValue).reveal() !== checkValue.toUpperCase())
      return {kind: 'refused', why: 'half and check value do not fit: one of them is mistyped'}
    const first = this.#first
    if (first === null) {
      this.#first = {person, bytes}
      this.#timer = this.#clock.after(HALF_WAIT_MS, () => {
        this.forget()
      })
      return {kind: 'first'}
    }
    if (first.person === person) {
      bytes.reveal().fill(0)
      return {kind: 'refused', why: 'the other half is for another person to bring'}
    }
    const isAsLong = first.bytes.reveal().length === bytes.reveal().length
    const key = isAsLong ? first.bytes.map(half => xored(half, bytes.reveal())) : null
    bytes.reveal().fill(0)
    this.forget()
    if (key === null) return {kind: 'refused', why: 'the halves are not equally long; both are forgotten'}
    return {kind: 'whole', key, checkValue: key.map(keyCheckValue).reveal(), first: first.person}
  }

  /** The half that waits, if any, is gone from memory. */
  forget(): void {
    this.#first?.bytes.reveal().fill(0)
    this.#first = null
    this.#timer?.cancel()
  }
}
