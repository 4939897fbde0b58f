/**
 * The seal on what machines and bank say to each other, above TLS: a request that is not signed by the very
 * key of its machine, is old, or was here before is refused before anything is done; answers are signed by
 * a key of the bank's own.
 *
 * Only genuine requests get a signed answer: an answer signed for somebody else's number could be shown to
 * the machine that used it.
 */
import {note} from './audit.ts'
import {problemOf} from '../api/answer.ts'
import type {Answer, ProblemName} from '../api/answer.ts'
import type {Bank} from '../bank.ts'
import type {CertifiedKey} from '../identity.ts'
import type {MessageWindow} from '../store/port.ts'
import {checkRequest, signedAnswer} from '../../crypto/atm-message.ts'
import type {Headers, RequestParts, SignedRequest, Signer} from '../../crypto/atm-message.ts'

/** How far a machine's clock may be from ours. Chosen: two minutes, as `created` is whole seconds anyway. */
export const CLOCK_DIFFERENCE_MAX_MS = 120_000
/** Numbers below the highest that may still come, each once. Chosen: many times what two connections can reorder. */
export const WINDOW_NUMBERS_MAX = 32

/** `heard`: go on, and bind the answer to this. `refused`: answer so; bound when the request was genuine. */
export type Heard =
  | {readonly kind: 'heard'; readonly request: SignedRequest}
  | {readonly kind: 'refused'; readonly answer: Answer; readonly request: SignedRequest | null}

/** For the door through which machines come; a bank in process has none. */
export interface MessageSeal {
  hear(
    bank: Bank,
    from: {readonly atmId: string; readonly certified: CertifiedKey},
    parts: RequestParts,
    headers: Headers,
  ): Promise<Heard>
  /** The headers to send along. */
  seal(bank: Pick<Bank, 'clock'>, answer: Answer, request: SignedRequest): Readonly<Record<string, string>>
}

export function messageSeal(signer: Signer): MessageSeal {
  return {
    hear,
    seal: ({clock}, {status, text}, request) =>
      signedAnswer({status, content: text}, request, signer, clock.wallMs()),
  }
}

async function hear(
  bank: Bank,
  {atmId, certified}: {readonly atmId: string; readonly certified: CertifiedKey},
  parts: RequestParts,
  headers: Headers,
): Promise<Heard> {
  const {pin, key} = certified
  const checked = checkRequest(parts, headers, keyId => (keyId === pin ? key : null))
  if (checked.kind !== 'genuine') return refused(bank, atmId, `message-${checked.kind}`, checked.why, null)
  const {request, createdAtMs} = checked
  if (request.atmId !== atmId)
    return refused(bank, atmId, 'message-forged', 'the signature is for another machine', null)
  const differenceMs = Math.abs(bank.clock.wallMs() - createdAtMs)
  if (differenceMs > CLOCK_DIFFERENCE_MAX_MS)
    return refused(
      bank,
      atmId,
      'message-old',
      `signed ${Math.round(differenceMs / 1_000)} s from the bank’s time`,
      request,
    )
  // What only reads may be asked again: it changes nothing, and its answer goes to whoever asked before.
  if (parts.method !== 'GET' && !(await isFirst(bank, atmId, pin, request.seq)))
    return refused(bank, atmId, 'message-replayed', 'this number was used before', request)
  return {kind: 'heard', request}
}

async function refused(
  bank: Bank,
  atmId: string,
  name: ProblemName,
  why: string,
  request: SignedRequest | null,
): Promise<Heard> {
  bank.log.warn('a message was refused', {atmId, name, why})
  await bank.store.transact(tx =>
    note(bank, tx, {
      who: `machine:${atmId}`,
      action: 'message.refused',
      outcome: 'refused',
      detail: `${name}: ${why}`,
    }),
  )
  return {kind: 'refused', answer: problemOf(name, why), request}
}

/** Takes the number, durably; no when it was taken before. A key's first number retires the machine's other keys. */
function isFirst(bank: Bank, atmId: string, pin: string, seq: number): Promise<boolean> {
  return bank.store.transact(async tx => {
    const window = await tx.messages.window(pin)
    const next = windowAfter(window, seq)
    if (next === null) return false
    if (window.seen.length === 0) {
      await tx.atms.revokeAllBut(atmId, pin)
      await note(bank, tx, {who: `machine:${atmId}`, action: 'machine.key-used', detail: `key ${pin}`})
    }
    await tx.messages.setWindow(pin, next)
    return true
  })
}

/**
 * The window with one number more, or null when that number was used, or lies so far back that nobody can
 * say any more.
 */
export function windowAfter({floor, seen}: MessageWindow, seq: number): MessageWindow | null {
  if (seq <= floor || seen.includes(seq)) return null
  const all = [...seen, seq].sort((left, right) => left - right)
  const [lowest = seq, ...rest] = all
  return all.length > WINDOW_NUMBERS_MAX ? {floor: lowest, seen: rest} : {floor, seen: all}
}
