/** What the archive asks of the bank: how far it has the journal, to take another piece, and to sign for the end. */
import {hash as digest} from 'node:crypto'
import * as schema from '../../host/api/schema.ts'
import {anchorCountersigner, signAnchor} from '../../crypto/anchor.ts'
import type {AnchorPoint} from '../../crypto/anchor.ts'
import type {Signer} from '../../crypto/atm-message.ts'
import type {Event} from '../../fsm/vocabulary.ts'
import type {Clock} from '../../kit/clock.ts'
import {asked, silent} from './client.ts'
import type {Heard, LinkOptions, Question} from './client.ts'
import type {Silent} from './port.ts'
import type {Transport} from './transport.ts'

/** How far the bank has the journal; 0 rows and GENESIS before the first. */
export interface BankTip {
  readonly rows: number
  readonly hash: string
  /** Bytes of the JSON lines up to there. */
  readonly offsetBytes: number
}

/** `refused`: the bank understood and does not take it; what it has says the next `tip`. */
export type TipAnswer =
  {readonly kind: 'tip'; readonly tip: BankTip} | {readonly kind: 'refused'; readonly why: string} | Silent

export type AnchorOutcome =
  | {readonly kind: 'anchored'; readonly event: Extract<Event, {type: 'journal.anchored'}>}
  | {readonly kind: 'refused'; readonly why: string}
  | Silent

export interface JournalLink {
  tip(): Promise<TipAnswer>
  /** @param lines whole lines of the JSON-lines export, the first right after that offset */
  send(offsetBytes: number, lines: string): Promise<TipAnswer>
  anchor(row: number, hash: string): Promise<AnchorOutcome>
}

/** @param signer the machine's key of now: it changes when the certificate is renewed */
export function journalLink(
  transport: Transport,
  clock: Clock,
  options: Pick<LinkOptions, 'atmId' | 'answerTimeoutMs'>,
  signer: () => Signer,
): JournalLink {
  const {atmId} = options
  const ask = <T>(question: Pick<Question, 'path' | 'body'>, shape: schema.Message<T>) =>
    asked(
      transport,
      clock,
      options,
      {method: question.body === null ? 'GET' : 'POST', key: null, ...question},
      shape,
    )
  const path = schema.paths.journal(atmId)
  return {
    async tip() {
      return tipIn(atmId, await ask({path, body: null}, schema.journalAnswer))
    },
    async send(offset, segment) {
      const body = {offset, sha256: digest('sha256', segment), segment}
      return tipIn(atmId, await ask({path, body}, schema.journalAnswer))
    },
    async anchor(row, hash) {
      const point: AnchorPoint = {atmId, row, hash}
      const {key: public_key, signature} = signAnchor(point, signer())
      const body = {row, hash, public_key, signature}
      const heard = await ask({path: schema.paths.anchor(atmId), body}, schema.anchorAnswer)
      if (heard.kind !== 'heard') return refusedOr(heard)
      const {message} = heard
      if (message.atm_id !== atmId || message.row !== row || message.hash !== hash)
        return silent('the anchor is another one')
      const machine = {key: message.machine_key, signature: message.machine_signature}
      const bank = {key: message.bank_key, signature: message.bank_signature, takenAt: message.taken_at}
      if (anchorCountersigner(point, machine, bank) === null)
        return silent('the bank’s signature under the anchor is none')
      return {
        kind: 'anchored',
        event: {
          type: 'journal.anchored',
          row,
          hash,
          takenAt: message.taken_at,
          machineKey: message.machine_key,
          machineSignature: message.machine_signature,
          bankKey: message.bank_key,
          bankSignature: message.bank_signature,
        },
      }
    },
  }
}

function tipIn(atmId: string, heard: Heard<schema.JournalAnswer>): TipAnswer {
  if (heard.kind !== 'heard') return refusedOr(heard)
  const {atm_id, rows, last_hash, next_offset} = heard.message
  return atm_id === atmId
    ? {kind: 'tip', tip: {rows, hash: last_hash, offsetBytes: next_offset}}
    : silent('the answer is about another journal')
}

function refusedOr(
  heard: Exclude<Heard<unknown>, {kind: 'heard'}>,
): {readonly kind: 'refused'; readonly why: string} | Silent {
  switch (heard.kind) {
    case 'silent':
      return heard
    case 'declined':
      return {kind: 'refused', why: `declined ${heard.declined.rc}`}
    case 'problem':
      return heard.problem.retry === 'never'
        ? {kind: 'refused', why: `${heard.problem.rc} ${heard.problem.detail}`}
        : silent(`the bank asks for patience: ${heard.problem.detail}`)
  }
}
