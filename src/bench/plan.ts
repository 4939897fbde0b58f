/**
 * Plans of what goes wrong, in words a person types: `dispenser: jam after 2`, `reader: cable pulled in
 * enteringPin`, `customer: leaves card`. One table serves the command line, the bench page and the tests.
 */
import type {Mischief as DispenserMischief} from '../../devices/dispenser/mischief.ts'
import {STATE_NAMES} from '../../fsm/session.ts'
import type {StateName} from '../../fsm/session.ts'
import {BadInput} from '../../kit/errors.ts'
import {DISPENSER_FAULTS} from './dispenser-faults.ts'
import type {FaultyLine} from './faulty-line.ts'
import type {Rig} from './rig.ts'

export type PlanTarget = 'reader' | 'pinpad' | 'dispenser' | 'printer' | 'bank' | 'customer'

/** What a scripted customer does unlike the others. */
export interface Manners {
  leavesCard: boolean
  leavesNotes: boolean
  /** Presses cancel where the machine asks next. */
  cancels: boolean
  /** Does nothing any more. */
  walksOff: boolean
}

export function goodManners(): Manners {
  return {leavesCard: false, leavesNotes: false, cancels: false, walksOff: false}
}

/** Everything that a plan can touch. */
export interface Stage {
  readonly rig: Rig
  readonly line: FaultyLine
  readonly manners: Manners
}

export interface Fault {
  readonly target: PlanTarget
  readonly name: string
  readonly label: string
  /** Takes `after N`, a number of notes. */
  readonly takesNotes: boolean
  /** The dispenser's own name of it, for models that cannot do it. */
  readonly needs?: DispenserMischief['kind']
  /** Only where the reader moves cards. */
  readonly needsMotor?: boolean
  readonly strike: (stage: Stage, afterNotes: number) => void
}

/** All that can be planned. */
export const FAULTS: readonly Fault[] = [
  ...DISPENSER_FAULTS.map(({name, label, takesNotes, make}): Fault => ({
    target: 'dispenser',
    name,
    label,
    takesNotes,
    needs: make(0).kind,
    strike: ({rig}, afterNotes) => {
      rig.emulators.dispenser.plan(make(afterNotes))
    },
  })),
  {
    target: 'dispenser',
    name: 'cable pulled',
    label: 'Cable pulled',
    takesNotes: false,
    strike: ({rig}) => {
      rig.cables.dispenser.pull()
    },
  },
  {
    target: 'reader',
    name: 'eject jam',
    label: 'Card jams on the way out',
    takesNotes: false,
    needsMotor: true,
    strike: ({rig}) => {
      rig.emulators.reader.plan({kind: 'jam', journey: 'eject'})
    },
  },
  {
    target: 'reader',
    name: 'capture jam',
    label: 'Card jams on the way to the bin',
    takesNotes: false,
    needsMotor: true,
    strike: ({rig}) => {
      rig.emulators.reader.plan({kind: 'jam', journey: 'capture'})
    },
  },
  {
    target: 'reader',
    name: 'answer lost',
    label: 'Answer lost',
    takesNotes: false,
    strike: ({rig}) => {
      rig.emulators.reader.plan({kind: 'line', do: 'dropReply'})
    },
  },
  {
    target: 'reader',
    name: 'power cut',
    label: 'Power cut',
    takesNotes: false,
    strike: ({rig}) => {
      rig.emulators.reader.cutPower()
    },
  },
  {
    target: 'reader',
    name: 'cable pulled',
    label: 'Cable pulled',
    takesNotes: false,
    strike: ({rig}) => {
      rig.cables.cardReader.pull()
    },
  },
  {
    target: 'pinpad',
    name: 'answer lost',
    label: 'Answer lost',
    takesNotes: false,
    strike: ({rig}) => {
      rig.emulators.pinPad.plan({kind: 'line', do: 'dropReply'})
    },
  },
  {
    target: 'pinpad',
    name: 'power cut',
    label: 'Power cut',
    takesNotes: false,
    strike: ({rig}) => {
      rig.emulators.pinPad.cutPower()
    },
  },
  {
    target: 'pinpad',
    name: 'cable pulled',
    label: 'Cable pulled',
    takesNotes: false,
    strike: ({rig}) => {
      rig.cables.pinPad.pull()
    },
  },
  ...(
    [
      ['paper ends', 'Paper ends after 3 lines', {kind: 'paperEnds', afterLines: 3}],
      ['cutter sticks', 'Cutter sticks', {kind: 'cutterSticks'}],
      ['cover opens', 'Cover opens after 3 lines', {kind: 'coverOpens', afterLines: 3}],
      ['answer lost', 'Answer lost', {kind: 'answerLost', times: 1}],
      ['power cut', 'Power cut after 3 lines', {kind: 'powerCut', afterLines: 3}],
    ] as const
  ).map(([name, label, mischief]): Fault => ({
    target: 'printer',
    name,
    label,
    takesNotes: false,
    strike: ({rig}) => {
      rig.emulators.printer?.plan(mischief)
    },
  })),
  {
    target: 'printer',
    name: 'cable pulled',
    label: 'Cable pulled',
    takesNotes: false,
    strike: ({rig}) => {
      rig.cables.printer?.pull()
    },
  },
  {
    target: 'bank',
    name: 'unreachable',
    label: 'Line to the bank cut',
    takesNotes: false,
    strike: ({line}) => {
      line.cut()
    },
  },
  {
    target: 'bank',
    name: 'answer lost',
    label: 'Next answer lost',
    takesNotes: false,
    strike: ({line}) => {
      line.loseAnswer()
    },
  },
  {
    target: 'customer',
    name: 'leaves card',
    label: 'Leaves the card',
    takesNotes: false,
    strike: ({manners}) => {
      manners.leavesCard = true
    },
  },
  {
    target: 'customer',
    name: 'leaves notes',
    label: 'Leaves the notes',
    takesNotes: false,
    strike: ({manners}) => {
      manners.leavesNotes = true
    },
  },
  {
    target: 'customer',
    name: 'cancels',
    label: 'Presses cancel',
    takesNotes: false,
    strike: ({manners}) => {
      manners.cancels = true
    },
  },
  {
    target: 'customer',
    name: 'walks off',
    label: 'Walks off',
    takesNotes: false,
    strike: ({manners}) => {
      manners.walksOff = true
    },
  },
]

/** One planned fault: at once, or when the machine comes to a state. */
export interface Planned {
  readonly fault: Fault
  readonly afterNotes: number
  readonly inState: StateName | null
}

const ITEM =
  /^(?<target>[a-z]+): (?<name>[a-z ]+?)(?: after (?<after>[0-9]{1,2}))?(?: in (?<state>[a-zA-Z]+))?$/

/**
 * Reads a plan: items separated by `;`.
 * @throws BadInput naming the item and what is wrong with it
 */
export function parsePlan(text: string): readonly Planned[] {
  return text
    .split(';')
    .map(item => item.trim())
    .filter(item => item !== '')
    .map(parseItem)
}

function parseItem(item: string): Planned {
  const groups = ITEM.exec(item)?.groups
  if (groups === undefined)
    throw new BadInput(`plan: '${item}' does not read as 'device: fault [after N] [in STATE]'`)
  const {target = '', name = '', after, state} = groups
  const known = FAULTS.filter(fault => fault.target === target)
  if (known.length === 0)
    throw new BadInput(`plan: '${target}' is none of ${[...new Set(FAULTS.map(f => f.target))].join(', ')}`)
  const fault = known.find(one => one.name === name)
  if (fault === undefined)
    throw new BadInput(`plan: ${target} knows no '${name}'; it knows ${known.map(f => f.name).join(', ')}`)
  if (after !== undefined && !fault.takesNotes) throw new BadInput(`plan: '${name}' takes no 'after'`)
  const inState = state === undefined ? null : stateNamed(state)
  return {fault, afterNotes: after === undefined ? 0 : Number(after), inState}
}

function stateNamed(text: string): StateName {
  const state = STATE_NAMES.find(name => name === text)
  if (state === undefined) throw new BadInput(`plan: '${text}' is no state of the machine`)
  return state
}

/** Whether this machine's devices can do it. */
export function isPossible(fault: Fault, rig: Rig): boolean {
  if (fault.target === 'printer') return rig.emulators.printer !== null
  if (fault.needsMotor === true && !rig.hasMotorReader) return false
  return fault.needs === undefined || rig.emulators.dispenser.mischiefKinds.includes(fault.needs)
}

/** Carries plans out on one stage. */
export class PlanRunner {
  readonly #stage: Stage
  #waiting: readonly Planned[] = []

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** @throws BadInput when a device cannot do one of them; none of them is then in force */
  add(plans: readonly Planned[]): void {
    const impossible = plans.find(({fault}) => !isPossible(fault, this.#stage.rig))
    if (impossible !== undefined)
      throw new BadInput(`plan: this ${impossible.fault.target} cannot do '${impossible.fault.name}'`)
    for (const plan of plans) if (plan.inState === null) plan.fault.strike(this.#stage, plan.afterNotes)
    this.#waiting = [...this.#waiting, ...plans.filter(plan => plan.inState !== null)]
  }

  /** The machine came to a state: what waited for it strikes, once. */
  entered(state: StateName): void {
    const due = this.#waiting.filter(plan => plan.inState === state)
    this.#waiting = this.#waiting.filter(plan => plan.inState !== state)
    for (const {fault, afterNotes} of due) fault.strike(this.#stage, afterNotes)
  }
}
