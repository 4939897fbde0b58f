/**
 * How a machine and its bank sign what they say to each other, above TLS: the profile of RFC 9421 that both
 * ends share. A request covers method, path, content, idempotency key, machine and number; an answer covers
 * its status and content together with those of the very request that it answers, signature included, so
 * that no answer can be shown for another question. The number is used once, which makes a nonce superfluous.
 *
 * Read strictly: exactly this profile, or it is no signature.
 */
import {createPrivateKey, createPublicKey} from 'node:crypto'
import type {KeyObject} from 'node:crypto'
import {
  ALGORITHM,
  contentDigest,
  isP256,
  isSignatureOf,
  signBase,
  signatureBase,
  signatureParams,
  spkiPin,
} from './http-signature.ts'
import type {Component} from './http-signature.ts'
import {assert} from '../kit/assert.ts'
import type {Secret} from '../kit/secret.ts'

/** Lower-case names; a header that was sent twice is no string. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

export interface Signer {
  /** Pin of the public key. */
  readonly keyId: string
  readonly key: KeyObject
}

export interface RequestParts {
  readonly method: string
  /** With its leading slash and without a query, which the profile does not have. */
  readonly path: string
  /** As it travels; empty when there is none. */
  readonly content: Uint8Array | string
}

/** What an answer is bound to: fields of a signed request. */
export interface SignedRequest {
  readonly idempotencyKey: string | null
  readonly atmId: string
  readonly seq: number
  /** The field, `atm=:...:`. */
  readonly signature: string
}

export interface AnswerParts {
  readonly status: number
  readonly content: Uint8Array | string
}

export type RequestVerdict =
  | {
      readonly kind: 'genuine'
      readonly request: SignedRequest
      readonly keyId: string
      /** By the sender's clock, whole seconds. */
      readonly createdAtMs: number
    }
  | {readonly kind: 'unsigned'; readonly why: string}
  | {readonly kind: 'forged'; readonly why: string}

export type AnswerVerdict = {readonly kind: 'genuine'} | {readonly kind: 'forged'; readonly why: string}

/** The label of the signature in its two fields. */
const LABEL = 'atm'
const TAG = 'atm-v1'
const PARAMETERS = new RegExp(
  `^;created=([1-9][0-9]{0,11});keyid="([0-9a-f]{64})";alg="${ALGORITHM}";tag="${TAG}"$`,
)
const SIGNATURE = new RegExp(`^${LABEL}=:([A-Za-z0-9+/]{86}==):$`)
const NUMBER = /^(?:0|[1-9][0-9]{0,15})$/

/** The signer whose private key the PEM text holds, or null when it is no EC key on P-256. */
export function signerOf(pem: Secret<string>): Signer | null {
  const key = createPrivateKey(pem.reveal())
  return isP256(key) ? {keyId: spkiPin(createPublicKey(key)), key} : null
}

/** The certificates and public keys of a text that may hold several. */
export function pemsIn(text: string): readonly string[] {
  return text.match(/-----BEGIN ([A-Z ]+)-----[\s\S]*?-----END \1-----/g) ?? []
}

/** Public keys by their pins. @param pems certificates or public keys */
export function signersKnown(pems: readonly string[]): ReadonlyMap<string, KeyObject> {
  return new Map(
    pems.map(pem => {
      const key = createPublicKey(pem)
      return [spkiPin(key), key]
    }),
  )
}

/**
 * The headers that make a request a signed one.
 * @param number safe integer that the machine never used before
 */
export function signedRequest(
  parts: RequestParts,
  about: {readonly idempotencyKey: string | null; readonly atmId: string; readonly seq: number},
  signer: Signer,
  createdAtMs: number,
): {readonly headers: Readonly<Record<string, string>>; readonly request: SignedRequest} {
  assert(Number.isSafeInteger(about.seq) && about.seq >= 0, 'a message number is not a safe integer')
  const digest = contentDigest(parts.content)
  const components = requestComponents(parts, digest, about)
  const fields = signatureFields(components, signer, createdAtMs)
  return {
    headers: {
      'content-digest': digest,
      'atm-id': about.atmId,
      'atm-seq': String(about.seq),
      ...fields,
    },
    request: {...about, signature: fields.signature},
  }
}

/** @param keyOf the public key that a `keyid` may stand for, or null */
export function checkRequest(
  parts: RequestParts,
  headers: Headers,
  keyOf: (keyId: string) => KeyObject | null,
): RequestVerdict {
  const input = headers['signature-input']
  const signature = headers['signature']
  const atmId = headers['atm-id']
  const seq = headers['atm-seq']
  if (input === undefined && signature === undefined)
    return {kind: 'unsigned', why: 'the request bears no signature'}
  if (typeof input !== 'string' || typeof signature !== 'string')
    return {kind: 'unsigned', why: 'the request bears half a signature'}
  if (typeof atmId !== 'string' || typeof seq !== 'string' || !NUMBER.test(seq))
    return {kind: 'forged', why: 'the request has no machine or no number'}
  const idempotencyKey = headers['idempotency-key'] ?? null
  if (idempotencyKey !== null && typeof idempotencyKey !== 'string')
    return {kind: 'forged', why: 'the request has two keys'}
  if (parts.path.includes('?')) return {kind: 'forged', why: 'a query is not covered'}
  const digest = contentDigest(parts.content)
  if (headers['content-digest'] !== digest) return {kind: 'forged', why: 'the digest is of another content'}
  const request = {idempotencyKey, atmId, seq: Number(seq), signature}
  if (!Number.isSafeInteger(request.seq)) return {kind: 'forged', why: 'the number is out of range'}
  const checked = checkSignature(requestComponents(parts, digest, request), input, signature, keyOf)
  return checked.kind === 'genuine' ? {...checked, request} : checked
}

/** The headers that bind an answer to the request. */
export function signedAnswer(
  answer: AnswerParts,
  request: SignedRequest,
  signer: Signer,
  createdAtMs: number,
): Readonly<Record<string, string>> {
  const digest = contentDigest(answer.content)
  const components = answerComponents(answer, digest, request)
  return {'content-digest': digest, ...signatureFields(components, signer, createdAtMs)}
}

/** @param keys of the bank, by pin */
export function checkAnswer(
  answer: AnswerParts,
  headers: Headers,
  request: SignedRequest,
  keys: ReadonlyMap<string, KeyObject>,
): AnswerVerdict {
  const input = headers['signature-input']
  const signature = headers['signature']
  if (typeof input !== 'string' || typeof signature !== 'string')
    return {kind: 'forged', why: 'the answer bears no signature'}
  const digest = contentDigest(answer.content)
  if (headers['content-digest'] !== digest) return {kind: 'forged', why: 'the digest is of another content'}
  const components = answerComponents(answer, digest, request)
  const checked = checkSignature(components, input, signature, keyId => keys.get(keyId) ?? null)
  return checked.kind === 'genuine' ? {kind: 'genuine'} : checked
}

function requestComponents(
  {method, path}: RequestParts,
  digest: string,
  {idempotencyKey, atmId, seq}: Omit<SignedRequest, 'signature'>,
): readonly Component[] {
  return [
    {identifier: '"@method"', value: method},
    {identifier: '"@path"', value: path},
    {identifier: '"content-digest"', value: digest},
    ...(idempotencyKey === null ? [] : [{identifier: '"idempotency-key"', value: idempotencyKey}]),
    {identifier: '"atm-id"', value: atmId},
    {identifier: '"atm-seq"', value: String(seq)},
  ]
}

function answerComponents(
  {status}: AnswerParts,
  digest: string,
  {idempotencyKey, atmId, seq, signature}: SignedRequest,
): readonly Component[] {
  return [
    {identifier: '"@status"', value: String(status)},
    {identifier: '"content-digest"', value: digest},
    ...(idempotencyKey === null ? [] : [{identifier: '"idempotency-key";req', value: idempotencyKey}]),
    {identifier: '"atm-id";req', value: atmId},
    {identifier: '"atm-seq";req', value: String(seq)},
    {identifier: '"signature";req', value: signature},
  ]
}

function signatureFields(components: readonly Component[], {keyId, key}: Signer, createdAtMs: number) {
  const params = signatureParams(
    components,
    `;created=${Math.floor(createdAtMs / 1_000)};keyid="${keyId}";alg="${ALGORITHM}";tag="${TAG}"`,
  )
  return {
    'signature-input': `${LABEL}=${params}`,
    signature: `${LABEL}=:${signBase(signatureBase(components, params), key)}:`,
  }
}

function checkSignature(
  components: readonly Component[],
  input: string,
  field: string,
  keyOf: (keyId: string) => KeyObject | null,
):
  | {readonly kind: 'genuine'; readonly keyId: string; readonly createdAtMs: number}
  | {readonly kind: 'forged'; readonly why: string} {
  const covered = `${LABEL}=${signatureParams(components, '')}`
  const parameters = input.startsWith(covered) ? PARAMETERS.exec(input.slice(covered.length)) : null
  const [, created, keyId] = parameters ?? []
  const [, signature] = SIGNATURE.exec(field) ?? []
  if (created === undefined || keyId === undefined || signature === undefined)
    return {kind: 'forged', why: 'the signature is not of this profile'}
  const key = keyOf(keyId)
  if (key === null) return {kind: 'forged', why: 'the signature is of a key that does not count here'}
  const base = signatureBase(components, input.slice(LABEL.length + 1))
  return isSignatureOf(base, signature, key)
    ? {kind: 'genuine', keyId, createdAtMs: Number(created) * 1_000}
    : {kind: 'forged', why: 'the signature does not fit the message'}
}
