/** Creator CRT-571, the emulator's hands: what each command does to cards, contacts and counter, and what is answered. */
import type {Clock} from '../../../kit/clock.ts'
import {COMMAND_BYTES_MAX, COMMAND_BYTES_MIN} from '../apdu.ts'
import {ChipSlot} from '../emulator-chip.ts'
import type {ChipSaid, ChipSpec} from '../emulator-chip.ts'
import {CardPath} from '../emulator-path.ts'
import type {Place, Remains} from '../emulator-path.ts'
import {namesOf} from '../names.ts'
import type {ChipProtocol} from '../port.ts'
import {CARD_TYPE, CHIP_STATE, COMMANDS, COUNTER_MAX, SENSORS, VOLTAGE} from './bytes.ts'
import type {CardAt, CommandName} from './bytes.ts'
import {decodeCount, encodeCount, encodeReset} from './codec.ts'
import type {Command, State} from './codec.ts'

/** How one emulated reader differs from another; what the maker's text leaves open is among it. */
export interface Make {
  /** Time that one movement of a card takes. Real ones take 0.3 to 2 s; 0 for tests that do not care. */
  readonly moveMs: number
  readonly firmware: string
  readonly serial: string
  readonly version: string
  readonly config: string
  /** Cards that fit into the bin. */
  readonly binMax: number
  /** Chips of its security modules, by slot from 0. */
  readonly modules: readonly ChipSpec[]
  /** Whether every command but the initialisation is refused after power-on. */
  readonly needsInit: boolean
  /** Bytes of the sensors' reply: the page draws 10 and lists 8. */
  readonly sensorBytes: 8 | 10
}

export const MAKE: Make = {
  moveMs: 500,
  firmware: 'CRT-591-M001',
  serial: '571M0001',
  version: 'CRT-591-M001 V1.0',
  config: 'DEMO',
  binMax: 50,
  modules: [],
  needsInit: true,
  sensorBytes: 8,
}

export type Doing =
  | {readonly kind: 'good'; readonly data: Uint8Array}
  | {readonly kind: 'refused'; readonly code: string; readonly data: Uint8Array}

/** Time a chip takes to answer, at most. */
const CHIP_MS = 20
/** Fewer cards than this in the stacker are few. */
const STACKER_FEW = 10
/** Security modules are chosen by digits from this on. */
const FIRST_SLOT = 0x30

export class Acts {
  readonly path: CardPath
  readonly #make: Make
  readonly #clock: Clock
  readonly #contacts: ChipSlot
  readonly #modules: ChipSlot
  #isInitialised = false
  #isCounting = false
  #count: number
  #slot = 0

  constructor(clock: Clock, make: Make, remains: Remains | undefined, changed: () => void) {
    this.#make = make
    this.#clock = clock
    const settings = {moveMs: make.moveMs, ...(remains === undefined ? {} : {remains})}
    this.path = new CardPath(clock, settings, changed)
    this.#contacts = new ChipSlot(() => this.path.atContacts?.chip ?? null)
    this.#modules = new ChipSlot(() => make.modules[this.#slot] ?? null)
    this.#count = remains?.bin.length ?? 0
    this.toDefaults()
  }

  /** As after power-on. */
  toDefaults(): void {
    this.#isInitialised = !this.#make.needsInit
    this.#isCounting = false
    this.path.mouth = 'closed'
    this.path.stop = 'inside'
    this.#contacts.off()
    this.#modules.off()
    this.#slot = 0
  }

  /** What is under way stops where it is. */
  discontinue(): void {
    this.path.halt()
  }

  /** The state bytes of the next answer. */
  get state(): State {
    const {capturedCount, stackedCount} = this.path.world
    return {
      card: this.#cardAt,
      stacker: stackedCount === 0 ? 'empty' : stackedCount < STACKER_FEW ? 'few' : 'enough',
      bin: capturedCount >= this.#make.binMax ? 'full' : 'notFull',
    }
  }

  get #cardAt(): CardAt {
    const {place} = this.path.world
    if (place === 'none') return 'none'
    return place === 'frontHeld' || place === 'frontFree' ? 'gate' : 'position'
  }

  /** Executes one command. @param name null when the table does not hold it */
  async do(name: CommandName | null, command: Command): Promise<Doing> {
    if (name === null) return refused(isKnownCm(command.cm) ? '01' : '00')
    if (!this.#isInitialised && !INITS.includes(name)) return refused('B0')
    const range = DATA_BYTES[name] ?? [0, 0]
    if (command.data.length < range[0] || command.data.length > range[1]) return refused('04')
    return this.#do(name, command)
  }

  async #do(name: CommandName, {data}: Command): Promise<Doing> {
    switch (name) {
      case 'initHold':
      case 'initHoldCounted':
        return this.#init('frontHeld', name === 'initHoldCounted')
      case 'initCapture':
      case 'initCaptureCounted':
        return this.#init('bin', name === 'initCaptureCounted')
      case 'initStay':
      case 'initStayCounted':
        return this.#init(null, name === 'initStayCounted')
      case 'status':
        return good()
      case 'sensors':
        return good(this.#sensors())
      case 'toHold':
        return this.#move('frontHeld')
      case 'toContact':
        return this.#move('insideContact')
      case 'toRadio':
        return this.#move('inside')
      case 'capture':
        return this.path.world.place === 'none' ? refused('02') : this.#move('bin')
      case 'eject':
        return this.#move('frontFree')
      case 'entryOpen':
        this.path.mouth = 'switch'
        return good()
      case 'entryShut':
        this.path.mouth = 'closed'
        return good()
      case 'chipType':
        return good(Buffer.from(CARD_TYPE[this.#chipType], 'latin1'))
      case 'radioType':
        return good(Buffer.from(CARD_TYPE.none, 'latin1'))
      case 'coldReset':
        return this.#reset(this.#contacts, data)
      case 'warmReset':
        return this.#answerToReset(this.#contacts.warm(), '65')
      case 'chipOff':
        this.#contacts.off()
        return good()
      case 'chipStatus':
        return good(stateOf(this.#contacts))
      case 'apduT0':
        return this.#apdu(this.#contacts, 'T0', data)
      case 'apduT1':
        return this.#apdu(this.#contacts, 'T1', data)
      case 'apduAuto':
        return this.#apdu(this.#contacts, null, data)
      case 'samReset':
        return this.#reset(this.#modules, data)
      case 'samWarmReset':
        return this.#answerToReset(this.#modules.warm(), '65')
      case 'samOff':
        this.#modules.off()
        return good()
      case 'samStatus':
        return good(Uint8Array.of(...stateOf(this.#modules), FIRST_SLOT + this.#slot))
      case 'samApduT0':
        return this.#apdu(this.#modules, 'T0', data)
      case 'samApduT1':
        return this.#apdu(this.#modules, 'T1', data)
      case 'samApduAuto':
        return this.#apdu(this.#modules, null, data)
      case 'samSelect':
        return this.#selectModule(data[0] ?? 0)
      case 'radioOn':
        // No card of ours has an antenna.
        return refused('61')
      case 'radioOff':
        return good()
      case 'radioStatus':
        return good(Uint8Array.of(0x30, 0x30))
      case 'serial':
        return good(Uint8Array.of(this.#make.serial.length, ...Buffer.from(this.#make.serial, 'latin1')))
      case 'config':
        return good(Buffer.from(this.#make.config, 'latin1'))
      case 'version':
        return good(Buffer.from(this.#make.version, 'latin1'))
      case 'counter':
        return good(encodeCount(this.#count))
      case 'counterSet':
        return this.#setCounter(data)
    }
  }

  async #init(to: Place | 'bin' | null, isCounting: boolean): Promise<Doing> {
    this.#isInitialised = true
    this.#isCounting = isCounting
    this.path.mouth = 'closed'
    this.#contacts.off()
    this.#modules.off()
    this.#slot = 0
    const moved = to === null || this.#cardAt === 'none' ? good() : await this.#move(to)
    return moved.kind === 'refused' ? moved : good(Buffer.from(this.#make.firmware, 'latin1'))
  }

  /** With no card inside, one comes out of the stacker first. */
  async #move(to: Place | 'bin'): Promise<Doing> {
    this.#contacts.off()
    if (this.path.world.place === 'none') {
      if (!(await this.path.feed())) return refused('A0')
      if (to === 'insideContact') return good()
    }
    const {card} = this.path
    if (this.path.isAbnormal && (to === 'inside' || to === 'insideContact'))
      return refused(card?.length === 'long' ? '13' : '14')
    if (to !== 'bin') return (await this.path.moveTo(to)) ? good() : refused('10')
    if (this.state.bin === 'full') return refused('A1')
    if (this.#isCounting && this.#count >= COUNTER_MAX) return refused('50')
    if (!(await this.path.moveTo('bin'))) return refused('10')
    if (this.#isCounting) this.#count += 1
    return good()
  }

  /** S1 looks at the gate, S2 at the place where cards are read, the others along the way. */
  #sensors(): Uint8Array {
    const covered = COVERED[this.#cardAt]
    const bytes = SENSORS.map(name => (covered.includes(name) ? 0x31 : 0x30))
    return Uint8Array.from({length: this.#make.sensorBytes}, (_, at) => bytes[at] ?? 0x30)
  }

  get #chipType(): keyof typeof CARD_TYPE {
    if (this.#cardAt !== 'position') return 'none'
    const chip = this.path.atContacts?.chip
    if (chip === undefined || chip.state === 'dead') return 'unknown'
    return chip.protocol === 'T0' ? 'chipT0' : 'chipT1'
  }

  async #reset(slot: ChipSlot, data: Uint8Array): Promise<Doing> {
    const [voltage = VOLTAGE.emv5V] = data
    if (!Object.values(VOLTAGE).some(one => one === voltage)) return refused('01')
    if (slot === this.#contacts && this.path.world.place !== 'insideContact') return refused('02')
    await this.#clock.sleep(CHIP_MS)
    return this.#answerToReset(slot.cold(), '61')
  }

  #answerToReset(answer: ReturnType<ChipSlot['warm']>, without: string): Doing {
    return answer === null ? refused(without) : good(encodeReset(answer))
  }

  async #apdu(slot: ChipSlot, protocol: ChipProtocol | null, command: Uint8Array): Promise<Doing> {
    await this.#clock.sleep(CHIP_MS)
    const said = slot.exchange(protocol, command)
    if (said === 'mute') slot.off()
    return typeof said === 'string' ? refused(UNSAID[said]) : good(said)
  }

  #selectModule(digit: number): Doing {
    const slot = digit - FIRST_SLOT
    if (slot < 0 || slot > SLOTS_MAX) return refused('01')
    // The first is always there, if only empty.
    if (slot > 0 && slot >= this.#make.modules.length) return refused('03')
    this.#modules.off()
    this.#slot = slot
    return good()
  }

  #setCounter(data: Uint8Array): Doing {
    const count = decodeCount(data)
    if (count === null) return refused('04')
    this.#count = count
    return good()
  }
}

const COVERED: Readonly<Record<CardAt, readonly (typeof SENSORS)[number][]>> = {
  none: [],
  gate: ['S1'],
  position: ['S2', 'S3'],
}

/** Five at most. */
const SLOTS_MAX = 4

const UNSAID: Readonly<Record<Exclude<ChipSaid, Uint8Array>, string>> = {
  off: '65',
  wrongProtocol: '62',
  mute: '63',
}

const INITS: readonly CommandName[] = [
  'initHold',
  'initCapture',
  'initStay',
  'initHoldCounted',
  'initCaptureCounted',
  'initStayCounted',
]

/** Least and most bytes after CM and PM; none where a command is not named. */
const DATA_BYTES: Readonly<Partial<Record<CommandName, readonly [number, number]>>> = {
  coldReset: [0, 1],
  samReset: [0, 1],
  apduT0: [COMMAND_BYTES_MIN, COMMAND_BYTES_MAX],
  apduT1: [COMMAND_BYTES_MIN, COMMAND_BYTES_MAX],
  apduAuto: [COMMAND_BYTES_MIN, COMMAND_BYTES_MAX],
  samApduT0: [COMMAND_BYTES_MIN, COMMAND_BYTES_MAX],
  samApduT1: [COMMAND_BYTES_MIN, COMMAND_BYTES_MAX],
  samApduAuto: [COMMAND_BYTES_MIN, COMMAND_BYTES_MAX],
  samSelect: [1, 1],
  radioOn: [0, 2],
  counterSet: [3, 3],
}

function stateOf(slot: ChipSlot): Uint8Array {
  return Uint8Array.of(slot.isOn ? CHIP_STATE.at3_57MHz : CHIP_STATE.off)
}

function isKnownCm(cm: number): boolean {
  return namesOf(COMMANDS).some(name => COMMANDS[name].cm === cm)
}

function good(data: Uint8Array = new Uint8Array()): Doing {
  return {kind: 'good', data}
}

function refused(code: string, data: Uint8Array = new Uint8Array()): Doing {
  return {kind: 'refused', code, data}
}
