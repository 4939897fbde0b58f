/**
 * What the protocol model includes and does not say itself: the recovery table, the money table and the bank's answers,
 * asked from the code and written as Promela into `docs/model/tables.pml` by `npm run model -- --write`. So the model
 * checks the tables that run, and neither can drift alone.
 */
import {join} from 'node:path'
import {COLUMNS, boxesOf, everyCase, isPossible} from '../../fsm/draw-recovery.ts'
import type {Box, Column} from '../../fsm/draw-recovery.ts'
import {decide, valueOf} from '../../fsm/decide.ts'
import type {Asked, Decision, Evidence} from '../../fsm/decide.ts'
import {FOUND_VALUES, RECOVERY_ROWS, REMEDIES, recoveryRow} from '../../fsm/recovery.ts'
import type {Mix} from '../../fsm/vocabulary.ts'
import {decideAdvice, OPERATION_STATES} from '../../host/ledger/operation.ts'
import type {BankAdvice, Operation, OperationState} from '../../host/ledger/operation.ts'
import {present} from '../../kit/assert.ts'
import {epochMs} from '../../kit/clock.ts'
import {minorUnits, noteCount} from '../../kit/money.ts'

export const MODEL_FOLDER = join(import.meta.dirname, '..', '..', 'docs', 'model')
export const TABLES_FILE = join(MODEL_FOLDER, 'tables.pml')

/** What the bank says to a request under a key that it knows; test/model/model.test.ts asks a real bank. */
export const REQUESTS: Readonly<Record<OperationState, 'approved' | 'declined'>> = {
  held: 'approved',
  completed: 'declined',
  reversed: 'declined',
  suspect: 'declined',
  declined: 'declined',
  tombstone: 'declined',
  forced: 'declined',
  // A posted one is a teller's: no machine ever asks under its key.
  posted: 'approved',
}

/** The whole of `docs/model/tables.pml`. */
export function tablesText(): string {
  return [
    '/* Written by `npm run model -- --write` from fsm/recovery.ts, fsm/decide.ts and host/ledger/operation.ts. Do not edit it. */',
    '',
    ...names(),
    '',
    ...recoveryTable(),
    '',
    ...moneyTable(),
    '',
    ...requestTable(),
    '',
    ...adviceTable(),
    '',
  ].join('\n')
}

/** One name for each value; `empty` and `full` are words of Promela, and columns share values. */
function named(prefix: string, value: string): string {
  return `${prefix}_${value.replaceAll(/[.-]/g, '_')}`
}

function names(): readonly string[] {
  const columns = COLUMNS.map(column => FOUND_VALUES[column].map(value => named(column, value)))
  const rest = [
    Object.keys(REMEDIES).map(remedy => named('do', remedy)),
    EVIDENCES.map(({name}) => named('e', name)),
    ['v_complete', 'v_reverse', 'v_suspect'],
    ['h_none', ...OPERATION_STATES.map(state => named('h', state))],
  ]
  return [...columns, ...rest].map(each => `mtype = { ${each.join(', ')} };`)
}

function recoveryTable(): readonly string[] {
  const byRow = Map.groupBy(everyCase().filter(isPossible), found => recoveryRow(found).name)
  return [
    '/* From what was found (f_*), what to do; a case that cannot be is a mistake of the program. */',
    'inline recoveryTable() {',
    '  if',
    ...RECOVERY_ROWS.flatMap(({name, remedy}) =>
      boxesOf(byRow.get(name) ?? []).map(
        box => `  :: ${conditionOf(box)} -> remedy = ${named('do', remedy)}  /* ${name} */`,
      ),
    ),
    '  :: else -> assert(false /* a case that cannot be */)',
    '  fi',
    '}',
  ]
}

function conditionOf(box: Box): string {
  const parts = COLUMNS.filter(column => box[column].size < FOUND_VALUES[column].length).map(column =>
    anyOf(column, box[column]),
  )
  return parts.length === 0 ? 'true' : parts.join(' && ')
}

function anyOf(column: Column, values: ReadonlySet<string>): string {
  return `(${[...values].map(value => `f_${column} == ${named(column, value)}`).join(' || ')})`
}

/** So many notes of one cassette; the numbers tell the terms of `termOf` apart. */
function notes(count: number): Mix {
  return count === 0 ? [] : [{cassette: 1, noteMinor: minorUnits(1), count: noteCount(count)}]
}

const ASKED = 7
const BUNCH = 4
const EARLIER = 2

interface Sample {
  readonly name: string
  /** Notes out of this bunch, for the evidences that count them. */
  readonly gave: number | null
  readonly evidence: Evidence
}

function sprayed(gave: number): Evidence {
  const tally = {picked: noteCount(gave), dispensed: noteCount(gave), rejected: noteCount(0)}
  return {
    kind: 'sprayed',
    tallies: [{cassette: 1, ...tally}],
    inPath: noteCount(0),
    path: 'inside',
    counts: 'trusted',
  }
}

const whole = noteCount(BUNCH)
const less = noteCount(BUNCH - 1)

/** The evidences that the model's devices can give. */
const EVIDENCES: readonly Sample[] = [
  {name: 'notMoved', gave: null, evidence: {kind: 'notMoved', because: 'malfunction'}},
  {name: 'taken', gave: null, evidence: {kind: 'taken'}},
  {name: 'leftInPlace', gave: null, evidence: {kind: 'leftInPlace'}},
  {name: 'rejectedAll', gave: null, evidence: {kind: 'rejected', stacked: whole, count: whole}},
  {name: 'rejectedFewer', gave: null, evidence: {kind: 'rejected', stacked: whole, count: less}},
  {name: 'rejectUnknown', gave: null, evidence: {kind: 'rejectUnknown'}},
  {name: 'presentUnknown', gave: null, evidence: {kind: 'presentUnknown'}},
  {name: 'retractedAll', gave: null, evidence: {kind: 'retracted', count: whole, itemsTaken: false}},
  {name: 'retractedFewer', gave: null, evidence: {kind: 'retracted', count: less, itemsTaken: false}},
  {name: 'retractUnknown', gave: null, evidence: {kind: 'retractUnknown'}},
  {name: 'sprayedNone', gave: 0, evidence: sprayed(0)},
  {name: 'sprayedSome', gave: 1, evidence: sprayed(1)},
  {name: 'answerLost', gave: null, evidence: {kind: 'answerLost', path: 'unknown'}},
]

function moneyTable(): readonly string[] {
  return [
    '/* From evidence, what the bank is told: paid `least` to `most` notes. `earlier` bunches gave so many, this one `gave`. */',
    'inline moneyTable() {',
    '  if',
    ...EVIDENCES.flatMap(sample => [0, EARLIER].map(earlier => moneyRow(sample, earlier))),
    '  fi',
    '}',
  ]
}

function moneyRow({name, gave, evidence}: Sample, earlier: number): string {
  const asked: Asked = {approved: notes(ASKED), paid: notes(earlier), bunch: notes(BUNCH)}
  const {row, verdict} = decide(asked, evidence, {reverseCountedRetract: true})
  const {least, most} = boundsOf(verdict)
  const when = `evidence == ${named('e', name)} && earlier ${earlier === 0 ? '==' : '>'} 0`
  const then = `verdict = v_${verdict.kind}; least = ${termOf(least, earlier, gave)}; most = ${termOf(most, earlier, gave)}`
  return `  :: ${when} -> ${then}  /* ${row} */`
}

function boundsOf(verdict: Decision['verdict']): {readonly least: number; readonly most: number} {
  switch (verdict.kind) {
    case 'complete':
      return {least: valueOf(verdict.paid), most: valueOf(verdict.paid)}
    case 'reverse':
      return {least: 0, most: 0}
    case 'suspect':
      return {least: valueOf(verdict.atLeast), most: valueOf(verdict.atMost)}
  }
}

function termOf(count: number, earlier: number, gave: number | null): string {
  const terms: readonly (readonly [number, string])[] = [
    [0, '0'],
    [earlier, 'earlier'],
    [earlier + (gave ?? 0), 'earlier + gave'],
    [earlier + BUNCH, 'earlier + NOTES'],
    [ASKED, 'ASKED'],
  ]
  return present(
    terms.find(([value]) => value === count),
    `a term for ${count} notes`,
  )[1]
}

function requestTable(): readonly string[] {
  return [
    '/* A request under a key in state `h`: a new one is the bank’s to decide. */',
    'inline requestTable() {',
    '  if',
    '  :: h == h_none -> if :: h = h_held; isApproved = true :: h = h_declined; isDeclined = true fi',
    ...OPERATION_STATES.map(
      state =>
        `  :: h == ${named('h', state)} -> ${REQUESTS[state] === 'approved' ? 'isApproved' : 'isDeclined'} = true`,
    ),
    '  fi',
    '}',
  ]
}

const ADVICES = ['complete', 'reverse', 'suspect'] as const

/** Every state, advice, and whether it says what was told before: what the bank has then, and whether it took it. */
function adviceTable(): readonly string[] {
  return ADVICES.flatMap(kind => [
    `/* ${kind}: into state \`h\`; \`isSame\` when it tells the amounts that are on record. */`,
    `inline ${kind}Table() {`,
    '  if',
    ...(['none', ...OPERATION_STATES] as const).flatMap(state => adviceRows(kind, state)),
    '  fi',
    '}',
  ])
}

function adviceRows(kind: (typeof ADVICES)[number], state: 'none' | OperationState): readonly string[] {
  const results = [true, false].map(isSame => {
    const decision = decideAdvice(state === 'none' ? null : operation(state), advice(kind, isSame), AT)
    switch (decision.kind) {
      case 'apply':
        return `h = ${named('h', decision.next.state)}; isTaken = true`
      case 'repeat':
        return 'isTaken = true'
      case 'contradicts':
      case 'impossible':
      case 'tooLate':
        return 'isTaken = false'
    }
  })
  const [same = '', other = ''] = results
  const at = `h == ${named('h', state)}`
  return same === other
    ? [`  :: ${at} -> ${same}`]
    : [`  :: ${at} && isSame -> ${same}`, `  :: ${at} && !isSame -> ${other}`]
}

const AT = {key: 'ATM123:2026-11-22:000417', atmId: 'ATM123', nowMs: epochMs(0)}
const NOTHING = minorUnits(0)

function operation(state: OperationState): Operation {
  const isPaid = ['completed', 'suspect', 'forced'].includes(state)
  return {
    key: AT.key,
    type: 'withdrawal',
    atmId: AT.atmId,
    state,
    fingerprint: null,
    accountId: 'A1',
    targetAccountId: null,
    currency: 'EUR',
    amountMinor: minorUnits(40),
    feeMinor: NOTHING,
    paidMinor: minorUnits(isPaid ? 20 : 0),
    paidAtMostMinor: minorUnits(isPaid ? 20 : 0),
    paidFeeMinor: NOTHING,
    transactionId: 'T1',
    answer: null,
    evidence: '',
    wasSuspect: state === 'suspect',
    createdAtMs: AT.nowMs,
    changedAtMs: AT.nowMs,
  }
}

function advice(kind: (typeof ADVICES)[number], isSame: boolean): BankAdvice {
  const paidMinor = minorUnits(isSame ? 20 : 30)
  const told = {currency: 'EUR', evidence: ''} as const
  switch (kind) {
    case 'complete':
      return {kind, paidMinor, feeMinor: NOTHING, ...told}
    case 'reverse':
      return {kind, evidence: ''}
    case 'suspect':
      return {kind, atLeastMinor: paidMinor, atMostMinor: paidMinor, ...told}
  }
}
