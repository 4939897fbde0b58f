/** Creator CRT-310, the emulator's hands: what each command does to cards, contacts and settings, and what is answered. */
import type {Clock} from '../../../kit/clock.ts'
import {COMMAND_BYTES_MAX, COMMAND_BYTES_MIN} from '../apdu.ts'
import {stripeRead} from '../emulator-card.ts'
import type {Card} from '../emulator-card.ts'
import {ChipSlot} from '../emulator-chip.ts'
import {CardPath} from '../emulator-path.ts'
import type {Place, Remains} from '../emulator-path.ts'
import {nameOf} from '../names.ts'
import type {ChipProtocol, Track} from '../port.ts'
import {
  BAUD,
  CARD_TYPE,
  COMMANDS,
  MOUTH_ORDER,
  REAR_ORDER,
  RESULT,
  SERIAL_CHARACTERS_MAX,
  STOP_AT,
  TRACK,
  TRACKS_WANTED,
} from './bytes.ts'
import type {CardAt, CommandName, Mouth, Rear, Result, StopAt} from './bytes.ts'
import {encodeChip, encodeStatus, withoutLength} from './codec.ts'
import type {Body} from './codec.ts'
import {encodeTracks} from './tracks.ts'
import type {Uploaded} from './tracks.ts'

/** How one emulated reader differs from another; what the maker's text leaves open is among it. */
export interface Make {
  /** Time that one movement of a card takes. Real ones take 0.3 to 2 s; 0 for tests that do not care. */
  readonly moveMs: number
  readonly firmware: string
  /** At most 16 printable characters; empty for none. */
  readonly serial: string
  /** Whether the mouth has an electric shutter; without one only `switch` can be set. */
  readonly shutter: boolean
  readonly heads: readonly Track[]
  /** Whether it has chip contacts. */
  readonly contacts: boolean
  /** Whether a card can go over the heads again. */
  readonly rearHead: boolean
  /** Version 3 tells one sensor more. */
  readonly version: 'v3' | 'v2'
  /** Which letter means done in the reply to the mouth order; the maker prints both. */
  readonly mouthDone: 'Y' | 'N'
  /** Whether the serial text comes after a byte with its length. */
  readonly serialText: 'bare' | 'counted'
  /** Whether tracks are uploaded with their sentinels. */
  readonly sentinels: boolean
}

export const MAKE: Make = {
  moveMs: 500,
  firmware: 'CRT 310 V3.0',
  serial: 'CRT-310-0001',
  shutter: true,
  heads: [1, 2, 3],
  contacts: true,
  rearHead: true,
  version: 'v3',
  mouthDone: 'Y',
  serialText: 'bare',
  sentinels: false,
}

export type Doing =
  {readonly kind: 'data'; readonly data: Uint8Array} | {readonly kind: 'error'; readonly code: number}

/** Time a chip takes to answer, at most. */
const CHIP_MS = 20
/** Length of the version text in a reset's reply. */
const VERSION_BYTES = 13

/** What a reader with an abnormal card inside still does. The maker says "clear commands"; which ones is assumed. */
const CLEARING: ReadonlySet<CommandName> = new Set([
  'resetInPlace',
  'resetEjectFront',
  'resetEjectRear',
  'status',
  'sensors',
  'sensorsV3',
  'ejectFree',
  'ejectHeld',
  'captureAbnormal',
])

export class Acts {
  readonly path: CardPath
  supply: 'good' | 'outside' | 'backup' = 'good'
  rear: Rear = 'open'
  readonly #make: Make
  readonly #clock: Clock
  readonly #contacts: ChipSlot
  #serial: string

  constructor(clock: Clock, make: Make, remains: Remains | undefined, changed: () => void) {
    this.#make = make
    this.#clock = clock
    const settings = {moveMs: make.moveMs, ...(remains === undefined ? {} : {remains})}
    this.path = new CardPath(clock, settings, changed)
    this.#contacts = new ChipSlot(() => this.path.atContacts?.chip ?? null)
    this.#serial = make.serial
    this.toDefaults()
  }

  /** As after power-on and reset. */
  toDefaults(): void {
    this.path.mouth = 'switch'
    this.path.stop = 'inside'
    this.rear = 'open'
    this.path.forgetRear()
    this.#contacts.off()
  }

  /** Executes one command. @param name null when the table does not hold it */
  async do(name: CommandName | null, body: Body): Promise<Doing> {
    if (this.supply === 'outside') return error(0x05)
    if (this.supply === 'backup') return error(0x07)
    if (name === null) return error(isKnownCm(body.cm) ? 0x01 : 0x00)
    if (this.path.isAbnormal && !CLEARING.has(name)) return error(0x06)
    if (EMPTY.has(name) && body.data.length > 0) return error(0x04)
    return this.#do(name, body)
  }

  async #do(name: CommandName, body: Body): Promise<Doing> {
    switch (name) {
      case 'resetInPlace':
        return this.#reset()
      case 'resetEjectFront':
        await this.#move('frontHeld')
        return this.#reset()
      case 'resetEjectRear':
        await this.#move('bin')
        return this.#reset()
      case 'serialRead':
        // The maker's example of writing prints the letter of reading.
        return body.data.length === 0 ? this.#tellSerial() : this.#keepSerial(body.data)
      case 'serialWrite':
        return this.#keepSerial(body.data)
      case 'status':
        return data(encodeStatus({card: this.#cardAt, mouth: this.path.mouth, rear: this.rear}))
      case 'sensors':
        return data(this.#sensors().slice(1))
      case 'sensorsV3':
        return this.#make.version === 'v3' ? data(this.#sensors()) : error(0x00)
      case 'cardType':
        return data(Buffer.from(CARD_TYPE[this.#cardType], 'latin1'))
      case 'mouth':
        return this.#setMouth(body)
      case 'stopAt':
        return this.#setStop(body)
      case 'toRadio':
        return result(await this.#move('inside'))
      case 'toContact':
        return this.#make.contacts ? result(await this.#move('insideContact')) : error(0x02)
      case 'ejectFree':
        return result(await this.#move('frontFree'))
      case 'ejectHeld':
        return result(await this.#move('frontHeld'))
      case 'rearHeld':
        return result(await this.#move('rearHeld'))
      case 'capture':
        return result(await this.#move('bin'))
      case 'captureAbnormal':
        return result(this.path.isAbnormal ? await this.#move('bin') : 'noCard')
      case 'chipPowerOn':
        return this.#chip(() => (this.#contacts.cold() === null ? result('failed') : result('done')))
      case 'chipPowerOff':
        this.#contacts.off()
        return result('done')
      case 'baud':
        return BAUD.has(body.pm) ? result('done') : error(0x01)
      case 'coldReset':
        return this.#chip(() => this.#answerToReset(this.#contacts.cold()))
      case 'warmReset':
        return this.#chip(() => this.#answerToReset(this.#contacts.warm()))
      case 'apduT0':
        return this.#apdu('T0', body.data)
      case 'apduT1':
        return this.#apdu('T1', body.data)
      case 'readTracks':
        return this.#readTracks(body)
      case 'readTracksAgain':
        return this.#readTracksAgain(body)
      case 'led':
      case 'blink':
      case 'simOff':
        return result('done')
    }
  }

  get #cardAt(): CardAt {
    const {card, place, wentToRear} = {
      ...this.path.world,
      card: this.path.card,
      wentToRear: this.path.wentToRear,
    }
    if (card === null || place === 'none') return wentToRear ? 'goneRear' : 'none'
    if (!this.path.isAbnormal) return place
    return card.length === 'long' ? 'longCard' : 'shortCard'
  }

  async #move(to: Place | 'bin'): Promise<Result> {
    const {place} = this.path.world
    if (place === 'none') return 'noCard'
    // The rollers let go of a card that was pushed out free.
    if (place === 'frontFree') return 'wrongPosition'
    this.#contacts.off()
    return (await this.path.moveTo(to)) ? 'done' : 'failed'
  }

  #reset(): Doing {
    this.toDefaults()
    return data(Buffer.from(this.#make.firmware.padEnd(VERSION_BYTES).slice(0, VERSION_BYTES), 'latin1'))
  }

  #tellSerial(): Doing {
    const text = Buffer.from(this.#serial, 'latin1')
    return data(
      Uint8Array.of(RESULT.done, ...(this.#make.serialText === 'counted' ? [text.length] : []), ...text),
    )
  }

  #keepSerial(bytes: Uint8Array): Doing {
    const text = bytes[0] === bytes.length - 1 ? bytes.subarray(1) : bytes
    if (text.length === 0 || text.length > SERIAL_CHARACTERS_MAX) return error(0x04)
    if (text.some(byte => byte < 0x20 || byte > 0x7e)) return error(0x04)
    this.#serial = String.fromCharCode(...text)
    return result('done')
  }

  /** PSS0 to PSS5 along the path, then shutter and switch; which one sees what is assumed. */
  #sensors(): Uint8Array {
    const {place, isAdmitting} = this.path.world
    const isAtFront = place === 'frontHeld' || place === 'frontFree'
    const isWithin = place === 'inside' || place === 'insideContact'
    const isOn = [
      isAtFront,
      isAtFront,
      isWithin,
      isWithin,
      isWithin,
      place === 'rearHeld',
      this.#make.shutter && (isAdmitting || isAtFront),
      isAtFront,
    ]
    return Uint8Array.from(isOn, one => (one ? 0x31 : 0x30))
  }

  get #cardType(): keyof typeof CARD_TYPE {
    const {place} = this.path.world
    if (place === 'none') return 'none'
    if (place !== 'inside' && place !== 'insideContact') return 'wrongPosition'
    const chip = this.path.atContacts?.chip
    if (chip === undefined || chip.state === 'dead') return 'unknown'
    return chip.protocol === 'T0' ? 'chipT0' : 'chipT1'
  }

  #setMouth(body: Body): Doing {
    const mouth: Mouth | null = nameOf(MOUTH_ORDER, body.pm)
    const rear: Rear | null = nameOf(REAR_ORDER, body.data[0])
    if (body.data.length !== 1) return error(0x04)
    if (mouth === null || rear === null) return error(0x01)
    if (!this.#make.shutter && mouth !== 'switch') return error(0x02)
    this.path.mouth = mouth
    this.rear = rear
    const letter = this.#make.mouthDone === 'Y' ? RESULT.done : RESULT.failed
    // Four bytes of text: both parameters and the letter, the first parameter where PM stands.
    return data(Uint8Array.of(...body.data, letter))
  }

  #setStop(body: Body): Doing {
    const stop: StopAt | null = nameOf(STOP_AT, body.pm)
    if (body.data.length !== 0) return error(0x04)
    if (stop === null) return error(0x01)
    if (stop === 'insideContact' && !this.#make.contacts) return error(0x02)
    this.path.stop = stop === 'rearFree' ? 'bin' : stop
    return result('done')
  }

  /** Runs what needs a card at the contacts. */
  async #chip(work: () => Doing): Promise<Doing> {
    if (!this.#make.contacts) return error(0x02)
    const {place} = this.path.world
    if (place === 'none') return result('noCard')
    if (place !== 'insideContact') return result('wrongPosition')
    await this.#clock.sleep(CHIP_MS)
    return work()
  }

  #answerToReset(answer: ReturnType<ChipSlot['warm']>): Doing {
    if (answer === null) return result('failed')
    return data(encodeChip(answer.protocol === 'T0' ? 't0' : 't1', answer.atr))
  }

  async #apdu(protocol: ChipProtocol, bytes: Uint8Array): Promise<Doing> {
    const command = withoutLength(bytes)
    if (command === null || command.length < COMMAND_BYTES_MIN || command.length > COMMAND_BYTES_MAX)
      return error(0x04)
    return this.#chip(() => {
      const said = this.#contacts.exchange(protocol, command)
      if (said === 'mute') this.#contacts.off()
      return typeof said === 'string' ? result('failed') : data(encodeChip('t0', said))
    })
  }

  #readTracks(body: Body): Doing {
    const [mode, parameter] = body.data
    if (body.data.length !== 2) return error(0x04)
    if (mode !== TRACK.ascii && mode !== TRACK.binary) return error(0x01)
    const wanted = parameter === undefined ? undefined : TRACKS_WANTED.get(parameter)
    if (parameter === undefined || wanted === undefined) return error(0x01)
    const card = this.path.readable
    if (card === null) return result('noCard')
    const tracks = new Map(wanted.map(track => [track, this.#uploaded(card, track)]))
    return data(encodeTracks(mode === TRACK.binary ? 'binary' : 'ascii', parameter, tracks))
  }

  async #readTracksAgain(body: Body): Promise<Doing> {
    if (!this.#make.rearHead) return error(0x02)
    if (this.path.readable !== null) await this.path.passHeads()
    return this.#readTracks(body)
  }

  #uploaded(card: Card, track: Track): Uploaded {
    if (!this.#make.heads.includes(track)) return {kind: 'notReadable'}
    const read = stripeRead(card, track)
    if (read.kind === 'blank') return {kind: 'bad', fault: 'blank'}
    if (read.kind === 'fault') return {kind: 'bad', fault: TROUBLE[read.fault]}
    const start = track === 1 ? '%' : ';'
    return {kind: 'track', text: this.#make.sentinels ? `${start}${read.text}?` : read.text}
  }
}

const TROUBLE = {
  startSentinel: 'noStart',
  endSentinel: 'noEnd',
  parity: 'parity',
  checkCharacter: 'checksum',
} as const

/** Commands that carry nothing after CM and PM. */
const EMPTY: ReadonlySet<CommandName> = new Set([
  'resetInPlace',
  'resetEjectFront',
  'resetEjectRear',
  'status',
  'sensors',
  'sensorsV3',
  'cardType',
  'toRadio',
  'toContact',
  'ejectFree',
  'ejectHeld',
  'rearHeld',
  'capture',
  'captureAbnormal',
  'chipPowerOn',
  'chipPowerOff',
  'baud',
  'coldReset',
  'warmReset',
  'simOff',
])

function isKnownCm(cm: number): boolean {
  return Object.values(COMMANDS).some(row => row.cm === cm)
}

function error(code: number): Doing {
  return {kind: 'error', code}
}

function data(bytes: Uint8Array): Doing {
  return {kind: 'data', data: bytes}
}

function result(letter: Result): Doing {
  return data(Uint8Array.of(RESULT[letter]))
}
