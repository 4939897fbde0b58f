/**
 * The rows of one convoy, for an engine that is far away: fetched and locked for all its members at once, kept
 * here while one member after another reads and changes them, written at once. A member sees what those before it
 * did, as if each had run alone in this order.
 *
 * What is not kept here goes straight to the database, behind everything that waits to be written; so whatever
 * a member asks for is right, and only what is named in its `touches` is fast.
 */
import type {Fact, Place} from '../guard/rules.ts'
import {balancesAfter, customerChanges} from '../ledger/book.ts'
import type {Operation} from '../ledger/operation.ts'
import {lockAccounts, moveBalances} from './account-rows.ts'
import {atmsOf} from './atm-rows.ts'
import {lockCards, visitsAt} from './card-rows.ts'
import {NOTHING} from './convoy.ts'
import {insertAccepted, lockOpenDays} from './day-rows.ts'
import type {NewAccepted} from './day-rows.ts'
import {insertPostings, insertTransactions} from './ledger-rows.ts'
import type {NewPosting, NewTransaction} from './ledger-rows.ts'
import {insertLimits, lockLimits, setLimits, usedAfter} from './limit-rows.ts'
import {insertOperations, lockOperations, settleOperations} from './operation-rows.ts'
import type {Atm, BankAccount, BusinessDay, LedgerRows, LimitRows, Touches, Tx, Visit} from './port.ts'
import {cardsOf, heldOf, insertFacts, placesOf, riskRows} from './risk-rows.ts'
import {rowsOver} from './rows.ts'
import type {Sql} from './sql.ts'
import {assert, present} from '../../kit/assert.ts'
import type {EpochMs} from '../../kit/clock.ts'

/** A row as the database has it, and as it is to be. */
interface Kept<T> {
  readonly stored: T | null
  readonly now: T | null
}

/** Rows that are new and that nobody reads before they are written. */
interface Added {
  readonly postings: readonly NewPosting[]
  readonly transactions: readonly NewTransaction[]
  readonly accepted: readonly NewAccepted[]
  readonly facts: readonly Omit<Fact, 'place'>[]
}

const NOTHING_ADDED: Added = {postings: [], transactions: [], accepted: [], facts: []}

export class ConvoyRows {
  readonly #sql: Sql
  readonly #operations = new Map<string, Kept<Operation>>()
  readonly #accounts = new Map<string, Kept<BankAccount>>()
  readonly #limits = new Map<string, Kept<number>>()
  // These are only read here; where one changes, it is in the database.
  readonly #atms = new Map<string, Atm | null>()
  readonly #openDays = new Map<string, BusinessDay | null>()
  readonly #visits = new Map<string, Visit | null>()
  readonly #cardAccounts = new Map<string, readonly BankAccount[]>()
  readonly #cardsOf = new Map<string, string | null>()
  readonly #places = new Map<string, Place | null>()
  readonly #areHeld = new Map<string, boolean>()
  #added = NOTHING_ADDED
  /** What takes the present member back out of the rows above; null when something of it is in the database. */
  #undo: (() => void)[] | null = []
  readonly tx: Tx

  constructor(sql: Sql) {
    this.#sql = sql
    const rows = rowsOver(this.#straight())
    const atMachine = async <T>(kept: ReadonlyMap<string, T>, atmId: string): Promise<T | null> => {
      if (!kept.has(atmId)) await this.fetch([{...NOTHING, atmIds: [atmId]}])
      return kept.get(atmId) ?? null
    }
    this.tx = {
      ...rows,
      atms: {...rows.atms, find: atmId => atMachine(this.#atms, atmId)},
      cards: {
        ...rows.cards,
        visit: atmId => atMachine(this.#visits, atmId),
        accounts: async cardId => {
          const accounts = this.#cardAccounts.get(cardId)
          return accounts === undefined
            ? rows.cards.accounts(cardId)
            : accounts.map(account => this.#accounts.get(account.accountId)?.now ?? account)
        },
      },
      accounts: {...rows.accounts, find: async accountId => (await this.#account(accountId)).now},
      operations: {
        ...rows.operations,
        find: async key => (await this.#operation(key)).now,
        insert: async operation => {
          const {stored, now} = await this.#operation(operation.key)
          assert(now === null, `operation ${operation.key} is there already`)
          this.#set(this.#operations, operation.key, {stored, now: operation})
        },
        settle: async operation => {
          const {stored, now} = await this.#operation(operation.key)
          assert(now !== null, `operation ${operation.key} is not there to be settled`)
          this.#set(this.#operations, operation.key, {stored, now: operation})
        },
      },
      ledger: {...rows.ledger, ...this.#ledger()},
      limits: this.#limitRows(),
      days: {
        ...rows.days,
        open: atmId => atMachine(this.#openDays, atmId),
        accept: async (key, what, at) => {
          this.#add('accepted', [{key, what, ...at}])
        },
      },
      risk: {
        ...rows.risk,
        isHeld: async cardId => this.#areHeld.get(cardId) ?? rows.risk.isHeld(cardId),
        cardOf: async key => {
          const added = this.#added.facts.find(fact => fact.key === key && fact.kind === 'approved')
          if (added !== undefined) return added.cardId
          return this.#cardsOf.has(key) ? (this.#cardsOf.get(key) ?? null) : rows.risk.cardOf(key)
        },
        addFact: async fact => {
          this.#add('facts', [fact])
        },
        factsOfCard: (cardId, sinceMs, countMax) => this.#factsOfCard(cardId, sinceMs, countMax),
      },
    }
  }

  /**
   * Gets what is not here yet, and locks what is decided on: operations, then accounts, then dates and cards, then
   * limits, each in its order, so that two convoys cannot wait for each other.
   */
  async fetch(touches: readonly Touches[]): Promise<void> {
    const keys = missing(
      touches.flatMap(each => each.keys),
      this.#operations,
    )
    const operations = await lockOperations(this.#sql, keys)
    keep(this.#operations, keys, operations, operation => operation.key)

    // An advice names its key alone; the account that it will touch is in the operation.
    const named = operations.flatMap(({accountId}) => (accountId === null ? [] : [accountId]))
    const accountIds = missing([...named, ...touches.flatMap(each => each.accountIds)], this.#accounts)
    const accounts = await lockAccounts(this.#sql, accountIds)
    keep(this.#accounts, accountIds, accounts, account => account.accountId)

    const atmIds = missing(
      touches.flatMap(each => each.atmIds),
      this.#atms,
    )
    if (atmIds.length > 0) await this.#fetchMachines(atmIds)
    const known = operations.map(({key}) => key)
    const cards = await cardsOf(this.#sql, known)
    for (const key of keys) this.#cardsOf.set(key, cards.get(key) ?? null)
    const cardIds = missing(
      [...cards.values(), ...atmIds.flatMap(atmId => this.#visits.get(atmId)?.cardId ?? [])],
      this.#areHeld,
    )
    if (cardIds.length > 0) await this.#fetchCards(cardIds)
    await this.#fetchLimits(touches)
  }

  /** From here on, until `keep` or `drop`, one member works. */
  begin(): void {
    this.#undo = []
  }

  /**
   * Takes back all that the present member did.
   * @returns whether that was possible; otherwise something of it is in the database, and the convoy must turn back
   */
  drop(): boolean {
    if (this.#undo === null) return false
    for (const step of this.#undo.toReversed()) step()
    this.#undo = []
    return true
  }

  /** Puts everything that waits into the database. */
  async write(): Promise<void> {
    const operations = changed(this.#operations)
    await insertOperations(
      this.#sql,
      operations.filter(({stored}) => stored === null).map(({now}) => now),
    )
    const settled = operations.filter(({stored}) => stored !== null).map(({now}) => now)
    await settleOperations(this.#sql, settled)
    const changes = changed(this.#accounts).map(({stored, now}) => {
      const before = present(stored, 'the account as it was')
      return [now.accountId, now.balanceMinor - before.balanceMinor] as const
    })
    await moveBalances(this.#sql, new Map(changes.filter(([, by]) => by !== 0)))
    const limits = [...this.#limits].flatMap(([limit, {stored, now}]) =>
      now === null || now === stored ? [] : [{limit, used: now, isNew: stored === null}],
    )
    await insertLimits(
      this.#sql,
      limits.filter(({isNew}) => isNew),
    )
    const used = limits.filter(({isNew}) => !isNew)
    await setLimits(this.#sql, used)
    const {postings, transactions, accepted, facts} = this.#added
    await insertPostings(this.#sql, postings)
    await insertTransactions(this.#sql, transactions)
    await insertAccepted(this.#sql, accepted)
    await insertFacts(this.#sql, facts)
  }

  /** Statements on rows that are not kept here. */
  #straight(): Sql {
    const passing = async <T>(ask: () => Promise<T>): Promise<T> => {
      await this.write()
      const answer = await ask()
      for (const kept of [
        this.#operations,
        this.#accounts,
        this.#limits,
        this.#atms,
        this.#openDays,
        this.#visits,
        this.#cardAccounts,
        this.#cardsOf,
        this.#places,
        this.#areHeld,
      ])
        kept.clear()
      this.#added = NOTHING_ADDED
      this.#undo = null
      return answer
    }
    return {
      query: (statement, values) => passing(() => this.#sql.query(statement, values)),
      forRows: (columns, rows, statement) => passing(() => this.#sql.forRows(columns, rows, statement)),
      forUpdate: table => this.#sql.forUpdate(table),
    }
  }

  async #fetchMachines(atmIds: readonly string[]): Promise<void> {
    const atms = await atmsOf(this.#sql, atmIds)
    const days = await lockOpenDays(this.#sql, atmIds)
    const {visits, accounts} = await visitsAt(this.#sql, atmIds)
    await this.#fetchPlaces(atmIds)
    for (const atmId of atmIds) {
      this.#atms.set(atmId, atms.find(atm => atm.atmId === atmId) ?? null)
      this.#openDays.set(atmId, days.find(day => day.atmId === atmId) ?? null)
      this.#visits.set(atmId, visits.get(atmId) ?? null)
    }
    for (const [cardId, own] of accounts) this.#cardAccounts.set(cardId, own)
  }

  async #fetchCards(cardIds: readonly string[]): Promise<void> {
    await lockCards(this.#sql, cardIds)
    const held = await heldOf(this.#sql, cardIds)
    for (const cardId of cardIds) this.#areHeld.set(cardId, held.has(cardId))
  }

  async #fetchLimits(touches: readonly Touches[]): Promise<void> {
    const wanted = touches.flatMap(({keys, atmIds, limits}) =>
      limits({
        cardIds: atmIds.flatMap(atmId => this.#visits.get(atmId)?.cardId ?? []),
        operations: keys.flatMap(key => {
          const operation = this.#operations.get(key)?.now ?? null
          return operation === null ? [] : [{...operation, cardId: this.#cardsOf.get(key) ?? null}]
        }),
      }),
    )
    const limits = missing(wanted, this.#limits)
    const uses = await lockLimits(this.#sql, limits)
    const used = new Map(uses.map(use => [use.limit, use.used]))
    for (const limit of limits)
      this.#limits.set(limit, {stored: used.get(limit) ?? null, now: used.get(limit) ?? null})
  }

  /** Those in the database, and those that are on their way there. */
  async #factsOfCard(cardId: string, sinceMs: EpochMs, countMax: number): Promise<readonly Fact[]> {
    const stored = await riskRows(this.#sql).factsOfCard(cardId, sinceMs, countMax)
    const isStored = new Set(stored.map(nameOf))
    const added = this.#added.facts.filter(
      fact => fact.cardId === cardId && fact.atMs >= sinceMs && !isStored.has(nameOf(fact)),
    )
    const placed = new Map<string, Fact>()
    for (const fact of added) {
      if (!this.#places.has(fact.atmId)) await this.#fetchPlaces([fact.atmId])
      placed.set(nameOf(fact), {...fact, place: this.#places.get(fact.atmId) ?? null})
    }
    return [...stored, ...placed.values()].sort(byNewest).slice(0, countMax)
  }

  async #fetchPlaces(atmIds: readonly string[]): Promise<void> {
    const places = await placesOf(this.#sql, atmIds)
    for (const atmId of atmIds) this.#places.set(atmId, places.get(atmId) ?? null)
  }

  async #operation(key: string): Promise<Kept<Operation>> {
    if (!this.#operations.has(key)) await this.fetch([{...NOTHING, keys: [key]}])
    return present(this.#operations.get(key), 'a fetched operation')
  }

  async #account(accountId: string): Promise<Kept<BankAccount>> {
    if (!this.#accounts.has(accountId)) await this.fetch([{...NOTHING, accountIds: [accountId]}])
    return present(this.#accounts.get(accountId), 'a fetched account')
  }

  #ledger(): Pick<LedgerRows, 'post' | 'addTransaction'> {
    return {
      post: async (key, {kind, currency, postings}, atMs) => {
        const accountIds = [...customerChanges(postings).keys()]
        await this.fetch([{...NOTHING, accountIds}])
        const accounts = accountIds.map(accountId => {
          const {stored, now} = present(this.#accounts.get(accountId), 'a fetched account')
          return {stored, now: present(now, 'an account that is posted to')}
        })
        const before = new Map(accounts.map(({now}) => [now.accountId, now.balanceMinor]))
        const balances = balancesAfter(postings, before)
        if (balances === null) return {kind: 'insufficient'}
        for (const {stored, now} of accounts) {
          const balanceMinor = present(balances.get(now.accountId), 'a balance after')
          this.#set(this.#accounts, now.accountId, {stored, now: {...now, balanceMinor}})
        }
        this.#add(
          'postings',
          postings.map((posting, leg) => ({...posting, key, kind, leg, currency, atMs})),
        )
        return {kind: 'posted', balances}
      },
      addTransaction: async (transaction, targetAccountId) => {
        this.#add('transactions', [{...transaction, targetAccountId: targetAccountId ?? null}])
      },
    }
  }

  #limitRows(): LimitRows {
    const kept = async (limit: string): Promise<Kept<number>> => {
      if (!this.#limits.has(limit)) await this.fetch([{...NOTHING, limits: () => [limit]}])
      return present(this.#limits.get(limit), 'a fetched limit')
    }
    return {
      use: async (limit, by, most) => {
        const {stored, now} = await kept(limit)
        const used = usedAfter(now ?? 0, by, most)
        if (used === null) return 'beyond'
        this.#set(this.#limits, limit, {stored, now: used})
        return 'within'
      },
      used: async limit => (await kept(limit)).now ?? 0,
    }
  }

  #add<K extends keyof Added>(what: K, rows: Added[K]): void {
    const before = this.#added
    this.#added = {...before, [what]: [...before[what], ...rows]}
    this.#undo?.push(() => {
      this.#added = before
    })
  }

  #set<T>(rows: Map<string, Kept<T>>, name: string, row: Kept<T>): void {
    const before = present(rows.get(name), 'the row as it was')
    rows.set(name, row)
    this.#undo?.push(() => rows.set(name, before))
  }
}

/** A fact of one kind is told once for a key. */
function nameOf({kind, key}: Pick<Fact, 'kind' | 'key'>): string {
  return `${key} ${kind}`
}

function byNewest(left: Fact, right: Fact): number {
  return right.atMs - left.atMs || (nameOf(left) < nameOf(right) ? -1 : 1)
}

function missing(names: readonly string[], kept: ReadonlyMap<string, unknown>): readonly string[] {
  return [...new Set(names)].filter(name => !kept.has(name)).toSorted()
}

function keep<T>(
  rows: Map<string, Kept<T>>,
  names: readonly string[],
  found: readonly T[],
  nameOf: (row: T) => string,
): void {
  const byName = new Map(found.map(row => [nameOf(row), row]))
  for (const name of names) rows.set(name, {stored: byName.get(name) ?? null, now: byName.get(name) ?? null})
}

function changed<T>(rows: ReadonlyMap<string, Kept<T>>): readonly {stored: T | null; now: T}[] {
  return [...rows.values()].flatMap(({stored, now}) =>
    now === null || now === stored ? [] : [{stored, now}],
  )
}
