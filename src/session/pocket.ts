/**
 * The visit's secrets, and the only place they are: from the reader and the PIN pad to the bank, then gone.
 * Nothing here is ever journaled, logged or shown.
 */
import type {Secret} from '../../kit/secret.ts'

export class Pocket {
  #track2: Secret<string> | null = null
  #pinBlock: Secret<Uint8Array> | null = null
  #newPin: Secret<Uint8Array> | null = null
  #repeatedPin: Secret<Uint8Array> | null = null

  keepCard(track2: Secret<string>): void {
    this.#track2 = track2
  }

  keepPin(block: Secret<Uint8Array>): void {
    this.#pinBlock = block
  }

  /** The new PIN comes twice; a first one forgets what came before. */
  keepNewPin(block: Secret<Uint8Array>, isRepeated: boolean): void {
    if (!isRepeated) {
      this.#forgetNewPins()
      this.#newPin = block
    } else this.#repeatedPin = block
  }

  /** Both blocks of the new PIN, for as long as the bank may have to be asked again. */
  get newPins(): {readonly newPin: Secret<Uint8Array>; readonly repeatedPin: Secret<Uint8Array>} | null {
    const newPin = this.#newPin
    const repeatedPin = this.#repeatedPin
    return newPin === null || repeatedPin === null ? null : {newPin, repeatedPin}
  }

  #forgetNewPins(): void {
    this.#newPin?.reveal().fill(0)
    this.#repeatedPin?.reveal().fill(0)
    this.#newPin = null
    this.#repeatedPin = null
  }

  get track2(): Secret<string> | null {
    return this.#track2
  }

  /** The PIN block, once: it is good for one question to the bank. */
  takePin(): Secret<Uint8Array> | null {
    const block = this.#pinBlock
    this.#pinBlock = null
    return block
  }

  empty(): void {
    this.#pinBlock?.reveal().fill(0)
    this.#track2 = null
    this.#pinBlock = null
    this.#forgetNewPins()
  }
}

/** The card number as records may show it: first six, last four, the rest starred. */
export function maskedCard(track2: Secret<string>): string {
  const pan = panOf(track2)
  const digits = pan.reveal()
  return digits.slice(0, 6) + '*'.repeat(Math.max(0, digits.length - 10)) + digits.slice(-4)
}

/** The card number before the separator of track 2 (ISO/IEC 7813). */
export function panOf(track2: Secret<string>): Secret<string> {
  return track2.map(text => text.split('=')[0] ?? '')
}
