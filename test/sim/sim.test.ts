/** The simulator, short: some seeds hold, the same seed is the same run, and a handful of planted mistakes is found. */
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import t from 'tap'
import {present} from '../../kit/assert.ts'
import {Ground} from './ground.ts'
import {Canaries} from './oracle/canaries.ts'
import {NoteBook} from './oracle/notes.ts'
import {Field} from './planted/hunt.ts'
import {spoiled} from './planted/planted.ts'
import {PLANTED} from './planted/table.ts'
import {PlayedBench} from './played.ts'
import {mendedIn} from './seeds.ts'
import {shrunk} from './shrink.ts'
import {lineText, replayCommand} from './story.ts'

/** Some ten seconds of one core; `npm run sim` plays as many as there is time for. */
const SEEDS_COUNT = 10
const ROOT = join(import.meta.dirname, '..', '..')

const ground = await Ground.open()
t.teardown(() => {
  ground.close()
})

t.test('seeds hold', async t => {
  for (let seed = 1; seed <= SEEDS_COUNT; seed += 1) {
    const {violation} = await ground.play({seed})
    t.equal(violation, null, replayCommand({seed}))
  }
})

t.test('what was mended stays mended', async t => {
  for (const {played, was} of mendedIn(readFileSync(join(import.meta.dirname, 'seeds.txt'), 'utf8'))) {
    const {violation} = await ground.play(played)
    t.equal(violation, null, `${replayCommand(played)}: ${was}`)
  }
  t.strictSame(
    mendedIn('# no\n12 customers=3 only=power.note#1 a note was lost\n7 it was paid twice\n'),
    [
      {played: {seed: 12, only: new Set(['power.note#1']), customersMax: 3}, was: 'a note was lost'},
      {played: {seed: 7, only: null}, was: 'it was paid twice'},
    ],
    'the file is read',
  )
})

t.test('the same seed is the same run, watched or not, and another is another', async t => {
  for (const seed of [3, 5]) {
    const lines: string[] = []
    const once = await ground.play({seed})
    const again = await ground.play({
      seed,
      watch: line => {
        lines.push(lineText(line))
      },
    })
    t.equal(once.hash, again.hash, `seed ${seed}`)
    t.strictSame(once.struck, again.struck)
    t.ok(lines.length > 50 && lines.every(line => line.length <= 100), 'what happened can be read')
  }
  const [three, four] = [await ground.play({seed: 3}), await ground.play({seed: 4})]
  t.not(three.hash, four.hash)
})

t.test('where the computer stands changes nothing', async t => {
  const before = process.env['TZ']
  t.teardown(() => {
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
  })
  const hashes: string[] = []
  for (const zone of ['UTC', 'Asia/Tokyo']) {
    process.env['TZ'] = zone
    const {hash, seen} = await ground.play({seed: 2, customersMax: 6})
    t.ok(seen.has('event receipt.printed'), 'slips with times of day are printed')
    hashes.push(hash)
  }
  t.equal(hashes[0], hashes[1])
})

t.test("on the page it is the same run, and only its speed is anybody's", async t => {
  const seed = 3
  const played = {seed, only: new Set<string>(), customersMax: 1}
  const bench = new PlayedBench(ground, played)
  await bench.act({kind: 'speed', speed: 1_000_000})
  let told = 0
  bench.onChange(() => (told += 1))
  const {hash} = await bench.play()
  t.equal(hash, (await ground.play(played)).hash)
  t.ok(told > 100)
  t.strictSame(await bench.act({kind: 'takeNotes'}), {
    ok: false,
    why: 'this life is played from a seed: only its speed is yours',
  })
  const {play, devices, bank} = bench.state()
  t.match(play?.text, /^seed 3 at .*, life 1, over: 1 visits, 1 lives, every promise held$/)
  t.strictSame(
    devices.map(({kind, power}) => [kind, power]),
    [
      ['cardReader', 'on'],
      ['pinPad', 'on'],
      ['dispenser', 'on'],
    ],
  )
  t.equal(bank.accounts.length, 12)
  t.ok(bench.journalLines(0).some(({text}) => text.includes('puts a card in')))
})

t.test('a run with fewer faults is another run, and one without any is calm', async t => {
  const all = await ground.play({seed: 5})
  const none = await ground.play({seed: 5, only: new Set(), customersMax: 2})
  t.ok(all.struck.length > 0)
  t.strictSame(none.struck, [])
  t.equal(none.visitsCount, 2)
  t.equal(none.livesCount, 1)
})

t.test('a failing run is made short', async t => {
  const whole = await ground.play({seed: 4})
  const failed = {...whole, violation: {promise: 'none such', detail: ''}}
  t.strictSame(
    [...((await shrunk(ground, failed)).only ?? [])],
    [...whole.struck],
    'what no shorter run breaks',
  )
})

t.test('every planted mistake still has its place in the sources', t => {
  for (const mistake of PLANTED)
    t.ok(spoiled(readFileSync(join(ROOT, mistake.file), 'utf8'), mistake) !== null, mistake.name)
  t.equal(new Set(PLANTED.map(({name}) => name)).size, PLANTED.length, 'names are their own')
  t.end()
})

/** Mistakes that nearly every run shows; `npm run sim:planted` looks for all of them. */
const OFTEN = [
  'reuse a STAN',
  'take a lost answer for nothing moved',
  'the bank: acknowledge a reversal and book nothing',
]

t.test('what is planted is found', async t => {
  const field = new Field()
  t.teardown(() => {
    field.remove()
  })
  for (const name of OFTEN) {
    const mistake = present(
      PLANTED.find(one => one.name === name),
      name,
    )
    const {promise} = await field.hunt(mistake, 60)
    t.not(promise, null, name)
  }
})

t.test('no secret in any place, in any form', async t => {
  for (let seed = SEEDS_COUNT + 1; seed <= SEEDS_COUNT + 4; seed += 1) {
    const {violation} = await ground.play({seed, isThorough: true})
    t.equal(violation, null, replayCommand({seed}))
  }
})

t.test('canaries are found in text, in hexadecimal and packed', t => {
  const canaries = new Canaries([
    {pan: '4761739050871364', track2: '4761739050871364=4912', pin: '907316428'},
  ])
  t.equal(canaries.inText('a card 476173******1364'), null)
  t.equal(canaries.inText('x4761739050871364x'), '...1364')
  t.equal(canaries.inText('PIN 907316428'), '...6428')
  t.equal(canaries.inText(Buffer.from('907316428').toString('hex').toUpperCase()), '...3238')
  t.equal(canaries.inBytes(Buffer.from('ff4761739050871364ff', 'hex')), '...1364')
  t.equal(canaries.inBytes(Buffer.alloc(100)), null)
  t.equal(canaries.inAnyForm('39 30 37 33 31 36 34 32 38'), '...3238', 'as a transcript is written')
  t.equal(canaries.inAnyForm('47 61 73 90 50 87 13 64'), '...1364', 'packed, in a transcript')
  for (const before of ['', 'a', 'ab', 'abc'])
    t.match(
      canaries.inAnyForm(Buffer.from(`${before}4761739050871364=4912 and more`).toString('base64')),
      /in base64$/,
      `in base64 behind ${before.length} bytes`,
    )
  t.equal(canaries.inAnyForm('nothing 476173******1364 here'), null)
  t.end()
})

t.test('a note that comes or goes by itself is seen', t => {
  const told: string[] = []
  let places: Record<string, Record<number, number>> = {cassette: {1: 2}, path: {1: 0}, outlet: {1: 0}}
  const book = new NoteBook(
    () => places,
    ({note, from, to}) => {
      told.push(`${note.id} ${from} ${to}`)
    },
  )
  places = {cassette: {1: 1}, path: {1: 1}, outlet: {1: 0}}
  book.look()
  places = {cassette: {1: 1}, path: {1: 0}, outlet: {1: 1}}
  book.look()
  places = {cassette: {1: 0}, path: {1: 0}, outlet: {1: 2}}
  book.look()
  places = {cassette: {1: 0}, path: {1: 0}, outlet: {1: 1}}
  book.look()
  t.strictSame(told, [
    '1/1 new cassette',
    '1/2 new cassette',
    '1/1 cassette path',
    '1/1 path outlet',
    '1/2 cassette outlet',
    '1/1 outlet nowhere',
  ])
  t.end()
})
