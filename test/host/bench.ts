/** A bank in memory with one signed-on machine, for tests of either end. */
import type {FastifyInstance} from 'fastify'
import {encodeIso0} from '../../crypto/pin-block.ts'
import {bytesOfHex, hexOf} from '../../crypto/hex.ts'
import {tdesDecrypt, tdesEncrypt} from '../../crypto/tdes.ts'
import {operationKeyOf} from '../../fsm/vocabulary.ts'
import type {OperationKey} from '../../fsm/vocabulary.ts'
import {undocumented} from './document.ts'
import {buildApp} from '../../host/app.ts'
import type {Bank} from '../../host/bank.ts'
import {DEMO_CARDS, DEMO_MASTER_KEY_HEX, seedDemo} from '../../host/demo.ts'
import type {DemoCard} from '../../host/demo.ts'
import {openGuard} from '../../host/guard/guard.ts'
import type {PasswordCost} from '../../crypto/passwords.ts'
import {NO_POLICY} from '../../host/guard/policy.ts'
import type {Guest, Identity} from '../../host/identity.ts'
import {inProcessAuthenticate, inProcessTransport} from '../../host/in-process.ts'
import {MADE_UP_PIN_COST, newHsmKeys, softPinModule} from '../../host/pin.ts'
import type {Store} from '../../host/store/port.ts'
import {openSqliteStore} from '../../host/store/sqlite.ts'
import {assert, present} from '../../kit/assert.ts'
import {VirtualClock, epochMs} from '../../kit/clock.ts'
import {readJson} from '../../kit/exact-json.ts'
import {lineLog} from '../../kit/log.ts'
import {seededRandom} from '../../kit/random.ts'
import {Secret} from '../../kit/secret.ts'
import {openNewDatabase} from './postgres.ts'

/** The least that Argon2 works with: what it costs in earnest has its own test. */
const CHEAP: PasswordCost = {memoryKib: 8, passesCount: 1, lanesCount: 1}

export const ATM = 'ATM123'
export const ATM_IDENTITY: Identity = {kind: 'atm', atmId: ATM}
export const TELLER: Identity = {kind: 'person', name: 'tina', roles: ['teller']}
/** 2026-11-22T11:00:00Z. */
export const START_MS = epochMs(Date.UTC(2026, 10, 22, 11))
export const ADA = present(DEMO_CARDS[0], 'the first demo card')
export const BEN = present(DEMO_CARDS[1], 'the second demo card')
export const CARLA = present(DEMO_CARDS[2], 'the third demo card')

export interface Bench {
  readonly bank: Bank
  readonly app: FastifyInstance
  readonly clock: VirtualClock
  /** Every line the bank logged. */
  readonly lines: readonly string[]
  close(): Promise<void>
}

/**
 * @param path of a database file; unless told, in memory, or a new database of the PostgreSQL server that
 * `TELLERD_TEST_CLUSTER` names: so a suite that keeps to this runs on both engines
 */
export async function openBench(path?: string, policy = NO_POLICY): Promise<Bench> {
  const clock = new VirtualClock(START_MS)
  const random = seededRandom('bench')
  const lines: string[] = []
  // The same at every opening: they outlive the database's connections.
  const keys = newHsmKeys(random.stream('keys'))
  const bank: Bank = {
    store: await openStore(path),
    pin: softPinModule(keys, random.stream('pin'), MADE_UP_PIN_COST),
    guard: openGuard(keys, random.stream('guard'), {cost: CHEAP, policy}),
    clock,
    random: random.stream('bank'),
    log: lineLog(clock, line => lines.push(line), 'debug'),
  }
  await seedDemo(bank, [ATM, 'ATM999'])
  const app = buildApp(bank, inProcessAuthenticate)
  return {
    bank,
    app,
    clock,
    lines,
    async close() {
      await app.close()
      await bank.store.close()
    },
  }
}

let databasesCount = 0

function openStore(path: string | undefined): Store | Promise<Store> {
  const cluster = process.env['TELLERD_TEST_CLUSTER']
  return path !== undefined || cluster === undefined
    ? openSqliteStore(path ?? ':memory:')
    : openNewDatabase(cluster, `bench_${process.pid}_${++databasesCount}`)
}

export interface Reply {
  readonly status: number
  readonly type: string
  readonly text: string
  /** Numbers as floats, which is good enough to compare in a test. */
  readonly json: Readonly<Record<string, unknown>>
}

/** Sends raw text or bytes, as a caller that the bank knows. What comes back is as it is documented, or it is no reply. */
export async function send(
  bench: Pick<Bench, 'app' | 'clock'>,
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
  path: string,
  body: string | Uint8Array | null,
  options: {readonly key?: string; readonly who?: Identity | Guest; readonly type?: string} = {},
): Promise<Reply> {
  const transport = inProcessTransport(bench.app, options.who ?? ATM_IDENTITY, bench.clock)
  const headers: Record<string, string> = {}
  if (body !== null) headers['content-type'] = options.type ?? 'application/json'
  if (options.key !== undefined) headers['idempotency-key'] = options.key
  const answer = await transport.send({method, path, headers, body, deadlineMs: 1_000})
  assert(answer.kind === 'answer', 'the bank is closed')
  assert(readJson(answer.body).kind === 'json', `the bank sent no exact JSON: ${answer.body}`)
  const json: unknown = JSON.parse(answer.body)
  assert(isRecord(json), 'the bank answered no object')
  const reply = {
    status: answer.status,
    type: (answer.headers['content-type'] ?? '').replace(/;.*/, ''),
    text: answer.body,
    json,
  }
  const faults = undocumented(method, path, reply)
  assert(faults.length === 0, `${method} ${path} answered ${answer.body}: ${faults.join('; ')}`)
  return reply
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Signs the machine on and gives its clear PIN key, as its pad would have it. */
export async function signOn(bench: Bench): Promise<Uint8Array> {
  const {json} = await send(bench, 'POST', `/api/atms/${ATM}/sign-on`, '{}')
  return tdesDecrypt(bytesOfHex(DEMO_MASTER_KEY_HEX), bytesOfHex(String(json['pin_key'])))
}

export function pinBlock(pinKey: Uint8Array, card: DemoCard, pin = card.pin): Secret<Uint8Array> {
  return new Secret(tdesEncrypt(pinKey, encodeIso0(pin, card.pan)))
}

let nextStan = 1
/** A key that no other call gives. */
export function freshKey(): OperationKey {
  return operationKeyOf(ATM, '2026-11-22', nextStan++)
}

/** Card and PIN at the machine. */
export async function verify(bench: Bench, pinKey: Uint8Array, card = ADA, pin = card.pin): Promise<Reply> {
  const body = JSON.stringify({
    track2: card.track2,
    pin_block: hexOf(pinBlock(pinKey, card, pin).reveal()),
  })
  return send(bench, 'POST', `/api/atms/${ATM}/verify-card`, body, {key: `"${freshKey()}"`})
}

/** A bank at which Ada has just shown her card and PIN. */
export async function openVisit(path?: string): Promise<Bench> {
  const bench = await openBench(path)
  await verify(bench, await signOn(bench))
  return bench
}
