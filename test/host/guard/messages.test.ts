/** Signed messages over the real door: what is not the machine's, not of now or not new changes nothing. */
import {join} from 'node:path'
import t from 'tap'
import {ATM} from '../bench.ts'
import {clock, openDoor} from '../door.ts'
import type {Door} from '../door.ts'
import {CLOCK_DIFFERENCE_MAX_MS, WINDOW_NUMBERS_MAX, windowAfter} from '../../../host/guard/messages.ts'
import {openSqliteStore} from '../../../host/store/sqlite.ts'
import {AssertionFailed, present} from '../../../kit/assert.ts'
import {silentLog} from '../../../kit/log.ts'
import {seededRandom} from '../../../kit/random.ts'
import {signerOf} from '../../../crypto/atm-message.ts'
import {operationKeyOf} from '../../../fsm/vocabulary.ts'
import {hostLink} from '../../../src/link/client.ts'
import {messageNumbers} from '../../../src/link/signing.ts'
import type {BankRequest, Transport, TransportAnswer} from '../../../src/link/transport.ts'

/** A reversal of a key that the bank has never seen: it leaves a tombstone, so that what was done can be seen. */
function reversal(stan: number): BankRequest {
  const key = operationKeyOf(ATM, '2026-11-22', stan)
  return {
    method: 'POST',
    path: `/api/operations/${encodeURIComponent(key)}/reverse`,
    headers: {'content-type': 'application/json', 'idempotency-key': `"${key}"`},
    body: '{"reason":"no-answer"}',
    deadlineMs: 5_000,
  }
}

/** A line that shows what the bank said, signed or not, and can send its last message again. */
function tapped(line: Transport) {
  let last: BankRequest | null = null
  let said = ''
  const hear = (answer: TransportAnswer): TransportAnswer => {
    said =
      answer.kind === 'answer'
        ? `${answer.status} ${/problem:([a-z-]+)/.exec(answer.body)?.[1] ?? 'fine'}${'signature' in answer.headers ? '' : ', unsigned'}`
        : answer.why
    return answer
  }
  return {
    line: {
      send: async (request: BankRequest) => hear(await line.send((last = request))),
      close: () => line.close(),
    },
    said: () => said,
    async again(changes: Partial<BankRequest> = {}): Promise<string> {
      hear(await line.send({...present(last, 'a message'), ...changes}))
      return said
    },
  }
}

async function tombstoneCount(door: Door): Promise<number> {
  const all = await door.host.bank.store.read(tx => tx.operations.all())
  return all.filter(({state}) => state === 'tombstone').length
}

t.test('only the machine, only now, only once', async t => {
  const folder = t.testdir()
  const door = await openDoor(folder)
  const tap = tapped(door.knock({seal: null}))
  t.teardown(() => tap.line.close())
  const number = messageNumbers(() => 1)
  const speak = (options: Parameters<Door['knock']>[0] = {}) =>
    door.knock({over: tap.line, ...options, seal: {nextNumber: number, ...options.seal}})

  await speak().send(reversal(1))
  t.equal(tap.said(), '200 fine')
  t.equal(await tombstoneCount(door), 1)
  t.equal(await tap.again(), '409 message-replayed', 'the very same bytes')
  const headers = {'content-type': 'application/json'}
  const {path, body} = reversal(2)
  t.equal(await tap.again({path}), '403 message-forged, unsigned', 'turned to another operation')
  t.equal(await tap.again({body: '{"reason":"other"}'}), '403 message-forged, unsigned')
  t.equal(await tap.again({path, body, headers}), '401 message-unsigned, unsigned')

  const other = present(door.certificates.atms.get('ATM999'), 'the other machine')
  const foreign = {signer: present(signerOf(other.key), 'a signer')}
  await speak({seal: foreign}).send(reversal(3))
  t.equal(tap.said(), '403 message-forged, unsigned', 'signed by another machine of ours')
  const misnamed = {signer: {...present(signerOf(door.atm.key), 'a signer'), keyId: foreign.signer.keyId}}
  await speak({seal: misnamed}).send(reversal(3))
  t.equal(tap.said(), '403 message-forged, unsigned', 'signed by itself, and called another’s')
  await speak({seal: {atmId: 'ATM999'}}).send(reversal(3))
  t.equal(tap.said(), '403 message-forged, unsigned', 'in the name of another machine')
  for (const offsetMs of [-CLOCK_DIFFERENCE_MAX_MS - 2_000, CLOCK_DIFFERENCE_MAX_MS + 2_000]) {
    await speak({offsetMs}).send(reversal(3))
    t.equal(tap.said(), '403 message-old', `${offsetMs} ms from now`)
  }
  t.equal(await tombstoneCount(door), 1, 'and nothing of all that was done')

  await speak().send(reversal(4))
  t.equal(tap.said(), '200 fine')
  await door.host.close()
  const store = openSqliteStore(join(folder, 'bank.db'))
  const pin = present(signerOf(door.atm.key), 'a signer').keyId
  const window = await store.read(tx => tx.messages.window(pin))
  t.ok(window.seen.length >= 2, 'the numbers outlive the bank')
  t.equal(windowAfter(window, window.seen.at(-1) ?? 0), null)
  await store.close()
})

t.test('a restart of either end forgets no number', async t => {
  const folder = t.testdir()
  const first = await openDoor(folder)
  const tap = tapped(first.knock({seal: null}))
  await first.knock({over: tap.line, seal: {nextNumber: messageNumbers(() => 7)}}).send(reversal(1))
  t.equal(tap.said(), '200 fine')
  await tap.line.close()
  await first.host.close()
  const second = await openDoor(folder)
  t.teardown(() => second.host.close())
  const line = tapped(second.knock({seal: null}))
  t.teardown(() => line.line.close())
  const life = (row: number) => second.knock({over: line.line, seal: {nextNumber: messageNumbers(() => row)}})
  await life(7).send(reversal(2))
  t.equal(line.said(), '409 message-replayed', 'a machine without its boot row would begin again')
  await life(8).send(reversal(2))
  t.equal(line.said(), '200 fine', 'with it, it goes on')
  t.equal(await tombstoneCount(second), 2)
})

t.test('an advice that a line delivered twice is acknowledged in the end', async t => {
  const door = await openDoor(t.testdir())
  t.teardown(() => door.host.close())
  const inner = door.knock({seal: null})
  t.teardown(() => inner.close())
  let sentCount = 0
  /** Delivers the first message twice, and shows the machine what the second copy was told. */
  const stammering: Transport = {
    async send(request) {
      sentCount += 1
      if (sentCount === 1) await inner.send(request)
      return inner.send(request)
    },
    close: () => inner.close(),
  }
  const link = hostLink(door.knock({over: stammering}), clock, silentLog, {
    atmId: ATM,
    currency: 'EUR',
    answerTimeoutMs: 10_000,
  })
  const advice = {
    kind: 'host.reverse',
    key: operationKeyOf(ATM, '2026-11-22', 9),
    because: 'no-answer',
    row: '',
  } as const
  t.equal((await link.advise(advice)).kind, 'silent', 'told that it was here before: nobody knows')
  t.equal((await link.advise(advice)).kind, 'acknowledged', 'the same key under a new number')
  t.equal(await tombstoneCount(door), 1)
})

t.test('an answer that the bank did not sign is none', async t => {
  const door = await openDoor(t.testdir())
  t.teardown(() => door.host.close())
  const inner = door.knock({seal: null})
  t.teardown(() => inner.close())
  const heard: TransportAnswer[] = []
  const through = async (change: (answer: TransportAnswer) => TransportAnswer): Promise<string> => {
    const line: Transport = {
      async send(request) {
        const answer = await inner.send(request)
        heard.push(answer)
        return change(answer)
      },
      close: async () => undefined,
    }
    const answer = await door.knock({over: line}).send(reversal(1))
    return answer.kind === 'answer' ? `status ${answer.status}` : answer.why
  }
  t.equal(await through(answer => answer), 'status 200')
  const edited = (answer: TransportAnswer, changes: object): TransportAnswer => ({...answer, ...changes})
  t.match(await through(answer => edited(answer, {status: 201})), /not the bank’s/)
  t.match(await through(answer => edited(answer, {body: '{"rc":"00"}'})), /not the bank’s/)
  t.match(await through(answer => edited(answer, {headers: {}})), /bears no signature/)
  t.match(await through(() => present(heard[0], 'the first answer')), /not the bank’s/, 'an answer of before')
})

t.test('the window: each number once, in any near order', async t => {
  const empty = {floor: -1, seen: []}
  t.same(windowAfter(empty, 0), {floor: -1, seen: [0]})
  t.equal(windowAfter({floor: -1, seen: [5]}, 5), null)
  t.same(windowAfter({floor: -1, seen: [5]}, 4), {floor: -1, seen: [4, 5]}, 'overtaken by one')
  t.equal(windowAfter({floor: 4, seen: []}, 4), null)
  t.equal(windowAfter({floor: 4, seen: []}, 3), null)
  const random = seededRandom('window')
  for (let round = 0; round < 20; round++) {
    let window: {floor: number; seen: readonly number[]} = empty
    const taken = new Set<number>()
    for (let step = 0; step < 120; step++) {
      const seq = random.below(200)
      const next = windowAfter(window, seq)
      if (next === null) continue
      if (taken.has(seq)) t.fail('a number was taken twice')
      taken.add(seq)
      window = next
      if (window.seen.length > WINDOW_NUMBERS_MAX) t.fail('the window grows')
    }
    const highest = Math.max(...taken)
    if (windowAfter(window, highest + 1) === null) t.fail('a higher number is refused')
  }
})

t.test('numbers grow with the journal, and never stand still', async t => {
  let row = 3
  const next = messageNumbers(() => row)
  const given = [next(), next()]
  row = 4
  given.push(next(), next())
  t.same(given, [30_000_000, 30_000_001, 40_000_000, 40_000_001])
  row = 2
  t.throws(() => next(), AssertionFailed, 'a journal that lost rows')
})
