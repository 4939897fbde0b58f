/**
 * How a machine gets its key, and the next one. The key is made in the machine and never leaves it; the bank
 * issues a certificate over the public half. The first comes with a one-time code that an operator made for
 * that machine, every later one is asked for under the one before.
 *
 * A machine has two keys at most: one in use, and one that was issued and not used yet. The first message
 * under the new one retires the old.
 */
import type {KeyObject} from 'node:crypto'
import {actorOf, note} from './audit.ts'
import type {AuditAction} from './audit.ts'
import {codeHash, newCode} from './tokens.ts'
import {answered, problemOf} from '../api/answer.ts'
import type {Answer} from '../api/answer.ts'
import type {CertificateAnswer, EnrolmentCodeAnswer, EnrolRequest, RenewRequest} from '../api/schema.ts'
import {isoSeconds} from '../bank.ts'
import type {Bank} from '../bank.ts'
import type {CertifiedKey, Identity} from '../identity.ts'
import type {Tx} from '../store/port.ts'
import {spkiPin} from '../../crypto/http-signature.ts'
import {provedKey} from '../../crypto/possession.ts'
import {epochMs} from '../../kit/clock.ts'

/** Chosen: as long as somebody stands before the machine. */
export const ENROLMENT_MS = 3_600_000

/** A fresh code for this machine; codes made before are of no more use. */
export async function openEnrolment(bank: Bank, who: Identity, atmId: string): Promise<Answer> {
  const code = newCode(bank.random)
  const nowMs = bank.clock.wallMs()
  const endsAtMs = epochMs(nowMs + ENROLMENT_MS)
  return bank.store.transact(async tx => {
    if ((await tx.atms.find(atmId)) === null)
      return problemOf('unknown-atm', 'the machine in the path does not exist')
    await tx.enrolments.open(codeHash(code), atmId, nowMs, endsAtMs)
    await note(bank, tx, {who: actorOf(who), action: 'machine.code', subject: atmId})
    const body: EnrolmentCodeAnswer = {code, atm_id: atmId, ends_at: isoSeconds(endsAtMs)}
    return answered(body)
  })
}

/** A certificate for a machine that has none yet; the same key may ask again with its code. */
export async function enrol(bank: Bank, ask: EnrolRequest): Promise<Answer> {
  const {atm_id: atmId, code, public_key: publicKey, proof} = ask
  const key = provedKey(publicKey, proof, {atmId, because: code})
  if (key === null) return problemOf('key-unproved', 'the proof is not of this key, machine and code')
  const pin = spkiPin(key)
  return certified(bank, {atmId, key, action: 'machine.enrolled'}, async tx =>
    (await tx.enrolments.spend(codeHash(code), {atmId, pin, nowMs: bank.clock.wallMs()})) === 'spent'
      ? null
      : problemOf('code-gone', 'there is no such code for this machine, or it was used, or it is over'),
  )
}

/** The next certificate of a machine that has one. */
export async function renew(
  bank: Bank,
  {atmId, certified: before}: {readonly atmId: string; readonly certified: CertifiedKey},
  {public_key: publicKey, proof}: RenewRequest,
): Promise<Answer> {
  const key = provedKey(publicKey, proof, {atmId, because: before.pin})
  return key === null
    ? problemOf('key-unproved', 'the proof is not of this key and machine')
    : certified(bank, {atmId, key, action: 'machine.renewed'}, async () => null)
}

/** @param refusal what speaks against it, or null, having taken what must be taken once */
async function certified(
  bank: Bank,
  {atmId, key, action}: {readonly atmId: string; readonly key: KeyObject; readonly action: AuditAction},
  refusal: (tx: Tx) => Promise<Answer | null>,
): Promise<Answer> {
  const {issue} = bank.guard
  if (issue === null) return problemOf('no-authority', 'this bank issues no certificates')
  const pin = spkiPin(key)
  // Outside the transaction, which waits for nothing; nobody sees it before that has ended well.
  const body: CertificateAnswer = {certificate: await issue(atmId, key, bank.clock.wallMs())}
  return bank.store.transact(async tx => {
    const refused = await refusal(tx)
    if (refused !== null) return refused
    const known = await tx.atms.findPin(pin)
    if (known !== null && (known.isRevoked || known.atm.atmId !== atmId))
      return problemOf('key-used-otherwise', 'this key was handed in before')
    if (known === null) {
      await tx.atms.addNextPin(atmId, pin)
      await note(bank, tx, {who: `machine:${atmId}`, action, detail: `key ${pin}`})
    }
    return answered(body)
  })
}

/** All keys of the machine, from this moment on, on open connections too. */
export async function revoke(bank: Bank, who: Identity, atmId: string): Promise<Answer> {
  return bank.store.transact(async tx => {
    if ((await tx.atms.find(atmId)) === null)
      return problemOf('unknown-atm', 'the machine in the path does not exist')
    await tx.atms.revokeAllBut(atmId, null)
    await note(bank, tx, {who: actorOf(who), action: 'machine.revoked', subject: atmId})
    return answered({})
  })
}
