// The machine as a whole: the drawing is true, and no walk through it breaks a rule about notes, money or cards.
import {readFileSync} from 'node:fs'
import t from 'tap'
import {ROWS} from '../../fsm/decide.ts'
import {STATES_FILE, drawing, kindOf, turnsOf} from '../../fsm/draw.ts'
import {EVENT_TYPES, SETUPS, samplesOf} from '../../fsm/samples.ts'
import {STATE_NAMES, begin, step} from '../../fsm/session.ts'
import {present} from '../../kit/assert.ts'
import {seededRandom} from '../../kit/random.ts'
import {BLANK, follow} from './watch.ts'
import type {MachineSetup} from '../../fsm/context.ts'
import type {Sample} from '../../fsm/samples.ts'
import type {Standing} from '../../fsm/session.ts'
import type {Random} from '../../kit/random.ts'
import type {Memory} from './watch.ts'

const turns = turnsOf()

/** What gets a machine at rest back to its customers. */
const HELPFUL = new Set([
  'card.inserted',
  'device.restored',
  'host.restored',
  'disk.freed',
  'cassettes.loaded',
  'supervisor.left',
  'service.opened',
  'machine.unlocked',
])

t.test('the machine can be built, and every state be reached', t => {
  const reached = new Set([...turns.map(turn => turn.from), ...turns.map(turn => turn.to)])
  t.same(
    STATE_NAMES.filter(state => !reached.has(state)),
    ['resting'],
    'resting is passed through',
  )
  for (const state of reached)
    t.equal(turns.filter(turn => turn.from === state).length > 0, true, `${state} was tried`)
  t.end()
})

t.test('states.md is what the machine does', t => {
  const written = readFileSync(STATES_FILE, 'utf8')
  t.equal(drawing(turns), written, 'npm run states writes it anew')
  t.end()
})

t.test('every row of the money table can come up', t => {
  const told = new Set(turns.flatMap(turn => turn.orders.map(order => /\((.*)\)/.exec(order)?.[1])))
  t.same(
    ROWS.map(row => row.name).filter(name => !told.has(name)),
    [],
  )
  t.end()
})

t.test('unknown is never reversed', t => {
  const unknown = turns.filter(turn => /nknown$/.test(turn.type) && turn.to !== turn.from)
  t.equal(unknown.length > 0, true)
  for (const turn of unknown) {
    const advices = turn.orders.filter(order => order.startsWith('host.'))
    t.equal(
      advices.length === 1 && advices[0]?.startsWith('host.suspect'),
      true,
      `${turn.from}: ${turn.type}`,
    )
  }
  t.end()
})

t.test('a journal that fails suspends every state, and nothing is ordered', t => {
  const failures = turns.filter(turn => turn.type === 'journal.failed')
  t.equal(new Set(failures.map(turn => turn.from)).size, STATE_NAMES.length - 1)
  t.same(
    failures.filter(turn => turn.to !== 'suspended' || turn.orders.length > 0),
    [],
  )
  t.end()
})

/** A place of the graph and how to get there, for the message of a failure. */
interface Place {
  readonly standing: Standing
  readonly memory: Memory
  readonly way: readonly string[]
}

interface Broken {
  readonly rule: string
  readonly way: readonly string[]
}

/**
 * Every kind of place, with what is promised there, by the shortest way; and the rules broken on it. What a kind of
 * standing does not expect it does not expect whatever is promised: such events are tried at one place of each kind.
 */
function walkAll(setup: MachineSetup): {placesCount: number; broken: readonly Broken[]} {
  const broken = new Map<string, Broken>()
  const seen = new Set<string>()
  const expected = new Map<string, ReadonlySet<string>>()
  const waiting: Place[] = [{standing: begin(setup).standing, memory: BLANK, way: []}]
  for (let place = waiting.shift(); place !== undefined; place = waiting.shift()) {
    const kind = placeKind(place)
    if (seen.has(kind)) continue
    seen.add(kind)
    const known = expected.get(kindOf(place.standing))
    const answered = new Set<string>()
    for (const sample of samplesAt(place.standing)) {
      const name = `${sample.event.type} ${sample.words}`
      if (known !== undefined && !known.has(name)) continue
      const next = walkOn(place, sample)
      if (!next.isUnexpected) answered.add(name)
      for (const rule of next.broken) if (!broken.has(rule)) broken.set(rule, {rule, way: next.place.way})
      waiting.push(next.place)
    }
    if (known === undefined) expected.set(kindOf(place.standing), answered)
  }
  return {placesCount: seen.size, broken: [...broken.values()]}
}

function placeKind({standing, memory}: Place): string {
  const {told, sent, timerRuns, waitsFor, isCardTaken, isPathBlocked} = memory
  const promised = told && [
    told.isApproved,
    told.mustConclude,
    told.mayBeOut,
    told.advicesCount,
    told.bunchesMoved,
  ]
  // A dispenser that has failed is looked at before it is given anything.
  const isPassed = isPathBlocked && standing.context.devices.dispenser === 'ok'
  const transfer = sent && [sent.mayBeHeld, sent.advicesCount]
  return JSON.stringify([kindOf(standing), promised, transfer, timerRuns, waitsFor, isCardTaken, isPassed])
}

function samplesAt(standing: Standing): readonly Sample[] {
  return EVENT_TYPES.flatMap(type => samplesOf(type, standing.context))
}

function walkOn(
  place: Place,
  {words, event}: Sample,
): {place: Place; broken: readonly string[]; isUnexpected: boolean} {
  const made = step(place.standing, event)
  const {memory, broken} = follow(place.memory, place.standing, event, made)
  const way = [...place.way, words === '' ? event.type : `${event.type} ${words}`]
  const isUnexpected = made.orders.length === 0 && made.chores.every(({kind}) => kind === 'report.unexpected')
  return {
    place: {standing: made.standing, memory, way},
    broken,
    isUnexpected: isUnexpected && made.chores.length === 1,
  }
}

for (const [name, setup] of Object.entries(SETUPS)) {
  t.test(`machine ${name}: no way through the graph breaks a rule`, t => {
    const {placesCount, broken} = walkAll(setup)
    t.equal(placesCount > 100, true, `${placesCount} kinds of place`)
    for (const {rule, way} of broken) t.fail(`${rule}: ${way.join(', ')}`)
    t.end()
  })

  t.test(`machine ${name}: long lives, with events out of place, break none either`, t => {
    const seed = `matrix ${name}`
    const random = seededRandom(seed)
    let visitsCount = 0
    for (let life = 0; life < 18; life++) {
      let place: Place = {standing: begin(setup).standing, memory: BLANK, way: []}
      for (let at = 0; at < 200; at++) {
        const next = walkOn(place, randomSample(place.standing, random))
        if (next.broken.length > 0) {
          t.fail(`${next.broken.join('; ')}: ${next.place.way.join(', ')}`, {seed, life})
          return t.end()
        }
        if (place.standing.state === 'idle' && next.place.standing.state === 'enteringPin') visitsCount++
        place = next.place
      }
    }
    t.equal(visitsCount > 10, true, `${visitsCount} visits`)
    return t.end()
  })
}

/** Mostly an event that leads on, one time in five any event. The journal never fails, or the life would end. */
function randomSample(standing: Standing, random: Random): Sample {
  const samples = samplesAt(standing).filter(({event}) => event.type !== 'journal.failed')
  const draw = (from: readonly Sample[]): Sample => present(from[random.below(from.length)], 'sample')
  if (random.below(5) === 0) return draw(samples)
  if (standing.context.visit === null && standing.context.levels.length > 0)
    return draw(samples.filter(({event}) => HELPFUL.has(event.type)))
  for (let draws = 0; draws < 40; draws++) {
    const sample = draw(samples)
    if (step(standing, sample.event).standing.state !== standing.state) return sample
  }
  return draw(samples)
}
