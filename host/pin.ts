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
}

/**
 * @param cost of a try; less than `PIN_COST` only where no real PIN is kept
 * @throws AssertionFailed unless every key has 32 bytes
 */
export function softPinModule(keys: HsmKeys, random: Random, cost: PinCost = PIN_COST): PinModule {
  for (const key of [keys.pepper, keys.storageKey, keys.panKey])
    assert(key.reveal().length === HSM_KEY_BYTES, 'a key of the PIN module does not have 32 bytes')
  const vault = softVault(keys.storageKey, random)
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
    async pinVerifier(pan, pin) {
      const salt = random.bytes(SALT_BYTES)
      return `v1$${hexOf(salt)}$${hexOf(await stretched(keys.pepper, pan.reveal(), pin.reveal(), salt, cost))}`
    },
    async checkPin({atmId, pinKey, pinBlock, pan, verifier}) {
      const block = pinBlock.reveal()
      if (block.length !== 8) return 'malformed'
      const clear = tdesDecrypt(vault.open(`pin:${atmId}`, pinKey), block)
      const found = decodeIso0(clear, pan.reveal())
      if (found.kind === 'malformed') return 'malformed'
      const [, salt, expected] = present(
        /^v1\$([0-9A-F]{32})\$([0-9A-F]{64})$/.exec(verifier),
        'a well-formed PIN verifier',
      )
      const saltBytes = bytesOfHex(present(salt, 'the salt of a PIN verifier'))
      const actual = await stretched(keys.pepper, pan.reveal(), found.pin.reveal(), saltBytes, cost)
      const isRight = timingSafeEqual(actual, bytesOfHex(present(expected, 'the hash of a PIN verifier')))
      return isRight ? 'right' : 'wrong'
    },
  }
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
