/** The daemon's composition root: settings become ports, ports become a machine; no logic. */
import {existsSync, readFileSync} from 'node:fs'
import type {CardReader} from '../devices/card-reader/port.ts'
import type {PinPad} from '../devices/pin-pad/port.ts'
import type {Printer} from '../devices/printer/port.ts'
import {Trace} from '../devices/wire/trace.ts'
import {Journal} from '../journal/journal.ts'
import {diskRoom} from '../journal/room.ts'
import {realClock} from '../kit/clock.ts'
import type {Clock} from '../kit/clock.ts'
import {BadInput, SystemFault, reasonOf} from '../kit/errors.ts'
import type {Log} from '../kit/log.ts'
import {systemRandom} from '../kit/random.ts'
import type {Random} from '../kit/random.ts'
import {configHash} from './config.ts'
import type {Config, PrinterConfig} from './config.ts'
import {DISPENSERS, onPort, PIN_PADS, READERS} from './drivers.ts'
import {enrolAt, renewAt} from './link/enrolment.ts'
import {keepIdentity, lifeOf, readIdentity} from './link/identity.ts'
import type {MachineIdentity} from './link/identity.ts'
import {drawingOn} from './paper/picture.ts'
import {renewingTransport} from './link/renewal.ts'
import {sealOf, signedTransport} from './link/signing.ts'
import {tlsTransport} from './link/tls.ts'
import {Machine} from './machine.ts'
import type {MachineParts} from './machine.ts'
import {startScreenServer} from './screen/server.ts'
import {SPEECH_PROGRAM, SpeechEngine, watchHeadset} from './screen/speech-engine.ts'
import {Voice} from './screen/voice.ts'
import {commitHistogram} from './status/metrics.ts'
import type {Histogram} from './status/metrics.ts'
import type {Monitor} from './status/monitor.ts'
import {timedInk} from './status/timed-ink.ts'
import type {AtConsole, openConsole} from './supervisor/console.ts'
import type {DeskParts} from './supervisor/desk.ts'

/** The program's version, as the journal and the console name it. */
export const BUILD = 'tellerd 0.1.0'

export interface Daemon {
  readonly machine: Machine
  /** Address of the customer's screen. */
  readonly screenUrl: string
  stop(): Promise<void>
}

/**
 * Starts the machine that the settings describe.
 * @param crash called once with what ended it, should one of our own mistakes surface
 * @param statusFolder where status and figures go; null for nowhere
 * @throws SystemFault when journal, keys or port cannot be had
 */
export async function startDaemon(
  config: Config,
  log: Log,
  crash: (thrown: unknown) => void,
  atConsole: AtConsole,
  statusFolder: string | null,
): Promise<Daemon> {
  const clock = realClock()
  const random = systemRandom()
  const {cardReader, pinPad, dispenser, printer} = config
  const traces = {
    cardReader: new Trace(clock, false),
    pinPad: new Trace(clock, false),
    dispenser: new Trace(clock, true),
    // Balances and names of accounts go this way.
    printer: new Trace(clock, false),
  }
  const reader = onPort<CardReader>(
    READERS[cardReader.model],
    cardReader.port,
    clock,
    log,
    traces.cardReader,
  ).device
  const pad = onPort<PinPad>(PIN_PADS[pinPad.model], pinPad.port, clock, log, traces.pinPad).device
  const cash = onPort(DISPENSERS[dispenser.model], dispenser.port, clock, log, traces.dispenser).device
  const paper = printer === null ? null : await printerAt(printer, clock, log, traces.printer)
  const {path, reserveBytes} = config.journal
  const room = diskRoom(path, reserveBytes, random)
  const journal = Journal.open(path, clock, BUILD, configHash(config), {
    makeRoom: () => room.releaseReserve(),
  })
  const commits = commitHistogram()
  const identity = readIdentity(config.host)
  const machine = new Machine({
    config,
    reader,
    pinPad: pad,
    dispenser: cash,
    printer: paper,
    draw: drawingOn(clock),
    timeZone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
    ...bankLine(config, identity, journal, {
      clock,
      random: random.stream('certificate'),
      log: log.named('link'),
    }),
    journal: timedInk(journal, clock, commits),
    room,
    clock,
    random,
    log,
    crash,
  })
  const screen = await startScreenServer(
    machine,
    {host: '127.0.0.1', port: config.screen.port},
    log.named('screen'),
    config.screen.brand,
  )
  machine.start()
  const monitor = await watched(
    machine,
    journal,
    {config, commits, identity, clock, log, crash},
    {
      settingsPath: atConsole.configPath,
      folder: statusFolder,
    },
  )
  const parts = {
    machine,
    journal,
    config,
    reader,
    pinPad: pad,
    dispenser: cash,
    traces,
    printer: paper,
    clock,
    build: BUILD,
    monitor,
  }
  const silence = spoken(machine, config, pad, clock, log.named('screen'))
  const doors = await consoleDoors(config.console, parts, {
    random,
    log: log.named('console'),
    crash,
    atConsole,
  })
  return {
    machine,
    screenUrl: screen.url,
    async stop() {
      silence()
      await doors.stop()
      await screen.close()
      monitor.stop()
      await machine.stop()
    },
  }
}

/** The receipt printer; its code is loaded by machines that have one. */
async function printerAt(
  {model, port}: PrinterConfig,
  clock: Clock,
  log: Log,
  trace: Trace,
): Promise<Printer> {
  const {PRINTERS} = await import('./printers.ts')
  return onPort(PRINTERS[model], port, clock, log, trace).device
}

/** The screen read aloud to whoever has a headset, on a machine with a jack for one. @returns stops it */
function spoken(
  machine: Machine,
  {speech, currency}: Config,
  pad: PinPad,
  clock: Clock,
  log: Log,
): () => void {
  if (speech === null) return () => undefined
  const speaker = new SpeechEngine(SPEECH_PROGRAM, clock)
  const voice = new Voice({heard: machine, speaker, keys: pad.capabilities.keys, currency, log})
  const unwatch = watchHeadset(
    speech.headset,
    isIn => {
      voice.headset(isIn)
    },
    clock,
    log,
  )
  return () => {
    unwatch()
    voice.stop()
  }
}

/** Figures, alarms and the bank's view of this machine; its code is loaded once the machine is on its way into service. */
async function watched(
  machine: Machine,
  journal: Journal,
  {
    config,
    commits,
    identity,
    clock,
    log,
    crash,
  }: {
    readonly config: Config
    readonly commits: Histogram
    readonly identity: MachineIdentity
    readonly clock: Clock
    readonly log: Log
    readonly crash: (thrown: unknown) => void
  },
  files: {readonly settingsPath: string; readonly folder: string | null},
): Promise<Monitor> {
  const [{Monitor: Watching}, {systemSensors}] = await Promise.all([
    import('./status/monitor.ts'),
    import('./status/sensors.ts'),
  ])
  const monitor = new Watching({
    machine,
    journal,
    commits,
    sensors: systemSensors(config.journal.path, files.settingsPath, files.folder),
    certificate: lifeOf(identity.certificate),
    terminal: config.terminal,
    build: BUILD,
    clock,
    log: log.named('status'),
    crash,
  })
  monitor.start()
  return monitor
}

/** The console's doors, opened; its code is loaded by machines that have one. */
async function consoleDoors(
  settings: Config['console'],
  parts: DeskParts,
  around: Parameters<typeof openConsole>[2],
): Promise<{stop(): Promise<void>}> {
  if (settings === null) return {stop: () => Promise.resolve()}
  const {openConsole: open} = await import('./supervisor/console.ts')
  return open(settings, parts, around)
}

/** The line to the bank: sealed, over TLS, with a certificate that is renewed in time; and the key of that certificate. */
function bankLine(
  {terminal, host}: Config,
  own: MachineIdentity,
  journal: Journal,
  {clock, random, log}: {readonly clock: Clock; readonly random: Random; readonly log: Log},
): Pick<MachineParts, 'transport' | 'signer'> {
  const authority = readText(host.caPath)
  const signers = readText(host.signersPath)
  const sealed = (identity: MachineIdentity) =>
    sealOf(terminal, identity.key, signers, () => journal.head.seq)
  const ask = {atmId: terminal, authority, deadlineMs: host.answerTimeoutMs}
  let identityNow = own
  const transport = renewingTransport({
    identity: identityNow,
    open: identity =>
      signedTransport(tlsTransport(tlsOptions(host, authority, identity), clock), sealed(identity), clock),
    renew: (line, identity) => renewAt(line, sealed(identity).signer.keyId, ask),
    keep: identity => {
      keepIdentity(host, identity)
      identityNow = identity
    },
    clock,
    random,
    log,
  })
  return {transport, signer: () => sealed(identityNow).signer}
}

/**
 * Gets this machine its certificate, for the one-time code that an operator made at the bank.
 * @throws SystemFault when the bank does not answer or the files cannot be kept; BadInput when it says no
 */
export async function enroll(
  {terminal, host}: Pick<Config, 'terminal' | 'host'>,
  code: string,
): Promise<void> {
  const authority = readText(host.caPath)
  const line = tlsTransport(tlsOptions(host, authority, null), realClock())
  try {
    const issued = await enrolAt(line, code, {
      atmId: terminal,
      authority,
      deadlineMs: host.answerTimeoutMs,
    })
    switch (issued.kind) {
      case 'issued':
        keepIdentity(host, issued.identity)
        return
      case 'refused':
        throw new BadInput(`the bank does not enrol ${terminal}: ${issued.why}`)
      case 'silent':
        throw new SystemFault(`the bank at ${host.url} did not answer: ${issued.why}`)
    }
  } finally {
    await line.close()
  }
}

/** Between tries at the first start, while the bank does not answer. */
const ENROL_AGAIN_AFTER_MS = 15_000

/**
 * Gets a machine that has no certificate yet its first, if the site left it a code; tries until the bank answers.
 * @param code null when there is none: then the certificate that is missing is named later, by who reads it
 * @throws BadInput when the bank says no
 */
export async function enrollAtFirst(
  config: Config,
  code: string | null,
  clock: Clock,
  log: Log,
): Promise<void> {
  while (code !== null && !existsSync(config.host.certificatePath))
    try {
      await enroll(config, code)
      log.info('the machine has its certificate', {terminal: config.terminal})
    } catch (thrown) {
      if (!(thrown instanceof SystemFault)) throw thrown
      log.warn('the machine has no certificate yet', {why: reasonOf(thrown)})
      await clock.sleep(ENROL_AGAIN_AFTER_MS)
    }
}

function tlsOptions(
  host: Config['host'],
  authority: string,
  own: MachineIdentity | null,
): Parameters<typeof tlsTransport>[0] {
  const {hostname, port} = new URL(host.url)
  return {host: hostname, port: Number(port === '' ? '443' : port), authority, hostPins: host.hostPins, own}
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    throw new SystemFault(`${path}: ${reasonOf(thrown)}`, {cause: thrown})
  }
}
