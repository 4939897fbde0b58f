/**
 * The three ledgers of one machine held against each other: the notes (where they are, known to the emulated
 * world alone), the journal, and the bank. They agree, or the difference is a named suspect item.
 */
import {isCashAdvice} from '../../fsm/context.ts'
import type {DispenserEmulator} from '../../devices/dispenser/mischief.ts'
import type {Notes} from '../../devices/dispenser/world.ts'
import type {CashAdvice, CassetteLevel, OperationKey} from '../../fsm/vocabulary.ts'
import type {Bank} from '../../host/bank.ts'
import type {Operation} from '../../host/ledger/operation.ts'
import {bookFaults} from '../../host/reconcile.ts'
import type {Stored} from '../../journal/entry.ts'
import {minorUnits} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'

/** What the journal settled of one operation, and whether the bank has acknowledged it. */
export interface Settled {
  readonly key: OperationKey
  readonly advice: CashAdvice
  readonly acknowledged: boolean
}

export interface Account {
  readonly differences: readonly string[]
  /** Operations that only a count or a person can close. */
  readonly suspects: readonly OperationKey[]
  readonly settled: readonly Settled[]
  /** With customers or within their reach, by the emulated world. */
  readonly customerMinor: Minor
}

interface Rows {
  rows(fromSeq: number, countMax: number): readonly Stored[]
}

/**
 * Compares the ledgers.
 * @param levels the cassettes by the machine
 * @param noteMinors what a note of each cassette is worth
 */
export async function compareLedgers(
  journal: Rows,
  world: DispenserEmulator['world'],
  levels: readonly CassetteLevel[],
  noteMinors: ReadonlyMap<number, Minor>,
  bank: Bank,
): Promise<Account> {
  const settled = settledIn(journal)
  const operations = await bank.store.transact(tx => tx.operations.all())
  const worth = (notes: Notes): number =>
    [...noteMinors].reduce((sum, [cassette, noteMinor]) => sum + noteMinor * (notes[cassette] ?? 0), 0)
  const customerMinor = minorUnits(worth(world.customer) + worth(world.outlet) + worth(world.mouth))
  const suspects = settled.filter(({advice}) => advice.kind === 'host.suspect').map(({key}) => key)
  return {
    differences: [
      ...notesAgainstJournal(settled, customerMinor, worth(world.mouth)),
      ...cassettesAgainstLevels(settled, world, levels),
      ...settled.flatMap(one => bankAgainstJournal(one, operations)),
      ...unsettledAtBank(settled, operations),
      ...(await bookFaults(bank)),
    ],
    suspects,
    settled,
    customerMinor,
  }
}

const ROWS_PER_READ = 1_000

/** Every advice of the journal, oldest first. */
export function settledIn(journal: Rows): readonly Settled[] {
  const advices = new Map<number, {key: OperationKey; advice: CashAdvice; acknowledged: boolean}>()
  for (let from = 1; ;) {
    const rows = journal.rows(from, ROWS_PER_READ)
    const last = rows.at(-1)
    if (last === undefined) return [...advices.values()]
    for (const {seq, entry} of rows) {
      if (entry.kind === 'intent') {
        const {order} = entry
        if (isCashAdvice(order)) advices.set(seq, {key: order.key, advice: order, acknowledged: false})
      }
      const advice = entry.kind === 'event' && entry.answers !== null ? advices.get(entry.answers) : undefined
      if (advice !== undefined) advice.acknowledged = true
    }
    from = last.seq + 1
  }
}

function notesAgainstJournal(
  settled: readonly Settled[],
  customerMinor: number,
  mouthMinor: number,
): string[] {
  const atLeast = settled.reduce((sum, {advice}) => sum + leastPaid(advice), 0)
  const atMost = settled.reduce((sum, {advice}) => sum + mostPaid(advice), 0)
  const overpaid = settled.some(({advice}) => advice.row === 'overpaid')
  const low = customerMinor < atLeast
  // A surplus is the machine's own difference, named by its row; what stands in the mouth may still be drawn in by hand.
  const high = customerMinor - mouthMinor > atMost && !overpaid
  return low || high ? [`customers hold ${customerMinor}, the journal settled ${atLeast} to ${atMost}`] : []
}

function leastPaid(advice: CashAdvice): number {
  if (advice.kind === 'host.complete') return advice.paidMinor
  return advice.kind === 'host.suspect' ? advice.atLeastMinor : 0
}

function mostPaid(advice: CashAdvice): number {
  if (advice.kind === 'host.complete') return advice.paidMinor
  return advice.kind === 'host.suspect' ? advice.atMostMinor : 0
}

function cassettesAgainstLevels(
  settled: readonly Settled[],
  world: DispenserEmulator['world'],
  levels: readonly CassetteLevel[],
): string[] {
  // Where the outcome is unknown the machine counts every note that may be gone as gone.
  const isUnsure = settled.some(({advice}) => advice.kind === 'host.suspect')
  return levels.flatMap(({cassette, count}) => {
    const there = world.cassette[cassette] ?? 0
    const agrees = isUnsure ? count <= there : count === there
    return agrees ? [] : [`cassette ${cassette} holds ${there}, the machine believes ${count}`]
  })
}

function bankAgainstJournal(
  {key, advice, acknowledged}: Settled,
  operations: readonly Operation[],
): string[] {
  const operation = operations.find(one => one.key === key)
  if (!acknowledged) return [`${key}: the bank has not acknowledged ${advice.kind} yet`]
  if (operation === undefined)
    return [`${key}: the bank acknowledged ${advice.kind} and has no such operation`]
  const {state, paidMinor} = operation
  const told = `${key}: told ${advice.kind}, the bank has it ${state} with ${paidMinor}`
  switch (advice.kind) {
    case 'host.complete':
      return state === 'completed' && paidMinor === advice.paidMinor ? [] : [told]
    case 'host.reverse':
      return state === 'reversed' || state === 'tombstone' || state === 'declined' ? [] : [told]
    case 'host.suspect':
      return state === 'suspect' ? [] : [told]
  }
}

function unsettledAtBank(settled: readonly Settled[], operations: readonly Operation[]): string[] {
  return operations
    .filter(
      ({key, type, state}) =>
        type === 'withdrawal' && state === 'held' && !settled.some(one => one.key === key),
    )
    .map(({key}) => `${key}: held at the bank, and the journal settled nothing`)
}
