/** What waits for a person: there until a count or the bank closes it, and never by time. */
import t from 'tap'
import {operationKeyOf} from '../../fsm/vocabulary.ts'
import type {Advice, Event} from '../../fsm/vocabulary.ts'
import {seqOf} from '../../journal/entry.ts'
import type {Entry, Stored} from '../../journal/entry.ts'
import {epochMs} from '../../kit/clock.ts'
import {minorUnits} from '../../kit/money.ts'
import {SuspenseFold} from '../../src/session/suspense.ts'
import type {SuspenseItem} from '../../src/session/suspense.ts'

const key = operationKeyOf('ATM123', '2026-11-22', 417)
const SUSPECT: Advice = {
  kind: 'host.suspect',
  key,
  atLeastMinor: minorUnits(2_000),
  atMostMinor: minorUnits(6_000),
  row: 'present-unknown',
}
const REVERSE: Advice = {kind: 'host.reverse', key, because: 'no-answer', row: 'not-moved'}

/** The items after these entries, one row each, a minute apart. */
function after(...entries: readonly Entry[]): readonly string[] {
  return itemsAfter(...entries).map(
    ({why, leastMinor, mostMinor, sinceMs}) => `${why} ${leastMinor} ${mostMinor} ${sinceMs}`,
  )
}

function itemsAfter(...entries: readonly Entry[]): readonly SuspenseItem[] {
  const fold = new SuspenseFold()
  entries.forEach((entry, index) => {
    const row: Stored = {seq: seqOf(index + 1), session: null, atMs: epochMs(index * 60_000), hash: '', entry}
    fold.add(row)
  })
  return fold.items()
}

const told = (order: Advice): Entry => ({kind: 'intent', order})
const acknowledged = (row: number): Entry => ({
  kind: 'event',
  event: {type: 'host.acknowledged', state: 'suspect'},
  answers: seqOf(row),
})
const refused = (row: number): Entry => ({
  kind: 'event',
  event: {type: 'host.refusedAdvice', key, row, why: '21'},
  answers: null,
})
const counted: Entry = {kind: 'event', event: {type: 'cassettes.loaded', levels: []}, answers: null}

t.test('a suspect waits for a count, whatever the bank acknowledges', t => {
  t.strictSame(after(told(SUSPECT)), ['suspect 2000 6000 0'])
  t.strictSame(after(told(SUSPECT), acknowledged(1)), ['suspect 2000 6000 0'])
  t.strictSame(after(told(SUSPECT), acknowledged(1), counted), [])
  t.strictSame(after(counted, told(SUSPECT)), ['suspect 2000 6000 60000'], 'a count before it closes nothing')
  t.end()
})

t.test('what the bank refuses waits until it takes it, and no count closes it', t => {
  t.strictSame(after(told(REVERSE)), [])
  t.strictSame(after(told(REVERSE), refused(1), refused(1)), ['refused 0 0 60000'])
  t.strictSame(after(told(REVERSE), refused(1), counted), ['refused 0 0 60000'])
  t.strictSame(after(told(REVERSE), refused(1), acknowledged(1)), [])
  t.end()
})

const other = operationKeyOf('ATM123', '2026-11-22', 418)
const said = (event: Event): Entry => ({kind: 'event', event, answers: null})

t.test('an item has an owner and notes, of whom no other item knows', t => {
  const [item, neighbour] = itemsAfter(
    told(SUSPECT),
    told({...SUSPECT, key: other}),
    said({type: 'suspense.taken', person: 'ines', key}),
    said({type: 'suspense.noted', person: 'ines', key, note: 'the camera shows two notes'}),
    said({type: 'suspense.taken', person: 'olaf', key}),
    acknowledged(1),
  )
  t.match(item, {owner: 'olaf', isTold: true, rule: 'present-unknown'})
  t.strictSame(item?.notes, [{atMs: 180_000, person: 'ines', note: 'the camera shows two notes'}])
  t.match(neighbour, {owner: null, isTold: false, notes: []})
  t.end()
})

t.test('a person closes one, for good', t => {
  const closed = said({type: 'suspense.closed', person: 'ines', key, because: 'paid back at the branch'})
  t.strictSame(after(told(SUSPECT), closed), [])
  t.strictSame(after(told(SUSPECT), closed, acknowledged(1)), [])
  t.strictSame(after(told(REVERSE), refused(1), closed), [])
  t.strictSame(
    itemsAfter(told(SUSPECT), told({...SUSPECT, key: other}), closed).map(item => item.key),
    [other],
  )
  t.end()
})
