/**
 * The bank as the session sees it: questions become HTTP requests, answers become values. An answer that
 * does not say exactly what was asked for is no answer.
 */
import * as schema from '../../host/api/schema.ts'
import {bytesOfHex, hexOf} from '../../crypto/hex.ts'
import type {Account, Advice, CashUnit, Sums} from '../../fsm/vocabulary.ts'
import {epochMs, isoTime, timeFromIso} from '../../kit/clock.ts'
import type {Clock, EpochMs} from '../../kit/clock.ts'
import {NumberText, readJson, writeJson} from '../../kit/exact-json.ts'
import type {Json, Writable} from '../../kit/exact-json.ts'
import type {Log} from '../../kit/log.ts'
import {formatAmount, minorUnits, noteCount, parseAmount} from '../../kit/money.ts'
import type {Currency, Minor} from '../../kit/money.ts'
import {Secret} from '../../kit/secret.ts'
import type {
  AdviceAnswer,
  AuthorizeAnswer,
  BalanceAnswer,
  ChangePinAnswer,
  CutOverAnswer,
  Declined,
  EventsAnswer,
  HostLink,
  PayeeAnswer,
  SignOnAnswer,
  Silent,
  StatementAnswer,
  VerifyAnswer,
} from './port.ts'
import type {Transport, TransportAnswer} from './transport.ts'

export interface LinkOptions {
  readonly atmId: string
  /** Of the notes in the machine, and of every amount it names. */
  readonly currency: Currency
  /** From asking to knowing, for each question. Chosen: 30000, the usual patience of a terminal. */
  readonly answerTimeoutMs: number
}

/** What came back, read: a message that fits, or none. */
export type Heard<T> =
  | {readonly kind: 'heard'; readonly message: T}
  | {readonly kind: 'declined'; readonly declined: schema.Declined}
  | {readonly kind: 'problem'; readonly problem: schema.Problem}
  | Silent

export interface Question {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly key: string | null
  readonly body: {readonly [field: string]: Writable | undefined} | null
}

/** The bank over any transport. */
export function hostLink(transport: Transport, clock: Clock, log: Log, options: LinkOptions): HostLink {
  const {atmId, currency} = options
  const ask = <T>(question: Question, shape: schema.Message<T>) =>
    asked(transport, clock, options, question, shape)
  let clockErrorMs: number | null = null
  const compare = (hostTime: string, sentMs: number): void => {
    const hostMs = timeFromIso(hostTime)
    // The bank tells whole seconds, and told its time somewhere between question and answer.
    if (hostMs !== null) clockErrorMs = Math.max(0, hostMs - clock.wallMs(), sentMs - (hostMs + 999))
  }
  const probed = async (): Promise<schema.ProbeAnswer | null> => {
    const sentMs = clock.wallMs()
    const heard = await ask(
      {method: 'GET', path: schema.paths.probe(atmId), key: null, body: null},
      schema.probeAnswer,
    )
    if (heard.kind !== 'heard' || heard.message.atm_id !== atmId) return null
    compare(heard.message.host_time, sentMs)
    return heard.message
  }
  return {
    clockErrorMs: () => clockErrorMs,
    async signOn(): Promise<SignOnAnswer> {
      const sentMs = clock.wallMs()
      const heard = await ask(
        {method: 'POST', path: schema.paths.signOn(atmId), key: null, body: {}},
        schema.signOnAnswer,
      )
      if (heard.kind !== 'heard') return refusedOr(heard)
      const {business_date, pin_key, pin_key_check_value, atm_id, host_time} = heard.message
      if (atm_id !== atmId) return silent('the sign-on is for another machine')
      compare(host_time, sentMs)
      return {
        kind: 'signedOn',
        businessDate: business_date,
        pinKey: new Secret(bytesOfHex(pin_key)),
        pinKeyCheckValue: pin_key_check_value,
      }
    },
    async verify({key, track2, pinBlock}): Promise<VerifyAnswer> {
      const body = {track2: track2.reveal(), pin_block: hexOf(pinBlock.reveal())}
      const heard = await ask(
        {method: 'POST', path: schema.paths.verifyCard(atmId), key, body},
        schema.verifyAnswer,
      )
      if (heard.kind === 'declined' && heard.declined.rc === '55' && !heard.declined.retain)
        return {kind: 'pinWrong', triesLeft: heard.declined.tries_left ?? 0}
      if (heard.kind !== 'heard') return refusedOr(heard)
      const {accounts} = heard.message
      if (accounts.length === 0) return silent('the bank names no account of the card')
      return {kind: 'verified', accounts: accounts.map(accountOf)}
    },
    async balance({accountId}): Promise<BalanceAnswer> {
      const heard = await ask(
        {method: 'GET', path: schema.paths.balance(accountId), key: null, body: null},
        schema.balanceAnswer,
      )
      if (heard.kind !== 'heard') return refusedOr(heard)
      const {account_id, balance, currency: told} = heard.message
      const balanceMinor = signedMinor(balance, currency)
      if (account_id !== accountId || (told ?? currency) !== currency || balanceMinor === null)
        return silent('the balance is of another account or currency')
      return {kind: 'balance', balanceMinor}
    },
    async authorize(wish): Promise<AuthorizeAnswer> {
      const deadline = isoTime(epochMs(clock.wallMs() + options.answerTimeoutMs))
      const body = {
        amount: amountText(wish.amountMinor, wish.currency),
        atm_id: atmId,
        fee: amountText(wish.feeMinor, wish.currency),
        currency: wish.currency,
        deadline,
        last: wish.last === null ? undefined : lastOf(wish.last, currency),
      }
      const heard = await ask(
        {method: 'POST', path: schema.paths.withdraw(wish.accountId), key: wish.key, body},
        schema.withdrawAnswer,
      )
      if (heard.kind !== 'heard') return refusedOr(heard)
      const why = mismatchOf(heard.message, wish)
      if (why !== null) {
        log.error('the bank approved something else than was asked', {key: wish.key, why})
        return silent(why)
      }
      return {
        kind: 'approved',
        authCode: heard.message.auth_code ?? heard.message.transaction_id.slice(-6),
        amountMinor: wish.amountMinor,
      }
    },
    async statement({accountId}): Promise<StatementAnswer> {
      const heard = await ask(
        {method: 'GET', path: schema.paths.statement(accountId), key: null, body: null},
        schema.statementAnswer,
      )
      if (heard.kind !== 'heard') return refusedOr(heard)
      const {account_id, currency: told, lines} = heard.message
      if (account_id !== accountId || told !== currency)
        return silent('the statement is of another account or currency')
      const read = lines.flatMap(({at, kind, amount}) => {
        const amountMinor = signedMinor(amount, currency)
        return amountMinor === null ? [] : [{at, kind, amountMinor}]
      })
      return read.length === lines.length
        ? {kind: 'statement', lines: read}
        : silent('the statement has an amount that its currency has not')
    },
    async payee({accountId, toAccountId}): Promise<PayeeAnswer> {
      const heard = await ask(
        {method: 'GET', path: schema.paths.payee(accountId, toAccountId), key: null, body: null},
        schema.payeeAnswer,
      )
      if (heard.kind !== 'heard') return refusedOr(heard)
      const {account_id, name} = heard.message
      return account_id === toAccountId ? {kind: 'payee', name} : silent('the name is of another account')
    },
    async transfer(wish): Promise<AuthorizeAnswer> {
      const body = {
        target_account_id: wish.toAccountId,
        amount: amountText(wish.amountMinor, wish.currency),
        atm_id: atmId,
        currency: wish.currency,
        hold: true,
        deadline: isoTime(epochMs(clock.wallMs() + options.answerTimeoutMs)),
        last: wish.last === null ? undefined : lastOf(wish.last, currency),
      }
      const heard = await ask(
        {method: 'POST', path: schema.paths.transfer(wish.accountId), key: wish.key, body},
        schema.transferAnswer,
      )
      if (heard.kind !== 'heard') return refusedOr(heard)
      const {transaction_id, source_account_id, target_account_id, amount, currency: told} = heard.message
      if (
        source_account_id !== wish.accountId ||
        target_account_id !== wish.toAccountId ||
        (told ?? currency) !== wish.currency ||
        signedMinor(amount, wish.currency) !== wish.amountMinor
      ) {
        const why = 'the approval is of another transfer'
        log.error('the bank approved something else than was asked', {key: wish.key, why})
        return silent(why)
      }
      return {kind: 'approved', authCode: transaction_id.slice(-6), amountMinor: wish.amountMinor}
    },
    async changePin({key, track2, newPin, repeatedPin}): Promise<ChangePinAnswer> {
      const body = {
        track2: track2.reveal(),
        new_pin_block: hexOf(newPin.reveal()),
        repeated_pin_block: hexOf(repeatedPin.reveal()),
        deadline: isoTime(epochMs(clock.wallMs() + options.answerTimeoutMs)),
      }
      const heard = await ask(
        {method: 'POST', path: schema.paths.changePin(atmId), key, body},
        schema.changePinAnswer,
      )
      return heard.kind === 'heard' ? {kind: 'changed'} : refusedOr(heard)
    },
    async advise(advice): Promise<AdviceAnswer> {
      const heard = await ask(questionOf(advice, currency), schema.adviceAnswer)
      if (heard.kind === 'heard')
        return heard.message.key === advice.key && heard.message.rc === '00'
          ? {kind: 'acknowledged', state: heard.message.state}
          : silent('the acknowledgement is of another advice')
      return noOf(heard)
    },
    async cutOver({businessDate, totals, cash}, rowsCount): Promise<CutOverAnswer> {
      const sums = ({count, sumMinor}: Sums) => ({count, amount: amountText(sumMinor, currency)})
      const none = {count: noteCount(0), sumMinor: minorUnits(0)}
      const body = {
        business_date: businessDate,
        currency,
        totals: {
          withdrawals: sums(totals.withdrawals),
          reversals: sums(totals.reversals),
          deposits: sums(none),
        },
        units: unitsOf(cash, currency),
        journal_rows: rowsCount,
      }
      const heard = await ask(
        {method: 'POST', path: schema.paths.cutOver(atmId), key: null, body},
        schema.cutOverAnswer,
      )
      if (heard.kind !== 'heard') return noOf(heard)
      const {atm_id, closed_date, business_date: next, settlement} = heard.message
      return atm_id === atmId && closed_date === businessDate
        ? {kind: 'closed', next, settlement}
        : silent('the answer is about another date')
    },
    async tellCash(cash, found): Promise<boolean> {
      const units = unitsOf(cash, currency).map(unit => {
        const counted = found.find(({cassette}) => unit.unit === `cassette-${cassette}`)
        return {...unit, found: counted?.found, expected: counted?.expected}
      })
      const heard = await ask(
        {method: 'POST', path: schema.paths.cash(atmId), key: null, body: {currency, units}},
        schema.cashAnswer,
      )
      return heard.kind === 'heard' && heard.message.atm_id === atmId
    },
    async tellEvents(events): Promise<EventsAnswer> {
      const body = {
        events: events.map(({seq, atMs, part, state, detail}) => ({
          seq,
          at: isoTime(atMs),
          part,
          state,
          detail,
        })),
      }
      const heard = await ask(
        {method: 'POST', path: schema.paths.events(atmId), key: null, body},
        schema.eventsAnswer,
      )
      if (heard.kind !== 'heard') return refusedOr(heard)
      return {kind: 'taken', throughSeq: heard.message.taken_through}
    },
    probe: async () => (await probed()) !== null,
    async time(): Promise<EpochMs | null> {
      const answer = await probed()
      return answer === null ? null : timeFromIso(answer.host_time)
    },
    close: () => transport.close(),
  }
}

/** Where an advice goes and what it says. */
function questionOf(advice: Advice, currency: Currency): Question {
  const row = advice.row === '' ? undefined : advice.row
  const {key} = advice
  switch (advice.kind) {
    case 'host.complete':
      return {
        method: 'POST',
        path: schema.paths.complete(key),
        key,
        body: {
          amount: amountText(advice.paidMinor, currency),
          fee: amountText(advice.feeMinor, currency),
          currency,
          row,
        },
      }
    case 'host.completeTransfer':
      return {
        method: 'POST',
        path: schema.paths.complete(key),
        key,
        body: {
          amount: amountText(advice.amountMinor, currency),
          fee: amountText(minorUnits(0), currency),
          currency,
          row,
        },
      }
    case 'host.reverse':
    case 'host.reverseTransfer':
      return {
        method: 'POST',
        path: schema.paths.reverse(key),
        key,
        body: {reason: advice.because, row},
      }
    case 'host.suspect':
      return {
        method: 'POST',
        path: schema.paths.suspect(key),
        key,
        body: {
          at_least: amountText(advice.atLeastMinor, currency),
          at_most: amountText(advice.atMostMinor, currency),
          currency,
          row,
        },
      }
  }
}

/** The same story as the advice itself, in the next request. */
function lastOf(advice: Advice, currency: Currency): {readonly [field: string]: Writable | undefined} {
  const told = {key: advice.key, currency, row: advice.row === '' ? undefined : advice.row}
  const text = (amountMinor: Minor) => amountText(amountMinor, currency)
  switch (advice.kind) {
    case 'host.complete': {
      const paid = text(advice.paidMinor)
      return {...told, outcome: 'completed', at_least: paid, at_most: paid, fee: text(advice.feeMinor)}
    }
    case 'host.completeTransfer': {
      const all = text(advice.amountMinor)
      return {...told, outcome: 'completed', at_least: all, at_most: all, fee: text(minorUnits(0))}
    }
    case 'host.reverse':
    case 'host.reverseTransfer': {
      const none = text(minorUnits(0))
      return {...told, outcome: 'reversed', at_least: none, at_most: none, reason: advice.because}
    }
    case 'host.suspect':
      return {
        ...told,
        outcome: 'suspect',
        at_least: text(advice.atLeastMinor),
        at_most: text(advice.atMostMinor),
      }
  }
}

/** Asks within one deadline; once more only when it is certain that the first never left. */
export async function asked<T>(
  transport: Transport,
  clock: Clock,
  {answerTimeoutMs}: Pick<LinkOptions, 'answerTimeoutMs'>,
  question: Question,
  shape: schema.Message<T>,
): Promise<Heard<T>> {
  const startMs = clock.monotonicMs()
  const once = () =>
    transport.send({
      method: question.method,
      path: question.path,
      body: question.body === null ? null : writeJson(question.body),
      headers: completedHeaders(question),
      deadlineMs: Math.max(1, answerTimeoutMs - (clock.monotonicMs() - startMs)),
    })
  const first = await once()
  const isFreeToRepeat =
    first.kind === 'silent' && !first.sent && clock.monotonicMs() - startMs < answerTimeoutMs
  return heardIn(isFreeToRepeat ? await once() : first, shape)
}

/** Every header of a request, in the one place where they are completed. */
function completedHeaders({key, body}: Question): Readonly<Record<string, string>> {
  return {
    accept: 'application/json, application/problem+json',
    ...(key === null ? {} : {'idempotency-key': schema.keyHeader(key)}),
    ...(body === null ? {} : {'content-type': 'application/json'}),
  }
}

function heardIn<T>(answer: TransportAnswer, shape: schema.Message<T>): Heard<T> {
  if (answer.kind === 'silent') return silent(answer.why)
  const read = readJson(answer.body)
  if (read.kind === 'refused') return silent(`the bank answered ${answer.status} with no JSON: ${read.why}`)
  if (answer.status === 200) {
    // A decision against the customer has the same status, so that no proxy repeats it; its code tells.
    const declined = schema.declined.decode(read.json, 'ignore')
    if (declined.kind === 'decoded' && declined.value.rc !== '00')
      return {kind: 'declined', declined: declined.value}
    return heardAs(read.json, shape)
  }
  const problem = schema.problem.decode(read.json, 'ignore')
  if (problem.kind === 'refused') return silent(`the bank answered ${answer.status} without saying why`)
  return {kind: 'problem', problem: problem.value}
}

function heardAs<T>(json: Json, shape: schema.Message<T>): Heard<T> {
  const message = shape.decode(json, 'ignore')
  return message.kind === 'decoded'
    ? {kind: 'heard', message: message.value}
    : silent(`the bank's answer ${message.why}`)
}

/** Whatever may pass by itself is silence; what was understood and turned down needs a person. */
function noOf(heard: Exclude<Heard<unknown>, {kind: 'heard'}>): Silent | {kind: 'refused'; why: string} {
  if (heard.kind === 'silent') return heard
  if (heard.kind === 'declined') return {kind: 'refused', why: `declined ${heard.declined.rc}`}
  const {retry, detail, rc} = heard.problem
  return retry === 'never'
    ? {kind: 'refused', why: `${rc} ${detail}`}
    : silent(`the bank asks for patience: ${detail}`)
}

function unitsOf(cash: readonly CashUnit[], currency: Currency) {
  return cash.map(({unit, kind, noteMinor, count}) => ({
    unit,
    kind,
    value: amountText(noteMinor, currency),
    count,
  }))
}

/** For questions to which a no is final; a bank in trouble (5xx, `retry` not `never`) has not said no. */
function refusedOr(heard: Exclude<Heard<unknown>, {kind: 'heard'}>): Declined | Silent {
  switch (heard.kind) {
    case 'silent':
      return heard
    case 'declined':
      return {kind: 'declined', code: heard.declined.rc, retain: heard.declined.retain}
    case 'problem':
      return heard.problem.retry === 'same-key'
        ? silent(`the bank is in trouble: ${heard.problem.rc}`)
        : {kind: 'declined', code: heard.problem.rc, retain: false}
  }
}

function mismatchOf(
  approval: schema.WithdrawAnswer,
  wish: {
    readonly accountId: string
    readonly amountMinor: Minor
    readonly feeMinor: Minor
    readonly currency: Currency
  },
): string | null {
  if (approval.account_id !== wish.accountId) return 'the approval is for another account'
  if ((approval.currency ?? wish.currency) !== wish.currency) return 'the approval is in another currency'
  if (signedMinor(approval.amount, wish.currency) !== wish.amountMinor)
    return 'the approval is for another amount'
  if (approval.fee !== undefined && signedMinor(approval.fee, wish.currency) !== wish.feeMinor)
    return 'the approval is for another fee'
  return null
}

function accountOf(account: schema.VerifyAnswer['accounts'][number]): Account {
  const kind = account.account_type === 'checking' ? 'Checking' : 'Savings'
  return {accountId: account.account_id, label: `${kind} ...${account.account_id.slice(-4)}`}
}

function amountText(amountMinor: Minor, currency: Currency): NumberText {
  return new NumberText(formatAmount(amountMinor, currency))
}

/** Null when the text is no amount of this currency. */
function signedMinor({source}: NumberText, currency: Currency): Minor | null {
  const isNegative = source.startsWith('-')
  const parsed = parseAmount(isNegative ? source.slice(1) : source, currency)
  if (parsed.kind === 'refused') return null
  return isNegative ? minorUnits(0 - parsed.amountMinor) : parsed.amountMinor
}

export function silent(why: string): Silent {
  return {kind: 'silent', why}
}
