/** The machine's end of one device's wire: it dies with the life that holds it, and bytes suffer on their way. */
import type {ByteLink, LinkListener, LinkLost} from '../../devices/wire/link.ts'
import type {Cable} from '../../devices/wire/loopback.ts'
import type {Life, SimClock} from './clock.ts'
import type {Faults} from './faults.ts'

export interface WireWitness {
  bytes(chunk: Uint8Array): void
  say(who: string, what: string): void
  /** A frame is about to leave the machine: the power may go. */
  beforeWrite(): void
}

/** Longest delay of one chunk. */
const LATE_MAX_MS = 3_000
const UNPLUGGED_MAX_MS = 60_000

interface Piece {
  readonly bytes: Uint8Array
  readonly gapMs: number
}

/** The faults of one wire, in both directions. */
export class Noise {
  readonly #faults: Faults

  constructor(faults: Faults) {
    this.#faults = faults
  }

  /** What becomes of one write. */
  spoiled(bytes: Uint8Array): readonly Piece[] {
    const faults = this.#faults
    if (faults.strike('bytes.lost') !== null) return []
    if (faults.strike('bytes.twice') !== null) return [whole(bytes), whole(bytes)]
    const flipped = faults.strike('bytes.flipped')
    if (flipped !== null) {
      // One bit: what every checksum of these devices must see. Several bits can fool an exclusive-or.
      const at = flipped.draws.below(bytes.length)
      const bit = 1 << flipped.draws.below(8)
      return [whole(bytes.map((byte, index) => (index === at ? byte ^ bit : byte)))]
    }
    const cut = faults.strike('bytes.cut')
    if (cut !== null) return [whole(bytes.subarray(0, cut.draws.below(bytes.length)))]
    const garbage = faults.strike('bytes.garbage')
    if (garbage !== null)
      return [
        whole(Uint8Array.of(...junk(garbage.draws.between(1, 4), () => garbage.draws.below(256)), ...bytes)),
      ]
    const split = faults.strike('bytes.split')
    if (split !== null) {
      const gapMs = split.draws.below(300)
      return Array.from(bytes, byte => ({bytes: Uint8Array.of(byte), gapMs}))
    }
    const late = faults.strike('bytes.late')
    if (late !== null) return [{bytes, gapMs: late.draws.below(LATE_MAX_MS)}]
    return [whole(bytes)]
  }
}

function whole(bytes: Uint8Array): Piece {
  return {bytes, gapMs: 0}
}

function junk(count: number, byte: () => number): readonly number[] {
  return Array.from({length: count}, byte)
}

/** One life's end of one wire. */
export class LifeLink implements ByteLink {
  readonly #near: ByteLink
  readonly #cable: Cable
  readonly #life: Life
  readonly #clock: SimClock
  readonly #faults: Faults
  readonly #noise: Noise
  readonly #witness: WireWitness
  /** Nothing overtakes anything on a wire. */
  readonly #freeAtMs = {in: 0, out: 0}
  #openings = 0

  constructor(
    near: ByteLink,
    cable: Cable,
    life: Life,
    clock: SimClock,
    faults: Faults,
    witness: WireWitness,
  ) {
    this.#near = near
    this.#cable = cable
    this.#life = life
    this.#clock = clock
    this.#faults = faults
    this.#noise = new Noise(faults)
    this.#witness = witness
  }

  get isOpen(): boolean {
    return this.#near.isOpen
  }

  async open(listener: LinkListener): Promise<'open' | LinkLost> {
    if (this.#life.isDead) return never()
    this.#openings += 1
    return this.#near.open({
      bytes: chunk => {
        this.#witness.bytes(chunk)
        this.#pass('in', chunk, bytes => {
          this.#life.reach(() => {
            listener.bytes(bytes)
          })
        })
      },
      lost: why => {
        this.#life.reach(() => {
          listener.lost(why)
        })
      },
    })
  }

  async write(bytes: Uint8Array): Promise<'written' | LinkLost> {
    if (this.#life.isDead) return never()
    this.#witness.beforeWrite()
    if (this.#hasDied()) return never()
    const pulled = this.#faults.strike('cable.pulled')
    if (pulled !== null) {
      this.#cable.pull()
      this.#clock.after(pulled.draws.below(UNPLUGGED_MAX_MS), () => {
        this.#cable.plug()
      })
    }
    if (!this.#near.isOpen) return this.#near.write(bytes)
    this.#witness.bytes(bytes)
    this.#pass('out', bytes, piece => {
      void this.#near.write(piece)
    })
    return 'written'
  }

  async close(): Promise<void> {
    if (this.#life.isDead) return never()
    return this.#near.close()
  }

  /** The computer is gone; the wire is free for the next life. */
  drop(): void {
    void this.#near.close()
  }

  #hasDied(): boolean {
    return this.#life.isDead
  }

  #pass(way: 'in' | 'out', bytes: Uint8Array, deliver: (bytes: Uint8Array) => void): void {
    const openings = this.#openings
    for (const {bytes: piece, gapMs} of this.#noise.spoiled(bytes)) {
      const nowMs = this.#clock.monotonicMs()
      const atMs = Math.max(nowMs, this.#freeAtMs[way]) + gapMs
      this.#freeAtMs[way] = atMs
      if (piece.length === 0) continue
      if (atMs === nowMs) deliver(piece)
      else
        this.#clock.after(atMs - nowMs, () => {
          if (openings === this.#openings && !this.#life.isDead) deliver(piece)
        })
    }
  }
}

/** The promise of a dead program. */
function never(): Promise<never> {
  return new Promise(() => undefined)
}
