/**
 * Everything on one table: the daemon's own machine, emulated devices on wires in memory, and the bank on an
 * embedded SQLite behind mutual TLS on loopback, all under one clock. `npm start`, `npm run visit` and the
 * tests begin here.
 */
import {mkdirSync} from 'node:fs'
import {join} from 'node:path'
import {demoCertificates} from '../../host/certificates.ts'
import {startHost} from '../../host/start.ts'
import type {RunningHost} from '../../host/start.ts'
import {Journal} from '../../journal/journal.ts'
import {present} from '../../kit/assert.ts'
import type {Clock} from '../../kit/clock.ts'
import type {Log} from '../../kit/log.ts'
import {minorUnits} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'
import type {Random} from '../../kit/random.ts'
import {configHash} from '../config.ts'
import type {Config} from '../config.ts'
import {tlsTransport} from '../link/tls.ts'
import {Machine} from '../machine.ts'
import {BUILD} from '../main.ts'
import {FaultyLine} from './faulty-line.ts'
import {PlanRunner, goodManners} from './plan.ts'
import type {Stage} from './plan.ts'
import {loopbackRig, startEmulators, stopEmulators} from './rig.ts'
import type {Pace, Rig} from './rig.ts'

export const TERMINAL = 'ATM123'

export interface TableOptions {
  /** Journal, bank and certificates are kept here; made when missing. */
  readonly folder: string
  readonly dispenser: Config['dispenser']['model']
  readonly feeMinor: Minor
  /** Notes in each cassette at the start, by the hand of the operator. */
  readonly notes: Readonly<Record<1 | 2, number>>
  readonly pace: Pace
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly crash: (thrown: unknown) => void
}

export interface Table {
  readonly config: Config
  readonly machine: Machine
  readonly journal: Journal
  readonly host: RunningHost
  readonly stage: Stage
  readonly plans: PlanRunner
  stop(): Promise<void>
}

/** The settings of the machine on the table: 20s and 50s, so that not every multiple of ten can be paid. */
export function tableConfig(
  options: Pick<TableOptions, 'folder' | 'dispenser' | 'feeMinor' | 'notes'>,
): Config {
  return {
    terminal: TERMINAL,
    currency: 'EUR',
    journal: {path: join(options.folder, 'journal.db')},
    host: {
      url: 'https://127.0.0.1',
      caPath: '',
      certificatePath: '',
      keyPath: '',
      hostPins: [],
      answerTimeoutMs: 30_000,
    },
    cardReader: {model: 'crt310', port: 'in memory'},
    pinPad: {model: 'szzt', port: 'in memory'},
    dispenser: {model: options.dispenser, port: 'in memory'},
    cassettes: [
      {cassette: 1, noteMinor: minorUnits(20_00), initialCount: options.notes[1]},
      {cassette: 2, noteMinor: minorUnits(50_00), initialCount: options.notes[2]},
    ],
    payout: {
      mix: 'fewestNotes',
      retract: 'onIfCounted',
      feeMinor: options.feeMinor,
      amountMaxMinor: minorUnits(1_000_00),
      notesMax: 40,
    },
    timers: {
      pinEntryTimeoutMs: 30_000,
      customerTimeoutMs: 30_000,
      cardTakeTimeoutMs: 30_000,
      notesTakeTimeoutMs: 30_000,
      endingTimeoutMs: 6_000,
      watchIntervalMs: 5_000,
    },
    screen: {port: 0},
  }
}

/** Sets the table; nothing moves before `machine.start()`. @throws SystemFault when folder or port cannot be had */
export async function setTable(options: TableOptions): Promise<Table> {
  const {folder, clock, random, log} = options
  mkdirSync(folder, {recursive: true, mode: 0o700})
  const config = tableConfig(options)
  const host = await openBank(options)
  const transport = await bankTransport(options, host)
  const line = new FaultyLine(transport, clock)
  const rig = loopbackRig(config, options.notes, options.pace, clock, log)
  const stage: Stage = {rig, line, manners: goodManners()}
  const plans = new PlanRunner(stage)
  const {machine, journal} = openMachine(options, config, rig, line, random)
  machine.onChange(() => {
    plans.entered(machine.standing.state)
  })
  await startEmulators(rig.emulators)
  return {
    config,
    machine,
    journal,
    host,
    stage,
    plans,
    async stop() {
      await machine.stop()
      await stopEmulators(rig.emulators)
      await host.close()
    },
  }
}

function openBank({folder, clock, random, log}: TableOptions): Promise<RunningHost> {
  const stateFolder = join(folder, 'bank')
  const where = {stateFolder, address: '127.0.0.1', port: 0, atmIds: [TERMINAL], seedDemo: true}
  return startHost(where, clock, random.stream('bank'), log.named('bank'))
}

async function bankTransport({folder, clock, random}: TableOptions, host: RunningHost) {
  const certificates = await demoCertificates(
    join(folder, 'bank', 'certificates'),
    [TERMINAL],
    clock.wallMs(),
    random,
  )
  const {certificate, key} = present(certificates.atms.get(TERMINAL), 'the machine’s certificate')
  const {authority} = certificates
  return tlsTransport(
    {host: '127.0.0.1', port: host.port, authority, hostPins: [host.hostPin], certificate, key},
    clock,
  )
}

function openMachine(options: TableOptions, config: Config, rig: Rig, line: FaultyLine, random: Random) {
  const {clock, log, crash} = options
  const journal = Journal.open(config.journal.path, clock, BUILD, configHash(config))
  const drivers = rig.drivers()
  const machine = new Machine({
    config,
    ...drivers,
    transport: line,
    journal,
    clock,
    random: random.stream('machine'),
    log,
    crash,
  })
  return {machine, journal}
}
