/** One table: what is parsed, helped with, completed, allowed, recorded and written in the manual is the same commands. */
import {readFileSync} from 'node:fs'
import t from 'tap'
import {COMMANDS} from '../../src/console/commands.ts'
import {MANUAL_FILE, manual} from '../../src/console/draw.ts'
import {ARGUMENTS, completed, helpFor, parse} from '../../src/console/grammar.ts'
import {ROLES} from '../../src/console/people.ts'
import {present} from '../../kit/assert.ts'
import {Bench, STAFF, lineFor, personOf} from './bench.ts'

t.test('every row of the table has an example that is that row, and no row stands twice', t => {
  for (const command of COMMANDS) {
    const parsed = parse(command.example, COMMANDS)
    t.equal(parsed.kind === 'command' && parsed.command === command, true, command.words)
    const filled = parse(lineFor(command.words), COMMANDS)
    t.equal(filled.kind === 'command' && filled.command === command, true, lineFor(command.words))
    t.equal(command.may.length > 0, true, `${command.words} is for somebody`)
    t.equal(
      command.kind === 'act',
      command.says !== undefined,
      `${command.words} says what it is about to do`,
    )
  }
  const words = COMMANDS.map(command => command.words)
  t.equal(new Set(words).size, words.length)
  t.end()
})

t.test('help and completion lead each role to its commands, word by word, and to no other', t => {
  for (const role of ROLES) {
    const mine = COMMANDS.filter(({may}) => may.includes(role))
    for (const {words} of COMMANDS) {
      const parts = words.split(' ')
      const typed = lineFor(words).split(' ')
      for (const [at, part] of parts.entries()) {
        if (at >= typed.length) break
        const before = typed
          .slice(0, at)
          .map(word => `${word} `)
          .join('')
        const beginning = parts.slice(0, at + 1)
        const isMine = mine.some(other =>
          beginning.every((word, place) => other.words.split(' ')[place] === word),
        )
        const offered = helpFor(before, mine).map(({word}) => word)
        t.equal(offered.includes(part), isMine, `${role}, after '${before}': ${part}`)
        if (!isMine || Object.hasOwn(ARGUMENTS, part)) continue
        const rivals = offered.filter(word => word !== part && !Object.hasOwn(ARGUMENTS, word))
        const short = shortest(part, rivals)
        if (short !== part)
          t.equal(completed(before + short, mine).line, `${before}${part} `, `${role}: ${before}${short} TAB`)
      }
      const whole = parse(lineFor(words), mine)
      const isMine = mine.some(other => other.words === words)
      t.equal(whole.kind === 'command' && whole.command.words === words, isMine, `${role}: ${words}`)
    }
  }
  t.end()
})

/** As few letters as lead to that word and no other. */
function shortest(word: string, others: readonly string[]): string {
  for (let length = 1; length < word.length; length++)
    if (!others.some(other => other.startsWith(word.slice(0, length)))) return word.slice(0, length)
  return word
}

t.test('docs/console.md is the table', t => {
  t.equal(readFileSync(MANUAL_FILE, 'utf8'), manual(COMMANDS), 'npm run states writes it anew')
  t.end()
})

t.test('every command is refused to every role that may not give it, and the journal says so', async t => {
  const bench = await Bench.open()
  const {journal} = bench.world.table
  for (const role of ROLES) {
    const name = personOf(role)
    const wire = bench.connect()
    await wire.logIn(name)
    const foreign = COMMANDS.filter(({may}) => !may.includes(role))
    t.equal(foreign.length > 0, true)
    for (const {words, may} of foreign) {
      const line = lineFor(words)
      const {seq} = journal.head
      const said = await wire.give(line)
      t.match(said.replace(/\s+/g, ' '), `refused: that is for ${may.join(', ')}`, `${role}: ${line}`)
      const [row] = journal.rows(seq + 1, 10)
      t.match(row?.entry, {kind: 'event', event: {person: name, command: line, outcome: /^refused/}})
    }
    wire.line.hangUp()
  }
  await bench.close()
})

t.test('every command that a role may give is recorded under their name, done or not', async t => {
  const bench = await Bench.open()
  const {journal} = bench.world.table
  for (const role of ROLES) {
    const name = personOf(role)
    const wire = bench.connect()
    await wire.logIn(name)
    await wire.give('terminal length 0')
    for (const {words} of COMMANDS.filter(({may}) => may.includes(role))) {
      const line = lineFor(words)
      const {seq} = journal.head
      await wire.give(line, 400_000)
      // Whatever it asks, nobody answers.
      while (!/[>#] $/.test(wire.glass.lastLine)) await wire.type('\x03', 400_000)
      const acts = journal
        .rows(seq + 1, 1_000)
        .flatMap(({entry}) =>
          entry.kind === 'event' && entry.event.type === 'person.acted' ? [entry.event] : [],
        )
      const last = present(
        acts.findLast(({person}) => person === name),
        `a row for ${role}: ${line}`,
      )
      t.equal(last.command, line)
      t.match(last.outcome, /^(done|refused: .+)$/, `${role}: ${line}`)
    }
    wire.line.hangUp()
  }
  t.equal(Object.keys(STAFF).length > 0, true)
  await bench.close()
})
