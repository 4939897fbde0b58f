/**
 * The paper side of an emulated dispenser: where every note is, by the cassette it came from, so that its
 * value is always known. Notes only ever move; the ledger refuses to make or lose one.
 *
 * For emulators, the bench and the tests. A driver never sees it.
 */
import {spacedHexOf} from '../../crypto/hex.ts'
import {assert} from '../../kit/assert.ts'
import {noteCount} from '../../kit/money.ts'
import type {Count} from '../../kit/money.ts'

/** Notes by the position of the cassette they came from. */
export type Notes = Readonly<Record<number, Count>>

/**
 * `cassette`: still in it. `path`: inside the transport. `mouth`: stuck at the exit, within a customer's reach
 * but not counted out. `stacker`: gathered behind the shutter. `outlet`: out, or held out, and not taken yet.
 * `customer`: taken. `reject`, `retract`: in those bins. `removed`: taken out by the operator.
 */
export const PLACES = [
  'cassette',
  'path',
  'mouth',
  'stacker',
  'outlet',
  'customer',
  'reject',
  'retract',
  'removed',
] as const
export type Place = (typeof PLACES)[number]

/** Where all notes are at one moment. */
export type World = Readonly<Record<Place, Notes>>

/** What an observer may see of the device besides its notes. */
export interface DeviceState {
  readonly power: 'on' | 'off'
  readonly isMoving: boolean
  readonly shutter: 'closed' | 'open' | 'none'
  /** Positions whose cassette is pulled out. */
  readonly cassettesMissing: readonly number[]
  readonly isRejectBinMissing: boolean
}

/** One frame or control byte seen by the emulator, spaced hex: `04 50 02 46 03 13`. */
export interface TranscriptLine {
  readonly from: 'host' | 'device'
  readonly hex: string
}

/** Lines kept of a transcript; older ones are dropped. */
export const TRANSCRIPT_LINES_MAX = 1_000

interface Heard {
  readonly from: TranscriptLine['from']
  readonly bytes: Uint8Array
  /** Once somebody has read it: the same line to everybody, for who follows a transcript knows its lines again. */
  line: TranscriptLine | null
}

export class Transcript {
  #lines: Heard[] = []

  add(from: 'host' | 'device', bytes: Uint8Array): void {
    this.#lines.push({from, bytes: bytes.slice(), line: null})
    // Seldom, because it copies them all.
    if (this.#lines.length > 2 * TRANSCRIPT_LINES_MAX) this.#lines = this.#lines.slice(-TRANSCRIPT_LINES_MAX)
  }

  /** Oldest first. */
  get lines(): readonly TranscriptLine[] {
    const kept = this.#lines.slice(-TRANSCRIPT_LINES_MAX)
    return kept.map(heard => (heard.line ??= {from: heard.from, hex: spacedHexOf(heard.bytes).toLowerCase()}))
  }
}

/** The notes of one emulated dispenser. Every movement is checked against what was ever put in. */
export class NoteLedger {
  readonly #positions: readonly number[]
  readonly #places: Record<Place, Map<number, number>>
  readonly #introduced: Map<number, number>
  readonly #changed: () => void

  /** @param changed called after every movement */
  constructor(start: Readonly<Record<number, number>>, changed: () => void = () => undefined) {
    this.#positions = Object.keys(start).map(Number)
    const empty = (): Map<number, number> => new Map(this.#positions.map(position => [position, 0]))
    this.#places = {
      cassette: empty(),
      path: empty(),
      mouth: empty(),
      stacker: empty(),
      outlet: empty(),
      customer: empty(),
      reject: empty(),
      retract: empty(),
      removed: empty(),
    }
    this.#introduced = empty()
    this.#changed = changed
    this.introduce(start)
  }

  /** The cassettes there are. */
  get positions(): readonly number[] {
    return this.#positions
  }

  /** How many notes of that cassette are there. */
  at(place: Place, cassette: number): Count {
    return noteCount(this.#places[place].get(cassette) ?? 0)
  }

  /** How many notes are there, of all cassettes. */
  total(place: Place): Count {
    return noteCount([...this.#places[place].values()].reduce((sum, count) => sum + count, 0))
  }

  /** New notes into the cassettes. */
  introduce(counts: Readonly<Record<number, number>>): void {
    for (const position of this.#positions) {
      const count = noteCount(counts[position] ?? 0)
      add(this.#introduced, position, count)
      add(this.#places.cassette, position, count)
    }
    this.#settle()
  }

  /** Notes that are found where that world has them, beside what is there already. */
  find(world: World): void {
    for (const place of PLACES)
      for (const position of this.#positions) {
        const count = world[place][position] ?? 0
        add(this.#introduced, position, count)
        add(this.#places[place], position, count)
      }
    this.#settle()
  }

  /** @throws AssertionFailed when so many notes are not there to be moved. */
  move(cassette: number, from: Place, to: Place, count: number = 1): void {
    assert(this.#positions.includes(cassette), `there is no cassette ${cassette}`)
    assert(
      this.at(from, cassette) >= noteCount(count),
      `${count} notes of cassette ${cassette} from ${from}, where ${this.at(from, cassette)} are`,
    )
    add(this.#places[from], cassette, -count)
    add(this.#places[to], cassette, count)
    this.#settle()
  }

  /** Everything that is in the first place goes to the second; says what that was. */
  moveAll(from: Place, to: Place): Notes {
    const moved: Record<number, Count> = {}
    for (const position of this.#positions) {
      const count = this.at(from, position)
      moved[position] = count
      if (count > 0) this.move(position, from, to, count)
    }
    return moved
  }

  snapshot(): World {
    const notes = (place: Place): Notes =>
      Object.fromEntries([...this.#places[place]].map(([position, count]) => [position, noteCount(count)]))
    return {
      cassette: notes('cassette'),
      path: notes('path'),
      mouth: notes('mouth'),
      stacker: notes('stacker'),
      outlet: notes('outlet'),
      customer: notes('customer'),
      reject: notes('reject'),
      retract: notes('retract'),
      removed: notes('removed'),
    }
  }

  #settle(): void {
    for (const position of this.#positions) {
      const present = PLACES.reduce((sum, place) => sum + this.at(place, position), 0)
      const introduced = this.#introduced.get(position)
      assert(
        present === introduced,
        `cassette ${position}: ${present} notes are there, ${introduced ?? 0} were put in`,
      )
    }
    this.#changed()
  }
}

/** The sum of two counts, cassette by cassette. */
export function addNotes(a: Notes, b: Notes): Notes {
  const positions = new Set([...Object.keys(a), ...Object.keys(b)].map(Number))
  return Object.fromEntries([...positions].map(at => [at, noteCount((a[at] ?? 0) + (b[at] ?? 0))]))
}

function add(counts: Map<number, number>, position: number, change: number): void {
  counts.set(position, (counts.get(position) ?? 0) + change)
}
