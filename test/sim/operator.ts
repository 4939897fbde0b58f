/** Those who look after the machine: the hand that switches it on again, and the one that empties, counts and loads. */
import type {CassetteLevel, Device} from '../../fsm/vocabulary.ts'
import {minorUnits, noteCount} from '../../kit/money.ts'
import type {Machine} from '../../src/machine.ts'
import type {Draws} from './draws.ts'
import type {World} from './world.ts'

/** In these states the safe may be opened. */
export const RESTING: readonly string[] = ['idle', 'offline', 'outOfService']

const PERSON = 'oona'
const DEVICES: readonly Device[] = ['cardReader', 'pinPad', 'dispenser']

export class Operator {
  readonly #world: World
  readonly #draws: Draws
  #isComing = false
  #isStarting = false
  #isTelling = false
  #isThinking = false

  constructor(world: World, draws: Draws) {
    this.#world = world
    this.#draws = draws
    world.onChange(() => {
      this.look()
    })
  }

  /** Whether a load is in the cassettes that the machine has not taken into its books yet: nobody else comes meanwhile. */
  get isTelling(): boolean {
    return this.#isTelling
  }

  /** A machine that is off, or stands still, is somebody's business: soon, or much later. */
  look(): void {
    const {machine, clock} = this.#world
    if (machine === null) {
      if (this.#isStarting) return
      this.#isStarting = true
      clock.after(this.#draws.between(1_000, 60_000), () => {
        this.#isStarting = false
        this.#start()
      })
      return
    }
    const {state} = machine.standing
    if (state === 'supervisor') this.#think()
    const isStuck = state === 'outOfService' || state === 'suspended'
    if (!isStuck || this.#isComing) return
    this.#isComing = true
    clock.after(
      this.#draws.chance(0.1) ? this.#draws.between(60_000, 900_000) : this.#draws.between(5_000, 60_000),
      () => {
        this.#isComing = false
        this.visit()
      },
    )
  }

  #start(): void {
    const {devices} = this.#world
    if (this.#world.machine !== null) return
    // Devices on the same mains lost it as well, now and then.
    if (this.#draws.chance(0.3)) {
      devices.dispenser.powerCut()
      devices.reader.cutPower()
      devices.pad.cutPower()
    }
    devices.mend()
    if (!this.#world.begin()) this.look()
  }

  /** Wants supervisor mode, which begins when the visit under way is over. */
  call(): void {
    this.#world.say('operator', 'calls for supervisor mode')
    this.#world.machine?.operate({type: 'supervisor.called', person: PERSON})
  }

  /** In supervisor mode: what to have it do next takes a moment. */
  #think(): void {
    if (this.#isThinking) return
    this.#isThinking = true
    this.#world.clock.after(this.#draws.between(500, 20_000), () => {
      this.#isThinking = false
      if (this.#draws.chance(0.6))
        this.#inSupervision(machine => {
          this.#order(machine)
        })
      // Nothing more to do, or it does not want to.
      this.#inSupervision(machine => {
        machine.operate({type: 'supervisor.left', person: PERSON})
      })
    })
  }

  #inSupervision(act: (machine: Machine) => void): void {
    const {machine} = this.#world
    if (machine?.standing.state === 'supervisor') act(machine)
  }

  #order(machine: Machine): void {
    const {cassettes, dispenser} = this.#world.config
    const canTest = dispenser.model.startsWith('lcdm')
    if (canTest && this.#draws.chance(0.5))
      machine.operate({type: 'test.chosen', person: PERSON, cassette: this.#draws.one(cassettes).cassette})
    else machine.operate({type: 'reset.chosen', person: PERSON, device: this.#draws.one(DEVICES)})
  }

  /** Looks after what can be seen to be wrong. Counts right, and tells the machine. */
  visit(): void {
    const {machine, devices, config} = this.#world
    if (machine === null) return
    const {state} = machine.standing
    this.#world.say('operator', `comes, the machine is ${state}`)
    devices.mend()
    if (state === 'suspended') {
      this.#world.die('by the operator', 'killed')
      return
    }
    const {dispenser} = devices
    if (!RESTING.includes(state) || dispenser.state.isMoving) return
    const {operator} = dispenser
    for (const cassette of dispenser.state.cassettesMissing) operator.setCassette(cassette, 'in')
    operator.setRejectBin('in')
    operator.clearPath()
    operator.emptyBins()
    const counts = Object.fromEntries(
      config.cassettes.map(({cassette}) => [cassette, this.#draws.between(40, 200)]),
    )
    operator.load(counts)
    this.#isTelling = true
    this.#tell()
    this.#world.note('operator loaded')
  }

  /** A person looks whether the machine took the counts, and counts and tells again when it did not. */
  #tell(): void {
    const {machine, clock, oracle, devices} = this.#world
    if (machine !== null && RESTING.includes(machine.standing.state)) {
      const loadsCount = oracle.loadsCount
      this.#load(machine, devices.dispenser.world.cassette)
      this.#isTelling = oracle.loadsCount === loadsCount
      if (!this.#isTelling) return
    }
    clock.after(5_000, () => {
      this.#tell()
    })
  }

  #load(machine: Machine, counts: Readonly<Record<number, number>>): void {
    const {config} = this.#world
    machine.load(
      config.cassettes.map(({cassette, noteMinor}): CassetteLevel => ({
        cassette,
        noteMinor: minorUnits(noteMinor),
        count: noteCount(counts[cassette] ?? 0),
        state: 'ok',
      })),
    )
  }
}
