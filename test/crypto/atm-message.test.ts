/** Signed messages: the standard's own example, then our profile against every change that a middleman could make. */
import {createPublicKey, generateKeyPairSync, webcrypto} from 'node:crypto'
import t from 'tap'
import {checkAnswer, checkRequest, signedAnswer, signedRequest, signerOf} from '../../crypto/atm-message.ts'
import type {Headers, RequestParts, Signer} from '../../crypto/atm-message.ts'
import {
  contentDigest,
  isSignatureOf,
  signBase,
  signatureBase,
  signatureParams,
  spkiPin,
} from '../../crypto/http-signature.ts'
import {assert, present} from '../../kit/assert.ts'
import {Secret} from '../../kit/secret.ts'

function newSigner(): Signer {
  const {privateKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'})
  return {keyId: spkiPin(createPublicKey(privateKey)), key: privateKey}
}

const MACHINE = newSigner()
const BANK = newSigner()
const PARTS: RequestParts = {
  method: 'POST',
  path: '/api/accounts/12345/withdraw',
  content: '{"amount":100.00}',
}
const ABOUT = {idempotencyKey: '"ATM123:2026-11-22:000417"', atmId: 'ATM123', seq: 50_000_003}
const CREATED_AT_MS = 1_795_345_200_000

function keyOf(signer: Signer) {
  return (keyId: string) => (keyId === signer.keyId ? createPublicKey(signer.key) : null)
}

/** The whole of a signed request, as it arrives. */
function sent(parts = PARTS, about: Parameters<typeof signedRequest>[1] = ABOUT, signer = MACHINE) {
  const {headers, request} = signedRequest(parts, about, signer, CREATED_AT_MS)
  const key = about.idempotencyKey
  const arrived: Headers = key === null ? headers : {...headers, 'idempotency-key': key}
  return {headers: arrived, request}
}

t.test('RFC 9421, B.2.4: the example response under the example key', async t => {
  const key = createPublicKey(
    '-----BEGIN PUBLIC KEY-----\n' +
      'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf\n' +
      'w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==\n' +
      '-----END PUBLIC KEY-----',
  )
  const digest =
    'sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:'
  const components = [
    {identifier: '"@status"', value: '200'},
    {identifier: '"content-type"', value: 'application/json'},
    {identifier: '"content-digest"', value: digest},
    {identifier: '"content-length"', value: '23'},
  ]
  const params = signatureParams(components, ';created=1618884473;keyid="test-key-ecc-p256"')
  t.equal(
    params,
    '("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"',
  )
  const base = signatureBase(components, params)
  const signature = 'wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw=='
  t.equal(isSignatureOf(base, signature, key), true)
  t.equal(isSignatureOf(base.replace('200', '201'), signature, key), false)
  t.equal(isSignatureOf(base, `A${signature.slice(1)}`, key), false)
})

t.test('another implementation agrees: WebCrypto signs what we take, and takes what we sign', async t => {
  const algorithm = {name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256'}
  const pair = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const spki = Buffer.from(await webcrypto.subtle.exportKey('spki', pair.publicKey))
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', pair.privateKey))
  const pem = `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString('base64')}\n-----END PRIVATE KEY-----`
  const signer = present(signerOf(new Secret(pem)), 'a signer')
  const base = 'a base of\ntwo lines'
  const theirs = Buffer.from(await webcrypto.subtle.sign(algorithm, pair.privateKey, Buffer.from(base)))
  t.equal(
    isSignatureOf(base, theirs.toString('base64'), createPublicKey({key: spki, format: 'der', type: 'spki'})),
    true,
  )
  const ours = Buffer.from(signBase(base, signer.key), 'base64')
  t.equal(await webcrypto.subtle.verify(algorithm, pair.publicKey, ours, Buffer.from(base)), true)
  const {privateKey} = generateKeyPairSync('ec', {namedCurve: 'P-384'})
  const other = new Secret(privateKey.export({format: 'pem', type: 'pkcs8'}).toString())
  t.equal(signerOf(other), null, 'a key of another curve signs nothing')
})

t.test('the digest is RFC 9530’s, of nothing too', async t => {
  // RFC 9530, appendix D; the empty one is SHA-256 of no bytes (FIPS 180-4).
  t.equal(contentDigest('{"hello": "world"}\n'), 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:')
  t.equal(contentDigest(''), 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:')
})

t.test('a request as it was signed', async t => {
  const {headers, request} = sent()
  t.match(checkRequest(PARTS, headers, keyOf(MACHINE)), {
    kind: 'genuine',
    keyId: MACHINE.keyId,
    createdAtMs: CREATED_AT_MS,
    request,
  })
  const input = String(headers['signature-input'])
  for (const part of [
    '"@method"',
    '"@path"',
    '"content-digest"',
    '"idempotency-key"',
    '"atm-id"',
    '"atm-seq"',
  ])
    t.ok(input.includes(part), part)
  t.match(input, /tag="atm-v1"$/)
  const probe = {method: 'GET', path: '/api/atms/ATM123/probe', content: ''}
  const plain = sent(probe, {...ABOUT, idempotencyKey: null})
  t.equal(checkRequest(probe, plain.headers, keyOf(MACHINE)).kind, 'genuine', 'without body and key')
})

t.test('whatever is changed on the way, it is no request of the machine', async t => {
  const {headers} = sent()
  const other = sent(PARTS, {...ABOUT, seq: ABOUT.seq + 1}).headers
  const check = (parts: Partial<RequestParts>, changes: Headers) =>
    checkRequest({...PARTS, ...parts}, {...headers, ...changes}, keyOf(MACHINE)).kind
  t.equal(check({}, {}), 'genuine')
  const forged: readonly (readonly [string, Partial<RequestParts>, Headers])[] = [
    ['method', {method: 'PUT'}, {}],
    ['path', {path: '/api/accounts/12346/withdraw'}, {}],
    ['a query', {path: `${PARTS.path}?x=1`}, {}],
    ['content', {content: '{"amount":900.00}'}, {}],
    [
      'content with its digest',
      {content: '{"amount":900.00}'},
      {'content-digest': contentDigest('{"amount":900.00}')},
    ],
    ['no digest', {}, {'content-digest': undefined}],
    ['another key', {}, {'idempotency-key': '"ATM123:2026-11-22:000418"'}],
    ['the key left out', {}, {'idempotency-key': undefined}],
    ['two keys', {}, {'idempotency-key': ['"a"', '"b"']}],
    ['machine', {}, {'atm-id': 'ATM124'}],
    ['no machine', {}, {'atm-id': undefined}],
    ['number', {}, {'atm-seq': String(ABOUT.seq + 1)}],
    ['a number written otherwise', {}, {'atm-seq': `0${ABOUT.seq}`}],
    ['a number beyond all', {}, {'atm-seq': '9999999999999999'}],
    ['another message’s signature', {}, {signature: other['signature']}],
    [
      'created later',
      {},
      {'signature-input': String(headers['signature-input']).replace('created=17', 'created=18')},
    ],
    [
      'fewer components',
      {},
      {'signature-input': String(headers['signature-input']).replace(' "atm-seq"', '')},
    ],
    ['another tag', {}, {'signature-input': String(headers['signature-input']).replace('atm-v1', 'atm-v2')}],
    ['two signatures', {}, {signature: `${String(headers['signature'])}, x=:AA==:`}],
    ['another’s key', {}, sent(PARTS, ABOUT, BANK).headers],
  ]
  for (const [what, parts, changes] of forged) t.equal(check(parts, changes), 'forged', what)
  t.equal(check({}, {signature: undefined, 'signature-input': undefined}), 'unsigned')
  t.equal(check({}, {signature: undefined}), 'unsigned', 'half a signature')
  const text = String(headers['signature'])
  for (let at = 5; at < text.length - 4; at += 7) {
    const letter = text[at] === 'A' ? 'B' : 'A'
    t.equal(check({}, {signature: text.slice(0, at) + letter + text.slice(at + 1)}), 'forged', `letter ${at}`)
  }
})

t.test('an answer counts for the request that it answers, and for no other', async t => {
  const {request} = sent()
  const answer = {status: 200, content: '{"rc":"00"}'}
  const headers = signedAnswer(answer, request, BANK, CREATED_AT_MS)
  const keys = new Map([[BANK.keyId, createPublicKey(BANK.key)]])
  t.same(checkAnswer(answer, headers, request, keys), {kind: 'genuine'})
  const refused: readonly (readonly [string, ReturnType<typeof checkAnswer>])[] = [
    ['status', checkAnswer({...answer, status: 201}, headers, request, keys)],
    ['content', checkAnswer({...answer, content: '{"rc":"05"}'}, headers, request, keys)],
    [
      'content with its digest',
      checkAnswer(
        {...answer, content: 'x'},
        {...headers, 'content-digest': contentDigest('x')},
        request,
        keys,
      ),
    ],
    ['for another number', checkAnswer(answer, headers, {...request, seq: request.seq + 1}, keys)],
    ['for another machine', checkAnswer(answer, headers, {...request, atmId: 'ATM124'}, keys)],
    ['for another key', checkAnswer(answer, headers, {...request, idempotencyKey: '"x"'}, keys)],
    ['for another signature', checkAnswer(answer, headers, sent().request, keys)],
    ['unsigned', checkAnswer(answer, {}, request, keys)],
    [
      'signed by the machine itself',
      checkAnswer(answer, signedAnswer(answer, request, MACHINE, 1), request, keys),
    ],
  ]
  for (const [what, verdict] of refused) t.equal(verdict.kind, 'forged', what)
  t.equal(refused.length, 9)
  assert(request.signature !== sent().request.signature, 'two signatures of the same text are equal')
})
