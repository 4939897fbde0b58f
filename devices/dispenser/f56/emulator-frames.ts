/** The emulated F53/F56's own reading and writing of bytes: nothing here is shared with the driver. */

/** What the host said. `damaged`: a text whose check, closing or length is wrong. */
export type HostSaid =
  | {readonly kind: 'enq' | 'ack' | 'nak' | 'damaged'}
  | {readonly kind: 'text'; readonly data: readonly number[]}

const TEXT_DATA_MAX = 512
/** A text that takes longer than this from its first byte is given up. */
const TEXT_TIME_MS = 2_000

/** Cuts the host's bytes into tokens and texts; a text ends where its length says, whatever stands in it. */
export class HostReader {
  #held: number[] = []
  #sinceMs = 0

  push(chunk: Uint8Array, atMs: number): readonly HostSaid[] {
    const said: HostSaid[] = []
    if (this.#held.length > 0 && atMs - this.#sinceMs > TEXT_TIME_MS) {
      said.push({kind: 'damaged'})
      this.#held = []
    }
    for (const byte of chunk) {
      if (this.#held.length === 0) this.#sinceMs = atMs
      this.#held.push(byte)
      this.#cut(said)
    }
    return said
  }

  reset(): void {
    this.#held = []
  }

  #cut(said: HostSaid[]): void {
    for (;;) {
      const held = this.#held
      const start = held.indexOf(0x10)
      if (start !== 0) {
        this.#held = start < 0 ? [] : held.slice(start)
        if (start < 0) return
        continue
      }
      const [, second, high = 0, low = 0] = held
      if (second === undefined) return
      if (second === 0x05 || second === 0x06 || second === 0x15) {
        said.push({kind: second === 0x05 ? 'enq' : second === 0x06 ? 'ack' : 'nak'})
        this.#held = held.slice(2)
        continue
      }
      if (second !== 0x02) {
        this.#held = held.slice(1)
        continue
      }
      if (held.length < 4) return
      const size = high * 256 + low
      if (size > TEXT_DATA_MAX) {
        said.push({kind: 'damaged'})
        this.#held = held.slice(2)
        continue
      }
      if (held.length < size + 8) return
      said.push(textIn(held.slice(0, size + 8)))
      this.#held = held.slice(size + 8)
    }
  }
}

function textIn(frame: readonly number[]): HostSaid {
  const end = frame.length - 4
  const check = kermit(frame.slice(2, end + 2))
  const isWhole =
    frame[end] === 0x10 &&
    frame[end + 1] === 0x03 &&
    frame[end + 2] === check % 256 &&
    frame[end + 3] === Math.floor(check / 256)
  return isWhole ? {kind: 'text', data: frame.slice(4, end)} : {kind: 'damaged'}
}

/** A whole text around that data. */
export function textFrame(data: readonly number[]): Uint8Array {
  const inner = [Math.floor(data.length / 256), data.length % 256, ...data, 0x10, 0x03]
  const check = kermit(inner)
  return Uint8Array.from([0x10, 0x02, ...inner, check % 256, Math.floor(check / 256)])
}

/** Remainders of single bytes, low bit first, for x^16 + x^12 + x^5 + 1. */
const TABLE: readonly number[] = Array.from({length: 256}, (_, byte) => {
  let rest = byte
  for (let step = 0; step < 8; step++) rest = rest % 2 === 1 ? ((rest - 1) / 2) ^ 0x8408 : rest / 2
  return rest
})

function kermit(bytes: readonly number[]): number {
  return bytes.reduce((sum, byte) => (TABLE[(sum ^ byte) % 256] ?? 0) ^ Math.floor(sum / 256), 0)
}

/** The ten digits as they stand on the wire, each with an even number of ones. */
const DIGITS = [0x30, 0xb1, 0xb2, 0x33, 0xb4, 0x35, 0x36, 0xb7, 0xb8, 0x39]

/** Two digits of a count; more than 99 cannot be said, and says 99. */
export function writeCount(count: number): readonly number[] {
  const told = Math.min(99, count)
  return [DIGITS[Math.floor(told / 10)] ?? 0x30, DIGITS[told % 10] ?? 0x30]
}

/** The count that two digits say; null for a digit without its parity, or none at all. */
export function readCount(bytes: readonly number[]): number | null {
  const [tens, ones] = bytes.map(byte => DIGITS.indexOf(byte))
  return tens === undefined || ones === undefined || tens < 0 || ones < 0 ? null : tens * 10 + ones
}
