/** People at the machine: each comes with a wish and habits, looks at what there is to see, and acts after a while. */
import type {Card} from '../../devices/card-reader/emulator-card.ts'
import type {Key} from '../../devices/pin-pad/port.ts'
import type {Machine} from '../../src/machine.ts'
import type {Person} from './bank.ts'
import type {SimClock} from './clock.ts'
import type {Devices} from './devices.ts'
import type {Draws} from './draws.ts'
import type {Faults} from './faults.ts'

/** The place where customers stand. */
export interface Stage {
  readonly clock: SimClock
  readonly devices: Devices
  readonly faults: Faults
  /** Null while its computer is off. */
  readonly machine: Machine | null
  say(who: string, what: string): void
}

/** What this one does unlike a good customer. */
export interface Habits {
  /** How often the PIN is typed wrong before it is typed right. */
  readonly wrongPins: number
  readonly leavesCard: boolean
  readonly leavesNotes: boolean
  readonly takesSome: number
  readonly cancelsIn: string | null
  readonly walksOffIn: string | null
  readonly mashes: boolean
  /** Between looking and acting, least and most. */
  readonly paceMs: readonly [number, number]
  readonly balanceFirst: boolean
  readonly touches: boolean
  readonly amountUnits: number
  readonly wantsReceipt: boolean
}

const ASKING = [
  'enteringPin',
  'choosingService',
  'choosingAmount',
  'confirmingFee',
  'amountRefused',
  'choosingReceipt',
] as const
const GOOD_PACE_MS = [100, 1_200] as const
/** Long enough to run into every timeout of 30 s, and just around it. */
const SLOW_PACE_MS = [20_000, 34_000] as const
/** Somebody who sees nothing happen goes home. */
const IGNORED_MAX = 8
const PATIENCE_MS = 240_000
const RESTING: readonly string[] = ['idle', 'offline', 'outOfService', 'suspended', 'starting', 'recovering']
const MASHED: readonly Key[] = ['0', '1', '5', '9', 'enter', 'clear', 'cancel', 'A', 'D', 'H', 'E']

function drawHabits(draws: Draws, faults: Faults): Habits {
  const cancels = faults.strike('customer.cancels')
  const walksOff = faults.strike('customer.walksOff')
  const some = faults.strike('customer.takesSome')
  return {
    wrongPins: faults.strike('customer.wrongPin')?.draws.between(1, 3) ?? 0,
    leavesCard: faults.strike('customer.leavesCard') !== null,
    leavesNotes: faults.strike('customer.leavesNotes') !== null,
    takesSome: some === null ? 0 : some.draws.between(1, 3),
    cancelsIn: cancels === null ? null : cancels.draws.one(ASKING),
    walksOffIn: walksOff === null ? null : walksOff.draws.one(ASKING),
    mashes: faults.strike('customer.mashes') !== null,
    paceMs: faults.strike('customer.slow') === null ? GOOD_PACE_MS : SLOW_PACE_MS,
    balanceFirst: draws.chance(0.1),
    touches: draws.chance(0.3),
    amountUnits: draws.chance(0.8)
      ? draws.between(1, 30) * 10
      : draws.one([1, 15, 1_010, 700, 1_000, 1_500, 2_400, 2_950]),
    wantsReceipt: draws.chance(0.7),
  }
}

export class Customer {
  readonly #stage: Stage
  readonly #person: Person
  readonly #draws: Draws
  readonly #habits: Habits
  readonly #name: string
  #phase: 'coming' | 'visiting' | 'gone' = 'coming'
  #isActing = false
  #isWaiting = false
  #keys: Key[] = []
  #answered = ''
  #hasPulled = false
  #ignoredCount = 0
  #pinsCount = 0
  #hasSeenBalance = false
  #sinceMs: number

  /** @param unlike habits that this one has whatever is drawn */
  constructor(stage: Stage, person: Person, draws: Draws, name: string, unlike: Partial<Habits> = {}) {
    this.#stage = stage
    this.#person = person
    this.#draws = draws
    this.#name = name
    this.#habits = {...drawHabits(draws, stage.faults), ...unlike}
    this.#sinceMs = stage.clock.monotonicMs()
    this.look()
  }

  get isGone(): boolean {
    return this.#phase === 'gone'
  }

  /** Something changed: there may be something to do, in a moment. */
  look(): void {
    if (this.#isActing || this.#phase === 'gone') return
    this.#isActing = true
    const [least, most] = this.#keys.length > 0 ? [40, 200] : this.#habits.paceMs
    this.#stage.clock.after(this.#draws.between(least, most), () => {
      this.#isActing = false
      if (this.#phase === 'gone') return
      if (this.#act()) this.look()
      else this.#wait()
    })
  }

  /** @returns whether there is more to do at once */
  #act(): boolean {
    const {machine, devices} = this.#stage
    if (this.#phase === 'coming') return this.#come()
    if (this.#takeThings()) return true
    if (this.#stage.clock.monotonicMs() - this.#sinceMs > PATIENCE_MS) {
      this.#leave('has no patience left')
      return false
    }
    const state = machine?.standing.state ?? 'off'
    const {place} = devices.reader.world
    if (RESTING.includes(state) && place === 'none') {
      this.#leave('is done')
      return false
    }
    const key = this.#keys.shift()
    if (key !== undefined) {
      // A key that does nothing is pressed again, as people do, though not for ever.
      const isTired = this.#ignoredCount >= IGNORED_MAX
      if (devices.pad.press(key) === 'pressed' || isTired) this.#ignoredCount = 0
      else {
        this.#ignoredCount += 1
        this.#keys.unshift(key)
      }
      return this.#keys.length > 0
    }
    const isAsked = machine?.standing.context.visit?.isAskedForTime ?? false
    const question = isAsked ? `${state}, more time` : state
    if (question === this.#answered || machine === null) return false
    this.#answered = question
    if (isAsked) this.#choose(machine, 'moreTime')
    else this.#answer(machine, state)
    return this.#keys.length > 0
  }

  /** Looks again by itself after a while, should nothing happen that can be seen. */
  #wait(): void {
    if (this.#isWaiting || this.#phase === 'gone') return
    this.#isWaiting = true
    this.#stage.clock.after(20_000, () => {
      this.#isWaiting = false
      this.look()
    })
  }

  #come(): boolean {
    const {machine, devices, clock} = this.#stage
    if (clock.monotonicMs() - this.#sinceMs > PATIENCE_MS) {
      this.#leave('found no open machine')
      return false
    }
    if (machine?.standing.state !== 'idle') return false
    if (devices.reader.insert(this.#card()) !== 'inserted') return false
    this.#phase = 'visiting'
    this.#sinceMs = clock.monotonicMs()
    this.#stage.say(this.#name, 'puts a card in')
    return false
  }

  #card(): Card {
    const {track2} = this.#person
    const bad = this.#stage.faults.strike('customer.badCard')
    if (bad === null) return {track2, chip: {protocol: 'T0', track2, holder: 'CARD/HOLDER'}}
    return bad.draws.one<Card>([
      {track2, faults: {2: 'parity'}},
      {track1: 'NO BANK CARD'},
      {track2, chip: {protocol: 'T0', track2, holder: 'CARD/HOLDER'}, faults: {2: 'checkCharacter'}},
      {track2},
    ])
  }

  #takeThings(): boolean {
    const {reader, dispenser} = this.#stage.devices
    const {place} = reader.world
    const isOffered = place === 'frontFree' || place === 'frontHeld'
    if (isOffered && !this.#habits.leavesCard && reader.take() !== null) {
      this.#stage.say(this.#name, 'takes the card')
      return true
    }
    if (this.#habits.takesSome > 0 && this.#pullsAtNotes()) return false
    if (this.#habits.leavesNotes) return false
    const taken = Object.values(dispenser.takeNotes()).reduce((sum, count) => sum + count, 0)
    if (taken > 0) this.#stage.say(this.#name, `takes ${taken} notes`)
    return taken > 0
  }

  /** Where notes are drawn back: some of them will be pulled out just before, and the rest left. */
  #pullsAtNotes(): boolean {
    const {dispenser} = this.#stage.devices
    if (!dispenser.mischiefKinds.includes('someTaken')) return false
    const areOut = Object.values(dispenser.world.outlet).some(count => count > 0)
    if (areOut && !this.#hasPulled) {
      this.#hasPulled = true
      this.#stage.say(this.#name, 'pulls at the notes')
      dispenser.plan({kind: 'someTaken', count: this.#habits.takesSome})
    }
    return true
  }

  #answer(machine: Machine, state: string): void {
    const {cancelsIn, walksOffIn, mashes} = this.#habits
    if (state === walksOffIn) {
      this.#leave(`walks off in ${state}`)
      return
    }
    if (state === cancelsIn) {
      this.#stage.say(this.#name, `presses cancel in ${state}`)
      this.#keys = ['cancel']
      return
    }
    if (mashes && this.#draws.chance(0.5)) {
      this.#answered = ''
      this.#keys = Array.from({length: this.#draws.between(1, 6)}, () => this.#draws.one(MASHED))
      return
    }
    switch (state) {
      case 'enteringPin':
        this.#answered = ''
        this.#pinsCount += 1
        this.#keys = [
          ...digitsOf(this.#pinsCount > this.#habits.wrongPins ? this.#person.pin : '0000'),
          'enter',
        ]
        return
      case 'choosingService':
        if (this.#habits.balanceFirst && !this.#hasSeenBalance) {
          this.#hasSeenBalance = true
          this.#choose(machine, 'balance')
        } else this.#choose(machine, 'withdrawal')
        return
      case 'showingBalance': {
        const isOffered = machine.current().choices.some(({id}) => id === 'printBalance')
        this.#choose(machine, isOffered && this.#habits.wantsReceipt ? 'printBalance' : 'goOn')
        return
      }
      case 'choosingReceipt':
        this.#choose(machine, this.#habits.wantsReceipt ? 'receipt' : 'noReceipt')
        return
      case 'askingAnother':
        this.#choose(machine, 'another')
        return
      case 'offeringTime':
        this.#choose(machine, 'moreTime')
        return
      case 'choosingAmount':
        this.#enterAmount(machine)
        return
      case 'amountRefused':
        this.#keys = ['cancel']
        return
      case 'confirmingFee':
        this.#keys = ['enter']
        return
      default:
        return
    }
  }

  #enterAmount(machine: Machine): void {
    const {pad} = this.#stage.devices
    const [first, ...rest] = digitsOf(String(this.#habits.amountUnits))
    if (!this.#habits.touches && first !== undefined && pad.press(first) === 'pressed')
      this.#keys = [...rest, 'enter']
    else this.#touchAmount(machine)
  }

  /** The wish, where the screen offers it; else what the screen does offer. */
  #touchAmount(machine: Machine): void {
    const offered = machine
      .current()
      .choices.map(({id}) => id)
      .filter(id => id.startsWith('amount-'))
    const wish = `amount-${this.#habits.amountUnits * 100}`
    machine.choose(offered.includes(wish) || offered.length === 0 ? wish : this.#draws.one(offered))
  }

  #choose(machine: Machine, id: string): void {
    if (this.#habits.touches) {
      machine.choose(id)
      return
    }
    const key = machine.current().choices.find(choice => choice.id === id)?.keys[0]
    if (key !== undefined) this.#keys = [key]
  }

  #leave(why: string): void {
    this.#phase = 'gone'
    this.#stage.say(this.#name, why)
  }
}

function digitsOf(text: string): readonly Key[] {
  return Array.from(text).filter(isDigit)
}

function isDigit(text: string): text is Key & ('0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9') {
  return /^[0-9]$/.test(text)
}
