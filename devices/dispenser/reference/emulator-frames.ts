/** Reference dispenser seen from the device: host bytes in, answer frames out. Shares nothing with the driver's codec. */

/** What the host said; `text` split at its semicolons. */
export type HostSaid =
  | {readonly kind: 'command'; readonly words: readonly string[]}
  | {readonly kind: 'damaged'}
  | {readonly kind: 'ack' | 'nak' | 'stray'}

const TEXT_BYTES_MAX = 100
const FRAME_TIME_MAX_MS = 200

export class HostReader {
  #held: number[] = []
  #startedAtMs = 0

  push(chunk: Uint8Array, atMs: number): readonly HostSaid[] {
    if (this.#held.length > 0 && atMs - this.#startedAtMs >= FRAME_TIME_MAX_MS) this.reset()
    const said: HostSaid[] = []
    for (const byte of chunk) {
      const one = this.#held.length === 0 ? this.#first(byte, atMs) : this.#next(byte)
      if (one !== null) said.push(one)
    }
    return said
  }

  reset(): void {
    this.#held = []
  }

  #first(byte: number, atMs: number): HostSaid | null {
    if (byte === 0x06) return {kind: 'ack'}
    if (byte === 0x15) return {kind: 'nak'}
    if (byte !== 0x02) return {kind: 'stray'}
    this.#held = [byte]
    this.#startedAtMs = atMs
    return null
  }

  #next(byte: number): HostSaid | null {
    this.#held.push(byte)
    const [, high = 0, low = 0] = this.#held
    if (this.#held.length < 3) return null
    const textBytes = high * 256 + low
    if (textBytes > TEXT_BYTES_MAX) {
      this.reset()
      return {kind: 'damaged'}
    }
    if (this.#held.length < textBytes + 5) return null
    const held = this.#held
    this.reset()
    const check = held.slice(0, -1).reduce((sum, one) => sum ^ one, 0)
    if (held.at(-2) !== 0x03 || held.at(-1) !== check) return {kind: 'damaged'}
    return {kind: 'command', words: String.fromCharCode(...held.slice(3, -2)).split(';')}
  }
}

/** `02 LEN LEN text 03 BCC`. */
export function answerFrame(text: string): Uint8Array {
  const bytes = [0x02, Math.floor(text.length / 256), text.length % 256]
  for (const char of text) bytes.push(char.charCodeAt(0))
  bytes.push(0x03)
  bytes.push(bytes.reduce((sum, byte) => sum ^ byte, 0))
  return Uint8Array.from(bytes)
}

/** `1=3` as cassette and count, or null. */
export function readPick(word: string): {readonly cassette: number; readonly count: number} | null {
  const [cassette = '', count = '', ...more] = word.split('=')
  const isNumber = /^[0-9]{1,3}$/
  if (more.length > 0 || !isNumber.test(cassette) || !isNumber.test(count)) return null
  return {cassette: Number(cassette), count: Number(count)}
}
