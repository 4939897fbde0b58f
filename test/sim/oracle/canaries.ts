/**
 * What must never be written down: each person's card number, track and PIN are of digits that nothing else has, and are
 * looked for in every byte that the machine leaves behind.
 */

/** PINs shorter than this would be found by chance. */
const PIN_DIGITS_MIN = 9
const PAN_DIGITS = 16
const HEAD_DIGITS = 8

export class Canaries {
  readonly #any: RegExp
  readonly #base64: RegExp
  readonly #pans: ReadonlySet<string>
  /** What the packed card numbers begin with: looked for first, because it is seldom there. */
  readonly #packedHeads: readonly Buffer[]

  constructor(people: readonly {readonly pan: string; readonly track2: string; readonly pin: string}[]) {
    const clear = people.flatMap(({pan, track2, pin}) => [
      pan,
      track2,
      ...(pin.length >= PIN_DIGITS_MIN ? [pin] : []),
    ])
    const hex = clear.map(text => Buffer.from(text, 'latin1').toString('hex'))
    this.#any = new RegExp([...clear, ...hex].join('|'), 'i')
    this.#base64 = new RegExp(clear.flatMap(base64Within).join('|'))
    this.#pans = new Set(people.map(({pan}) => pan))
    const heads = new Set(people.map(({pan}) => pan.slice(0, HEAD_DIGITS)))
    this.#packedHeads = [...heads].map(head => Buffer.from(head, 'hex'))
  }

  /** The first one in a text, by its last four characters; null when there is none. */
  inText(text: string): string | null {
    const found = this.#any.exec(text)?.[0]
    return found === undefined ? null : `...${found.slice(-4)}`
  }

  /** The first one in a text in whatever form, base64 and hexadecimal with spaces (as transcripts are written) with it. */
  inAnyForm(text: string): string | null {
    const plain = this.inText(text) ?? this.inText(text.replaceAll(' ', ''))
    const found = this.#base64.exec(text)?.[0]
    return plain ?? (found === undefined ? null : `${found.slice(-4)} in base64`)
  }

  /** The first one in a file's bytes, as text or as the digits are packed two in a byte. */
  inBytes(bytes: Buffer): string | null {
    return this.inText(bytes.toString('latin1')) ?? this.#packedIn(bytes)
  }

  #packedIn(bytes: Buffer): string | null {
    for (const head of this.#packedHeads)
      for (let at = bytes.indexOf(head); at >= 0; at = bytes.indexOf(head, at + 1)) {
        const digits = bytes.toString('hex', at, at + PAN_DIGITS / 2)
        if (this.#pans.has(digits)) return `...${digits.slice(-4)}`
      }
    return null
  }
}

/** How base64 writes the text inside a longer one, wherever it begins there: without the characters that its neighbours share. */
function base64Within(text: string): readonly string[] {
  return [0, 1, 2].map(before => {
    const whole = Buffer.from(`${'\0'.repeat(before)}${text}`, 'latin1').toString('base64')
    const sure = whole.slice(Math.ceil((before * 8) / 6), Math.floor(((before + text.length) * 8) / 6))
    return sure.replaceAll('+', '\\+')
  })
}
