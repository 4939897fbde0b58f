/**
 * The replenishment, as two people do it with the safe open: it asks for one count after the other, and each answer is
 * an event in the journal before the next question. Whoever is interrupted, by a telephone or by the power, gives the
 * command again and is asked what comes next. It moves no note but one of each cassette into the reject bin.
 */
import type {Event, Exchange} from '../../fsm/vocabulary.ts'
import {present} from '../../kit/assert.ts'
import {formatAmount, minorUnits, noteCount, parseAmount} from '../../kit/money.ts'
import type {Count} from '../../kit/money.ts'
import {answer, isConfirmed} from './command.ts'
import type {Scene} from './command.ts'
import {differences, dueSteps, loadedLevels, nextDue} from './exchange.ts'
import type {Difference, Due} from './exchange.ts'
import {ARGUMENTS} from './grammar.ts'
import {refused, table} from './view.ts'
import type {Cell, Reply} from './view.ts'
import {linesOf} from './view.ts'

/** How one step ended: done, left by the person, or not to be had. */
type Went = {readonly kind: 'done'} | {readonly kind: 'left'} | {readonly kind: 'stuck'; readonly why: string}

/** What the wizard needs of the rest of the console. */
export interface WizardParts {
  /** The totals so far, as lines. */
  readonly totals: (scene: Scene) => Promise<readonly string[]>
  /** One note of that cassette to the reject bin. */
  readonly test: (scene: Scene, cassette: number) => Promise<Reply>
}

const DONE: Went = {kind: 'done'}
const LEFT: Went = {kind: 'left'}

/** Opens a replenishment, or goes on with the one that is open, to its end or until the person leaves it. */
export async function replenish(scene: Scene, parts: WizardParts): Promise<Reply> {
  const {machine, person, second, front} = scene
  const open = exchangeOf(scene)
  if (open === null) {
    await front.say(['The totals so far; they go on:', ...(await parts.totals(scene))])
    machine.offer({type: 'exchange.opened', person: person.name, second: second?.name ?? null})
    if (exchangeOf(scene) === null) return refused('the machine did not take it')
  } else await front.say([`Open since ${open.person} began it; ${open.done.length} steps are done.`])
  for (;;) {
    const {state, context} = machine.standing()
    const {exchange} = context.attendance
    // A lock, or somebody else who signed it, ends the wizard between two questions.
    if (state !== 'supervisor' || exchange === null)
      return refused('the replenishment is over, or was stopped')
    const due = dueSteps(
      context.levels.map(({cassette}) => cassette),
      machine.canTest,
    )
    const next = nextDue(due, exchange)
    // The signature is the last.
    const number = next === null ? due.length + 1 : due.indexOf(next) + 1
    await front.say([`-- step ${number} of ${due.length + 1}`])
    const went = await (next === null ? signed(scene) : step(scene, parts, next, exchange))
    if (went.kind === 'left') return refused("left open: 'replenish' goes on with it")
    if (went.kind === 'stuck') return refused(`${went.why}; 'replenish' goes on with it`)
    if (next === null) return table(COLUMNS, rowsOf(scene, exchange))
  }
}

function step(scene: Scene, parts: WizardParts, due: Due, exchange: Exchange): Promise<Went> {
  switch (due.step) {
    case 'rejects':
      return rejects(scene, due)
    case 'remaining':
      return remaining(scene, due)
    case 'loaded':
      return loaded(scene, due)
    case 'levels':
      return levels(scene, due, exchange)
    case 'tested':
      return tested(scene, parts, due)
    case 'cards':
      return cards(scene, due)
    case 'report':
      return reported(scene, due, exchange)
    case 'told':
      return told(scene, due, exchange)
  }
}

async function rejects(scene: Scene, due: Due): Promise<Went> {
  await scene.front.say(['Empty the reject bin and whatever is in the path of the notes.'])
  const count = await counted(scene, 'notes in the reject bin and the path')
  if (count === null) return LEFT
  const {rejectsExpected} = await scene.machine.books()
  return held(scene, due, count, noteCount(rejectsExpected))
}

async function remaining(scene: Scene, due: Due): Promise<Went> {
  const level = levelOf(scene, due)
  const worth = formatAmount(level.noteMinor, scene.machine.currency)
  await scene.front.say([`Cassette ${level.cassette}, notes of ${worth}: take out what is in it.`])
  const count = await counted(scene, `notes found in cassette ${level.cassette}`)
  return count === null ? LEFT : held(scene, due, count, levelOf(scene, due).count)
}

async function loaded(scene: Scene, due: Due): Promise<Went> {
  const {cassette, noteMinor} = levelOf(scene, due)
  const {currency} = scene.machine
  const said = await answer(scene, `cassette ${cassette}: what one note of the new ones is worth`)
  if (said === null) return LEFT
  const worth = parseAmount(said, currency)
  if (worth.kind !== 'amount' || worth.amountMinor !== noteMinor) {
    const right = formatAmount(noteMinor, currency)
    return {
      kind: 'stuck',
      why: `cassette ${cassette} is set up for notes of ${right}: another note there is paid out wrongly`,
    }
  }
  const count = await counted(scene, `notes loaded into cassette ${cassette}, not their value`)
  return count === null ? LEFT : advanced(scene, due, count, null)
}

async function levels(scene: Scene, due: Due, exchange: Exchange): Promise<Went> {
  const {machine} = scene
  const fresh = loadedLevels(machine.standing().context.levels, exchange)
  const lines = fresh.map(({cassette, count}) => `  cassette ${cassette}: ${count} notes`)
  const {suspense} = await machine.books()
  const suspects = suspense.filter(({why}) => why === 'suspect')
  const says = [
    'From now on the cassettes hold:',
    ...lines,
    ...(suspects.length === 0 ? [] : ['What was counted decides these at the bank, and closes them here:']),
    ...suspects.map(({key}) => `  ${key}`),
  ]
  if (!(await isConfirmed(scene, says))) return LEFT
  machine.offer({type: 'cassettes.loaded', levels: fresh})
  return advanced(scene, due, null, null)
}

async function tested(scene: Scene, {test}: WizardParts, due: Due): Promise<Went> {
  const cassette = present(due.cassette, 'the cassette of a test')
  const isWanted = await isConfirmed(scene, [
    `About to: pick one note of cassette ${cassette} into the reject bin`,
  ])
  if (!isWanted) return LEFT
  const reply = await test(scene, cassette)
  if (reply.kind === 'done') {
    await scene.front.say(linesOf(reply.view))
    return advanced(scene, due, noteCount(1), null)
  }
  const said = await answer(scene, `${reply.why}. Enter tries again, 'leave' goes on without the test`)
  if (said === 'leave') return advanced(scene, due, noteCount(0), null)
  return said === null ? LEFT : DONE
}

async function cards(scene: Scene, due: Due): Promise<Went> {
  await scene.front.say(['Empty the bin of retained cards.'])
  const count = await counted(scene, 'retained cards')
  if (count === null) return LEFT
  const {retained} = await scene.machine.books()
  return held(scene, due, count, noteCount(retained.length))
}

async function reported(scene: Scene, due: Due, exchange: Exchange): Promise<Went> {
  const {machine} = scene
  const rows = differences(machine.standing().context.levels, exchange)
  const sumMinor = rows.reduce(
    (sum, {noteMinor, expected, counted: found}) => sum + (noteMinor ?? 0) * (found - expected),
    0,
  )
  const amount = formatAmount(minorUnits(Math.abs(sumMinor)), machine.currency)
  await scene.front.say([
    'Report of differences',
    ...linesOf({kind: 'table', columns: COLUMNS, rows: rowsOf(scene, exchange)}),
    sumMinor === 0
      ? 'the cassettes agree in sum'
      : `${amount} ${machine.currency} ${sumMinor > 0 ? 'over' : 'short'} in the cassettes`,
  ])
  return advanced(scene, due, null, null)
}

/** A bank that is silent now learns it with the journal; nobody has to stay for that. */
async function told(scene: Scene, due: Due, exchange: Exchange): Promise<Went> {
  const {machine} = scene
  const found = exchange.done.flatMap(({step: which, cassette, count, expected}) =>
    which === 'remaining' && cassette !== null && count !== null && expected !== null
      ? [{cassette, found: count, expected}]
      : [],
  )
  if (await machine.tellCash(found)) {
    await scene.front.say(['The bank has the report.'])
    return advanced(scene, due, noteCount(1), null)
  }
  const said = await answer(
    scene,
    "the bank does not answer. Enter tries again, 'later' leaves it to the journal",
  )
  if (said === 'later') return advanced(scene, due, noteCount(0), null)
  return said === null ? LEFT : DONE
}

/** Both put their names to it: the second once more by password and code, who may have come since. */
async function signed(scene: Scene): Promise<Went> {
  const {machine, person, second} = scene
  if (second !== null && (await scene.vouch()) === null)
    return {kind: 'stuck', why: 'the second person did not sign'}
  if (!(await isConfirmed(scene, ['About to: sign the replenishment']))) return LEFT
  machine.offer({type: 'exchange.closed', person: person.name, second: second?.name ?? null})
  return DONE
}

/** Puts a count into the journal, and says how it compares. Nobody is told before they counted what to find. */
async function held(scene: Scene, due: Due, count: Count, expected: Count): Promise<Went> {
  const says = count === expected ? 'as it should be' : `${count}, and ${expected} by the journal`
  await scene.front.say([says])
  return advanced(scene, due, count, expected)
}

function advanced({machine}: Scene, due: Due, count: Count | null, expected: Count | null): Promise<Went> {
  const event: Event = {type: 'exchange.advanced', ...due, count, expected}
  machine.offer(event)
  return Promise.resolve(DONE)
}

/** The same number twice; null when the person left. */
async function counted(scene: Scene, what: string): Promise<Count | null> {
  for (;;) {
    const first = await answer(scene, what)
    if (first === null) return null
    if (!ARGUMENTS.COUNT.shape.test(first)) {
      await scene.front.say([`that is no count: ${ARGUMENTS.COUNT.hint}`])
      continue
    }
    const again = await answer(scene, 'the same once more')
    if (again === null) return null
    if (again === first) return noteCount(Number(first))
    await scene.front.say(['the two differ: count again'])
  }
}

const COLUMNS = ['what', 'note', 'by the journal', 'counted', 'verdict']

function rowsOf({machine}: Scene, exchange: Exchange): readonly (readonly Cell[])[] {
  return differences(machine.standing().context.levels, exchange).map(
    ({what, noteMinor, expected, counted: found, verdict}: Difference) => [
      what,
      noteMinor === null ? null : formatAmount(noteMinor, machine.currency),
      expected,
      found,
      verdict,
    ],
  )
}

function exchangeOf({machine}: Scene): Exchange | null {
  return machine.standing().context.attendance.exchange
}

function levelOf({machine}: Scene, {cassette}: Due) {
  return present(
    machine.standing().context.levels.find(level => level.cassette === cassette),
    `cassette ${cassette ?? 'of a step'}`,
  )
}
