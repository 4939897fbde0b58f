/**
 * LCDM-2000 and LCDM-1000 emulated: what they make of their commands. The wire, the talk and the notes are
 * PuloonDevice's.
 *
 * What the maker's paper leaves open and is decided here, as options where it matters: the error of the last order
 * stays in STATUS until the next one, and is gone after a power cut; in one order the upper cassette's notes go
 * first; the throat counts rejected notes too; a command that the model does not have is answered by its own code
 * and error 37 alone.
 */
import type {Clock} from '../../../kit/clock.ts'
import type {ByteLink} from '../../wire/link.ts'
import {PuloonDevice} from '../emulator-puloon.ts'
import type {Firmware, PuloonSettings} from '../emulator-puloon.ts'
import type {Mechanism, MechanismSettings, Motion, Remains, Request, Stop} from '../mechanism.ts'
import type {JamSpot, MechanicalMischief, Mischief, OrderKind} from '../mischief.ts'
import {oneCassetteBody, readCounts, twoCassettesBody} from './emulator-frames.ts'
import type {Reported} from './emulator-frames.ts'

/** What is not certain about real ones. */
export interface Lcdm2000Quirks {
  /** Eight characters of the ROM VERSION answer. */
  readonly rom: string
  /** The error byte of STATUS outlives a power cut. */
  readonly keepsError: boolean
  /** CHK counts the notes that were not rejected alone, as some ROMs' answers have it. */
  readonly throatLeavesRejectsOut: boolean
  /** Tells progress, as newer ROMs do. */
  readonly tellsProgress: boolean
}

export interface Lcdm2000EmulatorOptions extends Partial<MechanismSettings>, Partial<Lcdm2000Quirks> {
  /** As it is found after a power cut; the notes in its cassettes come on top. */
  readonly remains?: Remains
}

/** What can go wrong with it. */
export const KINDS: readonly Mischief['kind'][] = [
  'jam',
  'pickFails',
  'doublePick',
  'overflow',
  'countMismatch',
  'powerCut',
  'answerLost',
  'acknowledgementLost',
  'acknowledgementGlued',
  'answerCorrupt',
  'answerShort',
  'answerLate',
  'nakStorm',
  'answerSplit',
  'answerTwice',
  'strayBytes',
  'progress',
]

const UPPER = 1
const LOWER = 2
const NOTES_MAX = 60
const MECHANISM: MechanismSettings = {noteMs: 150, nearEndCount: 20, rejectsMax: 10}
const QUIRKS = {keepsError: false, throatLeavesRejectsOut: false, tellsProgress: false} as const

export class Lcdm2000Emulator extends PuloonDevice {
  /** @param notes how many notes cassettes 1 (upper) and 2 (lower) hold */
  constructor(
    link: ByteLink,
    clock: Clock,
    notes: Readonly<Record<1 | 2, number>>,
    options: Lcdm2000EmulatorOptions = {},
  ) {
    const quirks = {...QUIRKS, rom: 'T20T5624', ...options}
    super(link, clock, notes, settingsOf(quirks), mechanism => new Rom(mechanism, quirks, true))
  }
}

export class Lcdm1000Emulator extends PuloonDevice {
  /** @param notes how many notes its one cassette holds */
  constructor(
    link: ByteLink,
    clock: Clock,
    notes: Readonly<Record<1, number>>,
    options: Lcdm2000EmulatorOptions = {},
  ) {
    const quirks = {...QUIRKS, rom: 'O16TAD2C', ...options}
    super(link, clock, notes, settingsOf(quirks), mechanism => new Rom(mechanism, quirks, false))
  }
}

function settingsOf(options: Lcdm2000EmulatorOptions & Lcdm2000Quirks): PuloonSettings {
  return {...MECHANISM, ...options, id: 0x50, closing: null, mischiefKinds: KINDS}
}

class Rom implements Firmware {
  readonly #mechanism: Mechanism
  readonly #quirks: Lcdm2000Quirks
  readonly #hasLower: boolean
  #lastError = 0x30

  constructor(mechanism: Mechanism, quirks: Lcdm2000Quirks, hasLower: boolean) {
    this.#mechanism = mechanism
    this.#quirks = quirks
    this.#hasLower = hasLower
  }

  forget(): void {
    if (!this.#quirks.keepsError) this.#lastError = 0x30
  }

  early(): null {
    return null
  }

  orderOf(code: number): OrderKind {
    switch (code) {
      case 0x44:
        return 'purge'
      case 0x46:
        return 'status'
      case 0x47:
        return 'identify'
      case 0x76:
      case 0x77:
        return 'test'
      default:
        return 'dispense'
    }
  }

  async perform(
    code: number,
    argument: readonly number[],
    mischief: MechanicalMischief | null,
  ): Promise<readonly number[] | 'cut'> {
    if (!this.#hasLower && LOWER_CODES.includes(code)) return [0x37]
    switch (code) {
      case 0x44:
        return this.#afterPurge(await this.#mechanism.purge(mischief))
      case 0x45:
      case 0x55:
        return this.#dispenseOne(code === 0x45 ? UPPER : LOWER, readCounts(argument, 1), mischief)
      case 0x46:
        return [0x30, this.#lastError, ...this.#sensors()]
      case 0x47:
        return Array.from(this.#quirks.rom, char => char.charCodeAt(0))
      case 0x56:
        return this.#dispenseBoth(readCounts(argument, 2), mischief)
      case 0x76:
      case 0x77:
        return this.#bodyOfOne(
          code === 0x76 ? UPPER : LOWER,
          await this.#mechanism.test([{cassette: code === 0x76 ? UPPER : LOWER, count: 1}], mischief),
        )
      default:
        return [0x37]
    }
  }

  async #dispenseOne(
    position: number,
    counts: readonly number[] | null,
    mischief: MechanicalMischief | null,
  ): Promise<readonly number[] | 'cut'> {
    const [count = 0] = counts ?? []
    if (count < 1 || count > NOTES_MAX) return oneCassetteBody(this.#note(0x3b), this.#nothing(position))
    return this.#bodyOfOne(position, await this.#mechanism.dispense([{cassette: position, count}], mischief))
  }

  async #dispenseBoth(
    counts: readonly number[] | null,
    mischief: MechanicalMischief | null,
  ): Promise<readonly number[] | 'cut'> {
    const [upper = 0, lower = 0] = counts ?? []
    const isPossible = upper + lower >= 1 && upper <= NOTES_MAX && lower <= NOTES_MAX
    if (counts === null || !isPossible)
      return twoCassettesBody(this.#note(0x3b), this.#nothing(UPPER), this.#nothing(LOWER))
    const requests: readonly Request[] = [
      {cassette: UPPER, count: upper},
      {cassette: LOWER, count: lower},
    ]
    const motion = await this.#mechanism.dispense(requests, mischief)
    if (motion === 'cut') return 'cut'
    const of = (position: number): Reported => this.#reported(position, motion)
    return twoCassettesBody(this.#note(this.#errorByte(motion.stop)), of(UPPER), of(LOWER))
  }

  #bodyOfOne(position: number, motion: Motion | 'cut'): readonly number[] | 'cut' {
    if (motion === 'cut') return 'cut'
    return oneCassetteBody(this.#note(this.#errorByte(motion.stop)), this.#reported(position, motion))
  }

  #afterPurge(motion: Motion | 'cut'): readonly number[] | 'cut' {
    if (motion === 'cut') return 'cut'
    return [this.#note(motion.stop?.kind === 'jam' ? 0x4e : this.#errorByte(motion.stop))]
  }

  #reported(position: number, motion: Motion): Reported {
    const counted = {...this.#nothing(position), ...motion.counted.get(position)}
    return this.#quirks.throatLeavesRejectsOut
      ? {...counted, picked: counted.picked - counted.rejected}
      : counted
  }

  #nothing(position: number): Reported {
    return {picked: 0, out: 0, rejected: 0, isNearEnd: this.#mechanism.isNearEnd(position)}
  }

  /** Keeps the error for STATUS. */
  #note(error: number): number {
    this.#lastError = error
    return error
  }

  #errorByte(stop: Stop | null): number {
    const isEjectJam = stop?.kind === 'jam' && stop.at === 'eject'
    // The paper of the 1000 has one code for EXIT and EJT.
    return isEjectJam && !this.#hasLower ? jamByte('mouth', UPPER) : errorByte(stop)
  }

  #sensors(): readonly [number, number] {
    const {spot} = this.#mechanism
    const sensor0 =
      0x80 |
      bit(spot?.at === 'throat' && spot.cassette === UPPER, 0) |
      bit(spot?.at === 'diverter', 2) |
      bit(spot?.at === 'eject', 4) |
      bit(spot?.at === 'mouth', 5) |
      bit(this.#mechanism.isNearEnd(UPPER), 6)
    return [sensor0, this.#hasLower ? this.#sensor1Of2000() : this.#sensor1Of1000()]
  }

  #sensor1Of1000(): number {
    const {missing, isRejectBinMissing} = this.#mechanism
    return 0x80 | bit(isRejectBinMissing, 0) | bit(missing.includes(UPPER), 1)
  }

  #sensor1Of2000(): number {
    const {spot, missing, isRejectBinMissing} = this.#mechanism
    return (
      0x80 |
      bit(missing.includes(UPPER), 1) |
      bit(missing.includes(LOWER), 2) |
      bit(spot?.at === 'throat' && spot.cassette === LOWER, 3) |
      bit(this.#mechanism.isNearEnd(LOWER), 5) |
      bit(isRejectBinMissing, 6)
    )
  }
}

/** Commands about the lower cassette, which an LCDM-1000 does not know. */
const LOWER_CODES: readonly number[] = [0x55, 0x56, 0x77]

function bit(isSet: boolean, at: number): number {
  return isSet ? 1 << at : 0
}

/** The error byte for what stopped a motion. */
function errorByte(stop: Stop | null): number {
  if (stop === null) return 0x30
  switch (stop.kind) {
    case 'jam':
      return jamByte(stop.at, stop.cassette)
    case 'pickFailed':
      return 0x32
    case 'empty':
      return stop.cassette === UPPER ? 0x38 : 0x40
    case 'missing':
      return stop.cassette === UPPER ? 0x45 : 0x46
    case 'rejectBinMissing':
      return 0x3f
    case 'overflow':
      return 0x34
    case 'countMismatch':
      return 0x3d
    case 'tooManyRejects':
      return 0x44
  }
}

function jamByte(at: JamSpot, cassette: number): number {
  switch (at) {
    case 'throat':
      return cassette === UPPER ? 0x33 : 0x4c
    case 'diverter':
      return 0x36
    case 'eject':
      return 0x48
    case 'mouth':
      return 0x35
  }
}
