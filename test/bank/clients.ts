/**
 * Those who ask: counters with a token, machines with a certificate, a seal and a card at them. Each asks any of the
 * hosts, whatever it asked before, and every question and answer goes into the history.
 */
import type {Advice, Answer, History, Movement, Question} from './history.ts'
import type {Ready} from './processes.ts'
import type {Proxy} from './proxy.ts'
import {CURRENCY, MASTER_KEY_HEX, PIN, track2Of} from './world.ts'
import type {WorldCard} from './world.ts'
import {bytesOfHex, hexOf} from '../../crypto/hex.ts'
import {encodeIso0} from '../../crypto/pin-block.ts'
import {tdesDecrypt, tdesEncrypt} from '../../crypto/tdes.ts'
import {assert, present} from '../../kit/assert.ts'
import type {Clock} from '../../kit/clock.ts'
import type {MachineIdentity} from '../../src/link/identity.ts'
import {sealOf, signedTransport} from '../../src/link/signing.ts'
import {tlsTransport} from '../../src/link/tls.ts'
import type {Transport, TransportAnswer} from '../../src/link/transport.ts'

/** `little`: the answer may well come when nobody waits for it any more. */
export type Patience = 'usual' | 'little'
const ANSWER_TIMEOUT_MS = {usual: 4_000, little: 400} as const
/** Of preparations, which must succeed. */
const PATIENT_TIMEOUT_MS = 10_000
const OPENING_TRIES_MAX = 10
const WRONG_PIN = '1357'

/** How everybody reaches the hosts. */
export interface Reach {
  readonly hosts: readonly {readonly name: string; readonly proxy: Pick<Proxy, 'port'>}[]
  readonly ready: Ready
  /** PEM. */
  readonly authority: string
  readonly clock: Clock
  readonly history: History
}

/** A question on its way: what the history has of it, and how it is put. */
interface Envelope {
  readonly key: string
  readonly question: Question
  readonly path: string
  readonly idempotencyKey: string
  readonly body: object
}

/** One caller at every host. */
class Caller {
  readonly #reach: Reach
  readonly #lines: readonly Transport[]
  readonly #headers: Readonly<Record<string, string>>

  constructor(
    reach: Reach,
    own: MachineIdentity | null,
    headers: Readonly<Record<string, string>>,
    sealed: (line: Transport) => Transport,
  ) {
    this.#reach = reach
    this.#headers = headers
    this.#lines = reach.hosts.map(({proxy}) =>
      sealed(
        tlsTransport(
          {
            host: '127.0.0.1',
            port: proxy.port,
            authority: reach.authority,
            hostPins: [reach.ready.hostPin],
            own,
          },
          reach.clock,
        ),
      ),
    )
  }

  get hostsCount(): number {
    return this.#lines.length
  }

  /** Puts the question to that host and writes both ends of it down. */
  async ask(envelope: Envelope, hostIndex: number, patience: Patience = 'usual'): Promise<Answer> {
    const {key, question, path, idempotencyKey, body} = envelope
    const {history, hosts} = this.#reach
    const ask = history.asked(key, present(hosts[hostIndex], 'a host').name, question)
    const answer = answerIn(
      await this.send(
        'POST',
        path,
        JSON.stringify(body),
        hostIndex,
        {'idempotency-key': `"${idempotencyKey}"`},
        ANSWER_TIMEOUT_MS[patience],
      ),
    )
    history.write({line: 'heard', ask, key, answer})
    return answer
  }

  send(
    method: 'GET' | 'POST',
    path: string,
    body: string | null,
    hostIndex: number,
    headers: Readonly<Record<string, string>> = {},
    deadlineMs: number = ANSWER_TIMEOUT_MS.usual,
  ): Promise<TransportAnswer> {
    const type: Readonly<Record<string, string>> = body === null ? {} : {'content-type': 'application/json'}
    return present(this.#lines[hostIndex], 'a line').send({
      method,
      path,
      body,
      headers: {...this.#headers, ...headers, ...type},
      deadlineMs,
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.#lines.map(line => line.close()))
  }
}

/** Something under way: a question that can be put again and again, to any host. */
export interface Errand {
  readonly key: string
  readonly question: Question
  ask(hostIndex: number, patience?: Patience): Promise<Answer>
}

export class Counter {
  readonly name: string
  readonly #caller: Caller
  #keysCount = 0

  constructor(reach: Reach, name: string, token: string) {
    this.name = name
    this.#caller = new Caller(reach, null, {authorization: `Bearer ${token}`}, line => line)
  }

  /** @param like under the key of that one, with another meaning */
  movement(wish: Omit<Movement, 'who' | 'at'>, like?: Pick<Errand, 'key'>): Errand {
    const question: Movement = {...wish, who: this.name, at: 'counter'}
    this.#keysCount += like === undefined ? 1 : 0
    const space = `person:program:${this.name}:`
    const key = like?.key ?? `${space}k${this.#keysCount}`
    const envelope = {
      key,
      question,
      path: pathOf(question),
      idempotencyKey: key.slice(space.length),
      body: bodyOf(question),
    }
    return {key, question, ask: (hostIndex, patience) => this.#caller.ask(envelope, hostIndex, patience)}
  }

  /** Balances of one person's accounts as the bank lists them, or null when it does not now. */
  async balances(userId: string, hostIndex: number): Promise<readonly number[] | null> {
    const answer = await this.#caller.send('GET', `/api/accounts?user_id=${userId}`, null, hostIndex)
    if (answer.kind === 'silent' || answer.status !== 200) return null
    const accounts = fieldOf(objectIn(answer.body), 'accounts')
    if (!Array.isArray(accounts)) return null
    return accounts.map((account: unknown) => minorOf(fieldOf(account, 'balance')))
  }

  close(): Promise<void> {
    return this.#caller.close()
  }
}

export class Machine {
  readonly atmId: string
  readonly #caller: Caller
  #businessDate = ''
  #pinKey: Uint8Array | null = null
  #stan = 0

  constructor(reach: Reach, atmId: string, own: MachineIdentity) {
    this.atmId = atmId
    const seal = sealOf(atmId, own.key, reach.ready.signingCertificate, () => 1)
    this.#caller = new Caller(reach, own, {}, line => signedTransport(line, seal, reach.clock))
  }

  /** Signs on and, with a card, lets its customer in. Before any fault; but a crowd signs on, and may be asked to wait. */
  async open(card: WorldCard | null): Promise<void> {
    for (let triesCount = 0; this.#pinKey === null; triesCount++) {
      assert(triesCount < OPENING_TRIES_MAX, `${this.atmId} could not sign on`)
      await this.signOn(0, PATIENT_TIMEOUT_MS)
    }
    for (let triesCount = 0; card !== null && !(await this.#isLetIn(card)); triesCount++)
      assert(triesCount < OPENING_TRIES_MAX, `a card was not let in at ${this.atmId}`)
  }

  async signOn(hostIndex: number, deadlineMs: number = ANSWER_TIMEOUT_MS.usual): Promise<void> {
    const answer = await this.#caller.send(
      'POST',
      `/api/atms/${this.atmId}/sign-on`,
      '{}',
      hostIndex,
      {},
      deadlineMs,
    )
    if (answer.kind === 'silent' || answer.status !== 200) return
    const body = objectIn(answer.body)
    this.#businessDate = String(fieldOf(body, 'business_date'))
    this.#pinKey = tdesDecrypt(bytesOfHex(MASTER_KEY_HEX), bytesOfHex(String(fieldOf(body, 'pin_key'))))
  }

  movement(wish: Omit<Movement, 'who' | 'at'>, like?: Pick<Errand, 'key'>): Errand {
    const question: Movement = {...wish, who: this.atmId, at: 'machine'}
    const key = like?.key ?? this.#freshKey()
    return this.#errand(key, question, pathOf(question), bodyOf(question))
  }

  /** About the movement under that key, whether it was asked for or not. */
  advice(key: string, advice: Advice): Errand {
    const path = `/api/operations/${encodeURIComponent(key)}/${advice.kind}`
    return this.#errand(key, advice, path, adviceBody(advice))
  }

  /** A wrong PIN for the card. */
  guess(card: WorldCard): Errand {
    return this.#errand(
      this.#freshKey(),
      {kind: 'guess', cardId: card.cardId},
      `/api/atms/${this.atmId}/verify-card`,
      this.#cardBody(card, WRONG_PIN),
    )
  }

  close(): Promise<void> {
    return this.#caller.close()
  }

  #errand(key: string, question: Question, path: string, body: object): Errand {
    const envelope = {key, question, path, idempotencyKey: key, body}
    return {key, question, ask: (hostIndex, patience) => this.#caller.ask(envelope, hostIndex, patience)}
  }

  async #isLetIn(card: WorldCard): Promise<boolean> {
    const answer = await this.#caller.send(
      'POST',
      `/api/atms/${this.atmId}/verify-card`,
      JSON.stringify(this.#cardBody(card, PIN)),
      0,
      {'idempotency-key': `"${this.#freshKey()}"`},
      PATIENT_TIMEOUT_MS,
    )
    return answer.kind === 'answer' && fieldOf(objectIn(answer.body), 'rc') === '00'
  }

  #cardBody(card: WorldCard, pin: string): object {
    const block = tdesEncrypt(present(this.#pinKey, 'a PIN key'), encodeIso0(pin, card.pan))
    return {track2: track2Of(card), pin_block: hexOf(block)}
  }

  #freshKey(): string {
    this.#stan += 1
    return `${this.atmId}:${this.#businessDate}:${this.#stan.toString().padStart(6, '0')}`
  }
}

function pathOf({kind, accountId}: Movement): string {
  const word = kind === 'withdrawal' ? 'withdraw' : kind
  return `/api/accounts/${accountId}/${word}`
}

function bodyOf({kind, at, who, amountMinor, feeMinor, targetAccountId}: Movement): object {
  return {
    amount: new Amount(amountMinor),
    ...(at === 'machine' ? {atm_id: who} : {}),
    ...(kind === 'transfer' ? {target_account_id: targetAccountId} : {}),
    ...(kind === 'withdrawal' && feeMinor > 0 ? {fee: new Amount(feeMinor)} : {}),
  }
}

function adviceBody(advice: Advice): object {
  switch (advice.kind) {
    case 'complete':
      return {amount: new Amount(advice.paidMinor), fee: new Amount(advice.feeMinor), currency: CURRENCY}
    case 'reverse':
      return {reason: 'nothing-moved'}
    case 'suspect':
      return {
        at_least: new Amount(advice.leastMinor),
        at_most: new Amount(advice.mostMinor),
        currency: CURRENCY,
      }
  }
}

/** Minor units as a JSON number in major units: below 2^53, so a double's own text has no more than two digits. */
class Amount {
  readonly #minor: number

  constructor(minor: number) {
    this.#minor = minor
  }

  toJSON(): number {
    return this.#minor / 100
  }
}

function answerIn(answer: TransportAnswer): Answer {
  if (answer.kind === 'silent') return {kind: 'silent', why: answer.why}
  const {status, body: text} = answer
  const body = objectIn(text)
  const rc = fieldOf(body, 'rc')
  const strange: Answer = {kind: 'strange', why: `status ${status}: ${text}`}
  if (status === 200) {
    if (rc !== '00') {
      const tries = fieldOf(body, 'tries_left')
      return typeof rc === 'string'
        ? {kind: 'declined', rc, triesLeft: typeof tries === 'number' ? tries : null}
        : strange
    }
    const state = fieldOf(body, 'state')
    if (typeof state === 'string') return {kind: 'acknowledged', state}
    return typeof fieldOf(body, 'transaction_id') === 'string' ? {kind: 'approved', text} : strange
  }
  const problem = String(fieldOf(body, 'type')).replace('urn:tellerd:problem:', '')
  if (fieldOf(body, 'retry') === 'same-key') return {kind: 'again', problem}
  if (problem === 'insufficient-funds') return {kind: 'declined', rc: '51', triesLeft: null}
  return REFUSALS.has(problem) ? {kind: 'refused', problem} : strange
}

/** What may be said to somebody who repeats, contradicts or comes too late. */
const REFUSALS: ReadonlySet<string> = new Set([
  'key-used-otherwise',
  'out-of-order',
  'amount-invalid',
  'key-used',
])

function objectIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A text that is none is told by what it lacks.
    return null
  }
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.entries(value).find(([field]) => field === name)?.[1]
}

function minorOf(value: unknown): number {
  return typeof value === 'number' ? Math.round(value * 100) : Number.NaN
}
