/**
 * Everything on one table: the daemon's own machine, emulated devices on wires in memory, and the bank on an
 * embedded SQLite behind mutual TLS on loopback, all under one clock. `npm start`, `npm run visit` and the
 * tests begin here.
 */
import {mkdirSync} from 'node:fs'
import {join} from 'node:path'
import {buildApp} from '../../host/app.ts'
import type {Bank} from '../../host/bank.ts'
import {demoCertificates} from '../../host/certificates.ts'
import {seedDemo} from '../../host/demo.ts'
import {openGuard} from '../../host/guard/guard.ts'
import {inProcessAuthenticate, inProcessTransport} from '../../host/in-process.ts'
import {MADE_UP_PIN_COST, newHsmKeys, softPinModule} from '../../host/pin.ts'
import {startHost} from '../../host/start.ts'
import {openSqliteStore} from '../../host/store/sqlite.ts'
import {signerOfSeed} from '../../crypto/anchor.ts'
import {signerOf} from '../../crypto/atm-message.ts'
import type {Signer} from '../../crypto/atm-message.ts'
import {Journal} from '../../journal/journal.ts'
import {ENDLESS_ROOM} from '../../journal/room.ts'
import type {Room} from '../../journal/room.ts'
import {present} from '../../kit/assert.ts'
import type {Clock} from '../../kit/clock.ts'
import type {Log} from '../../kit/log.ts'
import {minorUnits} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'
import type {Random} from '../../kit/random.ts'
import {configHash, DISPENSER_CASSETTES} from '../config.ts'
import type {Config, PrinterConfig} from '../config.ts'
import {sealOf, signedTransport} from '../link/signing.ts'
import {tlsTransport} from '../link/tls.ts'
import type {Transport} from '../link/transport.ts'
import {Machine} from '../machine.ts'
import type {MachineJournal} from '../machine.ts'
import {BUILD} from '../main.ts'
import {drawNothing} from '../paper/paper.ts'
import type {Draw} from '../paper/picture.ts'
import {NO_BRAND} from '../screen/brand.ts'
import {LANGUAGES} from '../screen/words.ts'
import {FaultyLine} from './faulty-line.ts'
import {PlanRunner, goodManners} from './plan.ts'
import type {Stage} from './plan.ts'
import {loopbackRig, startEmulators, stopEmulators} from './rig.ts'
import type {BenchDispenser, NoteCounts, Rig} from './rig.ts'
import type {Pace} from './pace.ts'

export const TERMINAL = 'ATM123'

export interface TableOptions {
  /** Journal, bank and certificates are kept here; made when missing. */
  readonly folder: string
  /** `inProcess` leaves the network out and forgets at the end. */
  readonly bank: 'tls' | 'inProcess'
  /** The card reader; the CRT-310 when left out. */
  readonly reader?: Config['cardReader']['model']
  readonly dispenser: BenchDispenser
  /** The PIN pad; a ZT588 when left out. */
  readonly pinPad?: Config['pinPad']['model']
  /** The receipt printer; none when left out. */
  readonly printer?: PrinterConfig['model']
  /** That slips are in; UTC when left out. */
  readonly timeZone?: string
  /** For printers: nothing is drawn when left out, since a thread knows no virtual time. */
  readonly draw?: Draw
  readonly feeMinor: Minor
  /** Notes in each cassette at the start, by the hand of the operator. */
  readonly notes: NoteCounts
  /** When the business date is closed, UTC; never by itself when left out. */
  readonly cutOverAt?: string
  readonly pace: Pace
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly crash: (thrown: unknown) => void
  /** The disk under the journal; one that never fills up when left out. */
  readonly room?: (journal: Config['journal']) => Room
  /** Stands between machine and journal, for tests that let the disk fail. */
  readonly ink?: (journal: Journal) => MachineJournal
}

/** By cassette, as many as the model has. With 20s and 50s alone, not every multiple of ten can be paid. */
const NOTES_MINOR = [20_00, 50_00, 10_00, 5_00] as const

/** The settings of the machine on the table. */
export function tableConfig(
  options: Pick<
    TableOptions,
    'folder' | 'reader' | 'dispenser' | 'pinPad' | 'printer' | 'feeMinor' | 'notes' | 'cutOverAt'
  >,
): Config {
  return {
    terminal: TERMINAL,
    currency: 'EUR',
    journal: {
      path: join(options.folder, 'journal.db'),
      keepDays: 400,
      warnFreeBytes: 4_000_000,
      stopFreeBytes: 2_000_000,
      reserveBytes: 500_000,
    },
    host: {
      url: 'https://127.0.0.1',
      caPath: '',
      certificatePath: '',
      keyPath: '',
      hostPins: [],
      signersPath: '',
      answerTimeoutMs: 30_000,
      cutOverAt: options.cutOverAt ?? null,
    },
    cardReader: {model: options.reader ?? 'crt310', port: 'in memory'},
    pinPad: {model: options.pinPad ?? 'szzt', port: 'in memory'},
    dispenser: {model: options.dispenser, port: 'in memory'},
    printer:
      options.printer === undefined
        ? null
        : {
            model: options.printer,
            port: 'in memory',
            location: '1 Bench Street, Sample Town',
            phone: '+1 555 0100',
          },
    cassettes: NOTES_MINOR.slice(0, DISPENSER_CASSETTES[options.dispenser]).map((noteMinor, index) => ({
      cassette: index + 1,
      noteMinor: minorUnits(noteMinor),
      initialCount: options.notes[index + 1] ?? 0,
    })),
    payout: {
      mix: 'fewestNotes',
      retract: 'onIfCounted',
      feeMinor: options.feeMinor,
      amountMaxMinor: minorUnits(1_000_00),
      transferMaxMinor: minorUnits(1_000_00),
      notesMax: 40,
    },
    timers: {
      pinEntryTimeoutMs: 30_000,
      customerTimeoutMs: 30_000,
      feeTimeoutMs: 60_000,
      moreTimeTimeoutMs: 30_000,
      anotherTimeoutMs: 20_000,
      cardTakeTimeoutMs: 30_000,
      notesTakeTimeoutMs: 30_000,
      endingTimeoutMs: 6_000,
      referenceTimeoutMs: 20_000,
      watchIntervalMs: 5_000,
    },
    screen: {port: 0, languages: LANGUAGES, brand: NO_BRAND},
    speech: null,
    console: null,
  }
}

/** Sets the table; nothing moves before `machine.start()`. @throws SystemFault when folder or port cannot be had */
export async function setTable(options: TableOptions): Promise<Table> {
  mkdirSync(options.folder, {recursive: true, mode: 0o700})
  const open = await (options.bank === 'tls' ? bankOverTls(options) : bankInProcess(options))
  const table = new Table(options, open)
  await startEmulators(table.stage.rig.emulators)
  return table
}

/** One machine's whole world. The machine may die and live again; devices and bank go on meanwhile. */
export class Table {
  readonly config: Config
  readonly bank: Bank
  readonly stage: Stage
  readonly plans: PlanRunner
  readonly #options: TableOptions
  readonly #open: OpenBank
  readonly #listeners = new Set<() => void>()
  #life: Life

  /** @param open the bank, ready to be asked */
  constructor(options: TableOptions, open: OpenBank) {
    const {clock, log} = options
    this.#options = options
    this.config = tableConfig(options)
    this.bank = open.bank
    this.#open = open
    const rig = loopbackRig(this.config, options.dispenser, options.notes, options.pace, clock, log)
    this.stage = {rig, line: new FaultyLine(open.transport, clock), manners: goodManners()}
    this.plans = new PlanRunner(this.stage)
    this.#life = this.#newLife()
  }

  get machine(): Machine {
    return this.#life.machine
  }

  /** Our end of the devices, in the present life. */
  get drivers(): Drivers {
    return this.#life.drivers
  }

  get journal(): Journal {
    return this.#life.journal
  }

  /** Calls after every change of the machine's screen, and of its rows, over all its lives. @returns stops it */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * The machine's computer dies here and now; a new life begins on the same journal, not started yet.
   * @param meanwhile what happens to the disk between the lives
   */
  async relive(meanwhile: () => void = () => undefined): Promise<void> {
    await this.#life.machine.stop()
    meanwhile()
    this.#life = this.#newLife()
  }

  async stop(): Promise<void> {
    await this.#life.machine.stop()
    await stopEmulators(this.stage.rig.emulators)
    await this.#open.close()
  }

  #newLife(): Life {
    const {clock, log, crash, random, ink} = this.#options
    const room = this.#options.room?.(this.config.journal) ?? ENDLESS_ROOM
    const journal = Journal.open(this.config.journal.path, clock, BUILD, configHash(this.config), {
      makeRoom: () => room.releaseReserve(),
    })
    const drivers = this.stage.rig.drivers()
    const machine = new Machine({
      config: this.config,
      ...drivers,
      transport: this.#open.ends(this.stage.line, journal),
      signer: this.#open.signer,
      draw: this.#options.draw ?? drawNothing,
      timeZone: this.#options.timeZone ?? 'UTC',
      room,
      journal: ink === undefined ? journal : ink(journal),
      clock,
      random: random.stream('machine'),
      log,
      crash,
    })
    const tell = (): void => {
      for (const listener of this.#listeners) listener()
    }
    machine.onChange(() => {
      this.plans.entered(machine.standing.state)
      tell()
    })
    journal.onAppend(tell)
    return {machine, journal, drivers}
  }
}

type Drivers = ReturnType<Rig['drivers']>

interface Life {
  readonly drivers: Drivers
  readonly machine: Machine
  readonly journal: Journal
}

/** The bank and the way to it. */
interface OpenBank {
  readonly bank: Bank
  readonly transport: Transport
  /** What a machine puts on its end of the line. */
  readonly ends: (line: Transport, journal: Journal) => Transport
  readonly signer: () => Signer
  readonly close: () => Promise<void>
}

async function bankOverTls({folder, clock, random, log}: TableOptions): Promise<OpenBank> {
  const stateFolder = join(folder, 'bank')
  const where = {stateFolder, address: '127.0.0.1', port: 0, atmIds: [TERMINAL], seedDemo: true}
  const host = await startHost(where, clock, random.stream('bank'), log.named('bank'))
  const certificates = await demoCertificates(
    join(stateFolder, 'certificates'),
    [TERMINAL],
    clock.wallMs(),
    random,
  )
  const {certificate, key} = present(certificates.atms.get(TERMINAL), 'the machine’s certificate')
  const {authority} = certificates
  const transport = tlsTransport(
    {host: '127.0.0.1', port: host.port, authority, hostPins: [host.hostPin], own: {certificate, key}},
    clock,
  )
  const ends = (line: Transport, journal: Journal) =>
    signedTransport(
      line,
      sealOf(TERMINAL, key, host.signingCertificate, () => journal.head.seq),
      clock,
    )
  const signer = present(signerOf(key), 'a key on P-256')
  return {bank: host.bank, transport, ends, signer: () => signer, close: () => host.close()}
}

/** The same bank and the same messages without the network and its seals, for thousands of visits. */
async function bankInProcess({clock, random, log}: TableOptions): Promise<OpenBank> {
  const own = random.stream('bank')
  const store = openSqliteStore(':memory:')
  const keys = newHsmKeys(own)
  const bank: Bank = {
    store,
    pin: softPinModule(keys, own, MADE_UP_PIN_COST),
    guard: openGuard(keys, own),
    clock,
    random: own,
    log: log.named('bank'),
  }
  await seedDemo(bank, [TERMINAL])
  const app = buildApp(bank, inProcessAuthenticate)
  await app.ready()
  const signer = signerOfSeed(random.stream('machine key').bytes(32))
  return {
    bank,
    transport: inProcessTransport(app, {kind: 'atm', atmId: TERMINAL}, clock),
    ends: line => line,
    signer: () => signer,
    async close() {
      await app.close()
      await store.close()
    },
  }
}
