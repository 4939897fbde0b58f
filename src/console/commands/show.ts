/** `show ...`: how the machine is. Nothing here asks a device but `show device` and `show sensors`, between visits. */
import {isoTime, epochMs} from '../../../kit/clock.ts'
import {formatAmount, minorUnits} from '../../../kit/money.ts'
import type {Device} from '../../../fsm/vocabulary.ts'
import {arg, look} from '../command.ts'
import type {Command, Scene} from '../command.ts'
import {facts, refused, table, text} from '../view.ts'
import type {Cell, Reply} from '../view.ts'
import {ALL, BOOKS, ENGINEERS, HANDS, SETTINGS, GUARDS} from './roles.ts'

/** To seconds, in UTC. */
export function timeText(atMs: number): string {
  return isoTime(epochMs(atMs)).slice(0, 19).replace('T', ' ')
}

/** Between two moments, in the largest two units: `3 d 4 h`. */
export function spanText(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

const DEVICE_NAMES: Readonly<Record<string, Device>> = {
  'card-reader': 'cardReader',
  'pin-pad': 'pinPad',
  dispenser: 'dispenser',
  printer: 'printer',
}

/** The device that the argument names. */
export function deviceOf(scene: Scene): Device {
  return DEVICE_NAMES[arg(scene, 'DEVICE')] ?? 'dispenser'
}

function status({machine}: Scene): Reply {
  const {state, context} = machine.standing()
  const {devices, host, held, suspendedBecause, attendance} = context
  return facts(
    ['state', state],
    ['card reader', devices.cardReader],
    ['PIN pad', devices.pinPad],
    ['dispenser', devices.dispenser],
    ['receipt printer', devices.printer],
    ['bank', host],
    ['dispenser held', held],
    ['suspended', suspendedBecause],
    ['closed', attendance.closedBecause],
    ['locked', attendance.lockedBecause],
    ['supervisor', attendance.supervisor],
    ['replenishment', attendance.exchange === null ? null : `open, by ${attendance.exchange.person}`],
    ['visit', context.visit === null ? 'none' : 'under way'],
    ['advices to the bank', machine.journal.openIntents().length],
    ['alarms', machine.alarms().length],
  )
}

function cash({machine}: Scene): Reply {
  const {levels} = machine.standing().context
  return table(
    ['cassette', 'note', 'count', 'value', 'state'],
    levels.map(({cassette, noteMinor, count, state}) => [
      cassette,
      formatAmount(noteMinor, machine.currency),
      count,
      formatAmount(timesNote(noteMinor, count), machine.currency),
      state,
    ]),
  )
}

async function cassette(scene: Scene): Promise<Reply> {
  const {machine} = scene
  const number = Number(arg(scene, 'CASSETTE'))
  const level = machine.standing().context.levels.find(one => one.cassette === number)
  if (level === undefined) return refused(`there is no cassette ${number}`)
  const moved = (await machine.books()).cassettes.find(one => one.cassette === number)
  return facts(
    ['cassette', number],
    ['note', `${formatAmount(level.noteMinor, machine.currency)} ${machine.currency}`],
    ['count by the journal', level.count],
    ['state', level.state],
    ['loaded', moved?.loaded ?? 0],
    ['dispensed', moved?.dispensed ?? 0],
    ['rejected', moved?.rejected ?? 0],
    ['unknown', moved?.unknown ?? 0],
  )
}

async function device(scene: Scene): Promise<Reply> {
  const told = await scene.machine.report(deviceOf(scene))
  return told.kind === 'told' ? facts(...told.facts) : refused(told.why)
}

async function sensors({machine}: Scene): Promise<Reply> {
  const rows: [string, Cell, Cell][] = []
  const {devices} = machine.standing().context
  for (const [name, one] of Object.entries(DEVICE_NAMES)) {
    if (devices[one] === 'absent') continue
    const told = await machine.report(one)
    if (told.kind === 'silent') rows.push([name, 'no answer', told.why])
    else
      for (const [fact, value] of told.facts) if (fact.startsWith('sensors')) rows.push([name, fact, value])
  }
  return table(['device', 'sensor', 'state'], rows)
}

async function errors({machine}: Scene): Promise<Reply> {
  const {faults} = await machine.books()
  return table(
    ['time', 'device', 'fault'],
    faults.map(({atMs, device: which, fault}) => [timeText(atMs), which, fault]),
  )
}

/** What one code of the dispenser means, and what to do. */
function error(scene: Scene): Reply {
  const code = arg(scene, 'CODE').toUpperCase()
  const rows = scene.machine.errors.filter(one => one.code.toUpperCase() === code)
  const [row] = rows
  if (row === undefined) return refused(`the dispenser knows no code ${code}`)
  return facts(
    ['code', row.code],
    ['cause', row.meaning],
    ['customer', row.fault === '' ? 'nothing' : 'no cash, or less than asked; the bank is told exactly what'],
    ['fault', row.fault === '' ? 'none' : row.fault],
    ['operator', row.action === '' ? 'nothing to do' : row.action],
    ['engineer', "'show sensors'; 'reset device dispenser' clears the path into the reject bin"],
  )
}

function timers({machine}: Scene): Reply {
  const {policy} = machine.standing().context.setup
  return facts(
    ...Object.entries(policy).flatMap(([name, value]): [string, Cell][] =>
      name.endsWith('TimeoutMs') ? [[name, value]] : [],
    ),
  )
}

async function keys({machine}: Scene): Promise<Reply> {
  const told = await machine.report('pinPad')
  if (told.kind === 'silent') return refused(told.why)
  return facts(...told.facts.filter(([name]) => /key|tamper|battery/i.test(name)))
}

function host({machine}: Scene): Reply {
  return facts(
    ['bank', machine.standing().context.host],
    ['address', machine.bankUrl],
    ['advices not acknowledged', machine.journal.openIntents().length],
  )
}

function clock({machine, clock: time}: Scene): Reply {
  return facts(
    ['time (UTC)', timeText(time.wallMs())],
    ['started', timeText(machine.startedMs)],
    ['running for', spanText(time.wallMs() - machine.startedMs)],
  )
}

async function compareClocks({machine, clock: time}: Scene): Promise<Reply> {
  const bankMs = await machine.bankTime()
  const hereMs = time.wallMs()
  if (bankMs === null) return refused('the bank does not answer')
  return facts(
    ['here (UTC)', timeText(hereMs)],
    ['bank (UTC)', timeText(bankMs)],
    ['seconds ahead of it', Math.round((hereMs - bankMs) / 1_000)],
    ['set by', "the system's time service, not by this program"],
  )
}

async function audit({machine}: Scene): Promise<Reply> {
  const {acts} = await machine.books()
  return table(
    ['time', 'person', 'command', 'outcome'],
    acts.map(({atMs, person, command, outcome}) => [timeText(atMs), person, command, outcome]),
  )
}

function users({people, clock: time}: Scene): Reply {
  const nowMs = time.wallMs()
  return table(
    ['name', 'role', 'last log-in', 'failed', 'state'],
    people
      .list()
      .map(({name, role, lastLoginMs, triesCount, lockedUntilMs, isDisabled}) => [
        name,
        role,
        lastLoginMs === 0 ? null : timeText(lastLoginMs),
        triesCount,
        isDisabled ? 'disabled' : lockedUntilMs > nowMs ? 'locked' : 'open',
      ]),
  )
}

async function cards({machine}: Scene): Promise<Reply> {
  const {retained} = await machine.books()
  return table(
    ['time', 'card', 'visit'],
    retained.map(({atMs, masked, visit}) => [timeText(atMs), masked, visit]),
  )
}

function timesNote(noteMinor: Parameters<typeof formatAmount>[0], count: number): typeof noteMinor {
  return minorUnits(noteMinor * count)
}

export const showCommands: readonly Command[] = [
  look('show version', 'the program', ALL, ({machine}) =>
    facts(['program', machine.build], ['terminal', machine.terminal]),
  ),
  look('show status', 'the machine at a glance', ALL, status),
  look('show alarms', 'what needs a hand, with what to do', ALL, ({machine}) =>
    table(
      ['alarm', 'means for customers', 'what to do'],
      machine.alarms().map(({what, customer, action}) => [what, customer, action]),
    ),
  ),
  look('show uptime', 'since when it runs', ALL, clock),
  look('show clock', 'time and start', ALL, clock),
  look('show devices', 'every device, as the machine knows it', ALL, ({machine}) =>
    table(['device', 'health'], Object.entries(machine.standing().context.devices)),
  ),
  look('show device DEVICE', 'what one device tells of itself', HANDS, device, 'show device dispenser'),
  look('show sensors', 'every sensor of every device', HANDS, sensors),
  look('show errors', 'the last faults of devices', HANDS, errors),
  look('show error CODE', 'what a code of the dispenser means', HANDS, error, 'show error 35'),
  look('show cash', 'notes by cassette, by the journal', ALL, cash),
  look(
    'show cassette CASSETTE',
    'one cassette and what moved',
    HANDS.concat(BOOKS),
    cassette,
    'show cassette 1',
  ),
  look('show rejects', 'notes that must be in the reject bin', HANDS, async ({machine}) =>
    facts(['counted on their way in', (await machine.books()).rejectsExpected]),
  ),
  look('show retracts', 'bunches that nobody took', HANDS.concat(BOOKS), async ({machine}) =>
    table(
      ['time', 'notes', 'visit'],
      (await machine.books()).retracts.map(({atMs, count, visit}) => [timeText(atMs), count, visit]),
    ),
  ),
  look('show cards', 'cards that were retained', BOOKS, cards),
  look('show host', 'the line to the bank', ALL, host),
  look('show keys', 'keys of the PIN pad: there or not', ENGINEERS.concat(GUARDS), keys),
  look('show certs', "the machine's own certificate", ENGINEERS.concat(GUARDS), ({machine}) => {
    const told = machine.certificate()
    return told.kind === 'told' ? facts(...told.facts) : refused(told.why)
  }),
  look('clock compare', "this clock beside the bank's", HANDS, compareClocks),
  look('show timers', 'the times a customer has', ENGINEERS, timers),
  look('show metrics', 'the figures that a collector reads', ENGINEERS, ({machine}) =>
    text(machine.figures()),
  ),
  look('show storage', 'the journal and its disk', ENGINEERS.concat('auditor'), ({machine}) =>
    facts(...machine.storage()),
  ),
  look('show logs', 'the last lines of the log', ENGINEERS, ({log}) => text(log.lines)),
  look('show users', 'who may log in', GUARDS.concat('auditor'), users),
  look('show audit', 'what people did here', GUARDS.concat('auditor'), audit),
  look('show history', 'what you typed since you logged in', ALL, ({typed}) => text(typed)),
  look('show config', 'the settings in force', ENGINEERS.concat('auditor'), ({settings}) =>
    facts(...settings.running()),
  ),
  look('show config candidate', 'the settings as they would be', SETTINGS, ({settings}) =>
    facts(...settings.candidate()),
  ),
  look('show config diff', 'what a commit would change', SETTINGS, ({settings}) => text(settings.diff())),
]
