/**
 * The inside of an emulated MagneSafe reader that encrypts: one key for each card, by DUKPT, and what the reader
 * shows of a track instead. It knows nothing of reports.
 *
 * Source: D99875475, "Security" and the worked examples of appendix D; the masking as the dump of example 9 has it.
 */
import {createHash} from 'node:crypto'
import {counterOf, dukptKey, initialKey, nextCounter, withCounter} from '../../../crypto/dukpt.ts'
import {bytesOfHex} from '../../../crypto/hex.ts'
import {macOf, withZeros} from '../../../crypto/mac.ts'
import {tdesCbcEncrypt} from '../../../crypto/tdes.ts'
import type {Track} from '../port.ts'

/** The base key and key name of the published examples, for demonstrations, and no secret. */
export const DEMO_BASE_KEY: Uint8Array = bytesOfHex('0123456789ABCDEFFEDCBA9876543210')
export const DEMO_KSN: Uint8Array = bytesOfHex('FFFF9876543210E00001')

export const MAC_BYTES = 4

export class CardCipher {
  readonly #initial: Uint8Array
  #ksn: Uint8Array
  #isExhausted = false

  /** @param counter of the key that comes next, 1 or more */
  constructor(baseKey: Uint8Array, ksn: Uint8Array, counter: number) {
    this.#initial = initialKey(baseKey, ksn)
    this.#ksn = withCounter(ksn, counter)
  }

  /** Name and counter of the key that comes next. */
  get ksn(): Uint8Array {
    return this.#ksn
  }

  get counter(): number {
    return counterOf(this.#ksn)
  }

  get isExhausted(): boolean {
    return this.#isExhausted
  }

  /** Ciphertext under the PIN variant of the present key, filled with zeros to whole blocks; nothing of nothing. */
  encrypt(clear: Uint8Array): Uint8Array {
    if (clear.length === 0) return clear
    return tdesCbcEncrypt(dukptKey('pin', this.#initial, this.#ksn), withZeros(clear))
  }

  /** The left four bytes of the retail MAC over a command, under the MAC key of the present key. */
  mac(message: Uint8Array): Uint8Array {
    return macOf('retail', dukptKey('macRequest', this.#initial, this.#ksn), message).slice(0, MAC_BYTES)
  }

  /** The present key is spent. */
  advance(): void {
    const next = nextCounter(this.counter)
    if (next === null) this.#isExhausted = true
    else this.#ksn = withCounter(this.#ksn, next)
  }
}

/** First and last digits of a card number that may be shown. */
const SHOWN_DIGITS = 4

/** A track with its sentinels as it may be shown: of the number the ends, of the rest name and expiry. */
export function masked(track: Track, text: string): string {
  if (track === 1) {
    const [head = '', name = '', rest = ''] = text.split('^')
    if (rest === '') return text.replace(/[^%?]/g, '0')
    return `${head.slice(0, 2)}${maskedNumber(head.slice(2))}^${name}^${maskedRest(rest, 4)}`
  }
  const at = text.indexOf('=')
  if (at < 0) return text.replace(/[^;?]/g, '0')
  return `${text.slice(0, 1)}${maskedNumber(text.slice(1, at))}=${maskedRest(text.slice(at + 1), track === 2 ? 4 : 0)}`
}

function maskedNumber(number: string): string {
  if (number.length <= 2 * SHOWN_DIGITS) return '0'.repeat(number.length)
  const hidden = '0'.repeat(number.length - 2 * SHOWN_DIGITS)
  return number.slice(0, SHOWN_DIGITS) + hidden + number.slice(-SHOWN_DIGITS)
}

/** What follows the separator, end sentinel included. */
function maskedRest(rest: string, shown: number): string {
  const content = rest.slice(0, -1)
  return `${content.slice(0, shown).padEnd(content.length, '0')}?`
}

/** Of track 2 with its sentinels, as a host finds a card again without its number; zeros without a track. */
export function hashOf(track2: string): Uint8Array {
  return track2 === '' ? new Uint8Array(20) : createHash('sha1').update(track2, 'latin1').digest()
}
