/** One machine at the bank for some business dates, with a real journal that says what the bank was told, or not. */
import {createHash} from 'node:crypto'
import {join} from 'node:path'
import type {Test} from 'tap'
import {ATM, freshKey, openVisit, send, signOn, verify} from '../bench.ts'
import type {Bench, Reply} from '../bench.ts'
import {operationKeyOf} from '../../../fsm/vocabulary.ts'
import type {OperationKey, Order} from '../../../fsm/vocabulary.ts'
import type {Identity} from '../../../host/identity.ts'
import {exportJsonLines} from '../../../journal/export.ts'
import {Journal} from '../../../journal/journal.ts'
import {AssertionFailed} from '../../../kit/assert.ts'
import {minorUnits} from '../../../kit/money.ts'

export const DATE = '2026-11-22'
export const NEXT = '2026-11-23'
export const OLA: Identity = {kind: 'person', name: 'ola', roles: ['operator']}
export const SUE: Identity = {kind: 'person', name: 'sue', roles: ['supervisor']}

type Row = Readonly<Record<string, unknown>>

export function rowsIn({json}: Reply, field: string): readonly Row[] {
  const rows = json[field]
  if (!isRows(rows)) throw new AssertionFailed(`no ${field} in ${JSON.stringify(json)}`)
  return rows
}

/** Every answer was held against the document, which says what is in the list. */
function isRows(value: unknown): value is readonly Row[] {
  return Array.isArray(value)
}

/** A machine with a visit going on, and its journal. */
export class Day {
  readonly bench: Bench
  readonly #journal: Journal

  constructor(bench: Bench, journal: Journal) {
    this.bench = bench
    this.#journal = journal
  }

  static async open(t: Test): Promise<Day> {
    const bench = await openVisit()
    const journal = Journal.open(join(t.testdir(), 'journal.db'), bench.clock, 'build', 'config')
    t.teardown(async () => {
      journal.close()
      await bench.close()
    })
    return new Day(bench, journal)
  }

  async post(path: string, body: object, who?: Identity): Promise<Reply> {
    return send(this.bench, 'POST', path, JSON.stringify(body), who === undefined ? {} : {who})
  }

  async get(path: string, who: Identity = SUE): Promise<Reply> {
    return send(this.bench, 'GET', path, null, {who})
  }

  /** Asks for 100.00 and gets it approved. */
  async approved(key: OperationKey = freshKey()): Promise<OperationKey> {
    const body = '{"amount":100.00,"currency":"EUR"}'
    const reply = await send(this.bench, 'POST', '/api/accounts/12345/withdraw', body, {key: `"${key}"`})
    if (reply.json['rc'] !== '00') throw new AssertionFailed(reply.text)
    this.note({
      kind: 'host.authorize',
      key,
      account: {accountId: '12345', label: 'checking'},
      amountMinor: minorUnits(10_000),
      feeMinor: minorUnits(0),
      currency: 'EUR',
      mix: [],
    })
    return key
  }

  note(order: Order): void {
    this.#journal.append(null, [{kind: 'intent', order}])
  }

  /** In the journal, and unless the line is cut, at the bank. */
  async completed(key: OperationKey, paid = 100, line: 'up' | 'cut' = 'up'): Promise<void> {
    this.note({
      kind: 'host.complete',
      key,
      paidMinor: minorUnits(paid * 100),
      feeMinor: minorUnits(0),
      paid: [],
      row: 'taken',
    })
    if (line === 'up')
      await this.post(`/api/operations/${key}/complete`, {amount: paid, fee: 0, currency: 'EUR'})
  }

  async suspected(key: OperationKey, least: number, most: number): Promise<void> {
    const [atLeastMinor, atMostMinor] = [minorUnits(least * 100), minorUnits(most * 100)]
    this.note({kind: 'host.suspect', key, atLeastMinor, atMostMinor, row: 'power'})
    await this.post(`/api/operations/${key}/suspect`, {at_least: least, at_most: most, currency: 'EUR'})
  }

  text(): string {
    return exportJsonLines(this.#journal.rows(1, 10_000))
  }

  /** All of it that the bank does not have yet. */
  async sendJournal(): Promise<Reply> {
    const tip = await send(this.bench, 'GET', `/api/atms/${ATM}/journal`, null)
    const offset = Number(tip.json['next_offset'])
    return sendSegment(this.bench, offset, this.text().slice(offset))
  }

  async cutOver(
    withdrawals: readonly [count: number, amount: number],
    date = DATE,
    more = {},
  ): Promise<Reply> {
    const [count, amount] = withdrawals
    const none = {count: 0, amount: 0}
    return this.post(`/api/atms/${ATM}/cut-over`, {
      business_date: date,
      currency: 'EUR',
      totals: {withdrawals: {count, amount}, reversals: none, deposits: none},
      journal_rows: this.#journal.rows(1, 10_000).length,
      ...more,
    })
  }

  /** With the bank's own sums. */
  async cutOverAgreeing(date: string): Promise<Reply> {
    const own = await this.bench.bank.store.read(tx => tx.days.totals(ATM, date))
    const sums = (count: number, minor: number) => ({count, amount: minor / 100})
    return this.cutOver([0, 0], date, {
      totals: {
        withdrawals: sums(own.withdrawalsCount, own.withdrawalsMinor),
        reversals: sums(own.reversalsCount, own.reversalsMinor),
        deposits: sums(own.depositsCount, own.depositsMinor),
      },
    })
  }

  /** So many 50.00 in the one cassette. */
  async count(date: string, counted: number, left: number): Promise<Reply> {
    const units = [{unit: 'cassette-1', kind: 'cassette', value: 50, counted, left}]
    return this.post(`/api/atms/${ATM}/counts`, {business_date: date, currency: 'EUR', units}, OLA)
  }

  async reconciled(date: string): Promise<Reply> {
    return this.post(`/api/atms/${ATM}/dates/${date}/reconcile`, {}, SUE)
  }

  async classes(date: string): Promise<readonly unknown[]> {
    return rowsIn(await this.reconciled(date), 'differences').map(each => [
      each['class'],
      each['amount'],
      each['state'],
    ])
  }

  async inBook(ledgerAccount: string): Promise<number> {
    return this.bench.bank.store.read(tx => tx.ledger.balance(ledgerAccount, 'EUR'))
  }

  /** A machine that was counted with 100 notes of 50.00 yesterday, and has a visit in today's date. */
  static async counted(t: Test): Promise<Day> {
    const day = await Day.open(t)
    await day.cutOver([0, 0])
    await day.count(DATE, 0, 100)
    await verify(day.bench, await signOn(day.bench))
    return day
  }
}

export function sendSegment(bench: Bench, offset: number, segment: string, sha256?: string): Promise<Reply> {
  const hash = sha256 ?? createHash('sha256').update(segment).digest('hex')
  return send(bench, 'POST', `/api/atms/${ATM}/journal`, JSON.stringify({offset, sha256: hash, segment}))
}

export function nextKey(stan: number): OperationKey {
  return operationKeyOf(ATM, NEXT, stan)
}
