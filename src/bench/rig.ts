/** The emulated devices of one machine, each at the far end of a wire in memory with our driver at the near end. */
import {Crt310Emulator} from '../../devices/card-reader/crt310/emulator.ts'
import {Crt571Emulator} from '../../devices/card-reader/crt571/emulator.ts'
import type {CardReaderEmulator} from '../../devices/card-reader/emulator-reader.ts'
import {MagtekEmulator} from '../../devices/card-reader/magtek/emulator.ts'
import type {CardReader} from '../../devices/card-reader/port.ts'
import {F56Emulator} from '../../devices/dispenser/f56/emulator.ts'
import {Lcdm1000Emulator, Lcdm2000Emulator} from '../../devices/dispenser/lcdm2000/emulator.ts'
import {Lcdm4000Emulator} from '../../devices/dispenser/lcdm4000/emulator.ts'
import type {DispenserEmulator} from '../../devices/dispenser/mischief.ts'
import type {Dispenser} from '../../devices/dispenser/port.ts'
import {ReferenceDispenserEmulator} from '../../devices/dispenser/reference/emulator.ts'
import {AbecsEmulator} from '../../devices/pin-pad/abecs/emulator.ts'
import {DynaProEmulator} from '../../devices/pin-pad/dynapro/emulator.ts'
import type {PinPadEmulator} from '../../devices/pin-pad/mischief.ts'
import type {PinPad} from '../../devices/pin-pad/port.ts'
import {PROFILES as PRINTER_PROFILES} from '../../devices/printer/escpos/bytes.ts'
import {EscPosEmulator} from '../../devices/printer/escpos/emulator.ts'
import type {Printer} from '../../devices/printer/port.ts'
import {ZT598} from '../../devices/pin-pad/szzt/bytes.ts'
import {SzztEmulator} from '../../devices/pin-pad/szzt/emulator.ts'
import type {HidFarEnd} from '../../devices/wire/hid.ts'
import {hidPair} from '../../devices/wire/hid-pair.ts'
import type {ByteLink} from '../../devices/wire/link.ts'
import {loopbackPair} from '../../devices/wire/loopback.ts'
import type {Cable} from '../../devices/wire/loopback.ts'
import type {Clock} from '../../kit/clock.ts'
import type {Log} from '../../kit/log.ts'
import {seededRandom} from '../../kit/random.ts'
import type {Config, DispenserModel, PrinterConfig} from '../config.ts'
import {DISPENSERS, PIN_PADS, READERS} from '../drivers.ts'
import type {HidModel, SerialModel} from '../drivers.ts'
import {PRINTERS} from '../printers.ts'
import type {Pace} from './pace.ts'

export interface Emulators {
  readonly reader: CardReaderEmulator
  readonly pinPad: PinPadEmulator
  readonly dispenser: DispenserEmulator
  /** Null where the machine has none. */
  readonly printer: EscPosEmulator | null
}

export interface FarEnds {
  readonly reader: ByteLink
  readonly pinPad: ByteLink
  readonly dispenser: ByteLink
}

/** How many notes each cassette holds; none in those that it leaves out. */
export type NoteCounts = Readonly<Record<number, number>>

/** A dispenser at the far end of a wire, with those notes. */
type MakeDispenser = (link: ByteLink, clock: Clock, notes: NoteCounts, noteMs: number) => DispenserEmulator

/** Every dispenser's far end by its model. */
export const DISPENSER_EMULATORS = {
  lcdm1000: (link, clock, notes, noteMs) => new Lcdm1000Emulator(link, clock, {1: notes[1] ?? 0}, {noteMs}),
  lcdm2000: (link, clock, notes, noteMs) => new Lcdm2000Emulator(link, clock, two(notes), {noteMs}),
  lcdm4000: (link, clock, notes, noteMs) => new Lcdm4000Emulator(link, clock, four(notes), {noteMs}),
  'lcdm4000-serial': (link, clock, notes, noteMs) =>
    new Lcdm4000Emulator(link, clock, four(notes), {noteMs, forms: 'serial'}),
  f56: (link, clock, notes, noteMs) => new F56Emulator(link, clock, four(notes), {noteMs}),
  'f56-pool': (link, clock, notes, noteMs) =>
    new F56Emulator(link, clock, four(notes), {noteMs, hasPool: true}),
  reference: (link, clock, notes, noteMs) =>
    new ReferenceDispenserEmulator(link, clock, two(notes), {noteMs}),
} as const satisfies Partial<Readonly<Record<DispenserModel, MakeDispenser>>>

function two(notes: NoteCounts): Readonly<Record<1 | 2, number>> {
  return {1: notes[1] ?? 0, 2: notes[2] ?? 0}
}

function four(notes: NoteCounts): Readonly<Record<1 | 2 | 3 | 4, number>> {
  return {...two(notes), 3: notes[3] ?? 0, 4: notes[4] ?? 0}
}

/** The dispensers that a bench can have. */
export type BenchDispenser = keyof typeof DISPENSER_EMULATORS

export const BENCH_DISPENSERS = Object.keys(DISPENSER_EMULATORS).filter(isBenchDispenser)

function isBenchDispenser(name: string): name is BenchDispenser {
  return Object.hasOwn(DISPENSER_EMULATORS, name)
}

/** A card reader at the far end of a serial wire, empty. */
type MakeReader = (link: ByteLink, clock: Clock, moveMs: number) => CardReaderEmulator

export const SERIAL_READERS = {
  crt310: (link, clock, moveMs) => new Crt310Emulator(link, clock, {moveMs}),
  'crt310-no-shutter': (link, clock, moveMs) => new Crt310Emulator(link, clock, {moveMs, shutter: false}),
  'crt310-no-bin': (link, clock, moveMs) => new Crt310Emulator(link, clock, {moveMs}),
  'crt310-no-contacts': (link, clock, moveMs) => new Crt310Emulator(link, clock, {moveMs, contacts: false}),
  'crt310-track-2': (link, clock, moveMs) => new Crt310Emulator(link, clock, {moveMs, heads: [2]}),
  'crt310-front-head': (link, clock, moveMs) => new Crt310Emulator(link, clock, {moveMs, rearHead: false}),
  crt571: (link, clock, moveMs) => new Crt571Emulator(link, clock, {moveMs}),
} as const satisfies Readonly<Record<string, MakeReader>>

/** A PIN pad at the far end of a serial wire, with the demonstration keys. */
type MakePad = (link: ByteLink, clock: Clock) => PinPadEmulator

export const SERIAL_PADS = {
  szzt: (link, clock) => new SzztEmulator(link, clock),
  'szzt-zt598': (link, clock) => new SzztEmulator(link, clock, {profile: ZT598}),
  abecs: (link, clock) => new AbecsEmulator(link, clock),
  'abecs-dukpt': (link, clock) => new AbecsEmulator(link, clock),
} as const satisfies Readonly<Record<string, MakePad>>

/** The devices alone, on whatever serial wires; `start` connects them. */
export function emulatorsOn(
  ends: FarEnds,
  model: BenchDispenser,
  notes: NoteCounts,
  pace: Pace,
  clock: Clock,
): Emulators {
  return {
    reader: SERIAL_READERS.crt310(ends.reader, clock, pace.cardMoveMs),
    pinPad: SERIAL_PADS.szzt(ends.pinPad, clock),
    dispenser: DISPENSER_EMULATORS[model](ends.dispenser, clock, notes, pace.noteMs),
    printer: null,
  }
}

export async function startEmulators(emulators: Emulators): Promise<void> {
  const {reader, pinPad, dispenser, printer} = emulators
  await Promise.all([reader.start(), pinPad.start(), dispenser.start(), printer?.start()])
}

export async function stopEmulators(emulators: Emulators): Promise<void> {
  const {reader, pinPad, dispenser, printer} = emulators
  await Promise.all([reader.stop(), pinPad.stop(), dispenser.stop(), printer?.stop()])
}

export interface Rig {
  readonly emulators: Emulators
  readonly cables: Readonly<Record<'cardReader' | 'pinPad' | 'dispenser', Cable>> & {
    readonly printer: Cable | null
  }
  /** Whether the reader moves cards, and could jam. */
  readonly hasMotorReader: boolean
  /** Our end. Made anew for each life of the machine. */
  drivers(): {
    readonly reader: CardReader
    readonly pinPad: PinPad
    readonly dispenser: Dispenser
    readonly printer: Printer | null
  }
}

/** A driver and its emulator at the two ends of a wire in memory. */
interface Joined<Port, Emulator> {
  readonly emulator: Emulator
  readonly cable: Cable
  readonly driver: () => Port
}

/** Emulators and drivers joined by wires in memory. */
export function loopbackRig(
  config: Pick<Config, 'cardReader' | 'pinPad' | 'printer'>,
  dispenser: BenchDispenser,
  notes: NoteCounts,
  pace: Pace,
  clock: Clock,
  log: Log,
): Rig {
  const reader = joinedReader(config.cardReader.model, pace, clock, log)
  const pinPad = joinedPad(config.pinPad.model, clock, log)
  const cash = bySerial(DISPENSERS[dispenser], clock, log, link =>
    DISPENSER_EMULATORS[dispenser](link, clock, notes, pace.noteMs),
  )
  const paper = config.printer === null ? null : joinedPrinter(config.printer.model, pace, clock, log)
  return {
    emulators: {
      reader: reader.emulator,
      pinPad: pinPad.emulator,
      dispenser: cash.emulator,
      printer: paper?.emulator ?? null,
    },
    hasMotorReader: reader.driver().capabilities.type === 'motor',
    cables: {
      cardReader: reader.cable,
      pinPad: pinPad.cable,
      dispenser: cash.cable,
      printer: paper?.cable ?? null,
    },
    drivers: () => ({
      reader: reader.driver(),
      pinPad: pinPad.driver(),
      dispenser: cash.driver(),
      printer: paper?.driver() ?? null,
    }),
  }
}

function joinedPrinter(
  model: PrinterConfig['model'],
  {lineMs}: Pace,
  clock: Clock,
  log: Log,
): Joined<Printer, EscPosEmulator> {
  const profile = PRINTER_PROFILES[model === 'escpos' ? 'desktop' : 'kiosk']
  return bySerial<Printer, EscPosEmulator>(
    PRINTERS[model],
    clock,
    log,
    link => new EscPosEmulator(link, clock, {profile, lineMs}),
  )
}

function joinedReader(
  model: Config['cardReader']['model'],
  {cardMoveMs}: Pace,
  clock: Clock,
  log: Log,
): Joined<CardReader, CardReaderEmulator> {
  switch (model) {
    case 'crt310':
    case 'crt310-no-shutter':
    case 'crt310-no-bin':
    case 'crt310-no-contacts':
    case 'crt310-track-2':
    case 'crt310-front-head':
    case 'crt571':
      return bySerial<CardReader, CardReaderEmulator>(READERS[model], clock, log, link =>
        SERIAL_READERS[model](link, clock, cardMoveMs),
      )
    case 'magtek':
      return byHid(READERS[model], clock, log, far => new MagtekEmulator(far, clock))
    case 'magtek-insert':
      return byHid(READERS[model], clock, log, far => new MagtekEmulator(far, clock, {productId: 0x0013}))
  }
}

function joinedPad(model: Config['pinPad']['model'], clock: Clock, log: Log): Joined<PinPad, PinPadEmulator> {
  switch (model) {
    case 'szzt':
    case 'szzt-zt598':
    case 'abecs':
    case 'abecs-dukpt':
      return bySerial<PinPad, PinPadEmulator>(PIN_PADS[model], clock, log, link =>
        SERIAL_PADS[model](link, clock),
      )
    case 'dynapro':
    case 'dynapro-2014': {
      const firmware = model === 'dynapro' ? 2018 : 2014
      // It draws only what fills a block of another format than the one in use.
      const random = seededRandom(model)
      return byHid(PIN_PADS[model], clock, log, far => new DynaProEmulator(far, clock, random, {firmware}))
    }
  }
}

function bySerial<Port, Emulator>(
  model: SerialModel<Port>,
  clock: Clock,
  log: Log,
  make: (far: ByteLink) => Emulator,
): Joined<Port, Emulator> {
  const {near, far, cable} = loopbackPair(clock)
  return {emulator: make(far), cable, driver: () => model.on(near, clock, log)}
}

function byHid<Port, Emulator>(
  model: HidModel<Port>,
  clock: Clock,
  log: Log,
  make: (far: HidFarEnd) => Emulator,
): Joined<Port, Emulator> {
  const {near, far, cable} = hidPair(clock)
  return {emulator: make(far), cable, driver: () => model.on(near, clock, log)}
}
