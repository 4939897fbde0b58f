/** How this machine gets its certificate from the bank, and the next one: the key is made here and stays here. */
import {createPublicKey} from 'node:crypto'
import * as schema from '../../host/api/schema.ts'
import {signerOf} from '../../crypto/atm-message.ts'
import {possessionProof, publicKeyText} from '../../crypto/possession.ts'
import {present} from '../../kit/assert.ts'
import {readJson, writeJson} from '../../kit/exact-json.ts'
import type {Writable} from '../../kit/exact-json.ts'
import {certificateFault, newMachineKey} from './identity.ts'
import type {MachineIdentity} from './identity.ts'
import type {Transport} from './transport.ts'

export type Issued =
  | {readonly kind: 'issued'; readonly identity: MachineIdentity}
  /** The bank answered no; nothing here gets better by asking again. */
  | {readonly kind: 'refused'; readonly why: string}
  | {readonly kind: 'silent'; readonly why: string}

interface Ask {
  readonly atmId: string
  /** PEM, the authority that must have signed the certificate. */
  readonly authority: string
  readonly deadlineMs: number
}

/** The first certificate. @param line to the bank, known by its pin; this end shows no certificate yet */
export async function enrolAt(line: Transport, code: string, ask: Ask): Promise<Issued> {
  return issuedBy(line, schema.paths.enrol(), code, {atm_id: ask.atmId, code}, ask)
}

/** The next certificate. @param pin of the key in use, with which the line signs */
export async function renewAt(line: Transport, pin: string, ask: Ask): Promise<Issued> {
  return issuedBy(line, schema.paths.renew(ask.atmId), pin, {}, ask)
}

async function issuedBy(
  line: Transport,
  path: string,
  because: string,
  fields: {readonly [field: string]: Writable},
  {atmId, authority, deadlineMs}: Ask,
): Promise<Issued> {
  const key = newMachineKey()
  const {key: privateKey} = present(signerOf(key), 'a new key on P-256')
  const answer = await line.send({
    method: 'POST',
    path,
    headers: {accept: 'application/json, application/problem+json', 'content-type': 'application/json'},
    body: writeJson({
      ...fields,
      public_key: publicKeyText(createPublicKey(privateKey)),
      proof: possessionProof(privateKey, {atmId, because}),
    }),
    deadlineMs,
  })
  if (answer.kind === 'silent') return {kind: 'silent', why: answer.why}
  const read = readJson(answer.body)
  if (read.kind === 'refused') return {kind: 'silent', why: `the bank answered ${answer.status} with no JSON`}
  if (answer.status !== 200) {
    const problem = schema.problem.decode(read.json, 'ignore')
    return problem.kind === 'refused'
      ? {kind: 'silent', why: `the bank answered ${answer.status} without saying why`}
      : {kind: problem.value.retry === 'never' ? 'refused' : 'silent', why: problem.value.detail}
  }
  const message = schema.certificateAnswer.decode(read.json, 'ignore')
  if (message.kind === 'refused') return {kind: 'silent', why: `the bank’s answer ${message.why}`}
  const identity = {certificate: message.value.certificate, key}
  const fault = certificateFault(identity, atmId, authority)
  return fault === null
    ? {kind: 'issued', identity}
    : {kind: 'refused', why: `the bank issued a certificate that is of no use: ${fault}`}
}
