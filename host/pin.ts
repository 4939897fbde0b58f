/**
 * The bank's security module in software: the only place with a clear PIN, a clear PIN key or the keys
 * that protect them. It answers yes or no about a PIN and never gives one out. A real module can stand
 * behind the same interface.
 *
 * A PIN has ten thousand values, so no password hash protects it alone: what protects it is the pepper,
 * which is never in the database, and the try counter, which the caller makes durable before it asks.
 */
import {createHmac, scrypt, timingSafeEqual} from 'node:crypto'
import {softVault} from '../crypto/vault.ts'
import {bytesOfHex, hexOf} from '../crypto/hex.ts'
import {decodeIso0} from '../crypto/pin-block.ts'
import {keyCheckValue, tdesDecrypt, tdesEncrypt, withOddParity} from '../crypto/tdes.ts'
import {assert, present} from '../kit/assert.ts'
import type {Random} from '../kit/random.ts'
import {Secret} from '../kit/secret.ts'

/** Length of each of the module's own keys. */
export const HSM_KEY_BYTES = 32
const TDES_KEY_BYTES = 16
const SALT_BYTES = 16
/** What scrypt is to cost; the names are Node's. */
export interface PinCost {
  readonly N: number
  readonly r: number
  readonly p: number
}

/** N = 2^14, r = 8, p = 1: about 60 ms and 16 MiB a try (measured); the result has 32 bytes. */
export const PIN_COST: PinCost = {N: 16_384, r: 8, p: 1}
/** Next to nothing: for benches whose cards are made up, thousands of visits long. */
export const MADE_UP_PIN_COST: PinCost = {N: 2, r: 1, p: 1}
const VERIFIER_BYTES = 32

/** 32 bytes each; they live outside the database and must outlive it. */
export interface HsmKeys {
  /** Mixed into every PIN verifier. */
  readonly pepper: Secret<Uint8Array>
  /** Under it stand the keys that the database keeps. */
  readonly storageKey: Secret<Uint8Array>
  /** Turns a PAN into the hash by which its card is found. */
  readonly panKey: Secret<Uint8Array>
}

/** Fresh keys for a new bank. */
export function newHsmKeys(random: Random): HsmKeys {
  const key = () => new Secret(random.bytes(HSM_KEY_BYTES))
  return {pepper: key(), storageKey: key(), panKey: key()}
}

/** A PIN key for one machine. */
export interface MadePinKey {
  /** For the database: under the storage key, bound to the machine. */
  readonly stored: string
  /** For the machine: TDES-ECB under its master key, 16 bytes. */
  readonly underMaster: Uint8Array
  /** Six upper-case hex digits. */
  readonly checkValue: string
}

/**
 * What became of a new PIN that came twice. `differ`: the two are not the same; `weak`: anybody would guess it.
 * `isAsBefore`: the card has that PIN already.
 */
export type NewPinTaken =
  | {readonly kind: 'taken'; readonly verifier: string; readonly isAsBefore: boolean}
  | {readonly kind: 'differ'}
  | {readonly kind: 'weak'}
  | {readonly kind: 'malformed'}

/** `malformed`: the block does not open with this key and PAN, so it says nothing about the PIN. */
export type PinVerdict = 'right' | 'wrong' | 'malformed'

export interface PinModule {
  /** Takes in a machine's 16-byte master key; gives what the database keeps of it. */
  keepMasterKey(atmId: string, masterKey: Secret<Uint8Array>): string
  /** @param masterKey as `keepMasterKey` gave it */
  makePinKey(atmId: string, masterKey: string): MadePinKey
  /** Keyed hash of a PAN, hex. */
  panHash(pan: Secret<string>): string
  /** What to keep of a new PIN. */
  pinVerifier(pan: Secret<string>, pin: Secret<string>): Promise<string>
  /** Count the try durably before you ask. */
  checkPin(ask: {
    readonly atmId: string
    readonly pinKey: string
    readonly pinBlock: Secret<Uint8Array>
    readonly pan: Secret<string>
    readonly verifier: string
  }): Promise<PinVerdict>
  /** @param ask `blocks` twice the same PIN, or not; `verifier` of the PIN that the card has now */
  takeNewPin(ask: {
    readonly atmId: string
    readonly pinKey: string
    readonly pan: Secret<string>
    readonly blocks: readonly Secret<Uint8Array>[]
    readonly verifier: string
  }): Promise<NewPinTaken>
}

/**
 * @param cost of a try; less than `PIN_COST` only where no real PIN is kept
 * @throws AssertionFailed unless every key has 32 bytes
 */
export function softPinModule(keys: HsmKeys, random: Random, cost: PinCost = PIN_COST): PinModule {
  for (const key of [keys.pepper, keys.storageKey, keys.panKey])
    assert(key.reveal().length === HSM_KEY_BYTES, 'a key of the PIN module does not have 32 bytes')
  const vault = softVault(keys.storageKey, random)
  const pinIn = (atmId: string, pinKey: string, pinBlock: Secret<Uint8Array>, pan: Secret<string>) => {
    const block = pinBlock.reveal()
    if (block.length !== 8) return null
    const found = decodeIso0(tdesDecrypt(vault.open(`pin:${atmId}`, pinKey), block), pan.reveal())
    return found.kind === 'malformed' ? null : found.pin
  }
  const verifierOf = async (pan: Secret<string>, pin: Secret<string>) => {
    const salt = random.bytes(SALT_BYTES)
    return `v1$${hexOf(salt)}$${hexOf(await stretched(keys.pepper, pan.reveal(), pin.reveal(), salt, cost))}`
  }
  const isRight = async (pan: Secret<string>, pin: Secret<string>, verifier: string) => {
    const [, salt, expected] = present(
      /^v1\$([0-9A-F]{32})\$([0-9A-F]{64})$/.exec(verifier),
      'a well-formed PIN verifier',
    )
    const saltBytes = bytesOfHex(present(salt, 'the salt of a PIN verifier'))
    const actual = await stretched(keys.pepper, pan.reveal(), pin.reveal(), saltBytes, cost)
    return timingSafeEqual(actual, bytesOfHex(present(expected, 'the hash of a PIN verifier')))
  }
  return {
    keepMasterKey(atmId, masterKey) {
      assert(masterKey.reveal().length === TDES_KEY_BYTES, 'a master key does not have 16 bytes')
      return vault.seal(`master:${atmId}`, masterKey.reveal())
    },
    makePinKey(atmId, masterKey) {
      const master = vault.open(`master:${atmId}`, masterKey)
      const pinKey = withOddParity(random.bytes(TDES_KEY_BYTES))
      return {
        stored: vault.seal(`pin:${atmId}`, pinKey),
        underMaster: tdesEncrypt(master, pinKey),
        checkValue: keyCheckValue(pinKey),
      }
    },
    panHash: pan => createHmac('sha256', keys.panKey.reveal()).update(pan.reveal()).digest('hex'),
    pinVerifier: verifierOf,
    async checkPin({atmId, pinKey, pinBlock, pan, verifier}) {
      const pin = pinIn(atmId, pinKey, pinBlock, pan)
      if (pin === null) return 'malformed'
      return (await isRight(pan, pin, verifier)) ? 'right' : 'wrong'
    },
    async takeNewPin({atmId, pinKey, pan, blocks, verifier}) {
      const pins = blocks.map(block => pinIn(atmId, pinKey, block, pan))
      const [pin] = pins
      if (pin === undefined || pin === null || pins.includes(null)) return {kind: 'malformed'}
      if (pins.some(other => other?.reveal() !== pin.reveal())) return {kind: 'differ'}
      if (isWeak(pin.reveal(), pan.reveal())) return {kind: 'weak'}
      const isAsBefore = await isRight(pan, pin, verifier)
      return {kind: 'taken', verifier: await verifierOf(pan, pin), isAsBefore}
    },
  }
}

/** One digit over and over, steps of one up or down, or digits that the card shows: the first that a thief tries. */
function isWeak(pin: string, pan: string): boolean {
  const steps = new Set(
    Array.from(pin, Number)
      .slice(1)
      .map((digit, at) => (digit - Number(pin[at]) + 10) % 10),
  )
  const isEven = steps.size === 1 && [...steps].every(step => step === 0 || step === 1 || step === 9)
  return isEven || pan.includes(pin)
}

/** `scrypt(HMAC-SHA-256(pepper, "v1|" PAN "|" PIN), salt)`. */
export function stretched(
  pepper: Secret<Uint8Array>,
  pan: string,
  pin: string,
  salt: Uint8Array,
  cost: PinCost = PIN_COST,
): Promise<Buffer> {
  const peppered = createHmac('sha256', pepper.reveal()).update(`v1|${pan}|${pin}`).digest()
  return new Promise((resolve, reject) => {
    scrypt(peppered, salt, VERIFIER_BYTES, cost, (fault, hash) => {
      if (fault === null) resolve(hash)
      else reject(fault)
    })
  })
}
