/**
 * What can go wrong, how often at most, and which of it does in one run. Swarm testing: every run draws which faults it
 * has at all, and at which rates, because a mix of everything hides what two of them do together. Each strike has a
 * name and a number, so that a failing run can be played again with fewer of them.
 */
import type {Draws} from './draws.ts'

/** Rate per opportunity, least and most, where the fault is in a run at all. */
interface Range {
  readonly least: number
  readonly most: number
}

const perFrame: Range = {least: 0.0005, most: 0.03}
const perMessage: Range = {least: 0.01, most: 0.3}
const perVisit: Range = {least: 0.03, most: 0.4}
const rarely: Range = {least: 0.00005, most: 0.002}

/** Every fault by its name; the part before the dot is the layer. */
export const FAULTS = {
  // What the wire does to one write, either way.
  'bytes.lost': perFrame,
  'bytes.twice': perFrame,
  'bytes.flipped': perFrame,
  'bytes.cut': perFrame,
  'bytes.garbage': perFrame,
  'bytes.split': perFrame,
  'bytes.late': perFrame,
  'cable.pulled': rarely,
  // What a device does wrong in one order.
  'dispenser.mischief': {least: 0.1, most: 0.8},
  'dispenser.talk': {least: 0.1, most: 0.8},
  'dispenser.power': rarely,
  'reader.jamEject': perVisit,
  'reader.jamCapture': perVisit,
  'reader.talk': perVisit,
  'reader.power': rarely,
  'pad.talk': perVisit,
  'pad.power': rarely,
  'printer.mischief': perVisit,
  // What the line and the bank do to one message.
  'bank.unreachable': perMessage,
  'bank.lost': perMessage,
  'bank.answerLost': perMessage,
  'bank.late': perMessage,
  'bank.answerLate': perMessage,
  'bank.twice': {least: 0.02, most: 0.5},
  'bank.garbled': perMessage,
  'bank.lies': perMessage,
  'bank.trouble': perMessage,
  'bank.restarts': {least: 0.005, most: 0.05},
  // What the disk does to one append.
  'disk.error': rarely,
  'disk.syncError': rarely,
  'disk.full': {least: 0.05, most: 0.4},
  'disk.slow': {least: 0.01, most: 0.2},
  // The computer itself.
  'process.frozen': rarely,
  'process.killed': rarely,
  'power.beforeAppend': {least: 0.0002, most: 0.004},
  'power.withinAppend': {least: 0.0004, most: 0.008},
  'power.afterAppend': {least: 0.0004, most: 0.008},
  'power.frame': {least: 0.00005, most: 0.001},
  'power.bank': {least: 0.002, most: 0.02},
  'power.note': {least: 0.001, most: 0.02},
  'power.moment': {least: 0.005, most: 0.1},
  'power.recovery': {least: 0.005, most: 0.05},
  'clock.step': {least: 0.01, most: 0.1},
  // People.
  'customer.wrongPin': {least: 0.03, most: 0.2},
  'customer.leavesCard': perVisit,
  'customer.leavesNotes': perVisit,
  'customer.takesSome': perVisit,
  'customer.cancels': {least: 0.03, most: 0.2},
  'customer.walksOff': {least: 0.03, most: 0.2},
  'customer.mashes': {least: 0.03, most: 0.2},
  'customer.slow': perVisit,
  'customer.badCard': {least: 0.03, most: 0.2},
  'operator.visits': {least: 0.02, most: 0.2},
  'operator.pullsCassette': {least: 0.01, most: 0.1},
  'operator.supervises': {least: 0.02, most: 0.2},
} as const satisfies Readonly<Record<string, Range>>

export type FaultName = keyof typeof FAULTS

function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(FAULTS, name)
}

export const FAULT_NAMES: readonly FaultName[] = Object.keys(FAULTS).filter(isFaultName)

/** Part of the runs in which one fault occurs at all, and of one that touches money directly. */
const ENABLED_RATE = 0.25
const ENABLED_MONEY_RATE = 0.5
const MONEY_FAULTS: readonly FaultName[] = [
  'dispenser.mischief',
  'dispenser.talk',
  'power.note',
  'power.beforeAppend',
  'power.withinAppend',
  'power.afterAppend',
  'power.moment',
  'power.recovery',
  'bank.late',
  'customer.leavesNotes',
  'customer.takesSome',
]
/**
 * What a run may be about: those faults are in it for certain, at those rates. Left to chance, what takes three odd
 * things at once (somebody pulls at notes, the device draws the rest back, and does not count) comes in one run of a
 * hundred.
 */
export const THEMES = {
  anything: {},
  'notes left': {
    'customer.leavesNotes': 0.3,
    'customer.takesSome': 0.3,
    'dispenser.mischief': 0.5,
  },
  'many bunches': {'dispenser.mischief': 0.6, 'power.note': 0.01},
  'lost words': {'dispenser.talk': 0.6, 'bank.late': 0.1, 'bank.answerLost': 0.15, 'bank.trouble': 0.1},
  'short power': {'power.moment': 0.06, 'power.recovery': 0.04, 'power.afterAppend': 0.006},
} as const satisfies Readonly<Record<string, Partial<Record<FaultName, number>>>>

export type Theme = keyof typeof THEMES

/** Half of all runs are about nothing. */
const THEME_DRAWN: readonly Theme[] = [
  'anything',
  'anything',
  'anything',
  'anything',
  'notes left',
  'many bunches',
  'lost words',
  'short power',
]

export function drawTheme(draws: Draws): Theme {
  return draws.one(THEME_DRAWN)
}

/** Part of the runs in which nothing goes wrong but by customers. */
const CALM_RATE = 0.03

/** A strike: its name for playing it again, and the draws that say how exactly. */
export interface Strike {
  /** `bank.late#3`: the third of that name in this run. */
  readonly id: string
  readonly draws: Draws
}

/**
 * Strikes that are laid down instead of drawn: at which opportunities of a fault, counted from 1, it strikes; or at the
 * first that is about a message whose path ends so.
 */
export type Script = ReadonlyMap<FaultName, readonly (number | string)[]>

export class Faults {
  readonly #draws: Draws
  readonly #script: Script | null
  readonly #opportunities = new Map<FaultName, number>()
  /** Of the script, the paths that were struck. */
  readonly #pathsStruck = new Set<string>()
  readonly #rates = new Map<FaultName, number>()
  readonly #streams = new Map<FaultName, Draws>()
  readonly #counts = new Map<FaultName, number>()
  readonly #only: ReadonlySet<string> | null
  readonly #struck: string[] = []
  readonly #told: (id: string) => void
  #isHealed = false

  /**
   * @param only strikes that happen, of all that are drawn; all when null
   * @param told hears of every strike
   * @param theme what the run is about
   * @param script strikes instead of the draws, where there is one
   */
  constructor(
    draws: Draws,
    only: ReadonlySet<string> | null,
    told: (id: string) => void,
    theme: Theme,
    script: Script | null,
  ) {
    this.#draws = draws
    this.#only = only
    this.#told = told
    this.#script = script
    if (script !== null) return
    const swarm = draws.stream('swarm')
    const isCalm = swarm.chance(CALM_RATE)
    const themeRates: Partial<Record<FaultName, number>> = THEMES[theme]
    for (const name of FAULT_NAMES) {
      const isEnabled = swarm.chance(MONEY_FAULTS.includes(name) ? ENABLED_MONEY_RATE : ENABLED_RATE)
      const {least, most} = FAULTS[name]
      // Even over the orders of magnitude, so that rare faults get to act alone as well.
      const rate = least * (most / least) ** swarm.unit()
      if (isEnabled && (!isCalm || name.startsWith('customer.'))) this.#rates.set(name, rate)
      const themeRate = themeRates[name]
      if (themeRate !== undefined) this.#rates.set(name, themeRate)
      this.#streams.set(name, draws.stream(name))
    }
  }

  /** Faults of this run, with their rates. */
  get rates(): ReadonlyMap<FaultName, number> {
    return this.#rates
  }

  /**
   * Whether the fault strikes at this opportunity; says how, if so.
   * @param path of the message that the opportunity is about
   */
  strike(name: FaultName, factor = 1, path = ''): Strike | null {
    if (this.#isHealed || !(this.#script === null ? this.#isDrawn(name, factor) : this.#isDue(name, path)))
      return null
    const count = (this.#counts.get(name) ?? 0) + 1
    this.#counts.set(name, count)
    const id = `${name}#${count}`
    if (this.#only !== null && !this.#only.has(id)) return null
    this.#struck.push(id)
    this.#told(id)
    return {id, draws: this.#draws.stream(id)}
  }

  /** How many opportunities each fault of a script had so far. */
  get opportunities(): ReadonlyMap<FaultName, number> {
    return this.#opportunities
  }

  #isDrawn(name: FaultName, factor: number): boolean {
    const rate = this.#rates.get(name)
    return rate !== undefined && this.#streams.get(name)?.chance(Math.min(0.9, rate * factor)) === true
  }

  #isDue(name: FaultName, path: string): boolean {
    const count = (this.#opportunities.get(name) ?? 0) + 1
    this.#opportunities.set(name, count)
    const dues = this.#script?.get(name) ?? []
    const due = dues.find(each => (typeof each === 'number' ? each === count : path.endsWith(each)))
    if (typeof due !== 'string') return due !== undefined
    const isFirst = !this.#pathsStruck.has(`${name} ${due}`)
    this.#pathsStruck.add(`${name} ${due}`)
    return isFirst
  }

  /** Every strike so far, in order. */
  get struck(): readonly string[] {
    return this.#struck
  }

  /** From now on everything works. */
  heal(): void {
    this.#isHealed = true
  }
}
