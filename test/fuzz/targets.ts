/** What a decoder must do with any input, for the three kinds of decoders: framers, readers of host frames, pure functions. */
import {Framer} from '../../devices/wire/framer.ts'
import type {FrameShape, Verdict} from '../../devices/wire/framer.ts'
import {joined} from './input.ts'
import type {Input} from './input.ts'

export interface Target {
  readonly name: string
  /** What inputs are made of. */
  readonly good: readonly Uint8Array[]
  /** Feeds one input to a new decoder. @returns null, or what did not hold. What the decoder throws is passed on. */
  readonly run: (input: Input) => string | null | Promise<string | null>
  /** One decoder that lives on, where nothing else tells how much it holds; what it says is dropped. */
  readonly flood?: () => (bytes: Uint8Array) => void
}

/** Longer than any frame may take. */
const SILENCE_MS = 600_000

/**
 * A framer: every byte comes out once and in order, or is still held; it holds at most one frame; after silence a
 * good frame comes out alone, and right behind garbage it is not taken for garbage.
 */
export function framed(name: string, shape: FrameShape, frames: readonly Uint8Array[]): Target {
  const good = frames.filter(frame => {
    const [verdict, ...more] = new Framer(shape).push(frame, 0)
    return verdict?.kind === 'frame' && more.length === 0
  })
  return {
    name,
    good,
    run: input => {
      const framer = new Framer(shape)
      const out = new Out()
      let atMs = 0
      for (const {bytes, gapMs} of input.chunks) {
        atMs += gapMs
        out.take(framer.push(bytes, atMs))
        if (framer.heldBytes > shape.frameBytesMax) return `holds ${framer.heldBytes} bytes`
      }
      const next = input.more.one(good)
      const isAtOnce = input.more.below(2) === 0
      if (!isAtOnce) out.take(framer.idle(atMs + SILENCE_MS))
      const fromByte = joined(input).length
      const verdicts = framer.push(next, isAtOnce ? atMs : atMs + SILENCE_MS)
      out.take(verdicts)
      out.take(framer.idle(atMs + 2 * SILENCE_MS))
      if (framer.heldBytes !== 0) return `still holds ${framer.heldBytes} bytes after silence`
      if (Buffer.compare(Buffer.concat([joined(input), next]), out.bytes()) !== 0)
        return 'what came out is not what went in'
      if (isAtOnce) return out.isAllGarbageFrom(fromByte) ? 'a good frame was taken for garbage' : null
      const [verdict, ...more] = verdicts
      const isFound = verdict?.kind === 'frame' && Buffer.compare(verdict.bytes, next) === 0
      return isFound && more.length === 0 ? null : 'a good frame after silence was not found'
    },
  }
}

/** All that a framer said, in order. */
class Out {
  readonly #parts: {readonly bytes: Uint8Array; readonly isGarbage: boolean}[] = []

  take(verdicts: readonly Verdict[]): void {
    for (const verdict of verdicts)
      this.#parts.push({
        bytes: verdict.kind === 'control' ? Uint8Array.of(verdict.byte) : verdict.bytes,
        isGarbage: verdict.kind === 'garbage',
      })
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts.map(({bytes}) => bytes))
  }

  isAllGarbageFrom(fromByte: number): boolean {
    let at = 0
    return this.#parts.every(({bytes, isGarbage}) => {
      at += bytes.length
      return isGarbage || at <= fromByte
    })
  }
}

/** What takes a host's bytes apart in an emulator that does not use a framer. */
export interface HostBytes {
  push(chunk: Uint8Array, atMs: number): readonly {readonly kind: string}[]
}

/** A reader of host frames: after silence it reads a good frame as if it had heard nothing before. */
export function reading(name: string, make: () => HostBytes, frames: readonly Uint8Array[]): Target {
  const good = frames.filter(frame => {
    const [said, ...more] = make().push(frame, 0)
    return (said?.kind === 'command' || said?.kind === 'text') && more.length === 0
  })
  return {
    name,
    good,
    run: input => {
      const reader = make()
      let atMs = 0
      for (const {bytes, gapMs} of input.chunks) {
        atMs += gapMs
        reader.push(bytes, atMs)
      }
      const next = input.more.one(good)
      // What was still held is given up first, and may be told.
      const said = JSON.stringify(reader.push(next, atMs + SILENCE_MS).at(-1))
      return said === JSON.stringify(make().push(next, 0).at(-1))
        ? null
        : `after silence a good frame reads ${said}`
    },
    flood: () => {
      const reader = make()
      return bytes => void reader.push(bytes, 0)
    },
  }
}

/** A reader of a host whose frames no silence ends: it hears the same however the bytes are cut. */
export function listening(
  name: string,
  make: () => {push(chunk: Uint8Array): readonly {readonly kind: string}[]},
  frames: readonly Uint8Array[],
): Target {
  // How much text comes in one piece follows the chunks.
  const heard = (said: readonly {readonly kind: string}[]): string =>
    JSON.stringify(said.filter(({kind}) => kind !== 'text'))
  return {
    name,
    good: frames,
    run: input => {
      const reader = make()
      const inPieces = heard(input.chunks.flatMap(({bytes}) => reader.push(bytes)))
      const atOnce = heard(make().push(joined(input)))
      return inPieces === atOnce ? null : `in pieces it hears ${inPieces}, at once ${atOnce}`
    },
    flood: () => {
      const reader = make()
      return bytes => void reader.push(bytes)
    },
  }
}

/** A pure function of bytes: it throws nothing, changes nothing it was given, and reads the same twice. */
export function pure(
  name: string,
  decode: (bytes: Uint8Array) => unknown,
  good: readonly Uint8Array[],
): Target {
  return {
    name,
    good,
    run: input => {
      const bytes = joined(input)
      const before = bytes.slice()
      const read = JSON.stringify(decode(bytes))
      if (Buffer.compare(before, bytes) !== 0) return 'it changed what it was given'
      return JSON.stringify(decode(bytes)) === read ? null : 'it reads another thing the second time'
    },
  }
}
