/** The machine as the console may use it: looks at devices between visits, offers a person's wishes as events. */
import {X509Certificate} from 'node:crypto'
import type {CardReader} from '../../devices/card-reader/port.ts'
import type {Dispenser} from '../../devices/dispenser/port.ts'
import type {PinPad} from '../../devices/pin-pad/port.ts'
import type {Printer} from '../../devices/printer/port.ts'
import type {Trace} from '../../devices/wire/trace.ts'
import {isRest} from '../../fsm/context.ts'
import type {Device, Event} from '../../fsm/vocabulary.ts'
import type {Journal} from '../../journal/journal.ts'
import {isoTime} from '../../kit/clock.ts'
import type {Clock} from '../../kit/clock.ts'
import {textIn} from '../../kit/durable-file.ts'
import type {ConsoleJournal, ConsoleMachine, ErrorCode, Facts, Report, Standing} from '../console/port.ts'
import type {Cell} from '../console/view.ts'
import type {Config} from '../config.ts'
import {lifeOf} from '../link/identity.ts'
import type {Machine} from '../machine.ts'
import type {Monitor} from '../status/monitor.ts'
import {BookKeeper} from './books.ts'

export interface DeskParts {
  readonly machine: Machine
  readonly journal: Journal
  readonly config: Config
  readonly reader: CardReader
  readonly pinPad: PinPad
  readonly dispenser: Dispenser
  readonly printer: Printer | null
  readonly traces: Readonly<Record<Device, Pick<Trace, 'passed' | 'onPassed'>>>
  readonly clock: Clock
  readonly build: string
  readonly monitor: Pick<Monitor, 'alarms' | 'figures' | 'storage'>
}

const NO_PRINTER = {kind: 'failed', detail: 'this machine has no printer'} as const
const BUSY = {kind: 'silent', why: 'a visit is under way'} as const

export function machineDesk(parts: DeskParts): ConsoleMachine {
  const {machine, journal, config, clock, reader, pinPad, dispenser, printer} = parts
  const books = new BookKeeper(journal, clock)
  const isResting = (): boolean => isRest(machine.standing.state)
  const asked = async (ask: () => Promise<object>): Promise<Report> => {
    if (!isResting()) return BUSY
    const answer = await ask()
    return 'kind' in answer && answer.kind === 'failed'
      ? {kind: 'silent', why: 'detail' in answer ? String(answer.detail) : 'no answer'}
      : {kind: 'told', facts: factsOf(answer)}
  }
  const status: Readonly<Record<Device, () => Promise<object>>> = {
    cardReader: () => reader.status(),
    pinPad: () => pinPad.status(),
    dispenser: () => dispenser.status(),
    printer: () => printer?.status() ?? Promise.resolve(NO_PRINTER),
  }
  return {
    terminal: config.terminal,
    currency: config.currency,
    build: parts.build,
    bankUrl: config.host.url,
    canTest: dispenser.capabilities.test,
    startedMs: clock.wallMs(),
    journal: readOnly(journal),
    errors: dispenser.errors.map(({code, meaning, fault, action}): ErrorCode => ({
      code,
      meaning,
      fault: fault ?? '',
      action,
    })),
    standing: () => machine.standing,
    isResting,
    alarms: () =>
      parts.monitor.alarms().map(({rule, cause}) => ({
        what: `${rule.title}: ${cause}`,
        customer: rule.customer,
        action: rule.action,
      })),
    figures: () => parts.monitor.figures(),
    storage: () => storageFacts(parts),
    trace: device => parts.traces[device],
    books: () => books.read(),
    dispute: async reference => {
      const {disputeTold} = await import('./dispute.ts')
      return disputeTold(journal, config, clock, reference)
    },
    report: device => asked(status[device]),
    selfTest: () => asked(() => pinPad.selfTest()),
    canLoadMasterKey: pinPad.capabilities.clearKeyLoad,
    loadMasterKey: async key => {
      if (!isResting()) return BUSY
      const outcome = await pinPad.loadKey({use: 'master', form: 'clear', key})
      switch (outcome.kind) {
        case 'loaded':
          return outcome
        case 'kept':
          return {kind: 'silent', why: 'the pad keeps no master key'}
        case 'failed':
          return {kind: 'silent', why: outcome.detail}
      }
    },
    certificate: () => certificateAt(config.host.certificatePath),
    probeBank: () => machine.probeBank(),
    bankTime: () => machine.bank.time(),
    day: () => machine.day(),
    closeDay: person => machine.closeDay(person),
    tellCash: found => machine.tellCash(found),
    look: () => machine.look(),
    offer: (event: Event) => {
      machine.operate(event)
    },
    until: (isSo, timeoutMs) => waitUntil(machine, clock, isSo, timeoutMs),
  }
}

const MEGABYTE_BYTES = 1_000_000

function storageFacts({monitor, journal, config}: DeskParts): Facts {
  const {disk, main, wal} = monitor.storage()
  const megabytes = (bytes: number): string => (bytes / MEGABYTE_BYTES).toFixed(1)
  return [
    ['rows', journal.head.seq],
    ['oldest row here', journal.rows(1, 1)[0]?.seq ?? null],
    ['journal, MB', megabytes(main)],
    ['not folded in yet, MB', megabytes(wal)],
    ['disk free, MB', disk === null ? null : megabytes(disk.freeBytes)],
    ['disk, MB', disk === null ? null : megabytes(disk.sizeBytes)],
    ['warns below, MB', megabytes(config.journal.warnFreeBytes)],
    ['no visits below, MB', megabytes(config.journal.stopFreeBytes)],
  ]
}

function certificateAt(path: string): Report {
  const text = textIn(path)
  if (text === null) return {kind: 'silent', why: 'this machine has no certificate'}
  const {subject, issuer, serialNumber, fingerprint256} = new X509Certificate(text)
  const {fromMs, toMs} = lifeOf(text)
  return {
    kind: 'told',
    facts: [
      ['subject', subject],
      ['issuer', issuer],
      ['serial number', serialNumber],
      ['SHA-256', fingerprint256],
      ['from', isoTime(fromMs)],
      ['to', isoTime(toMs)],
    ],
  }
}

function readOnly(journal: Journal): ConsoleJournal {
  return {
    get head() {
      return journal.head
    },
    rows: (from, count) => journal.rows(from, count),
    session: id => journal.session(id),
    openIntents: () => journal.openIntents(),
    verify: () => journal.verify(),
    note: event => {
      journal.append(null, [{kind: 'event', event, answers: null}])
    },
  }
}

function waitUntil(
  machine: Machine,
  clock: Clock,
  isSo: (standing: Standing) => boolean,
  timeoutMs: number,
): Promise<boolean> {
  if (isSo(machine.standing)) return Promise.resolve(true)
  return new Promise(resolve => {
    const finish = (outcome: boolean): void => {
      stop()
      timer.cancel()
      resolve(outcome)
    }
    const timer = clock.after(timeoutMs, () => {
      finish(false)
    })
    const stop = machine.onChange(() => {
      if (isSo(machine.standing)) finish(true)
    })
  })
}

/** Every field with its path as its name: `sensors[3].isSet`. Lists of records become one line a record. */
export function factsOf(value: object, path = ''): Facts {
  return Object.entries(value).flatMap(([name, field]: [string, unknown]): Facts => {
    const at = path === '' ? name : `${path}.${name}`
    if (name === 'kind' && path === '') return []
    if (Array.isArray(field)) {
      return field.length === 0
        ? [[at, null]]
        : field.map((item: unknown, index): Facts[number] => [`${at}[${index + 1}]`, lineOf(item)])
    }
    if (typeof field === 'object' && field !== null) return factsOf(field, at)
    return [[at, cellOf(field)]]
  })
}

function lineOf(item: unknown): Cell {
  if (typeof item !== 'object' || item === null) return cellOf(item)
  return Object.entries(item)
    .map(([name, field]: [string, unknown]) => `${name} ${String(cellOf(field))}`)
    .join(', ')
}

function cellOf(field: unknown): Cell {
  return typeof field === 'string' || typeof field === 'number' || typeof field === 'boolean' ? field : null
}
