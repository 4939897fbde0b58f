/**
 * Draws the machine: `npm run states` writes `fsm/states.md`, a diagram and the whole matrix of state and event.
 * Nothing is read from the machine's source; it is walked from its beginning with samples of every event.
 */
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {NOBODY, TESTS_MAX} from './attendance.ts'
import {ESSENTIAL, restOf} from './context.ts'
import type {DeviceHealth, Operation, Visit} from './context.ts'
import {EVENT_TYPES, SETUPS, SETUP_WORDS, samplesOf} from './samples.ts'
import {STATE_NAMES, begin, step} from './session.ts'
import type {StateName, Standing, Step} from './session.ts'
import type {Attendance, Event, Order} from './vocabulary.ts'

export const STATES_FILE = join(import.meta.dirname, 'states.md')

/** One event in one state, as one of the sample machines took it. */
export interface Turn {
  readonly setup: string
  readonly from: StateName
  readonly type: Event['type']
  readonly words: string
  readonly to: StateName
  readonly orders: readonly string[]
  readonly chores: readonly string[]
}

/** Walks every sample machine to every kind of standing it can reach and tries every event there. */
export function turnsOf(setupNames: readonly string[] = Object.keys(SETUPS)): readonly Turn[] {
  return setupNames.flatMap(name => {
    const setup = SETUPS[name]
    return setup === undefined ? [] : walked(name, begin(setup))
  })
}

function walked(setup: string, first: Step): readonly Turn[] {
  const seen = new Set<string>()
  const turns = new Map<string, Turn>()
  const waiting = [first.standing]
  for (let standing = waiting.shift(); standing !== undefined; standing = waiting.shift()) {
    const kind = kindOf(standing)
    if (seen.has(kind)) continue
    seen.add(kind)
    for (const type of EVENT_TYPES) {
      for (const {words, event} of samplesOf(type, standing.context)) {
        const made = step(standing, event)
        const turn = turnOf({setup, from: standing.state, type, words}, made)
        turns.set(JSON.stringify(turn), turn)
        waiting.push(made.standing)
      }
    }
  }
  return [...turns.values()]
}

/** What a guard, an entry or an exit of the machine could ask of the context, and no more: one standing of each kind is tried. */
export function kindOf({state, context}: Standing): string {
  // Only a new start ends it, and nothing is remembered over that.
  if (state === 'suspended') return state
  const {visit, devices, host, held, levels, attendance} = context
  const hasNotes = levels.some(level => level.state === 'ok' && level.count > 0)
  const operation = visit?.operation ?? null
  const isAttended = Object.values(peopleKind(attendance)).includes(true)
  const failed = ESSENTIAL.filter(device => devices[device] !== 'ok')
  // While people are at the machine, or it is at work, all that the rest can still do is choose what comes after that.
  const rest = isAttended
    ? [restOf({...context, attendance: NOBODY}), ...peopleKind(attendance)]
    : !AT_WORK.has(state) && [
        failed.length > 1 ? 'several' : failed,
        // Between visits a printer decides only what the next one is offered.
        state === 'idle' && devices.printer,
        host,
        held !== null,
        hasNotes,
      ]
  return JSON.stringify([
    state,
    // A visit asks for what comes after it at its end.
    (visit === null || CLOSING.has(state)) && restOf(context),
    visit === null
      ? rest
      : [
          visit.cardFate === 'inside',
          ...paperKind(visit, devices.printer),
          ...(operation === null ? wishKind(state, visit) : []),
        ],
    visit?.isAskedForTime,
    operation && (operation.decision === null ? moneyKind(operation) : 'decided'),
  ])
}

/** A printer is asked about as long as a slip may still be promised; then only whether one is owed. */
function paperKind({receipt, operation}: Visit, printer: DeviceHealth): readonly boolean[] {
  return [receipt === 'wanted', (operation?.decision ?? null) === null && printer === 'ok']
}

/** What is still to be paid; once the money is decided, nothing asks for it. */
function moneyKind({bunch, bunches, stacked}: Operation): readonly unknown[] {
  return [bunch, bunches.length, stacked]
}

/** Whether there are accounts to choose from, and what a state asks of the wish besides; on the way out nothing does. */
function wishKind(state: StateName, {accounts, service, pinChange}: Visit): readonly unknown[] {
  if (CLOSING.has(state)) return []
  const asksFor = state === 'choosingAccount' || state === 'offeringTime' ? service : null
  return [accounts.length > 1, asksFor, state === 'changingPin' && pinChange?.isAskedAgain]
}

const CLOSING: ReadonlySet<StateName> = new Set(['returningCard', 'retainingCard', 'showingEnding'])

/** Between visits, with an order of a person's or of the day's. */
const AT_WORK: ReadonlySet<StateName> = new Set(['servicing', 'closingDay'])

function peopleKind({
  supervisor,
  closedBecause,
  lockedBecause,
  exchange,
  testsCount,
}: Attendance): readonly boolean[] {
  return [
    closedBecause !== null,
    lockedBecause !== null,
    supervisor !== null,
    exchange !== null,
    testsCount >= TESTS_MAX,
  ]
}

type Place = Pick<Turn, 'setup' | 'from' | 'type' | 'words'>

function turnOf(place: Place, made: Step): Turn {
  return {
    ...place,
    to: made.standing.state,
    orders: made.orders.map(orderWords),
    chores: made.chores.map(chore => chore.kind),
  }
}

/** The row of the money table says more than the message to the bank. */
function orderWords(order: Order): string {
  return 'row' in order ? `${order.kind} (${order.row})` : order.kind
}

/** The whole of `states.md`. */
export function drawing(turns: readonly Turn[]): string {
  const machines = Object.entries(SETUP_WORDS).map(([letter, words]) => `- **${letter}**: ${words}.`)
  return [
    '# The machine, drawn from itself',
    '',
    'Written by `npm run states`; `test/fsm/matrix.test.ts` holds this page to the code. Do not edit it.',
    '',
    'Sample machines; a row that not every machine of that state shows carries the letters of those that do:',
    '',
    ...machines,
    '',
    '## Diagram',
    '',
    'Left out: `journal.failed`, which leads from every state to `suspended`, and events that stay where they are.',
    '',
    ...diagram(turns),
    '',
    ...STATE_NAMES.flatMap(state => section(state, turns)),
  ].join('\n')
}

function diagram(turns: readonly Turn[]): readonly string[] {
  const moves = turns.filter(turn => turn.to !== turn.from && turn.type !== 'journal.failed')
  const edges = STATE_NAMES.flatMap(from =>
    STATE_NAMES.flatMap(to => {
      const types = EVENT_TYPES.filter(type =>
        moves.some(turn => turn.from === from && turn.to === to && turn.type === type),
      )
      return types.length === 0 ? [] : [`    ${from} --> ${to}: ${types.join(', ')}`]
    }),
  )
  return ['```mermaid', 'stateDiagram-v2', '    [*] --> starting', ...edges, '```']
}

function section(state: StateName, turns: readonly Turn[]): readonly string[] {
  const here = turns.filter(turn => turn.from === state)
  const heading = ['', `## ${state}`, '']
  if (here.length === 0)
    return [...heading, 'Passed through on the way to a state between visits; no event meets it.']
  const machines = new Set(here.map(turn => turn.setup))
  const rows = EVENT_TYPES.flatMap(type =>
    rowsOf(
      here.filter(turn => turn.type === type),
      machines,
    ),
  )
  const noted = EVENT_TYPES.filter(type => here.filter(turn => turn.type === type).every(isNoted))
  return [
    ...heading,
    ...(rows.length === 0
      ? ['Nothing leads out of here.']
      : ['| event | to | orders | chores |', '|---|---|---|---|', ...rows]),
    '',
    ...(noted.length === 0 ? [] : [`Noted, and nothing done: ${ticked(noted)}.`, '']),
    'Everything else: `report.unexpected`.',
  ]
}

/** The rows of one event: a row for each outcome, with what leads to it where that differs. */
function rowsOf(turns: readonly Turn[], machines: ReadonlySet<string>): readonly string[] {
  if (turns.every(isNoted) || turns.every(isUnexpected)) return []
  const outcomes = Map.groupBy(turns, ({to, orders, chores}) => JSON.stringify([to, orders, chores]))
  const allWords = new Set(turns.map(turn => turn.words))
  return [...outcomes.values()].flatMap(same => {
    const [first] = same
    if (first === undefined) return []
    const words = new Set(same.map(turn => turn.words))
    const letters = new Set(same.map(turn => turn.setup))
    const event = [
      `\`${first.type}\``,
      words.size === allWords.size ? '' : ` ${[...words].join('; ')}`,
      letters.size === machines.size ? '' : ` (${[...letters].join(', ')})`,
    ].join('')
    return [
      `| ${event} | ${first.to === first.from ? '' : first.to} | ${ticked(first.orders)} | ${ticked(first.chores)} |`,
    ]
  })
}

function isNoted(turn: Turn): boolean {
  return turn.to === turn.from && turn.orders.length === 0 && turn.chores.length === 0
}

function isUnexpected(turn: Turn): boolean {
  return turn.to === turn.from && turn.chores.join() === 'report.unexpected'
}

function ticked(words: readonly string[]): string {
  return words.map(word => `\`${word}\``).join(', ')
}

if (import.meta.main) writeFileSync(STATES_FILE, drawing(turnsOf()))
