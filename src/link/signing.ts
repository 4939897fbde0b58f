/**
 * The seal on what machine and bank say to each other, as a layer over the line: every request is signed
 * with the machine's key under a number of its own, and an answer that the bank did not sign for that very
 * request is no answer. A line that repeats or delays is below it, so what it repeats is an old message.
 */
import type {KeyObject} from 'node:crypto'
import {checkAnswer, pemsIn, signedRequest, signerOf, signersKnown} from '../../crypto/atm-message.ts'
import type {Signer} from '../../crypto/atm-message.ts'
import {assert} from '../../kit/assert.ts'
import type {Clock} from '../../kit/clock.ts'
import {SystemFault} from '../../kit/errors.ts'
import type {Secret} from '../../kit/secret.ts'
import type {Transport} from './transport.ts'

/** Messages that may go out between two rows of the journal. At one each five seconds, a year and a half. */
const NUMBERS_PER_ROW = 10_000_000

export interface Seal {
  readonly atmId: string
  readonly signer: Signer
  /** The bank's public keys by their pins. */
  readonly bankKeys: ReadonlyMap<string, KeyObject>
  /** Never gives a number twice, over restarts too. */
  readonly nextNumber: () => number
}

/**
 * @param key PEM, of the machine's certificate
 * @param bankSigners PEM, one certificate or public key or more
 * @param headSeq number of the journal's last row
 * @throws SystemFault when the key is not on P-256, or there is no signer
 */
export function sealOf(atmId: string, key: Secret<string>, bankSigners: string, headSeq: () => number): Seal {
  const signer = signerOf(key)
  if (signer === null) throw new SystemFault('the machine’s key does not lie on P-256, so it cannot sign')
  const pems = pemsIn(bankSigners)
  if (pems.length === 0) throw new SystemFault('there is no key by which the bank’s answers could be known')
  return {atmId, signer, bankKeys: signersKnown(pems), nextNumber: messageNumbers(headSeq)}
}

/**
 * Numbers that only grow. The journal is the memory: every start of the program appends a row, so a life's
 * first number is above all of the life before, and there is no second file that could be older than the first.
 */
export function messageNumbers(headSeq: () => number): () => number {
  let row = -1
  let count = 0
  return () => {
    const head = headSeq()
    assert(head >= row, 'the journal has fewer rows than before')
    count = head === row ? count + 1 : 0
    row = head
    assert(count < NUMBERS_PER_ROW, 'too many messages without a row in the journal')
    return head * NUMBERS_PER_ROW + count
  }
}

export function signedTransport(line: Transport, seal: Seal, clock: Clock): Transport {
  const {atmId, signer, bankKeys, nextNumber} = seal
  return {
    async send(question) {
      const {method, path, body, headers} = question
      const {headers: sealing, request} = signedRequest(
        {method, path, content: body ?? ''},
        {idempotencyKey: headers['idempotency-key'] ?? null, atmId, seq: nextNumber()},
        signer,
        clock.wallMs(),
      )
      const answer = await line.send({...question, headers: {...headers, ...sealing}})
      if (answer.kind === 'silent') return answer
      const verdict = checkAnswer(
        {status: answer.status, content: answer.body},
        answer.headers,
        request,
        bankKeys,
      )
      return verdict.kind === 'genuine'
        ? answer
        : {kind: 'silent', why: `an answer ${answer.status} was not the bank’s: ${verdict.why}`, sent: true}
    },
    close: () => line.close(),
  }
}
