/**
 * A machine's journal, sent piece by piece. Every piece continues the chain of hashes where the one before ended,
 * so that a journal that was changed, or of which a piece is missing, does not get in. What it says of each
 * operation is picked out on the way.
 *
 * The text is the JSON-lines export of a journal: `{"hash":"...","row":{...}}` a line, where a row's hash is the
 * SHA-256 of the hash in the line before (64 zeros before row 1), a newline, and the row's own text.
 */
import {createHash} from 'node:crypto'
import {answered, problemOf} from '../api/answer.ts'
import type {Answer} from '../api/answer.ts'
import {operationKey} from '../api/schema.ts'
import type {JournalAnswer, JournalRequest} from '../api/schema.ts'
import {currency, isMap, record, text, wholeNumber} from '../api/shape.ts'
import type {Shape} from '../api/shape.ts'
import type {Bank} from '../bank.ts'
import type {JournalTip, JournalWord} from '../store/port.ts'
import {readJson} from '../../kit/exact-json.ts'
import type {Json} from '../../kit/exact-json.ts'
import {minorUnits} from '../../kit/money.ts'
import type {Currency} from '../../kit/money.ts'

type Reached = Omit<JournalTip, 'takenAtMs'>
const START: Reached = {offsetBytes: 0, rowsCount: 0, lastHash: '0'.repeat(64)}
const LINE = /^\{"hash":"([0-9a-f]{64})","row":(\{.*\})\}$/

/** Where the next piece begins. */
export async function journalTip(bank: Bank, atmId: string): Promise<Answer> {
  return bank.store.read(async tx => tipAnswer(atmId, (await tx.journals.tip(atmId)) ?? START))
}

/** Takes one piece, once. */
export async function takeJournal(bank: Bank, atmId: string, request: JournalRequest): Promise<Answer> {
  const {offset, segment, sha256} = request
  const bytes = Buffer.from(segment, 'utf8')
  if (createHash('sha256').update(bytes).digest('hex') !== sha256)
    return problemOf('malformed', 'the segment does not have the hash that the message names')
  return bank.store.transact(async tx => {
    const tip = (await tx.journals.tip(atmId)) ?? START
    if (offset < tip.offsetBytes) {
      const before = await tx.journals.segment(atmId, offset)
      return before?.sha256 === sha256
        ? tipAnswer(atmId, tip)
        : problemOf(
            'key-used-otherwise',
            `other text was here before; the next segment begins at ${tip.offsetBytes}`,
          )
    }
    if (offset > tip.offsetBytes)
      return problemOf('out-of-order', `the next segment begins at ${tip.offsetBytes}`)
    const rows = readRows(segment, tip, atmId)
    if ('why' in rows) {
      bank.log.warn('a journal does not continue', {atmId, why: rows.why})
      return problemOf('journal-broken', rows.why)
    }
    const nowMs = bank.clock.wallMs()
    const next = {...rows.tip, offsetBytes: tip.offsetBytes + bytes.length, takenAtMs: nowMs}
    const piece = {offsetBytes: offset, lengthBytes: bytes.length, sha256, text: segment}
    await tx.journals.add(atmId, piece, next)
    for (const word of rows.words) await tx.journals.putWord(atmId, word)
    await tx.fleet.heard(atmId, nowMs)
    return tipAnswer(atmId, next)
  })
}

function tipAnswer(atmId: string, {offsetBytes, rowsCount, lastHash}: Reached): Answer {
  const body: JournalAnswer = {atm_id: atmId, next_offset: offsetBytes, rows: rowsCount, last_hash: lastHash}
  return answered(body)
}

interface ReadRows {
  readonly tip: Pick<Reached, 'rowsCount' | 'lastHash'>
  readonly words: readonly JournalWord[]
}

/** Checks the chain line by line. A refusal names the row and what is wrong, never what stands in it. */
function readRows(segment: string, tip: Reached, atmId: string): ReadRows | {readonly why: string} {
  let {lastHash, rowsCount} = tip
  const words: JournalWord[] = []
  for (const line of segment.slice(0, -1).split('\n')) {
    rowsCount += 1
    const [, hash = '', row = ''] = LINE.exec(line) ?? []
    if (hash === '') return {why: `line of row ${rowsCount} is no line of a journal`}
    if (createHash('sha256').update(`${lastHash}\n${row}`).digest('hex') !== hash)
      return {why: `row ${rowsCount} does not follow from the row before`}
    lastHash = hash
    const read = readJson(row)
    if (read.kind === 'refused') return {why: `row ${rowsCount} is no JSON: ${read.why}`}
    const content = rowShape.decode(read.json, 'ignore')
    if (content.kind === 'refused') return {why: `row ${rowsCount} ${content.why}`}
    if (content.value.seq !== rowsCount) return {why: `row ${rowsCount} has another number`}
    const said = wordOf(read.json)
    if (said === null) continue
    if ('why' in said) return {why: `row ${rowsCount} ${said.why}`}
    if (!said.key.startsWith(`${atmId}:`)) return {why: `row ${rowsCount} is of another machine`}
    words.push(said)
  }
  return {tip: {rowsCount, lastHash}, words}
}

type Fault = {readonly why: string}

/** How one kind of order becomes a word. */
function reading<T>(shape: Shape<T>, wordOf: (order: T) => JournalWord): (body: Json) => JournalWord | Fault {
  return body => {
    const read = shape.decode(body, 'ignore')
    return read.kind === 'refused' ? {why: read.why} : wordOf(read.value)
  }
}

const minor = wholeNumber('an amount in minor units', 0, 100_000_000_000)

/** Orders to the bank, as the journal has them before they go out: amounts in minor units, an operation's last order counts. */
const ORDERS: Readonly<Record<string, (body: Json) => JournalWord | Fault>> = {
  'host.authorize': reading(record({key: operationKey, amountMinor: minor, currency}), order =>
    word(order.key, 'asked', order.currency, 0, order.amountMinor),
  ),
  'host.complete': reading(record({key: operationKey, paidMinor: minor}), ({key, paidMinor}) =>
    word(key, 'completed', null, paidMinor, paidMinor),
  ),
  'host.reverse': reading(record({key: operationKey}), ({key}) => word(key, 'reversed', null, 0, 0)),
  'host.suspect': reading(
    record({key: operationKey, atLeastMinor: minor, atMostMinor: minor}),
    ({key, atLeastMinor, atMostMinor}) =>
      word(key, 'suspect', null, atLeastMinor, Math.max(atLeastMinor, atMostMinor)),
  ),
  'host.deposit': reading(
    record({key: operationKey, storedMinor: minor, currency}),
    ({key, storedMinor, currency: of}) => word(key, 'stored', of, 0 - storedMinor, 0 - storedMinor),
  ),
}

function word(
  key: string,
  kind: JournalWord['kind'],
  of: Currency | null,
  least: number,
  most: number,
): JournalWord {
  const [, date = ''] = key.split(':')
  return {key, date, kind, currency: of, leastMinor: minorUnits(least), mostMinor: minorUnits(most)}
}

const rowShape = record({seq: wholeNumber('the number of a row', 1, 1_000_000_000_000)})
const bodyShape = record({kind: text('a kind of order', /^[A-Za-z.]{1,40}$/, 40)})

/** What the row says of an operation; null when it says nothing of one. */
function wordOf(row: Json): JournalWord | Fault | null {
  const body = isMap(row) ? row.get('body') : undefined
  if (body === undefined) return null
  const order = bodyShape.decode(body, 'ignore')
  return order.kind === 'refused' ? null : (ORDERS[order.value.kind]?.(body) ?? null)
}
