/**
 * What a withdrawal costs the machine itself. The bench plays one visit in virtual time; then what the journal
 * was given is gone through again and again, deciding and writing alone: nobody moves, nobody is waited for.
 */
import {mkdirSync, mkdtempSync} from 'node:fs'
import {join} from 'node:path'
import {begin, step} from '../../fsm/session.ts'
import {DEMO_CARDS} from '../../host/demo.ts'
import {Journal} from '../../journal/journal.ts'
import {assert, present} from '../../kit/assert.ts'
import {VirtualClock, realClock} from '../../kit/clock.ts'
import {silentLog} from '../../kit/log.ts'
import {minorUnits} from '../../kit/money.ts'
import {seededRandom} from '../../kit/random.ts'
import {Customer} from '../../src/bench/customer.ts'
import {PACES} from '../../src/bench/pace.ts'
import {setTable} from '../../src/bench/table.ts'
import {crashProgram} from '../../src/program.ts'
import {inkWith} from '../session/ink.ts'
import {bareDatabase} from './ink.ts'
import {interleaved, plainRow, rowOf, timed} from './measure.ts'
import type {MachineSetup} from '../../fsm/context.ts'
import type {Standing} from '../../fsm/session.ts'
import type {Entry, SessionId} from '../../journal/entry.ts'
import type {Row} from './measure.ts'

const ROUNDS = 15
const VISIT_MAX_MS = 3_600_000
const STOP_MAX_MS = 600_000
const COMMITS_AIM_MAX = 12
const OWN_TIME_AIM_MS = 10

/** What one append was given. */
interface Batch {
  readonly session: SessionId | null
  readonly entries: readonly [Entry, ...Entry[]]
}

interface Played {
  readonly setup: MachineSetup
  /** From the start of the machine. */
  readonly batches: readonly Batch[]
  /** Index of the batch that began the visit. */
  readonly visitFrom: number
}

export async function withdrawalRows(folder: string): Promise<readonly Row[]> {
  const played = await play(mkdtempSync(join(folder, 'visit-')))
  const commitsCount = played.batches.length - played.visitFrom
  const bare = bareDatabase(join(folder, 'bare-visit.db'))
  try {
    const values = await interleaved(
      {
        own: () => ownTimeMs(played, mkdtempSync(join(folder, 'again-'))),
        bare: () =>
          timed(() => {
            for (let commit = 0; commit < commitsCount; commit++) bare.commit()
          }),
      },
      ROUNDS,
    )
    const own = rowOf(
      {
        name: 'a withdrawal, the machine alone',
        unit: 'ms',
        against: `${commitsCount} bare commits`,
        ratioMax: 2,
      },
      values.own,
      values.bare,
    )
    return [
      plainRow('a withdrawal, journal commits', 'commits', commitsCount, COMMITS_AIM_MAX),
      plainRow(own.name, 'ms', own.value, OWN_TIME_AIM_MS),
      own,
    ]
  } finally {
    bare.close()
  }
}

/** One good visit on the bench: 60.00, card and notes taken, completion acknowledged. */
async function play(folder: string): Promise<Played> {
  const clock = new VirtualClock(realClock().wallMs())
  const batches: Batch[] = []
  const table = await setTable({
    folder,
    bank: 'inProcess',
    dispenser: 'lcdm2000',
    notes: {1: 100, 2: 100},
    feeMinor: minorUnits(0),
    pace: PACES.iron,
    clock,
    random: seededRandom('perf'),
    log: silentLog,
    crash: crashProgram('perf'),
    ink: journal =>
      inkWith(journal, (session, entries) => {
        batches.push({session, entries})
        return journal.append(session, entries)
      }),
  })
  const {machine, stage, journal} = table
  const {setup} = machine.standing.context
  const {track2, pin} = present(DEMO_CARDS[0], 'a demo card')
  const wish = {track2: track2.slice(1, -1), pin, amountDigits: '60'}
  const customer = new Customer(machine, stage.rig.emulators, clock, wish, stage.manners)
  machine.start()
  customer.visit().catch(crashProgram('perf'))
  await clock.runUntil(() => customer.isDone && journal.openIntents().length === 0, VISIT_MAX_MS)
  await clock.finish(table.stop(), STOP_MAX_MS)
  const visitFrom = batches.findIndex(batch => eventTypeOf(batch) === 'card.inserted')
  assert(visitFrom > 0, 'no card was inserted')
  assert(
    batches.some(batch => batch.entries.some(({kind, ...rest}) => kind === 'intent' && isComplete(rest))),
    'the visit was not completed',
  )
  return {setup, batches, visitFrom}
}

function isComplete(rest: object): boolean {
  return JSON.stringify(rest).includes('"host.complete"')
}

function eventTypeOf({entries: [first]}: Batch): string | null {
  return first.kind === 'event' ? first.event.type : null
}

/** Decides and writes the same visit once more, on a journal of its own. Rows get the same numbers, so answers still fit. */
async function ownTimeMs({setup, batches, visitFrom}: Played, folder: string): Promise<number> {
  mkdirSync(folder, {recursive: true})
  const journal = Journal.open(join(folder, 'journal.db'), realClock(), 'perf', '0'.repeat(64))
  try {
    let {standing} = begin(setup)
    for (const batch of batches.slice(0, visitFrom)) standing = turn(journal, standing, batch)
    return await timed(() => {
      for (const batch of batches.slice(visitFrom)) standing = turn(journal, standing, batch)
    })
  } finally {
    journal.close()
  }
}

function turn(journal: Journal, standing: Standing, {session, entries}: Batch): Standing {
  const [first] = entries
  // Acknowledgements are the outbox's and the first load recovery's: written, not decided.
  const isDecided =
    first.kind === 'event' &&
    first.event.type !== 'host.acknowledged' &&
    first.event.type !== 'cassettes.loaded'
  const next = isDecided ? step(standing, first.event).standing : standing
  journal.append(session, entries)
  return next
}
