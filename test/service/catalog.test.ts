// The message catalogue of the system's journal, held to the program: every warning and error has its entry, and every
// entry its message, word for word, since the id is of the words.
import {spawnSync} from 'node:child_process'
import {globSync, mkdirSync, mkdtempSync, copyFileSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import t from 'tap'
import {messageId} from '../../src/service/system-journal.ts'
import {ALARM_RULES} from '../../src/status/alarms.ts'
import {skipUnless, systemdAnalyzePath} from '../needs.ts'
import {EMULATOR} from '../tidy/table.ts'

const ROOT = dirname(dirname(import.meta.dirname))
const PATH = join(ROOT, 'systemd/tellerd.catalog')

/** Hand on what somebody else says. */
const PASSING_ON = ['src/service/system-journal.ts', 'src/console/recent-log.ts']
/** Says the titles of the alarms' table. */
const MONITOR = 'src/status/monitor.ts'
/** Makes devices for tests; the machine has no part of it. */
const EMULATED_HID = 'devices/wire/hid-uhid.ts'

interface Entry {
  readonly id: string
  readonly subject: string
  readonly body: string
}

function entries(): readonly Entry[] {
  const [, ...texts] = readFileSync(PATH, 'utf8').split(/^-- /m)
  return texts.map(text => {
    const [, id = '', subject = '', body = ''] =
      /^([0-9a-f]{32})\nSubject: (.+)\nDefined-By: Tellerd\nDocumentation: file:\/\/\/\S+\n\n(.+)$/s.exec(
        text,
      ) ?? []
    return {id, subject, body: body.trim()}
  })
}

interface Said {
  readonly at: string
  readonly level: string
  /** Null where it is no constant. */
  readonly words: string | null
  readonly fields: string
}

function said(): readonly Said[] {
  const paths = globSync(['src/**/*.ts', 'devices/**/*.ts', 'journal/*.ts'], {cwd: ROOT}).filter(
    path => !path.startsWith('src/bench/') && !EMULATOR.test(path) && path !== EMULATED_HID,
  )
  return paths
    .filter(path => !PASSING_ON.includes(path))
    .flatMap(path => {
      const text = readFileSync(join(ROOT, path), 'utf8')
      const calls = text.matchAll(/\b#?log\.(info|warn|error)\(\s*(?:'([^']*)'|[^,)]+)(?=([\s\S]{0,160}))/g)
      return [...calls].map(([, level = '', words, fields = '']) => ({
        at: path,
        level,
        words: words ?? null,
        fields,
      }))
    })
}

t.test('every warning and error has its entry, and every entry its message', t => {
  const all = said()
  t.ok(all.length > 50, `${all.length} messages`)
  t.same(
    all.filter(({words, at}) => words === null && at !== MONITOR).map(({at}) => at),
    [],
    'words are constant, so that their id is: what varies is a field',
  )
  const titles = ALARM_RULES.map(({title}) => title)
  const constant = all.flatMap(({level, words}) => (words === null ? [] : [{level, words}]))
  const wanted = [...titles, ...constant.filter(({level}) => level !== 'info').map(({words}) => words)]
  const allowed = new Set([...wanted, ...constant.map(({words}) => words)])
  const subjects = entries().map(({subject}) => subject)
  t.same(
    [...new Set(wanted)].filter(words => !subjects.includes(words)),
    [],
    'without an entry',
  )
  t.same(
    subjects.filter(subject => !allowed.has(subject)),
    [],
    'without a message',
  )
  t.equal(new Set(subjects).size, subjects.length, 'each once')
  for (const {id, subject, body} of entries()) {
    t.equal(id, messageId(subject), subject)
    t.ok(body.length > 0, subject)
  }
  t.end()
})

t.test('an alarm’s entry says what to do, as the alarm does', t => {
  const bodies = new Map(entries().map(({subject, body}) => [subject, body]))
  for (const {name, title, severity, customer, action} of ALARM_RULES)
    t.equal(
      bodies.get(title),
      `Alarm ${name}, ${severity}: @TELLERD_CAUSE@\n\nFor customers: ${customer}.\nWhat to do: ${action}.`,
    )
  t.end()
})

t.test('what an entry names, its message has as a field', t => {
  const all = said()
  for (const {subject, body} of entries())
    for (const [, name = ''] of body.matchAll(/@TELLERD_([A-Z_]+)@/g)) {
      const field = name.toLowerCase().replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
      const calls = all.filter(({words, at}) => (words === null ? at === MONITOR : words === subject))
      t.ok(
        calls.some(({fields}) => new RegExp(`\\b${field}\\b`).test(fields)) || field === 'cause',
        `${subject}: ${field}`,
      )
    }
  t.end()
})

t.test('systemd takes the catalogue', t => {
  if (!skipUnless(t, systemdAnalyzePath(), 'systemd-analyze')) return t.end()
  const root = mkdtempSync(join(tmpdir(), 'tellerd-catalog-'))
  const folder = join(root, 'usr/lib/systemd/catalog')
  mkdirSync(folder, {recursive: true})
  mkdirSync(join(root, 'var/lib/systemd/catalog'), {recursive: true})
  copyFileSync(PATH, join(folder, 'tellerd.catalog'))
  const updated = spawnSync('journalctl', [`--root=${root}`, '--update-catalog'], {encoding: 'utf8'})
  t.same({status: updated.status, stderr: updated.stderr}, {status: 0, stderr: ''})
  const listed = spawnSync('journalctl', [`--root=${root}`, '--list-catalog'], {encoding: 'utf8'})
  t.equal(listed.stdout.trim().split('\n').length, entries().length)
  t.match(listed.stdout, `${messageId('an alarm is over')} Tellerd: an alarm is over`)
  rmSync(root, {recursive: true})
  return t.end()
})
