/** The devices of one run: emulators that outlive the machine, and for each of its lives a set of drivers. */
import type {CardReaderEmulator} from '../../devices/card-reader/emulator-reader.ts'
import type {DispenserEmulator} from '../../devices/dispenser/mischief.ts'
import type {Dispenser} from '../../devices/dispenser/port.ts'
import type {PinPadEmulator} from '../../devices/pin-pad/mischief.ts'
import {PROFILES} from '../../devices/printer/escpos/bytes.ts'
import {EscPosEmulator} from '../../devices/printer/escpos/emulator.ts'
import type {ByteLink} from '../../devices/wire/link.ts'
import {loopbackPair} from '../../devices/wire/loopback.ts'
import type {Cable} from '../../devices/wire/loopback.ts'
import type {Log} from '../../kit/log.ts'
import {ReferenceDispenserEmulator} from '../../devices/dispenser/reference/emulator.ts'
import {DISPENSER_EMULATORS, SERIAL_PADS, SERIAL_READERS} from '../../src/bench/rig.ts'
import type {Pace} from '../../src/bench/pace.ts'
import type {NoteCounts} from '../../src/bench/rig.ts'
import {DISPENSERS, PIN_PADS, READERS} from '../../src/drivers.ts'
import type {PrinterConfig} from '../../src/config.ts'
import type {MachineParts} from '../../src/machine.ts'
import {PRINTERS} from '../../src/printers.ts'
import type {Life, SimClock} from './clock.ts'
import type {Draws} from './draws.ts'
import type {Faults} from './faults.ts'
import {LifeLink} from './wire.ts'
import type {WireWitness} from './wire.ts'

/** The one that does most stands here twice. */
const DISPENSER_MODELS = [
  'lcdm2000',
  'lcdm4000',
  'lcdm4000-serial',
  'f56',
  'f56-pool',
  'reference',
  'reference',
] as const
const READER_MODELS = ['crt310', 'crt571'] as const
const PAD_MODELS = ['szzt', 'szzt-zt598', 'abecs'] as const

export interface Models {
  readonly dispenser: (typeof DISPENSER_MODELS)[number]
  readonly reader: (typeof READER_MODELS)[number]
  readonly pad: (typeof PAD_MODELS)[number]
}

export function drawModels(draws: Draws): Models {
  return {
    dispenser: draws.one(DISPENSER_MODELS),
    reader: draws.one(READER_MODELS),
    pad: draws.one(PAD_MODELS),
  }
}

/** How the devices of one run are, beside their models. */
export interface Temper extends Pace {
  /** Most notes that the dispenser gives at once, where its model could give more. */
  readonly bunchNotesMax: number
  /** Whether a dispenser that retracts counts what it drew back. */
  readonly countsRetracted: boolean
}

interface Wire {
  readonly near: ByteLink
  readonly cable: Cable
}

export class Devices {
  readonly models: Models
  readonly reader: CardReaderEmulator
  readonly pad: PinPadEmulator
  readonly dispenser: DispenserEmulator
  /** Null where the machine has none. */
  readonly printer: EscPosEmulator | null
  readonly #printerModel: PrinterConfig['model'] | null
  readonly #clock: SimClock
  readonly #temper: Temper
  readonly #wires: Readonly<Record<keyof Models | 'printer', Wire>>
  #links: readonly LifeLink[] = []

  constructor(
    models: Models,
    printer: PrinterConfig['model'] | null,
    clock: SimClock,
    notes: NoteCounts,
    temper: Temper,
  ) {
    this.models = models
    this.#temper = temper
    this.#clock = clock
    const [reader, pad, dispenser] = [loopbackPair(clock), loopbackPair(clock), loopbackPair(clock)]
    const paper = loopbackPair(clock)
    this.#wires = {reader, pad, dispenser, printer: paper}
    this.#printerModel = printer
    this.printer =
      printer === null
        ? null
        : new EscPosEmulator(paper.far, clock, {
            profile: PROFILES[printer === 'escpos' ? 'desktop' : 'kiosk'],
            lineMs: temper.lineMs,
          })
    this.reader = SERIAL_READERS[models.reader](reader.far, clock, temper.cardMoveMs)
    this.pad = SERIAL_PADS[models.pad](pad.far, clock)
    this.dispenser =
      models.dispenser === 'reference'
        ? new ReferenceDispenserEmulator(dispenser.far, clock, {1: notes[1] ?? 0, 2: notes[2] ?? 0}, temper)
        : DISPENSER_EMULATORS[models.dispenser](dispenser.far, clock, notes, temper.noteMs)
  }

  async start(): Promise<void> {
    await Promise.all([this.reader.start(), this.pad.start(), this.dispenser.start(), this.printer?.start()])
  }

  get cables(): readonly Cable[] {
    const {reader, pad, dispenser, printer} = this.#wires
    return [reader.cable, pad.cable, dispenser.cable, printer.cable]
  }

  /** Drivers for a new life, on the same wires. */
  drivers(
    life: Life,
    faults: Faults,
    witness: WireWitness,
    log: Log,
  ): Pick<MachineParts, 'reader' | 'pinPad' | 'dispenser' | 'printer'> {
    const link = (which: keyof Models | 'printer'): LifeLink =>
      new LifeLink(this.#wires[which].near, this.#wires[which].cable, life, this.#clock, faults, witness)
    const [reader, pad, dispenser, paper] = [link('reader'), link('pad'), link('dispenser'), link('printer')]
    this.#links = [reader, pad, dispenser, paper]
    const model = this.#printerModel
    return {
      reader: READERS[this.models.reader].on(reader, life.clock, log),
      pinPad: PIN_PADS[this.models.pad].on(pad, life.clock, log),
      dispenser: fewAtOnce(
        DISPENSERS[this.models.dispenser].on(dispenser, life.clock, log),
        this.#temper.bunchNotesMax,
      ),
      printer: model === null ? null : PRINTERS[model].on(paper, life.clock, log),
    }
  }

  /** The machine's computer is gone from all wires. */
  drop(): void {
    for (const link of this.#links) link.drop()
    this.#links = []
  }

  /** Power back, cables in. */
  mend(): void {
    for (const cable of this.cables) cable.plug()
    if (!this.reader.world.isPowered) this.reader.restorePower()
    if (!this.pad.world.isPowered) this.pad.restorePower()
    if (this.dispenser.state.power === 'off') this.dispenser.powerOn()
    this.printer?.powerOn()
    this.printer?.setCover('closed')
    this.printer?.freeCutter()
    this.printer?.loadPaper()
  }
}

/** The dispenser, of which the machine may ask no more notes at once: then more amounts come in several bunches. */
function fewAtOnce(dispenser: Dispenser, notesMax: number): Dispenser {
  const {capabilities} = dispenser
  return {
    capabilities: {
      ...capabilities,
      notesPerCassetteMax: Math.min(notesMax, capabilities.notesPerCassetteMax),
      notesPerBunchMax: Math.min(notesMax, capabilities.notesPerBunchMax),
    },
    errors: dispenser.errors,
    open: () => dispenser.open(),
    status: () => dispenser.status(),
    describe: () => dispenser.describe(),
    denominate: picks => dispenser.denominate(picks),
    mark: () => dispenser.mark(),
    dispense: (picks, serial) => dispenser.dispense(picks, serial),
    present: takeWithinMs => dispenser.present(takeWithinMs),
    retract: () => dispenser.retract(),
    reject: () => dispenser.reject(),
    recall: order => dispenser.recall(order),
    reset: () => dispenser.reset(),
    test: cassette => dispenser.test(cassette),
    close: () => dispenser.close(),
  }
}
