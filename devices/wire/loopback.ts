/**
 * Two ends of a wire in memory. Bytes travel through the injected clock, so that virtual time orders
 * them; the cable between the ends can be pulled, and can be told to misbehave.
 *
 * The near end is the controller's: pulling the cable ends its opening with `hung-up`. The far end is a
 * device's and outlives that: a device does not notice that its cable was pulled, its bytes just go nowhere.
 */
import {assert} from '../../kit/assert.ts'
import type {Clock} from '../../kit/clock.ts'
import type {ByteLink, LinkListener, LinkLost} from './link.ts'

/** What a bad line does to what is written to it, on every `everyNth` write or byte (1 = all of them). */
export type LineFault =
  | {readonly do: 'drop' | 'duplicate'; readonly unit: 'chunk' | 'byte'; readonly everyNth: number}
  /** Flips one bit, 0 to 7; of a chunk, that of its last byte. */
  | {
      readonly do: 'corrupt'
      readonly unit: 'chunk' | 'byte'
      readonly everyNth: number
      readonly bit: number
    }
  /** Delivers byte by byte, `gapMs` apart. */
  | {readonly do: 'split'; readonly everyNth: number; readonly gapMs: number}
  /** Puts these bytes in front of the next write, once. */
  | {readonly do: 'garbage'; readonly bytes: Uint8Array}

/** Which end's writing a fault spoils. */
export type LineEnd = 'near' | 'far'

export interface Cable {
  readonly isPlugged: boolean
  /** Bytes under way are gone; the near end hears `lost('hung-up')` once and cannot open again until `plug()`. */
  pull(): void
  plug(): void
  /**
   * Adds a fault to what that end writes; faults apply in the order they were added.
   * @param times how often it strikes before it is used up; for ever when left out
   */
  misbehave(from: LineEnd, fault: LineFault, times?: number): void
  /** Takes all faults away. */
  behave(): void
}

export interface LoopbackOptions {
  /** Time from a write to its arrival; 0 still means a later turn. */
  readonly delayMs?: number
}

/** Both ends of a new wire, plugged in, neither of them open. */
export function loopbackPair(
  clock: Clock,
  options: LoopbackOptions = {},
): {readonly near: ByteLink; readonly far: ByteLink; readonly cable: Cable} {
  const delayMs = options.delayMs ?? 0
  const wire: Wire = {isPlugged: true}
  const near = new End(wire, 'near')
  const far = new End(wire, 'far')
  const toFar = new Lane(clock, delayMs, wire, far)
  const toNear = new Lane(clock, delayMs, wire, near)
  near.lane = toFar
  far.lane = toNear
  const cable: Cable = {
    get isPlugged() {
      return wire.isPlugged
    },
    pull() {
      if (!wire.isPlugged) return
      wire.isPlugged = false
      toFar.cut()
      toNear.cut()
      near.lose('hung-up')
    },
    plug() {
      wire.isPlugged = true
    },
    misbehave(from, fault, times = Infinity) {
      const lane = from === 'near' ? toFar : toNear
      lane.faults.push(new Strikes(fault, times))
    },
    behave() {
      toFar.faults.length = 0
      toNear.faults.length = 0
    },
  }
  return {near, far, cable}
}

interface Wire {
  isPlugged: boolean
}

/** Part of what was written, as the faults left it. */
export interface Piece {
  readonly bytes: Uint8Array
  /** Silence before it, after the piece before. */
  readonly gapMs: number
}

/** One end: holds its listener, and the number of its opening so that late bytes of an earlier one are dropped. */
class End implements ByteLink {
  lane: Lane | null = null
  #listener: LinkListener | null = null
  #openings = 0
  readonly #wire: Wire
  readonly #which: LineEnd

  constructor(wire: Wire, which: LineEnd) {
    this.#wire = wire
    this.#which = which
  }

  get isOpen(): boolean {
    return this.#listener !== null
  }

  /** Counts up with every opening; bytes sent towards one opening never reach the next. */
  get opening(): number {
    return this.#openings
  }

  async open(listener: LinkListener): Promise<'open' | LinkLost> {
    assert(this.#listener === null, 'a wire has one owner: this end is open already')
    if (this.#which === 'near' && !this.#wire.isPlugged) return 'not-opened'
    this.#openings += 1
    this.#listener = listener
    return 'open'
  }

  async write(bytes: Uint8Array): Promise<'written' | LinkLost> {
    if (this.#listener === null) return this.#openings === 0 ? 'not-opened' : 'hung-up'
    if (bytes.length > 0) this.lane?.carry(bytes.slice())
    return 'written'
  }

  async close(): Promise<void> {
    this.#listener = null
  }

  lose(why: LinkLost): void {
    const listener = this.#listener
    this.#listener = null
    listener?.lost(why)
  }

  deliver(bytes: Uint8Array, opening: number): void {
    if (opening === this.#openings) this.#listener?.bytes(bytes)
  }
}

/** One direction of the wire: first in, first out, whatever the delays. */
class Lane {
  readonly faults: Strikes[] = []
  readonly #clock: Clock
  readonly #delayMs: number
  readonly #wire: Wire
  readonly #to: End
  #freeAtMs = 0
  #cuts = 0

  constructor(clock: Clock, delayMs: number, wire: Wire, to: End) {
    this.#clock = clock
    this.#delayMs = delayMs
    this.#wire = wire
    this.#to = to
  }

  carry(bytes: Uint8Array): void {
    if (!this.#wire.isPlugged) return
    let pieces: readonly Piece[] = [{bytes, gapMs: 0}]
    for (const strikes of this.faults) pieces = pieces.flatMap(piece => strikes.spoil(piece))
    const cuts = this.#cuts
    const opening = this.#to.opening
    const nowMs = this.#clock.monotonicMs()
    let atMs = Math.max(nowMs + this.#delayMs, this.#freeAtMs)
    for (const piece of pieces) {
      atMs += piece.gapMs
      this.#clock.after(Math.max(0, atMs - nowMs), () => {
        if (cuts === this.#cuts) this.#to.deliver(piece.bytes, opening)
      })
    }
    this.#freeAtMs = atMs
  }

  /** Whatever is under way never arrives. */
  cut(): void {
    this.#cuts += 1
    this.#freeAtMs = 0
  }
}

/** A fault with its counters: when it strikes next, and how often still. */
export class Strikes {
  readonly #fault: LineFault
  #left: number
  #seen = 0

  constructor(fault: LineFault, times: number) {
    assert(
      fault.do === 'garbage' || (Number.isSafeInteger(fault.everyNth) && fault.everyNth >= 1),
      'every n-th, n from 1',
    )
    this.#fault = fault
    this.#left = fault.do === 'garbage' ? Math.min(1, times) : times
  }

  spoil(piece: Piece): readonly Piece[] {
    const fault = this.#fault
    switch (fault.do) {
      case 'garbage':
        return this.#strikes(1)
          ? [{bytes: Uint8Array.from([...fault.bytes, ...piece.bytes]), gapMs: 0}]
          : [piece]
      case 'split':
        if (!this.#strikes(fault.everyNth)) return [piece]
        return Array.from(piece.bytes, byte => ({bytes: Uint8Array.of(byte), gapMs: fault.gapMs}))
      case 'drop':
      case 'duplicate':
      case 'corrupt':
        return this.#inUnits(piece, fault)
    }
  }

  #inUnits(piece: Piece, fault: Extract<LineFault, {unit: unknown}>): readonly Piece[] {
    if (fault.unit === 'chunk') {
      if (!this.#strikes(fault.everyNth)) return [piece]
      return struck(piece.bytes, fault).map((bytes, index) => ({bytes, gapMs: index === 0 ? piece.gapMs : 0}))
    }
    const units = Array.from(piece.bytes, byte => Uint8Array.of(byte))
    const kept = units.flatMap(unit => (this.#strikes(fault.everyNth) ? struck(unit, fault) : [unit]))
    const bytes = Uint8Array.from(kept.flatMap(unit => Array.from(unit)))
    return bytes.length === 0 ? [] : [{bytes, gapMs: piece.gapMs}]
  }

  #strikes(everyNth: number): boolean {
    this.#seen += 1
    if (this.#left <= 0 || this.#seen % everyNth !== 0) return false
    this.#left -= 1
    return true
  }
}

function struck(unit: Uint8Array, fault: Extract<LineFault, {unit: unknown}>): readonly Uint8Array[] {
  switch (fault.do) {
    case 'drop':
      return []
    case 'duplicate':
      return [unit, unit]
    case 'corrupt':
      return [unit.map((byte, at) => (at === unit.length - 1 ? byte ^ (1 << fault.bit) : byte))]
  }
}
