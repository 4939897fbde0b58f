/**
 * What must never be written down: each person's card number, track and PIN are of digits that nothing else has, and are
 * looked for in every byte that the machine leaves behind.
 */

/** PINs shorter than this would be found by chance. */
const PIN_DIGITS_MIN = 9

export class Canaries {
  readonly #texts: readonly string[]
  readonly #any: RegExp

  constructor(people: readonly {readonly pan: string; readonly track2: string; readonly pin: string}[]) {
    const clear = people.flatMap(({pan, track2, pin}) => [
      pan,
      track2,
      ...(pin.length >= PIN_DIGITS_MIN ? [pin] : []),
    ])
    const hex = clear.map(text => Buffer.from(text, 'latin1').toString('hex'))
    this.#texts = [...clear, ...hex]
    this.#any = new RegExp(this.#texts.join('|'), 'i')
  }

  /** The first one in a text, by its last four characters; null when there is none. */
  inText(text: string): string | null {
    const found = this.#any.exec(text)?.[0]
    return found === undefined ? null : `...${found.slice(-4)}`
  }

  /** The first one in a file's bytes, as text or as the digits are packed two in a byte. */
  inBytes(bytes: Buffer): string | null {
    return this.inText(bytes.toString('latin1')) ?? this.#packedIn(bytes)
  }

  #packedIn(bytes: Buffer): string | null {
    const packed = this.#texts.find(
      text => /^[0-9]{16}$/.test(text) && bytes.includes(Buffer.from(text, 'hex')),
    )
    return packed === undefined ? null : `...${packed.slice(-4)}`
  }
}
