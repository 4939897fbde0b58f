/**
 * F53/F56 emulated, what it makes of its commands: the data of a text in, notes moved, the data of a response out. It
 * knows nothing of the link.
 */
import type {Mechanism, Motion, Request, Stop} from '../mechanism.ts'
import type {MechanicalMischief} from '../mischief.ts'
import type {NoteLedger} from '../world.ts'
import {readCount, writeCount} from './emulator-frames.ts'

const POSITIONS = [1, 2, 3, 4] as const
const FS = 0x1c
/** Data of a response by its command, DH1; of any other command OTHER_BYTES. */
const RESPONSE_BYTES: ReadonlyMap<number, number> = new Map([
  [0x01, 0x38],
  [0x02, 0x38],
  [0x03, 0x9d],
  [0x09, 0x9d],
])
const OTHER_BYTES = 0x28
/** Where the levels of the sensors stand in a status, how many, and one that is well: 1 to 8 normal, 9 to 12 to be cleaned. */
const LEVELS_AT = 0x27
const LEVELS_COUNT = 15
const LEVEL_NORMAL = 4

export class Commands {
  readonly #ledger: NoteLedger
  readonly #mechanism: Mechanism
  readonly #hasPool: boolean
  #lastError: readonly [number, number] = [0, 0]

  constructor(ledger: NoteLedger, mechanism: Mechanism, hasPool: boolean) {
    this.#ledger = ledger
    this.#mechanism = mechanism
    this.#hasPool = hasPool
  }

  /** The power went. */
  forget(): void {
    this.#lastError = [0, 0]
  }

  /** @returns the data of the response */
  async perform(
    data: readonly number[],
    mischief: MechanicalMischief | null,
  ): Promise<readonly number[] | 'cut'> {
    const [dh0, dh1 = 0, dh2 = 0] = data
    if (data.at(-1) !== FS) return this.#refused(dh1, 0xec)
    if (dh0 === 0x00 && data.length === 3 && (dh1 === 0x01 || dh1 === 0x10))
      return dh1 === 0x01 ? this.#status() : this.#response(dh1, [0, 0])
    const params = paramsIn(data)
    if (dh0 !== 0x60 || params === null) return this.#refused(dh1, 0xee)
    switch (dh1) {
      case 0x01:
        return this.#status()
      case 0x02:
        return this.#reset(params, dh2 === 0xff, mischief)
      case 0x03:
        return this.#count(dh1, params, mischief)
      case 0x05:
        return this.#transport(params)
      case 0x09: {
        const counted = await this.#count(dh1, params, mischief)
        if (counted !== 'cut' && counted[0] === 0xe0) this.#ledger.moveAll('stacker', 'outlet')
        return counted === 'cut' ? 'cut' : withSensors(counted, this.#sensors())
      }
      case 0x12:
        return params.length === 0x29 ? this.#response(dh1, [0, 0]) : this.#refused(dh1, 0xea)
      default:
        return this.#refused(dh1, 0xee)
    }
  }

  /** Everything inside goes to the reject box, what is at the mouth falls out. */
  async #reset(
    params: readonly number[],
    isLong: boolean,
    mischief: MechanicalMischief | null,
  ): Promise<readonly number[] | 'cut'> {
    if (params.length !== (isLong ? 0x1a : 0x0d)) return this.#refused(0x02, 0xee)
    if (!areSizes(isLong ? params.slice(1) : params)) return this.#refused(0x02, 0xe8)
    const motion = await this.#mechanism.purge(mischief)
    if (motion === 'cut') return 'cut'
    if (motion.stop === null) {
      const emptied = await this.#mechanism.binAll('stacker', 'reject', null)
      if (emptied === 'cut') return 'cut'
    }
    this.#lastError = errorOf(motion.stop)
    return this.#response(0x02, this.#lastError)
  }

  async #count(
    dh1: number,
    params: readonly number[],
    mischief: MechanicalMischief | null,
  ): Promise<readonly number[] | 'cut'> {
    if (params.length !== 0x15) return this.#refused(dh1, 0xee)
    const numbers = POSITIONS.map((_, at) => readCount(params.slice(1 + 2 * at, 3 + 2 * at)))
    const rejects = POSITIONS.map((_, at) => readCount(params.slice(9 + 2 * at, 11 + 2 * at)))
    if (rejects.includes(null)) return this.#refused(dh1, 0xe6)
    const requests: Request[] = []
    for (const [at, count] of numbers.entries()) {
      if (count === null) return this.#refused(dh1, 0xe6)
      if (count > 0) requests.push({cassette: at + 1, count})
    }
    if (this.#hasPool && this.#ledger.total('stacker') > 0) return this.#refused(dh1, 0x51)
    const motion = await this.#mechanism.dispense(requests, mischief)
    if (motion === 'cut') return 'cut'
    this.#lastError = errorOf(motion.stop)
    return this.#counted(dh1, this.#lastError, motion)
  }

  /** Pool to the front. */
  async #transport(params: readonly number[]): Promise<readonly number[] | 'cut'> {
    if (params.length !== 1 || params[0] !== 0x01) return this.#refused(0x05, 0xea)
    if (!this.#hasPool) return this.#refused(0x05, 0xef)
    if (this.#ledger.total('stacker') === 0) return this.#refused(0x05, 0x52)
    this.#ledger.moveAll('stacker', 'outlet')
    this.#lastError = [0, 0]
    return this.#response(0x05, this.#lastError)
  }

  #counted(dh1: number, error: readonly [number, number], motion: Motion | null): readonly number[] {
    const data = [...this.#response(dh1, error)]
    for (const [at, position] of POSITIONS.entries()) {
      const counted = motion?.counted.get(position)
      data.splice(0x27 + 2 * at, 2, ...writeCount(counted?.out ?? 0))
      data.splice(0x2f + 2 * at, 2, ...writeCount(counted?.rejected ?? 0))
    }
    return data
  }

  /** Nothing moved for it. */
  #refused(dh1: number, code: number): readonly number[] {
    return dh1 === 0x03 || dh1 === 0x09 ? this.#counted(dh1, [code, 0], null) : this.#response(dh1, [code, 0])
  }

  /** A status tells how clean the sensors are, too. */
  #status(): readonly number[] {
    const data = [...this.#response(0x01, this.#present())]
    data.splice(LEVELS_AT, LEVELS_COUNT, ...Array.from({length: LEVELS_COUNT}, () => LEVEL_NORMAL))
    return data
  }

  /** A response of its command's length, FS included, with nothing in it but error and sensors. */
  #response(dh1: number, error: readonly [number, number]): readonly number[] {
    const dataBytes = RESPONSE_BYTES.get(dh1) ?? OTHER_BYTES
    const data = Array.from({length: dataBytes}, () => 0)
    data.splice(0, 5, error[0] === 0 ? 0xe0 : 0xf0, dh1, dataBytes - 4, ...error)
    data[dataBytes - 1] = FS
    return withSensors(data, this.#sensors())
  }

  /** What the status shows: a part that is missing now, or how the last order ended. */
  #present(): readonly [number, number] {
    const [missing] = this.#mechanism.missing
    if (this.#mechanism.isRejectBinMissing) return [0xb0, 0]
    return missing === undefined ? this.#lastError : [missing * 16, 0]
  }

  #sensors(): readonly number[] {
    const {spot} = this.#mechanism
    const bit = (isSet: boolean, at: number): number => (isSet ? 1 << at : 0)
    return [
      bit(spot?.at === 'throat', (spot?.cassette ?? 1) - 1) | bit(spot?.at === 'diverter', 7),
      bit(spot?.at === 'eject', 3) |
        bit(this.#ledger.total('mouth') > 0, 4) |
        bit(this.#ledger.total('stacker') > 0, 5),
      bit(this.#ledger.total('outlet') > 0, 4),
      0,
      0,
      0,
    ]
  }
}

function withSensors(data: readonly number[], sensors: readonly number[]): readonly number[] {
  return [...data.slice(0, 0x0c), ...sensors, ...data.slice(0x12)]
}

/** The parameters of either form, or null when its lengths are wrong. */
function paramsIn(data: readonly number[]): readonly number[] | null {
  const [, , dh2 = 0, zero, high = 0, low = 0] = data
  const isLong = dh2 === 0xff && zero === 0x00 && data.length === 7 + high * 256 + low
  if (isLong) return data.slice(6, -1)
  return data.length === 4 + dh2 ? data.slice(3, -1) : null
}

/** ODR, then in groups of four cassettes longest and shortest length, then thickness; zeros keep what is stored. */
function areSizes(params: readonly number[]): boolean {
  const groups = (params.length - 1) / 12
  return Array.from({length: groups}, (_, at) => params.slice(1 + 12 * at, 13 + 12 * at)).every(group =>
    [0, 1, 2, 3].every(at => {
      const [longest = 0, shortest = 0, thickness = 0] = [group[2 * at], group[2 * at + 1], group[8 + at]]
      return longest >= shortest && (longest === 0 || thickness > 0) && thickness <= 0x20
    }),
  )
}

function errorOf(stop: Stop | null): readonly [number, number] {
  switch (stop?.kind) {
    case undefined:
      return [0, 0]
    case 'jam':
      return [{throat: 0x78, diverter: 0x7a, eject: 0x7d, mouth: 0x7c}[stop.at], 0]
    case 'pickFailed':
      return [stop.cassette * 16 + 6, 0]
    case 'empty':
      return [stop.cassette * 16 + 1, 0]
    case 'missing':
      return [stop.cassette * 16, 0]
    case 'rejectBinMissing':
      return [0xb0, 0]
    case 'overflow':
    case 'countMismatch':
      return [0x88, 0]
    case 'tooManyRejects':
      return [0x84, 0]
  }
}
