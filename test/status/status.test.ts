// What the machine says of itself: figures for a collector, alarms for who runs it, events for the bank.
import {mkdtempSync, readFileSync, readdirSync, rmSync, statSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import t from 'tap'
import {DEMO_CARDS} from '../../host/demo.ts'
import type {CassetteLevel, Event} from '../../fsm/vocabulary.ts'
import {present} from '../../kit/assert.ts'
import {epochMs} from '../../kit/clock.ts'
import {lineLog, silentLog} from '../../kit/log.ts'
import {minorUnits, noteCount} from '../../kit/money.ts'
import type {EventsAnswer, PartEvent} from '../../src/link/port.ts'
import {ALARM_RULES, alarmsOf} from '../../src/status/alarms.ts'
import type {Seen} from '../../src/status/alarms.ts'
import {Chronicle} from '../../src/status/chronicle.ts'
import {METRICS, Samples, exposition} from '../../src/status/metrics.ts'
import {METRICS_FILE, STATUS_FILE} from '../../src/status/monitor.ts'
import type {Monitor} from '../../src/status/monitor.ts'
import {systemSensors} from '../../src/status/sensors.ts'
import {Teller} from '../../src/status/teller.ts'
import {verdictIn, verdictPath, verdictText} from '../../src/status/verdict.ts'
import {World} from '../session/world.ts'
import type {Scene} from '../session/world.ts'
import {System, monitorOf} from './bench.ts'
import {NoOpenMetrics, readOpenMetrics} from './open-metrics.ts'

const ROOT = dirname(dirname(import.meta.dirname))
const BUDGET_MS = 3_600_000
const TEN_SECONDS_MS = 10_000

interface Watched {
  readonly world: World
  readonly monitor: Monitor
  readonly system: System
  readonly lines: string[]
  /** Lets the monitor look. */
  readonly look: () => Promise<void>
  readonly metric: (name: string, ...labels: readonly string[]) => number | undefined
  readonly close: () => Promise<void>
}

async function watched(scene: Scene = {}): Promise<Watched> {
  const world = await World.open(scene)
  const system = new System()
  const lines: string[] = []
  const monitor = monitorOf(
    world,
    system,
    lineLog(world.clock, line => lines.push(line)),
  )
  monitor.start()
  return {
    world,
    monitor,
    system,
    lines,
    look: () => world.clock.finish(monitor.look(), BUDGET_MS),
    metric(name, ...labels) {
      const families = readOpenMetrics(system.files.get(METRICS_FILE) ?? '')
      return families
        .flatMap(({samples}) => samples)
        .find(
          sample =>
            sample.name === name && labels.every(label => [...sample.labels.values()].includes(label)),
        )?.value
    },
    async close() {
      monitor.stop()
      await world.close()
    },
  }
}

t.test('after a payout the figures say so, in text that a strict reader takes', async t => {
  const {world, system, monitor, look, metric, close} = await watched()
  await world.visit()
  await world.clock.advance(TEN_SECONDS_MS)
  await look()
  t.equal(metric('tellerd_in_service'), 1)
  t.equal(metric('tellerd_state', 'idle'), 1)
  t.equal(metric('tellerd_visits_total', 'paid'), 1)
  t.equal(metric('tellerd_visit_seconds_count'), 1)
  t.equal(metric('tellerd_authorization_seconds_count'), 1)
  t.equal(metric('tellerd_notes_total', '1', 'dispensed'), 3, '60.00 in notes of 20')
  t.equal(metric('tellerd_cassette_notes', '1'), 97)
  t.equal(metric('tellerd_advices_open'), 0)
  t.equal(metric('tellerd_disk_free_ratio'), 0.5)
  t.equal(metric('tellerd_journal_rows'), world.table.journal.head.seq)
  t.same(monitor.alarms(), [])
  const status: unknown = JSON.parse(system.files.get(STATUS_FILE) ?? '')
  t.match(status, {state: 'idle', inService: true, bank: 'up', alarms: [], terminal: 'ATM123'})
  const card = present(DEMO_CARDS[0], 'a card')
  const pan = present(/[0-9]{12,19}/.exec(card.track2)?.[0], 'a card number')
  for (const [name, text] of system.files)
    for (const secret of [pan, pan.slice(0, 6), pan.slice(-4), card.track2, world.table.journal.head.hash])
      t.notOk(text.includes(secret), `${name} holds no ${secret.length} digits of a card`)
  await close()
})

t.test('the reader is strict: each slip is one', async t => {
  const samples = new Samples()
  samples.set('tellerd_in_service', 1)
  samples.add('tellerd_reversals', 2, {reason: 'a "b"\\\n'})
  const text = exposition(samples)
  t.equal(readOpenMetrics(text).length, 2)
  for (const slip of [
    text.replace('# EOF\n', ''),
    text.replace('_total', ''),
    text.replace('# TYPE tellerd_reversals counter\n', ''),
    text.replace('\\"b', '"b'),
    text.replace('} 2', '} two'),
    text.replace('} 2', '} -2'),
    text.replace('tellerd_in_service 1\n', ''),
    text.replace('tellerd_in_service 1\n', 'tellerd_in_service 1\ntellerd_in_service 0\n'),
    text.replace('\n# EOF', '\n\n# EOF'),
  ]) {
    t.not(slip, text)
    t.throws(() => readOpenMetrics(slip), NoOpenMetrics)
  }
  t.throws(() => {
    samples.set('tellerd_device_ok', 1)
  }, /labels of tellerd_device_ok are device/)
})

t.test('every metric has a name that says what it is', async t => {
  for (const [name, {type, unit, help}] of Object.entries(METRICS)) {
    t.match(name, /^(tellerd|process)_[a-z]+(_[a-z]+)*$/)
    t.match(help, /^[A-Z0-9].*\.$/, name)
    t.notMatch(name, /_total$|_info$/, 'the writer adds what the type wants')
    if (unit !== '') t.ok(name.endsWith(`_${unit}`), name)
    if (type === 'histogram') t.equal(unit, 'seconds', name)
  }
  const table = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')
  for (const [name, {help}] of Object.entries(METRICS))
    t.ok(table.includes(`| \`${name}\``) && table.includes(help), name)
  for (const {name, title, severity, action} of ALARM_RULES)
    t.ok(table.includes(`| \`${name}\` | ${severity} | ${title}`) && table.includes(action), name)
})

/** A machine in service on which nothing is wrong. */
async function wellSeen(): Promise<{seen: Seen; close: () => Promise<void>}> {
  const {world, close} = await watched()
  await world.visit()
  const {state, context} = world.table.machine.standing
  const chronicle = new Chronicle()
  const nowMs = world.clock.wallMs()
  const seen: Seen = {
    state,
    context,
    nowMs,
    notServingMs: 0,
    bankAwayMs: 0,
    oldestAdviceMs: 0,
    lately: chronicle.lately(nowMs),
    diskFree: 0.5,
    certificateLeft: 0.9,
    clockErrorMs: 0,
    verified: {atMs: nowMs, fault: null},
    settingsChanged: false,
  }
  return {seen, close}
}

t.test('each alarm is raised by its condition, and by nothing less', async t => {
  const {seen, close} = await wellSeen()
  const {context, lately, nowMs} = seen
  t.same(alarmsOf(seen), [])
  const level = (count: number, state: CassetteLevel['state'] = 'ok'): Partial<Seen> => ({
    context: {
      ...context,
      levels: context.levels.map(one =>
        one.cassette === 1 ? {...one, count: noteCount(count), state} : one,
      ),
    },
  })
  const soon = (some: Partial<Seen['lately']>): Partial<Seen> => ({lately: {...lately, ...some}})
  const notes = (picked: number, rejected: number): Partial<Seen> =>
    soon({notes: new Map([[1, {picked, rejected, paid: picked - rejected}]])})
  const waiting = (why: 'suspect' | 'refused', ageMs: number): Partial<Seen> => {
    const [key, leastMinor, mostMinor] = [
      'ATM123:2026-11-22:000001',
      minorUnits(0),
      minorUnits(6_000),
    ] as const
    // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- a key as the machine makes them
    const named = key as Seen['lately']['suspense'][number]['key']
    const sinceMs = epochMs(nowMs - ageMs)
    const item = {key: named, why, leastMinor, mostMinor, sinceMs}
    return soon({suspense: [{...item, rule: '', isTold: true, owner: null, notes: []}]})
  }
  const health = (device: keyof typeof context.devices): Partial<Seen> => ({
    context: {...context, devices: {...context.devices, [device]: 'failed'}},
  })
  const day = 86_400_000
  const conditions: Readonly<Record<string, readonly [raises: Partial<Seen>, not: Partial<Seen>]>> = {
    'journal-failed': [{context: {...context, suspendedBecause: 'disk full'}}, {}],
    'journal-broken': [{verified: {atMs: nowMs, fault: 'broken at row 7'}}, {}],
    'notes-unapproved': [soon({unapproved: 1}), {}],
    'notes-overpaid': [soon({overpaid: 1}), {}],
    'dispense-rate': [soon({dispenses: 26}), soon({dispenses: 25})],
    'card-trap': [soon({trapped: 2}), soon({trapped: 1})],
    'suspense-old': [waiting('suspect', day + 1), waiting('suspect', day)],
    'advice-refused': [waiting('refused', 0), waiting('suspect', 0)],
    'dispenser-held': [{context: {...context, held: 'by a row'}}, {}],
    'card-reader-failed': [health('cardReader'), health('pinPad')],
    'pin-pad-failed': [health('pinPad'), health('dispenser')],
    'dispenser-failed': [health('dispenser'), health('cardReader')],
    'bank-away': [{bankAwayMs: 120_001}, {bankAwayMs: 120_000}],
    'out-of-service': [{notServingMs: 300_001}, {notServingMs: 300_000}],
    locked: [{context: {...context, attendance: {...context.attendance, lockedBecause: 'forced'}}}, {}],
    restarts: [soon({starts: 4}), soon({starts: 3})],
    'cassette-out': [level(0), level(1)],
    'disk-full': [{context: {...context, disk: 'full'}}, {}],
    'printer-failed': [health('printer'), health('cardReader')],
    'printer-paper-low': [
      {...soon({paper: 'low'}), context: {...context, devices: {...context.devices, printer: 'ok'}}},
      soon({paper: 'low'}),
    ],
    'dispense-faults': [soon({dispenseFaults: 2}), soon({dispenseFaults: 1})],
    rejects: [notes(100, 3), notes(100, 2)],
    'cards-retained': [soon({cardsRetained: 3}), soon({cardsRetained: 2})],
    'cash-low': [level(49), level(50)],
    'cash-forecast': [notes(100, 0), notes(96, 0)],
    'advices-wait': [{oldestAdviceMs: 300_001}, {oldestAdviceMs: 300_000}],
    closed: [{context: {...context, attendance: {...context.attendance, closedBecause: 'cleaning'}}}, {}],
    certificate: [{certificateLeft: 0.24}, {certificateLeft: 0.25}],
    disk: [{diskFree: 0.19}, {diskFree: 0.2}],
    clock: [{clockErrorMs: 1_001}, {clockErrorMs: 1_000}],
    'verify-late': [
      {verified: {atMs: nowMs - 3 * day - 1, fault: null}},
      {verified: {atMs: nowMs - 3 * day, fault: null}},
    ],
    settings: [{settingsChanged: true}, {}],
  }
  t.same(
    Object.keys(conditions),
    ALARM_RULES.map(({name}) => name),
    'every alarm has its condition here',
  )
  for (const [name, [raises, not]] of Object.entries(conditions)) {
    const names = (change: Partial<Seen>): readonly string[] =>
      alarmsOf({...seen, ...change}).map(({rule}) => rule.name)
    t.ok(names(raises).includes(name), name)
    t.notOk(names(not).includes(name), `not ${name}`)
  }
  t.ok(
    alarmsOf({...seen, ...level(5, 'suspect')}).some(({rule}) => rule.name === 'cassette-out'),
    'nor is a suspect cassette paid from',
  )
  t.same(alarmsOf({...seen, state: 'recovering', bankAwayMs: day}), [], 'while it starts nothing is raised')
  const order = ['critical', 'major', 'minor']
  const ranks = ALARM_RULES.map(({severity}) => order.indexOf(severity))
  t.same(
    ranks,
    ranks.toSorted((one, other) => one - other),
    'the worst first',
  )
  await close()
})

t.test('an alarm is logged once, told, written, and over when its cause is', async t => {
  const {world, system, lines, look, metric, close} = await watched()
  await world.visit()
  await look()
  const raised = (): number => lines.filter(line => line.includes('"alarm":"disk"')).length
  t.equal(raised(), 0)
  system.freeBytes = 1e9
  await look()
  await look()
  t.equal(raised(), 1)
  t.equal(metric('tellerd_alarm', 'disk'), 1)
  const status: unknown = JSON.parse(system.files.get(STATUS_FILE) ?? '')
  t.match(status, {alarms: [{alarm: 'disk', cause: '1 % free', customer: 'none', since: /^2026-11-22T/}]})
  const parts = await partsAtBank(world)
  t.match(parts.get('machine'), {state: 'degraded', detail: 'the disk with the journal fills up: 1 % free'})
  t.match(parts.get('dispenser'), {state: 'ok'})
  system.freeBytes = 90e9
  await look()
  t.match(lines.at(-1), '"message":"an alarm is over","alarm":"disk"')
  t.equal(metric('tellerd_alarm', 'disk'), 0)
  t.match((await partsAtBank(world)).get('machine'), {state: 'ok'})
  await close()
})

async function partsAtBank({table, clock}: World): Promise<Map<string, {state: string; detail: string}>> {
  const {terminal} = table.config
  const read = table.bank.store.read(tx => tx.fleet.parts([terminal]))
  const parts = (await clock.finish(read, BUDGET_MS)).get(terminal) ?? []
  return new Map(parts.map(({part, state, detail}) => [part, {state, detail}]))
}

t.test(
  'a line that is cut is alarmed after two minutes, and the bank hears of it when it is back',
  async t => {
    const {world, monitor, look, lines, close} = await watched()
    await world.visit()
    await look()
    world.table.stage.line.cut()
    await world.clock.runUntil(() => world.state === 'offline', BUDGET_MS)
    await look()
    t.same(
      monitor.alarms().map(({rule}) => rule.name),
      [],
    )
    await world.clock.advance(130_000)
    await look()
    t.same(
      monitor.alarms().map(({rule}) => rule.name),
      ['bank-away'],
    )
    world.table.stage.line.restore()
    await world.clock.runUntil(() => world.state === 'idle', BUDGET_MS)
    await look()
    t.same(monitor.alarms(), [])
    t.match((await partsAtBank(world)).get('link'), {state: 'ok'})
    t.ok(lines.some(line => line.includes('"alarm":"bank-away"')))
    await close()
  },
)

t.test('a suspect payout waits in the figures until somebody counts, over a restart', async t => {
  const {world, monitor, look, metric, close} = await watched({plan: 'dispenser: command lost'})
  await world.visit()
  await look()
  t.equal(metric('tellerd_suspense_open'), 1)
  t.equal(metric('tellerd_suspense_most_minor', 'EUR'), 6_000)
  t.equal(metric('tellerd_dispense_faults_total'), 1)
  t.equal(metric('tellerd_suspects_total'), 1)
  t.equal(metric('tellerd_visits_total', 'beingChecked'), 1)
  monitor.stop()
  await world.crash()
  const system = new System()
  const after = monitorOf(world, system)
  const open = async (): Promise<number> => {
    await world.clock.finish(after.look(), BUDGET_MS)
    const status: unknown = JSON.parse(system.files.get(STATUS_FILE) ?? '')
    return typeof status === 'object' && status !== null ? Number(Reflect.get(status, 'suspenseCount')) : NaN
  }
  after.start()
  await world.clock.runUntil(() => world.state === 'idle', BUDGET_MS)
  t.equal(await open(), 1, 'the next life reads it back')
  world.table.machine.load(world.table.machine.standing.context.levels)
  await world.clock.advance(TEN_SECONDS_MS)
  t.equal(await open(), 0, 'until somebody counts')
  after.stop()
  await close()
})

t.test('a journal that was shortened is read once from where it begins', async t => {
  const {world, close} = await watched()
  await world.visit()
  const {journal} = world.table
  const asked: number[] = []
  const shortened = monitorOf(world, new System(), silentLog, {
    rows(fromSeq, countMax) {
      asked.push(fromSeq)
      return journal.rows(Math.max(fromSeq, 15), countMax)
    },
    onAppend: listener => journal.onAppend(listener),
    openIntents: () => journal.openIntents(),
    head: journal.head,
  })
  shortened.start()
  await world.clock.finish(shortened.look(), BUDGET_MS)
  await world.clock.finish(shortened.look(), BUDGET_MS)
  t.equal(asked.at(-1), journal.head.seq + 1)
  shortened.stop()
  await close()
})

t.test('a journal that cannot be read any more is no reason to end', async t => {
  const {world, monitor, lines, look, close} = await watched()
  await world.visit()
  world.table.journal.close()
  await look()
  t.equal(lines.filter(line => line.includes('the journal cannot be read')).length, 1)
  monitor.stop()
  await look()
  t.equal(
    lines.filter(line => line.includes('the journal cannot be read')).length,
    1,
    'stopped, it looks no more',
  )
  await close()
})

t.test('what cannot be written is told once, and the machine goes on', async t => {
  const {world, system, lines, look, close} = await watched()
  await world.visit()
  const folder = mkdtempSync(join(tmpdir(), 'tellerd-status-'))
  const real = systemSensors(join(folder, 'journal.db'), join(folder, 'tellerd.json'), join(folder, 'gone'))
  system.publish = real.publish.bind(real)
  await look()
  await look()
  t.equal(lines.filter(line => line.includes('cannot be written')).length, 1)
  rmSync(folder, {recursive: true})
  await close()
})

t.test('the system’s own figures, and files that everybody may read', t => {
  const folder = mkdtempSync(join(tmpdir(), 'tellerd-sensors-'))
  const journal = join(folder, 'journal.db')
  const sensors = systemSensors(journal, join(folder, 'tellerd.json'), folder)
  t.match(sensors.disk(), {freeBytes: Number, sizeBytes: Number})
  t.equal(systemSensors(join(folder, 'none/journal.db'), '', null).disk(), null)
  t.same(sensors.journalBytes(), {main: 0, wal: 0})
  t.ok(sensors.residentBytes() > 10e6)
  t.equal(sensors.verifiedText(), null)
  const before = process.umask(0o077)
  sensors.publish(METRICS_FILE, '# EOF\n')
  process.umask(before)
  t.equal(statSync(join(folder, METRICS_FILE)).mode & 0o777, 0o644)
  t.same(readdirSync(folder), [METRICS_FILE], 'nothing half-written stays')
  systemSensors(journal, '', null).publish('x', 'nowhere')
  rmSync(folder, {recursive: true})
  t.end()
})

t.test('the verdict of the nightly check reaches the machine', t => {
  t.equal(verdictPath('/var/lib/tellerd/journal.db'), '/var/lib/tellerd/verified')
  t.equal(verdictIn(null), null)
  const atMs = epochMs(1_795_338_000_000)
  t.same(verdictIn(verdictText({kind: 'whole', rows: 12}, atMs)), {atMs, fault: null})
  t.same(verdictIn('2026-11-22T09:00:00.000Z broken at row 3: hash\n'), {
    atMs,
    fault: 'broken at row 3: hash',
  })
  for (const text of ['', 'whole: 12 rows\n', '2026-11-22T09:00:00.000Z whole: 1'])
    t.match(verdictIn(text), {fault: 'the last verdict cannot be read'}, JSON.stringify(text))
  t.end()
})

/** A bank of which only the taking of events is real. */
class Ear {
  readonly taken = new Map<number, PartEvent>()
  answer: 'taken' | 'silent' | 'declined' = 'taken'
  readonly clockErrorMs = (): null => null

  async tellEvents(events: readonly PartEvent[]): Promise<EventsAnswer> {
    if (this.answer === 'silent') return {kind: 'silent', why: 'cut'}
    if (this.answer === 'declined') return {kind: 'declined', code: '30', retain: false}
    for (const event of events) this.taken.set(event.seq, event)
    return {kind: 'taken', throughSeq: Math.max(0, ...this.taken.keys())}
  }
}

t.test('events are numbered without a gap, over silences, refusals and lives', async t => {
  const {world, close} = await watched()
  const {clock} = world
  const ear = new Ear()
  const lines: string[] = []
  const log = lineLog(clock, line => lines.push(line))
  const teller = new Teller(ear, clock, log)
  const rule = present(
    ALARM_RULES.find(({name}) => name === 'bank-away'),
    'a rule',
  )
  teller.note([])
  await teller.tell()
  t.same([...ear.taken.keys()], [1, 2, 3, 4, 5, 6, 7], 'each part, once')
  teller.note([{rule, cause: 'since 5 min\u0007 ’'}])
  teller.note([{rule, cause: 'since 5 min\u0007 ’'}])
  ear.answer = 'silent'
  await teller.tell()
  t.equal(ear.taken.size, 7)
  ear.answer = 'taken'
  await teller.tell()
  t.match(ear.taken.get(8), {
    part: 'link',
    state: 'out',
    detail: 'the bank cannot be reached: since 5 min? ?',
  })
  teller.note([])
  ear.answer = 'declined'
  await teller.tell()
  t.equal(lines.length, 1, 'a no is told to who runs the machine')
  ear.answer = 'taken'
  const next = new Teller(ear, clock, log)
  next.note([])
  await next.tell()
  t.same(
    [...ear.taken.keys()],
    Array.from({length: 15}, (_, at) => at + 1),
    'the next life goes on',
  )
  await close()
})

t.test('the chronicle knows a trap, a payout nobody approved, and what is long ago', async t => {
  const {world, close} = await watched()
  await world.visit()
  const rows = world.table.journal.rows(1, 1_000)
  const session = present(rows.find(row => row.session !== null)?.session, 'a visit')
  const whole = new Chronicle()
  for (const row of rows) whole.add(row)
  const nowMs = world.clock.wallMs()
  const lately = whole.lately(nowMs)
  t.match(lately, {starts: 1, dispenses: 1, unapproved: 0, dispenseFaults: 0, trapped: 0})
  t.same(lately.notes.get(1), {picked: 3, rejected: 0, paid: 3})
  const robbed = new Chronicle()
  for (const row of rows)
    if (row.entry.kind !== 'event' || row.entry.event.type !== 'host.approved') robbed.add(row)
  t.equal(robbed.lately(nowMs).unapproved, 1, 'the order without its approval')
  const last = present(rows.at(-1), 'a row')
  const boot = (configHash: string): void => {
    whole.add({...last, session: null, atMs: nowMs, entry: {kind: 'boot', build: 'test', configHash}})
  }
  boot('other settings')
  t.equal(whole.lately(nowMs).starts, 1, 'a commit is no fall')
  boot('other settings')
  t.equal(whole.lately(nowMs).starts, 2)
  const tell = (type: 'card.left' | 'notes.left'): void => {
    const event: Event = {type}
    whole.add({...last, session, atMs: nowMs, entry: {kind: 'event', event, answers: null}})
  }
  tell('card.left')
  t.equal(whole.lately(nowMs).trapped, 0, 'a card alone is no trap')
  tell('notes.left')
  tell('notes.left')
  t.equal(whole.lately(nowMs).trapped, 1)
  t.match(whole.lately(nowMs + 2 * 86_400_000), {starts: 0, dispenses: 0, trapped: 0})
  await close()
})
