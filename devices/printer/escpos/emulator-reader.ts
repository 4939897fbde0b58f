/**
 * The emulated printer's ears: cuts what the host writes into commands, text and real-time requests. Real-time
 * ones are obeyed wherever they stand. Between commands they are taken out; in the middle of an image they are its
 * data as well, or what comes after the image would be eaten in their place.
 */
import {CR, DLE, ESC, FS, GS, LF, PROCESS_ID} from './bytes.ts'

/** What a real-time request asks: `DLE EOT n`, `DLE ENQ n`. */
export interface RealtimeRequest {
  readonly kind: 'realtime'
  readonly function: 'status' | 'recover'
  readonly n: number
}

/** What waits its turn. `command`: its code and arguments; image data is left out, its size in dots is told. */
export type Queued =
  | {readonly kind: 'text'; readonly bytes: readonly number[]}
  | {readonly kind: 'lineFeed'}
  | {readonly kind: 'command'; readonly bytes: readonly number[]}
  | {readonly kind: 'image'; readonly widthDots: number; readonly heightDots: number}
  /** A byte or command that no printer of the family knows; it is passed over. */
  | {readonly kind: 'unknown'; readonly bytes: readonly number[]}

/** Whole lengths of commands whose length is fixed, by their first bytes; the longest that fits counts. */
const LENGTHS: readonly (readonly [head: readonly number[], lengthBytes: number])[] = [
  // Two bytes: initialize, default line spacing, older status.
  ...[0x40, 0x32, 0x76].map(code => [[ESC, code], 2] as const),
  // Three: spaces, mode, underline, line spacing, feeds, font, alignment, bold, double strike, rotation, code page, invert.
  ...[
    0x20, 0x21, 0x2d, 0x33, 0x3d, 0x45, 0x47, 0x4a, 0x4d, 0x52, 0x56, 0x61, 0x64, 0x65, 0x72, 0x74, 0x7b,
  ].map(code => [[ESC, code], 3] as const),
  // Four: positions, sensors.
  ...[0x24, 0x5c].map(code => [[ESC, code], 4] as const),
  [[ESC, 0x63, 0x33], 4],
  [[ESC, 0x63, 0x34], 4],
  [[ESC, 0x63, 0x35], 4],
  [[ESC, 0x70], 5],
  ...[0x21, 0x42, 0x48, 0x49, 0x61, 0x62, 0x66, 0x68, 0x72, 0x77].map(code => [[GS, code], 3] as const),
  ...[0x4c, 0x50, 0x57].map(code => [[GS, code], 4] as const),
  // Chinese characters on and off.
  [[FS, 0x2e], 2],
  [[FS, 0x26], 2],
  [[FS, 0xc0, 0xaa, 0x0f, 0xee, 0x0b, 0x34], 7],
]

/** DLE, code, n. */
const REALTIME_BYTES = 3
/** Longest command kept while its end is waited for; images are counted, not kept. */
const HELD_BYTES_MAX = 64

export class HostReader {
  #held: number[] = []
  /** Bytes of an image or a block still to be passed over. */
  #skipBytes = 0
  #isAfterDle = false
  #realtime: number[] = []

  /** Takes bytes; says what they were, in order. */
  push(chunk: Uint8Array): readonly (Queued | RealtimeRequest)[] {
    const said: (Queued | RealtimeRequest)[] = []
    for (const byte of chunk) this.#take(byte, said)
    return joined(said)
  }

  reset(): void {
    this.#held = []
    this.#skipBytes = 0
    this.#isAfterDle = false
    this.#realtime = []
  }

  #take(byte: number, said: (Queued | RealtimeRequest)[]): void {
    if (this.#realtime.length > 0) {
      const [, code = 0] = this.#realtime
      this.#realtime = []
      this.#skipBytes = Math.max(0, this.#skipBytes - REALTIME_BYTES)
      said.push({kind: 'realtime', function: code === 0x04 ? 'status' : 'recover', n: byte})
      return
    }
    if (this.#isAfterDle) {
      this.#isAfterDle = false
      if (byte === 0x04 || byte === 0x05) {
        this.#realtime = [DLE, byte]
        return
      }
      this.#takeData(DLE, said)
    }
    if (byte === DLE) this.#isAfterDle = true
    else this.#takeData(byte, said)
  }

  #takeData(byte: number, said: (Queued | RealtimeRequest)[]): void {
    if (this.#skipBytes > 0) {
      this.#skipBytes -= 1
      return
    }
    this.#held.push(byte)
    const taken = this.#measure()
    if (taken === 'more' && this.#held.length < HELD_BYTES_MAX) return
    said.push(taken === 'more' ? {kind: 'unknown', bytes: this.#held} : taken)
    this.#held = []
  }

  #measure(): Queued | 'more' {
    const bytes = this.#held
    const [first = 0, second] = bytes
    if (first === LF) return {kind: 'lineFeed'}
    if (first === CR || first === 0x00) return {kind: 'text', bytes: []}
    if (first !== ESC && first !== GS && first !== FS) return {kind: 'text', bytes}
    if (second === undefined) return 'more'
    const long = this.#measureLong(bytes)
    if (long !== null) return long
    const fits = LENGTHS.filter(([head]) =>
      head.every((byte, at) => at >= bytes.length || bytes[at] === byte),
    )
    if (fits.length === 0) return {kind: 'unknown', bytes}
    const whole = fits.find(
      ([head, lengthBytes]) => bytes.length >= head.length && bytes.length >= lengthBytes,
    )
    return whole === undefined ? 'more' : {kind: 'command', bytes}
  }

  /** Commands that tell their own length: cuts, images, barcodes, functions. */
  #measureLong(bytes: readonly number[]): Queued | 'more' | null {
    const at = (index: number): number => bytes[index] ?? 0
    const [first, second] = bytes
    if (first === GS && second === 0x56) {
      if (bytes.length < 3) return 'more'
      const lengthBytes = [0x41, 0x42, 0x61, 0x62, 0x67, 0x68].includes(at(2)) ? 4 : 3
      return bytes.length < lengthBytes ? 'more' : {kind: 'command', bytes}
    }
    // GS v 0: m, width in bytes, height in dots, each low byte first.
    if (first === GS && second === 0x76) {
      if (bytes.length < 8) return 'more'
      const widthBytes = at(4) + at(5) * 256
      const heightDots = at(6) + at(7) * 256
      this.#skipBytes = widthBytes * heightDots
      return {kind: 'image', widthDots: widthBytes * 8, heightDots}
    }
    // ESC *: m, width in dots; 8 or 24 dots high.
    if (first === ESC && second === 0x2a) {
      if (bytes.length < 5) return 'more'
      const widthDots = at(3) + at(4) * 256
      const heightDots = at(2) >= 32 ? 24 : 8
      this.#skipBytes = (widthDots * heightDots) / 8
      return {kind: 'image', widthDots, heightDots}
    }
    // GS ( x: function blocks; GS k: barcodes, ended by 0 or counted.
    if (first === GS && second === 0x28) {
      if (bytes.length < 5) return 'more'
      const lengthBytes = at(3) + at(4) * 256
      // Function H has to be read whole: it is answered with what stands in it.
      if (at(2) === PROCESS_ID.head[2] && lengthBytes === PROCESS_ID.head[3])
        return bytes.length < PROCESS_ID.length ? 'more' : {kind: 'command', bytes}
      this.#skipBytes = lengthBytes
      return {kind: 'command', bytes}
    }
    if (first === GS && second === 0x6b) {
      if (bytes.length < 4) return 'more'
      if (at(2) >= 0x41) {
        this.#skipBytes = at(3)
        return {kind: 'command', bytes}
      }
      return at(bytes.length - 1) === 0 ? {kind: 'command', bytes} : 'more'
    }
    return null
  }
}

/** Text byte by byte becomes text. */
function joined(said: readonly (Queued | RealtimeRequest)[]): readonly (Queued | RealtimeRequest)[] {
  const result: (Queued | RealtimeRequest)[] = []
  let text: number[] | null = null
  for (const one of said) {
    if (one.kind !== 'text') {
      text = null
      result.push(one)
    } else if (text === null) {
      text = [...one.bytes]
      result.push({kind: 'text', bytes: text})
    } else text.push(...one.bytes)
  }
  return result
}
