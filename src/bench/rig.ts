/** The emulated devices of one machine, each at the far end of a wire in memory with our driver at the near end. */
import {Crt310Emulator} from '../../devices/card-reader/crt310/emulator.ts'
import {Crt571Emulator} from '../../devices/card-reader/crt571/emulator.ts'
import type {CardReaderEmulator} from '../../devices/card-reader/emulator-reader.ts'
import type {CardReader} from '../../devices/card-reader/port.ts'
import {F56Emulator} from '../../devices/dispenser/f56/emulator.ts'
import {Lcdm1000Emulator, Lcdm2000Emulator} from '../../devices/dispenser/lcdm2000/emulator.ts'
import {Lcdm4000Emulator} from '../../devices/dispenser/lcdm4000/emulator.ts'
import type {DispenserEmulator} from '../../devices/dispenser/mischief.ts'
import type {Dispenser} from '../../devices/dispenser/port.ts'
import {ReferenceDispenserEmulator} from '../../devices/dispenser/reference/emulator.ts'
import {AbecsEmulator} from '../../devices/pin-pad/abecs/emulator.ts'
import type {PinPadEmulator} from '../../devices/pin-pad/mischief.ts'
import type {PinPad} from '../../devices/pin-pad/port.ts'
import {ZT598} from '../../devices/pin-pad/szzt/bytes.ts'
import {SzztEmulator} from '../../devices/pin-pad/szzt/emulator.ts'
import type {ByteLink} from '../../devices/wire/link.ts'
import {loopbackPair} from '../../devices/wire/loopback.ts'
import type {Cable} from '../../devices/wire/loopback.ts'
import type {Clock} from '../../kit/clock.ts'
import type {Log} from '../../kit/log.ts'
import type {Config, DispenserModel} from '../config.ts'
import {DISPENSERS, PIN_PADS, READERS} from '../drivers.ts'
import type {Pace} from './pace.ts'

export interface Emulators {
  readonly reader: CardReaderEmulator
  readonly pinPad: PinPadEmulator
  readonly dispenser: DispenserEmulator
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

const DISPENSER_EMULATORS = {
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

/** A card reader at the far end of a wire, empty. */
type MakeReader = (link: ByteLink, clock: Clock, moveMs: number) => CardReaderEmulator

const READER_EMULATORS: Readonly<Record<Config['cardReader']['model'], MakeReader>> = {
  crt310: (link, clock, moveMs) => new Crt310Emulator(link, clock, {moveMs}),
  crt571: (link, clock, moveMs) => new Crt571Emulator(link, clock, {moveMs}),
}

/** A PIN pad at the far end of a wire, with the demonstration keys. */
type MakePad = (link: ByteLink, clock: Clock) => PinPadEmulator

const PAD_EMULATORS: Readonly<Record<Config['pinPad']['model'], MakePad>> = {
  szzt: (link, clock) => new SzztEmulator(link, clock),
  'szzt-zt598': (link, clock) => new SzztEmulator(link, clock, {profile: ZT598}),
  abecs: (link, clock) => new AbecsEmulator(link, clock),
  'abecs-dukpt': (link, clock) => new AbecsEmulator(link, clock),
}

/** The devices alone, on whatever wires; `start` connects them. */
export function emulatorsOn(
  ends: FarEnds,
  model: BenchDispenser,
  notes: NoteCounts,
  pace: Pace,
  clock: Clock,
  reader: Config['cardReader']['model'] = 'crt310',
  pinPad: Config['pinPad']['model'] = 'szzt',
): Emulators {
  return {
    reader: READER_EMULATORS[reader](ends.reader, clock, pace.cardMoveMs),
    pinPad: PAD_EMULATORS[pinPad](ends.pinPad, clock),
    dispenser: DISPENSER_EMULATORS[model](ends.dispenser, clock, notes, pace.noteMs),
  }
}

export async function startEmulators(emulators: Emulators): Promise<void> {
  await Promise.all([emulators.reader.start(), emulators.pinPad.start(), emulators.dispenser.start()])
}

export async function stopEmulators(emulators: Emulators): Promise<void> {
  await Promise.all([emulators.reader.stop(), emulators.pinPad.stop(), emulators.dispenser.stop()])
}

export interface Rig {
  readonly emulators: Emulators
  readonly cables: Readonly<Record<'cardReader' | 'pinPad' | 'dispenser', Cable>>
  /** Our end. Made anew for each life of the machine. */
  drivers(): {readonly reader: CardReader; readonly pinPad: PinPad; readonly dispenser: Dispenser}
}

/** Emulators and drivers joined by wires in memory. */
export function loopbackRig(
  config: Pick<Config, 'cardReader' | 'pinPad'>,
  dispenser: BenchDispenser,
  notes: NoteCounts,
  pace: Pace,
  clock: Clock,
  log: Log,
): Rig {
  const wires = {cardReader: loopbackPair(clock), pinPad: loopbackPair(clock), dispenser: loopbackPair(clock)}
  const ends = {reader: wires.cardReader.far, pinPad: wires.pinPad.far, dispenser: wires.dispenser.far}
  return {
    emulators: emulatorsOn(ends, dispenser, notes, pace, clock, config.cardReader.model, config.pinPad.model),
    cables: {
      cardReader: wires.cardReader.cable,
      pinPad: wires.pinPad.cable,
      dispenser: wires.dispenser.cable,
    },
    drivers: () => ({
      reader: READERS[config.cardReader.model].on(wires.cardReader.near, clock, log),
      pinPad: PIN_PADS[config.pinPad.model].on(wires.pinPad.near, clock, log),
      dispenser: DISPENSERS[dispenser].on(wires.dispenser.near, clock, log),
    }),
  }
}
