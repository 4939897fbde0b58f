/**
 * Cuts a stream of bytes into frames. Pure: bytes and their time go in, verdicts come out; it sets no
 * timers and keeps at most one frame's worth of bytes. What a frame looks like is a FrameShape (shapes.ts).
 *
 * A byte that came inside a broken frame is never reported as a control: a damaged answer must not look
 * like the acknowledgement or refusal of a command.
 */

/** Bytes that are no frame: stray ones, a frame whose check failed, one longer than allowed, one that stopped midway. */
export type GarbageWhy = 'noise' | 'checksum' | 'too-long' | 'stalled'

export type Verdict =
  /** A whole frame with its envelope, checked. */
  | {readonly kind: 'frame'; readonly bytes: Uint8Array}
  /** A single byte outside any frame that means something by itself: ACK, NAK, a key press. */
  | {readonly kind: 'control'; readonly byte: number}
  | {readonly kind: 'garbage'; readonly why: GarbageWhy; readonly bytes: Uint8Array}

/** What the bytes from a possible frame start on amount to, so far. */
export type Measure =
  | {readonly kind: 'more'}
  /** A good frame ends after so many bytes. */
  | {readonly kind: 'frame'; readonly lengthBytes: number}
  /** Whatever follows, this will never be a frame. */
  | {readonly kind: 'broken'; readonly why: 'noise' | 'checksum' | 'too-long'}

/** The grammar of one link layer, seen from the side that receives. */
export interface FrameShape {
  /** Whether a frame may begin with this byte. */
  starts(byte: number): boolean
  /** Judges bytes of which the first one starts a frame. Every shorter part of a good frame wants `more`. */
  measure(bytes: Uint8Array): Measure
  /** Whether this byte, outside any frame, means something by itself. Asked only of bytes that start no frame. */
  isControl(byte: number): boolean
  readonly frameBytesMax: number
  /** Longest time from a frame's first byte to its last. */
  readonly frameTimeMaxMs: number
  /** Longest silence inside a frame; only the whole frame's time counts when left out. */
  readonly byteGapMaxMs?: number
}

export class Framer {
  readonly #shape: FrameShape
  readonly #store: Uint8Array
  #heldBytes = 0
  #startedAtMs = 0
  #lastAtMs = 0
  #noise: number[] = []

  constructor(shape: FrameShape) {
    this.#shape = shape
    this.#store = new Uint8Array(shape.frameBytesMax)
  }

  /** Takes bytes that arrived at that moment, in any chunking. */
  push(chunk: Uint8Array, atMs: number): Verdict[] {
    const verdicts = this.idle(atMs)
    if (this.#heldBytes === 0 && this.#isFrame(chunk)) {
      this.#lastAtMs = atMs
      verdicts.push({kind: 'frame', bytes: chunk.slice()})
      return verdicts
    }
    for (const byte of chunk) this.#take(byte, atMs, verdicts)
    this.#flushNoise(verdicts)
    return verdicts
  }

  /** Says that it is now that late; a frame begun too long ago becomes garbage. */
  idle(atMs: number): Verdict[] {
    const verdicts: Verdict[] = []
    for (
      let stallsAtMs = this.stallsAtMs;
      stallsAtMs !== null && atMs >= stallsAtMs;
      stallsAtMs = this.stallsAtMs
    ) {
      this.#giveUp('stalled', verdicts)
      this.#settle(verdicts)
    }
    this.#flushNoise(verdicts)
    return verdicts
  }

  /** When `idle` should be called if nothing arrives before, or null when no frame is under way. */
  get stallsAtMs(): number | null {
    if (this.#heldBytes === 0) return null
    const {frameTimeMaxMs, byteGapMaxMs = frameTimeMaxMs} = this.#shape
    return Math.min(this.#startedAtMs + frameTimeMaxMs, this.#lastAtMs + byteGapMaxMs)
  }

  /** Bytes kept, never more than the shape's `frameBytesMax`. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Forgets a frame under way. */
  reset(): void {
    this.#heldBytes = 0
  }

  /** Whether it is just one frame, as it nearly always is: byte by byte nothing else would come of it. */
  #isFrame(chunk: Uint8Array): boolean {
    const [first] = chunk
    if (first === undefined || !this.#shape.starts(first) || chunk.length > this.#shape.frameBytesMax)
      return false
    const measure = this.#shape.measure(chunk)
    return measure.kind === 'frame' && measure.lengthBytes === chunk.length
  }

  get #held(): Uint8Array {
    return this.#store.subarray(0, this.#heldBytes)
  }

  #take(byte: number, atMs: number, verdicts: Verdict[]): void {
    this.#lastAtMs = atMs
    if (this.#heldBytes === 0) {
      if (!this.#shape.starts(byte)) {
        this.#outside(byte, verdicts)
        return
      }
      this.#startedAtMs = atMs
    }
    this.#store[this.#heldBytes] = byte
    this.#heldBytes += 1
    this.#settle(verdicts)
  }

  #outside(byte: number, verdicts: Verdict[]): void {
    if (!this.#shape.isControl(byte)) {
      this.#noise.push(byte)
      return
    }
    this.#flushNoise(verdicts)
    verdicts.push({kind: 'control', byte})
  }

  #settle(verdicts: Verdict[]): void {
    while (this.#heldBytes > 0) {
      const measure = this.#shape.measure(this.#held)
      if (measure.kind === 'more') {
        if (this.#heldBytes < this.#shape.frameBytesMax) return
        this.#giveUp('too-long', verdicts)
      } else if (measure.kind === 'broken') {
        this.#giveUp(measure.why, verdicts)
      } else {
        this.#emitFrame(measure.lengthBytes, verdicts)
      }
    }
  }

  #emitFrame(lengthBytes: number, verdicts: Verdict[]): void {
    this.#flushNoise(verdicts)
    verdicts.push({kind: 'frame', bytes: this.#held.slice(0, lengthBytes)})
    // Only a frame found again inside a broken one leaves bytes behind it.
    const rest = this.#held.slice(lengthBytes)
    this.#heldBytes = 0
    for (const byte of rest) this.#take(byte, this.#lastAtMs, verdicts)
  }

  /** Drops the broken frame, up to the next place in it where a frame may begin. */
  #giveUp(why: GarbageWhy, verdicts: Verdict[]): void {
    const held = this.#held.slice()
    let at = 1
    while (at < held.length && !this.#mayBegin(held.subarray(at))) at += 1
    this.#flushNoise(verdicts)
    verdicts.push({kind: 'garbage', why, bytes: held.slice(0, at)})
    this.#store.set(held.subarray(at))
    this.#heldBytes = held.length - at
    this.#startedAtMs = this.#lastAtMs
  }

  #mayBegin(bytes: Uint8Array): boolean {
    const [first] = bytes
    return first !== undefined && this.#shape.starts(first) && this.#shape.measure(bytes).kind !== 'broken'
  }

  #flushNoise(verdicts: Verdict[]): void {
    if (this.#noise.length === 0) return
    verdicts.push({kind: 'garbage', why: 'noise', bytes: Uint8Array.from(this.#noise)})
    this.#noise = []
  }
}
