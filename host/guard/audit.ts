/**
 * The audit of what people, programs and machines did that is not money: appended in the same transaction
 * as the deed, and chained by a MAC under a key that is not in the database. Whoever can write the database
 * and nothing else can neither change, drop, move nor add an entry unnoticed; cutting off the newest entries
 * together with the head is seen by whoever noted the head before.
 *
 * No entry holds a secret: no code, token, password, key or card number.
 */
import {answered} from '../api/answer.ts'
import type {Answer} from '../api/answer.ts'
import type {AuditAnswer, AuditVerdictAnswer} from '../api/guard-schema.ts'
import type {Bank} from '../bank.ts'
import type {Guest, Identity} from '../identity.ts'
import type {AuditEntry, Tx} from '../store/port.ts'
import {isoTime} from '../../kit/clock.ts'

export type AuditAction =
  | 'sign-in'
  | 'sign-out'
  | 'person.invited'
  | 'person.joined'
  | 'person.closed'
  | 'program.admitted'
  | 'program.revoked'
  | 'machine.code'
  | 'machine.enrolled'
  | 'machine.renewed'
  | 'machine.key-used'
  | 'machine.revoked'
  | 'message.refused'
  | 'machine.added'
  | 'machine.changed'
  | 'machine.counted'
  | 'customer.added'
  | 'customer.changed'
  | 'account.opened'
  | 'card.added'
  | 'card.changed'
  | 'operation.settled'
  | 'difference.resolved'
  | 'alert.closed'
  | 'card.second-factor'
  | 'machine.placed'

export interface Deed {
  /** As `actorOf` names them. */
  readonly who: string
  readonly action: AuditAction
  /** Whom or what it was done to; empty when that is `who`. */
  readonly subject?: string
  readonly outcome?: 'done' | 'refused'
  readonly detail?: string
}

/** Entries given out at a time. */
export const AUDIT_ENTRIES_MAX = 200

/** What an audit is to be found to be. */
export type AuditVerdict =
  | {readonly kind: 'whole'; readonly count: number; readonly head: string}
  | {readonly kind: 'broken'; readonly seq: number; readonly why: string}

export function actorOf(who: Identity | Guest): string {
  if (who.kind === 'guest') return 'guest'
  return who.kind === 'atm' ? `machine:${who.atmId}` : who.name
}

/** Appends one entry. Last in a transaction: others wait for it from here on. */
export async function note(bank: Pick<Bank, 'guard' | 'clock'>, tx: Tx, deed: Deed): Promise<void> {
  const {who, action, subject = '', outcome = 'done', detail = ''} = deed
  const {seq, macBefore} = await tx.audit.takeNext()
  const entry = {seq, atMs: bank.clock.wallMs(), who, action, subject, outcome, detail}
  await tx.audit.append({...entry, mac: bank.guard.auditMac(chained(macBefore, entry))})
}

/** Checks every entry against the chain, from the first to the head. */
export async function verifyAudit(bank: Pick<Bank, 'guard' | 'store'>): Promise<AuditVerdict> {
  // Read once, before the entries: what is appended meanwhile lies beyond it.
  const head = await bank.store.read(tx => tx.audit.head())
  let macBefore = ''
  for (let next = 1; next <= head.seq;) {
    const entries = await bank.store.read(tx => tx.audit.from(next, AUDIT_ENTRIES_MAX))
    if (entries.length === 0)
      return {kind: 'broken', seq: next, why: 'it is missing, and so is all behind it'}
    for (const entry of entries) {
      if (entry.seq !== next) return {kind: 'broken', seq: next, why: 'it is missing'}
      if (entry.mac !== bank.guard.auditMac(chained(macBefore, entry)))
        return {kind: 'broken', seq: next, why: 'it is not what was written here'}
      macBefore = entry.mac
      next += 1
      if (next > head.seq) break
    }
  }
  return macBefore === head.mac
    ? {kind: 'whole', count: head.seq, head: head.mac}
    : {kind: 'broken', seq: head.seq, why: 'the head is not the last entry’s'}
}

/** @param from number of the first entry wanted */
export async function auditFrom(bank: Bank, from: number): Promise<Answer> {
  const entries = await bank.store.read(tx => tx.audit.from(from, AUDIT_ENTRIES_MAX))
  const body: AuditAnswer = {
    entries: entries.map(({seq, atMs, who, action, subject, outcome, detail}) => ({
      seq,
      at: isoTime(atMs),
      who,
      action,
      subject,
      outcome,
      detail,
    })),
  }
  return answered(body)
}

export async function auditVerdict(bank: Bank): Promise<Answer> {
  const verdict = await verifyAudit(bank)
  if (verdict.kind === 'broken') bank.log.error('the audit is broken', {seq: verdict.seq, why: verdict.why})
  const body: AuditVerdictAnswer =
    verdict.kind === 'whole'
      ? {verdict: 'whole', seq: verdict.count, head: verdict.head}
      : {verdict: 'broken', seq: verdict.seq, why: verdict.why}
  return answered(body)
}

function chained(macBefore: string, entry: Omit<AuditEntry, 'mac'>): string {
  const {seq, atMs, who, action, subject, outcome, detail} = entry
  return JSON.stringify([macBefore, seq, atMs, who, action, subject, outcome, detail])
}
