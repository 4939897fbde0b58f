/**
 * The electronics of an emulated MagTek reader: what it makes of a command, and of a card that goes by its head. It
 * knows reports as bytes, and nothing of the bus.
 */
import type {Card} from '../emulator-card.ts'
import {stripeRead} from '../emulator-card.ts'
import type {Track} from '../port.ts'
import {ENCRYPTION, MAGNE_SAFE_PROPERTY, SECURITY_LEVEL_ENCRYPTING, SURE_SWIPE_COMMANDS} from './bytes.ts'
import type {CommandName, Family, Result} from './bytes.ts'
import {encodeAnswer, encodeCard, TRACKS} from './codec.ts'
import type {CardFields, MagneSafeFields} from './codec.ts'
import {CardCipher, DEMO_BASE_KEY, DEMO_KSN, hashOf, MAC_BYTES, masked} from './emulator-cipher.ts'
import {Settings} from './emulator-settings.ts'

/** What the electronics keep without power. */
export interface UnitRemains {
  readonly securityLevel: 2 | 3
  /** Of the key that comes next. */
  readonly keyCounter: number
  readonly swipeCount: number
  /** Properties that were set, by number. */
  readonly properties: ReadonlyMap<number, Uint8Array>
}

/** Result of a command whose number the reader does not know; the manuals give none. */
const UNKNOWN_COMMAND: Result = 'badParameter'
const SESSION_BYTES = 8
/** State and antecedent, as the manual's example has them. */
const READER_STATE = Uint8Array.of(0x00, 0x00)
/** No limit to how many cards are encrypted. */
const UNLIMITED = [0xff, 0xff, 0xff] as const
const VERSION = 'V05'

export class Unit {
  readonly settings: Settings
  readonly #family: Family
  readonly #inputBytes: number
  readonly #masksInClear: boolean
  readonly #cipher: CardCipher
  #securityLevel: 2 | 3
  #swipeCount: number
  #session = new Uint8Array(SESSION_BYTES)

  /** @param masksInClear whether the masked fields are masked even while nothing is encrypted */
  constructor(family: Family, inputBytes: number, masksInClear: boolean, remains: UnitRemains) {
    this.#family = family
    this.#inputBytes = inputBytes
    this.#masksInClear = masksInClear
    this.#cipher = new CardCipher(DEMO_BASE_KEY, DEMO_KSN, remains.keyCounter)
    this.#securityLevel = remains.securityLevel
    this.#swipeCount = remains.swipeCount
    this.settings = new Settings(family, remains.properties)
  }

  get securityLevel(): 2 | 3 {
    return this.#securityLevel
  }

  get remains(): UnitRemains {
    return {
      securityLevel: this.#securityLevel,
      keyCounter: this.#cipher.counter,
      swipeCount: this.#swipeCount,
      properties: this.settings.all,
    }
  }

  powerUp(): void {
    this.#session = new Uint8Array(SESSION_BYTES)
  }

  /**
   * What it answers. That a reset is to happen is the bus's affair.
   * @param content null when the command's length points beyond its report
   * @param bytes the whole report, over part of which a MAC goes
   */
  answer(name: CommandName | null, content: Uint8Array | null, bytes: Uint8Array): Uint8Array {
    const isKnown = name !== null && (this.#family === 'magneSafe' || SURE_SWIPE_COMMANDS.includes(name))
    if (!isKnown) return encodeAnswer(UNKNOWN_COMMAND)
    if (content === null) return encodeAnswer('badParameter')
    switch (name) {
      case 'getProperty':
        return this.#getProperty(content)
      case 'setProperty':
        return encodeAnswer(this.#setProperty(content, bytes))
      case 'reset':
        return encodeAnswer('done')
      case 'ksn':
        return encodeAnswer('done', this.#cipher.ksn)
      case 'setSession':
        if (content.length !== SESSION_BYTES) return encodeAnswer('badParameter')
        this.#session = Uint8Array.from(content)
        return encodeAnswer('done')
      case 'readerState':
        return encodeAnswer('done', READER_STATE)
      case 'securityLevel':
        return this.#level(content, bytes)
      case 'encryptionCounter': {
        const serial = this.settings.get(MAGNE_SAFE_PROPERTY.deviceSerial) ?? new Uint8Array()
        const padded = Uint8Array.from({length: 16}, (_, at) => serial[at] ?? 0)
        return encodeAnswer('done', Uint8Array.of(...padded, ...UNLIMITED))
      }
    }
  }

  /** The input report of a card. @param isBad it went by so that no track could be decoded */
  read(card: Card, way: 'in' | 'out', isBad: boolean): Uint8Array {
    const tracks = each(track => (isBad ? null : this.#trackOf(card, track)))
    const isBlank = TRACKS.every(track => tracks[track] === '')
    const encode = isBad ? 'undetermined' : isBlank ? 'blank' : 'iso'
    const magneSafe = this.#family === 'magneSafe' ? this.#magneSafe(tracks, way) : null
    return encodeCard(this.#inputBytes, {encode, tracks, magneSafe})
  }

  get #isEncrypting(): boolean {
    return this.#securityLevel >= SECURITY_LEVEL_ENCRYPTING
  }

  #getProperty([number, ...rest]: Uint8Array): Uint8Array {
    const value = number === undefined || rest.length > 0 ? null : this.settings.get(number)
    return value === null ? encodeAnswer('badParameter') : encodeAnswer('done', value)
  }

  /** While it encrypts only with a MAC; what is on the bus changes at the next reset. */
  #setProperty(content: Uint8Array, bytes: Uint8Array): Result {
    const isSigned = this.#family === 'magneSafe' && this.#isEncrypting
    const number = content[0] ?? 0xff
    const value = content.slice(1, isSigned ? -MAC_BYTES : undefined)
    if (this.settings.canSet(number, value) !== 'done') return 'badParameter'
    if (isSigned && !this.#isMacRight(content, bytes)) return 'badSequence'
    this.settings.set(number, value)
    return 'done'
  }

  #level(content: Uint8Array, bytes: Uint8Array): Uint8Array {
    if (content.length === 0) return encodeAnswer('done', Uint8Array.of(this.#securityLevel))
    const isRaise = content.length === 1 + MAC_BYTES && content[0] === SECURITY_LEVEL_ENCRYPTING
    if (!isRaise || this.#isEncrypting) return encodeAnswer('badParameter')
    if (!this.#isMacRight(content, bytes)) return encodeAnswer('badSequence')
    this.#securityLevel = SECURITY_LEVEL_ENCRYPTING
    return encodeAnswer('done')
  }

  /** The MAC ends the command and is over all before it. A key that signed one command signs no other. */
  #isMacRight(content: Uint8Array, bytes: Uint8Array): boolean {
    const endsAt = 2 + content.length
    if (content.length <= MAC_BYTES) return false
    const right = this.#cipher.mac(bytes.subarray(0, endsAt - MAC_BYTES))
    const isRight = Buffer.compare(right, bytes.subarray(endsAt - MAC_BYTES, endsAt)) === 0
    if (isRight) this.#cipher.advance()
    return isRight
  }

  #magneSafe(tracks: CardFields['tracks'], way: 'in' | 'out'): MagneSafeFields {
    this.#swipeCount += 1
    const isEncrypting = this.#isEncrypting
    const clear = (track: Track): string => tracks[track] ?? ''
    const isMasked = isEncrypting || this.#masksInClear
    const fields: MagneSafeFields = {
      way,
      encrypted: each(track => {
        const bytes = Buffer.from(clear(track), 'latin1')
        return isEncrypting ? this.#cipher.encrypt(bytes) : bytes
      }),
      masked: each(track => (clear(track) !== '' && isMasked ? masked(track, clear(track)) : clear(track))),
      encryption:
        ENCRYPTION.keyInjected |
        (isEncrypting ? ENCRYPTION.enabled : 0) |
        (this.#cipher.isExhausted ? ENCRYPTION.keysExhausted : 0),
      serial: this.settings.text(MAGNE_SAFE_PROPERTY.deviceSerial),
      ksn: isEncrypting ? this.#cipher.ksn : new Uint8Array(DEMO_KSN.length),
      session: isEncrypting ? this.#cipher.encrypt(this.#session) : this.#session,
      swipeCount: this.#swipeCount,
      version: VERSION,
      sha1: hashOf(clear(2)),
    }
    this.#session = new Uint8Array(SESSION_BYTES)
    if (isEncrypting) this.#cipher.advance()
    return fields
  }

  /** With sentinels; empty where nothing is, or the track is switched off; null where it could not be decoded. */
  #trackOf(card: Card, track: Track): string | null {
    const enabled = this.settings.trackIs(track)
    if (enabled === 'off') return ''
    const read = stripeRead(card, track)
    if (read.kind === 'fault') return null
    if (read.kind === 'blank') return enabled === 'required' ? null : ''
    return `${track === 1 ? '%' : ';'}${read.text}?`
  }
}

function each<T>(make: (track: Track) => T): Readonly<Record<Track, T>> {
  return {1: make(1), 2: make(2), 3: make(3)}
}
