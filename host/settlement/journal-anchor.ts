/**
 * The bank's half of an anchor: it signs that it has a machine's journal to that row and hash, with the machine's own
 * signature under the same, and keeps both. Countersigned means durable here: the machine may forget rows after that.
 */
import {anchorSigner, countersignAnchor} from '../../crypto/anchor.ts'
import {answered, problemOf} from '../api/answer.ts'
import type {Answer} from '../api/answer.ts'
import type {AnchorAnswer, AnchorRequest} from '../api/schema.ts'
import {isoSeconds} from '../bank.ts'
import type {Bank} from '../bank.ts'
import type {Guest, Identity} from '../identity.ts'
import type {JournalAnchor} from '../store/port.ts'

/** Takes the anchor of a journal that is here to its row; asked again, it answers as before. */
export async function takeAnchor(
  bank: Bank,
  who: Identity | Guest,
  atmId: string,
  {row, hash, public_key: key, signature}: AnchorRequest,
): Promise<Answer> {
  const point = {atmId, row, hash}
  const machine = {key, signature}
  const pin = anchorSigner(point, machine)
  const certified = who.kind === 'atm' ? who.certified : undefined
  if (pin === null || (certified !== undefined && certified.pin !== pin))
    return problemOf('key-unproved', 'the signature under the anchor is not of the calling machine’s key')
  return bank.store.transact(async tx => {
    const known = await tx.journals.anchor(atmId, row)
    if (known !== null)
      return known.hash === hash
        ? answerOf(atmId, known)
        : problemOf('key-used-otherwise', 'that row was anchored with another hash')
    const tip = await tx.journals.tip(atmId)
    if (tip === null || tip.rowsCount !== row)
      return problemOf('out-of-order', `the bank has ${tip?.rowsCount ?? 0} rows`)
    if (tip.lastHash !== hash) return problemOf('journal-broken', 'the last row here has another hash')
    const nowMs = bank.clock.wallMs()
    const taken = countersignAnchor(point, machine, isoSeconds(nowMs), bank.guard.anchorSigner)
    const anchor: JournalAnchor = {
      row,
      hash,
      machineKey: key,
      machineSignature: signature,
      bankKey: taken.key,
      bankSignature: taken.signature,
      takenAt: taken.takenAt,
    }
    await tx.journals.addAnchor(atmId, anchor)
    return answerOf(atmId, anchor)
  })
}

function answerOf(atmId: string, anchor: JournalAnchor): Answer {
  const {row, hash, bankKey, bankSignature, takenAt, machineKey, machineSignature} = anchor
  const body: AnchorAnswer = {
    atm_id: atmId,
    row,
    hash,
    machine_key: machineKey,
    machine_signature: machineSignature,
    bank_key: bankKey,
    bank_signature: bankSignature,
    taken_at: takenAt,
  }
  return answered(body)
}
