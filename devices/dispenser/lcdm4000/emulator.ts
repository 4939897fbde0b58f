/**
 * LCDM-4000 emulated: what it makes of its commands. The wire, the talk and the notes are PuloonDevice's.
 *
 * What nobody published and is decided here, as options where it matters: LAST STATUS is lost with the power; STATUS says
 * the last order's error, and the missing tray at any time; a command it does not know, and one that asks for what cannot
 * be, leaves LAST STATUS as it was; a repeated serial moves nothing and is a bad parameter.
 */
import type {Clock} from '../../../kit/clock.ts'
import type {ByteLink} from '../../wire/link.ts'
import {PuloonDevice} from '../emulator-puloon.ts'
import type {Firmware} from '../emulator-puloon.ts'
import type {Mechanism, MechanismSettings, Motion, Remains, Request, Stop} from '../mechanism.ts'
import type {JamSpot, MechanicalMischief, Mischief, OrderKind} from '../mischief.ts'
import {
  FORMS,
  lengthsBody,
  outcomeBody,
  readAsked,
  readFour,
  readLengths,
  readOrder,
  said,
  statusBody,
} from './emulator-frames.ts'
import type {Asked, Outcome} from './emulator-frames.ts'

/** What is not certain about real ones. */
export interface Lcdm4000Quirks {
  /** Which forms of a dispense it takes. */
  readonly forms: keyof typeof FORMS
  /** How often it answers a reset. */
  readonly resetAnswers: 0 | 1 | 2
  /** Says EOT after the host's ACK. */
  readonly closes: boolean
  /** LAST STATUS and the serial outlive a power cut. */
  readonly keepsLast: boolean
}

/** What its EEPROM holds, by place. */
export interface Eeprom {
  /** In units of 0.785 mm. */
  readonly lengths: readonly number[]
  readonly opacity: readonly number[]
  /** Cassette codes, 1 to 4. */
  readonly order: readonly number[]
}

export interface Lcdm4000EmulatorOptions extends Partial<MechanismSettings>, Partial<Lcdm4000Quirks> {
  /** As it is found after a power cut; the notes in its cassettes come on top. */
  readonly remains?: Remains
  readonly eeprom?: Eeprom
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
  'closingLost',
]

const PLACES = [1, 2, 3, 4] as const
const NOTES_MAX = 100
const DIAGNOSE_NOTES = 5
const RESET_MS = 1_000
const VERSION = 'LCDM4000 V1.0'
const MECHANISM: MechanismSettings = {noteMs: 150, nearEndCount: 20, rejectsMax: 10}
const QUIRKS: Lcdm4000Quirks = {forms: 'both', resetAnswers: 2, closes: true, keepsLast: false}
/** As for EUR 20, 50, 10 and 5: 133, 140, 127 and 120 mm. */
const EEPROM: Eeprom = {lengths: [169, 178, 161, 152], opacity: [0, 0, 0, 0], order: [1, 2, 3, 4]}

export class Lcdm4000Emulator extends PuloonDevice<Rom> {
  /** @param notes how many notes each of the four cassettes holds */
  constructor(
    link: ByteLink,
    clock: Clock,
    notes: Readonly<Record<1 | 2 | 3 | 4, number>>,
    options: Lcdm4000EmulatorOptions = {},
  ) {
    const quirks: Lcdm4000Quirks = {...QUIRKS, ...options}
    const settings = {
      ...MECHANISM,
      ...options,
      id: 0x30,
      closing: quirks.closes ? 0x04 : null,
      mischiefKinds: KINDS,
      tellsProgress: false,
    }
    super(
      link,
      clock,
      notes,
      settings,
      mechanism => new Rom(mechanism, clock, quirks, options.eeprom ?? EEPROM),
    )
  }

  /** What its EEPROM holds now. */
  get eeprom(): Eeprom {
    return this.firmware.eeprom
  }
}

/** LAST STATUS: the command that moved last, and what came of it. */
interface Last {
  readonly command: number
  readonly outcome: Outcome
}

const NOTHING: Outcome = {error: 0x00, missing: 0, out: [0, 0, 0, 0], rejected: [0, 0, 0, 0]}
/** What LAST STATUS says when there is nothing to tell. */
const FORGOTTEN: Last = {command: 0x20, outcome: NOTHING}

class Rom implements Firmware {
  readonly #mechanism: Mechanism
  readonly #clock: Clock
  readonly #quirks: Lcdm4000Quirks
  #eeprom: Eeprom
  #last = FORGOTTEN
  #serial = 0
  #error = 0x00

  constructor(mechanism: Mechanism, clock: Clock, quirks: Lcdm4000Quirks, eeprom: Eeprom) {
    this.#mechanism = mechanism
    this.#clock = clock
    this.#quirks = quirks
    this.#eeprom = eeprom
  }

  get eeprom(): Eeprom {
    return this.#eeprom
  }

  forget(): void {
    this.#error = 0x00
    if (this.#quirks.keepsLast) return
    this.#last = FORGOTTEN
    this.#serial = 0
  }

  orderOf(code: number): OrderKind {
    switch (code) {
      case 0x44:
        return 'reset'
      case 0x51:
        return 'purge'
      case 0x52:
        return 'dispense'
      case 0x53:
      case 0x58:
        return 'test'
      case 0x55:
      case 0x67:
        return 'recall'
      case 0x71:
        return 'identify'
      default:
        return 'status'
    }
  }

  /** The first of two answers to a reset comes before the motors run. */
  early(code: number): readonly number[] | null {
    return code === 0x44 && this.#quirks.resetAnswers === 2 ? [said(0x00)] : null
  }

  async perform(
    code: number,
    argument: readonly number[],
    mischief: MechanicalMischief | null,
  ): Promise<readonly number[] | 'silent' | 'cut'> {
    switch (code) {
      case 0x44:
        return this.#reset(mischief)
      case 0x50:
        return this.#status()
      case 0x51:
        return this.#purge(mischief)
      case 0x52:
        return this.#dispense(readAsked(argument, FORMS[this.#quirks.forms]), mischief)
      case 0x53:
        return this.#test(readAsked(argument, FORMS[this.#quirks.forms]), mischief)
      case 0x55:
        return [this.#last.command, ...outcomeBody(this.#last.outcome, this.#types())]
      case 0x58:
        return this.#diagnose((argument[0] ?? 0) - 0x30, mischief)
      case 0x67:
        return [said(0x00), said(this.#serial)]
      case 0x71:
        return Array.from(VERSION, char => char.charCodeAt(0))
      default:
        return this.#settle(code, argument)
    }
  }

  /** The commands about what the EEPROM holds; any other is none. */
  #settle(code: number, argument: readonly number[]): readonly number[] {
    const {lengths, opacity, order} = this.#eeprom
    switch (code) {
      case 0x5a:
        return this.#keep('opacity', readFour(argument))
      case 0x5b:
        return opacity.map(said)
      case 0x5c:
        return this.#keep('order', readOrder(argument))
      case 0x5d:
        return order.map(cassette => 0x30 + cassette)
      case 0x5e: {
        const given = readLengths(argument)
        return this.#keep(
          'lengths',
          given?.map((length, at) => (length === 0 ? (lengths[at] ?? 0) : length)) ?? null,
        )
      }
      case 0x5f:
        return [said(0x00), ...lengthsBody(lengths)]
      default:
        return [said(0x30)]
    }
  }

  #keep(what: keyof Eeprom, values: readonly number[] | null): readonly number[] {
    if (values === null) return [said(0x31)]
    this.#eeprom = {...this.#eeprom, [what]: values}
    return [said(0x00)]
  }

  async #reset(mischief: MechanicalMischief | null): Promise<readonly number[] | 'silent' | 'cut'> {
    await this.#clock.sleep(RESET_MS)
    if (mischief?.kind === 'powerCut') return 'cut'
    this.#error = 0x00
    return this.#quirks.resetAnswers === 0 ? 'silent' : [said(0x00)]
  }

  #status(): readonly number[] {
    const {spot, missing, isRejectBinMissing} = this.#mechanism
    const types = this.#types()
    const places = PLACES.map((place, at) => ({
      isThroatCovered: spot?.at === 'throat' && spot.cassette === place,
      isPresent: !missing.includes(place),
      isNearEnd: !missing.includes(place) && this.#mechanism.isNearEnd(place),
      type: types[at] ?? 0x30,
      opacity: missing.includes(place) ? 0 : (this.#eeprom.opacity[at] ?? 0),
      length: missing.includes(place) ? 0 : (this.#eeprom.lengths[at] ?? 0),
    }))
    const path = {
      diverter: spot?.at === 'diverter',
      eject: spot?.at === 'eject',
      exit: spot?.at === 'mouth',
    }
    const lasting = this.#error === 0x26 ? 0x00 : this.#error
    return statusBody(isRejectBinMissing ? 0x26 : lasting, path, places)
  }

  async #purge(mischief: MechanicalMischief | null): Promise<readonly number[] | 'cut'> {
    const motion = await this.#mechanism.purge(mischief)
    if (motion === 'cut') return 'cut'
    const error = motion.stop?.kind === 'jam' ? 0x0e : errorOf(motion.stop)
    return this.#tell(0x51, this.#outcome(motion, error))
  }

  async #dispense(
    asked: Asked | null,
    mischief: MechanicalMischief | null,
  ): Promise<readonly number[] | 'cut'> {
    const refused = this.#refusal(asked)
    if (refused === null && asked !== null) {
      this.#serial = asked.serial ?? this.#serial
      return this.#move(0x52, await this.#mechanism.dispense(requestsOf(asked), mischief))
    }
    return this.#refuse(0x52, refused ?? 0x31)
  }

  async #test(asked: Asked | null, mischief: MechanicalMischief | null): Promise<readonly number[] | 'cut'> {
    const refused = this.#refusal(asked)
    if (refused === null && asked !== null)
      return this.#move(0x53, await this.#mechanism.test(requestsOf(asked), mischief))
    return this.#refuse(0x53, refused ?? 0x31)
  }

  /** Why nothing of it begins, or null. */
  #refusal(asked: Asked | null): number | null {
    if (asked === null || (asked.serial !== null && asked.serial === this.#serial)) return 0x31
    const total = asked.counts.reduce((sum, count) => sum + count, 0)
    if (total === 0) return 0x31
    if (total > NOTES_MAX) return 0x0c
    return this.#mechanism.spot === null ? null : 0x0b
  }

  /** What cannot be is no motion, and LAST STATUS stays what it was. */
  #refuse(command: number, error: number): readonly number[] {
    const outcome = {...NOTHING, error}
    return error === 0x31 ? this.#body(command, outcome) : this.#tell(command, outcome)
  }

  #move(command: number, motion: Motion | 'cut'): readonly number[] | 'cut' {
    return motion === 'cut' ? 'cut' : this.#tell(command, this.#outcome(motion, errorOf(motion.stop)))
  }

  #outcome({counted}: Motion, error: number): Outcome {
    const of = (what: 'picked' | 'out' | 'rejected'): readonly number[] =>
      PLACES.map(place => counted.get(place)?.[what] ?? 0)
    const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0)
    const [picked, out, rejected] = [of('picked'), of('out'), of('rejected')]
    // A purge picks nothing.
    const missing = Math.max(0, total(picked) - total(out) - total(rejected))
    return {error, missing, out, rejected}
  }

  #tell(command: number, outcome: Outcome): readonly number[] {
    this.#last = {command, outcome}
    this.#error = outcome.error
    return this.#body(command, outcome)
  }

  /** A dispense's and a test's answer end in nine reserved bytes. */
  #body(command: number, outcome: Outcome): readonly number[] {
    const body = outcomeBody(outcome, this.#types())
    return command === 0x51 ? body : [...body, ...Array.from({length: 9}, () => 0x20)]
  }

  async #diagnose(place: number, mischief: MechanicalMischief | null): Promise<readonly number[] | 'cut'> {
    if (!PLACES.some(known => known === place)) return [said(0x31)]
    const motion = await this.#mechanism.test([{cassette: place, count: DIAGNOSE_NOTES}], mischief)
    if (motion === 'cut') return 'cut'
    this.#error = errorOf(motion.stop)
    if (motion.stop !== null) return [said(this.#error)]
    const {opacity, lengths} = this.#eeprom
    return [
      said(opacity[place - 1] ?? 0),
      Math.min(0xff, said(lengths[place - 1] ?? 0)),
      said(DIVERT_MS),
      said(motion.counted.get(place)?.rejected ?? 0),
    ]
  }

  /** By place: the code of the cassette that stands there, or none. */
  #types(): readonly number[] {
    return PLACES.map((place, at) =>
      this.#mechanism.missing.includes(place) ? 0x30 : 0x30 + (this.#eeprom.order[at] ?? place),
    )
  }
}

const DIVERT_MS = 40

function requestsOf({counts}: Asked): readonly Request[] {
  return counts.map((count, at) => ({cassette: at + 1, count})).filter(({count}) => count > 0)
}

/** The error for what stopped a motion. */
function errorOf(stop: Stop | null): number {
  switch (stop?.kind) {
    case undefined:
      return 0x00
    case 'jam':
      return jamError(stop.at)
    case 'pickFailed':
    case 'empty':
      return 0x01
    case 'missing':
      return 0x24
    case 'rejectBinMissing':
      return 0x26
    case 'overflow':
      return 0x29
    case 'countMismatch':
      return 0x07
    case 'tooManyRejects':
      return 0x0d
  }
}

function jamError(at: JamSpot): number {
  switch (at) {
    case 'throat':
      return 0x02
    case 'diverter':
      return 0x03
    case 'eject':
      return 0x04
    case 'mouth':
      return 0x05
  }
}
