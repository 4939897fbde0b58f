/**
 * The chip of an emulated card, and the contacts that touch it. It has an answer to reset and one payment
 * application with demonstration data, and it keeps the manners of its protocol: over T=0 an answer waits to be
 * fetched and a length has to be right, over T=1 everything comes at once (ISO/IEC 7816-3 and -4, EMV Book 1).
 */
import {decodeCommand} from './apdu.ts'
import type {CommandApdu} from './apdu.ts'
import type {ChipProtocol} from './port.ts'

export interface ChipSpec {
  readonly protocol: ChipProtocol
  /** `PAN=YYMM...`: the chip's equivalent of track 2. */
  readonly track2: string
  /** As on the card; ASCII. */
  readonly holder: string
  /** `dead`: no answer to reset. `stalls`: answers the reset and no command after it. `good` when left out. */
  readonly state?: 'good' | 'dead' | 'stalls'
}

/** What contacts bring about. */
export type ChipSaid = Uint8Array | 'off' | 'wrongProtocol' | 'mute'

/** The contacts of a reader, on whatever card is at them. */
export class ChipSlot {
  readonly #specHere: () => ChipSpec | null
  #chip: Chip | null = null

  /** @param specHere the chip that the contacts touch now, null for none */
  constructor(specHere: () => ChipSpec | null) {
    this.#specHere = specHere
  }

  get isOn(): boolean {
    return this.#chip !== null
  }

  /** Power on, reset. Null when nothing answers. */
  cold(): {readonly protocol: ChipProtocol; readonly atr: Uint8Array} | null {
    const spec = this.#specHere()
    this.#chip = spec === null || spec.state === 'dead' ? null : new Chip(spec)
    return this.warm()
  }

  /** Reset with the power on; null when it is off. */
  warm(): {readonly protocol: ChipProtocol; readonly atr: Uint8Array} | null {
    this.#chip?.reset()
    return this.#chip === null ? null : {protocol: this.#chip.protocol, atr: this.#chip.atr}
  }

  off(): void {
    this.#chip = null
  }

  /** @param protocol which one the reader was told to use; null for the chip's own */
  exchange(protocol: ChipProtocol | null, command: Uint8Array): ChipSaid {
    const chip = this.#chip
    if (chip === null) return 'off'
    if (protocol !== null && protocol !== chip.protocol) return 'wrongProtocol'
    return chip.exchange(command) ?? 'mute'
  }
}

const PSE = Uint8Array.from(Buffer.from('1PAY.SYS.DDF01', 'latin1'))
const AID = Uint8Array.of(0xa0, 0x00, 0x00, 0x00, 0x03, 0x10, 0x10)
const HISTORICAL = Uint8Array.from(Buffer.from('DEMO1', 'latin1'))

/** Basic answers to reset of EMV Book 1, 8.3: TS T0 TB1 TC1, for T=1 also TD1 TD2 TA3 TB3 and TCK. */
const ATR_T0 = Uint8Array.of(0x3b, 0x65, 0x00, 0x00, ...HISTORICAL)
const ATR_T1 = withCheck(Uint8Array.of(0x3b, 0xe5, 0x00, 0x00, 0x81, 0x31, 0xfe, 0x45, ...HISTORICAL))

/** Answer to one command: data and the two status bytes. */
interface Done {
  readonly data: Uint8Array
  readonly sw: number
}

/** Records by short file identifier and number. */
type Files = ReadonlyMap<number, readonly Uint8Array[]>

class Chip {
  readonly protocol: ChipProtocol
  readonly #isStalling: boolean
  readonly #directory: Files
  readonly #application: Files
  #selected: 'nothing' | 'directory' | 'application' = 'nothing'
  #isProcessing = false
  /** What a T=0 chip holds back until it is fetched. */
  #waiting: Uint8Array | null = null

  constructor(spec: ChipSpec) {
    this.protocol = spec.protocol
    this.#isStalling = spec.state === 'stalls'
    this.#directory = new Map([
      [1, [tlv(0x70, tlv(0x61, tlv(0x4f, AID), tlv(0x50, ascii('DEMO DEBIT')), tlv(0x87, [0x01])))]],
    ])
    const [pan = '', rest = ''] = spec.track2.split('=')
    this.#application = new Map([
      [1, [tlv(0x70, tlv(0x57, digits(`${pan}D${rest}`)), tlv(0x5f20, ascii(spec.holder)))]],
      [2, [tlv(0x70, tlv(0x5a, digits(pan)), tlv(0x5f24, digits(`${rest.slice(0, 4)}28`)))]],
    ])
  }

  get atr(): Uint8Array {
    return this.protocol === 'T0' ? ATR_T0 : ATR_T1
  }

  reset(): void {
    this.#selected = 'nothing'
    this.#isProcessing = false
    this.#waiting = null
  }

  /** Null when it does not answer. */
  exchange(bytes: Uint8Array): Uint8Array | null {
    if (this.#isStalling) return null
    const command = decodeCommand(bytes)
    if (command === null) return said({data: NONE, sw: 0x6700})
    return said(this.protocol === 'T0' ? this.#overT0(command) : this.#overT1(command))
  }

  #overT0(command: CommandApdu): Done {
    if (command.cla === 0x00 && command.ins === 0xc0) return this.#fetch(command)
    this.#waiting = null
    const done = this.#do(command)
    if (done.data.length === 0) return done
    if (command.data.length === 0) return exactly(done, command.answerBytes)
    this.#waiting = done.data
    return {data: NONE, sw: 0x6100 + (done.data.length & 0xff)}
  }

  #fetch({answerBytes}: CommandApdu): Done {
    const waiting = this.#waiting
    if (waiting === null) return {data: NONE, sw: 0x6985}
    const done = exactly({data: waiting, sw: 0x9000}, answerBytes)
    if (done.sw === 0x9000) this.#waiting = null
    return done
  }

  #overT1(command: CommandApdu): Done {
    const done = this.#do(command)
    if (done.data.length === 0) return done
    if (command.answerBytes === null) return {data: NONE, sw: 0x6700}
    return done.data.length > command.answerBytes ? exactly(done, command.answerBytes) : done
  }

  #do(command: CommandApdu): Done {
    const {cla, ins} = command
    if (cla !== 0x00 && cla !== 0x80) return {data: NONE, sw: 0x6e00}
    if (cla === 0x00 && ins === 0xa4) return this.#select(command)
    if (cla === 0x00 && ins === 0xb2) return this.#readRecord(command)
    if (cla === 0x80 && ins === 0xa8) return this.#getProcessingOptions(command)
    return {data: NONE, sw: 0x6d00}
  }

  #select({p1, p2, data}: CommandApdu): Done {
    if (p1 !== 0x04 || p2 !== 0x00) return {data: NONE, sw: 0x6a86}
    const isDirectory = Buffer.compare(data, PSE) === 0
    const isApplication = data.length >= 5 && Buffer.compare(data, AID.subarray(0, data.length)) === 0
    if (!isDirectory && !isApplication) return {data: NONE, sw: 0x6a82}
    this.#selected = isDirectory ? 'directory' : 'application'
    this.#isProcessing = false
    const about = isDirectory ? tlv(0x88, [0x01]) : tlv(0x50, ascii('DEMO DEBIT'))
    const name = tlv(0x84, isDirectory ? PSE : AID)
    return {data: tlv(0x6f, name, tlv(0xa5, about, tlv(0x5f2d, ascii('en')))), sw: 0x9000}
  }

  #readRecord({p1, p2}: CommandApdu): Done {
    if (this.#selected === 'nothing') return {data: NONE, sw: 0x6985}
    if ((p2 & 0x07) !== 0x04) return {data: NONE, sw: 0x6a86}
    const files = this.#selected === 'directory' ? this.#directory : this.#application
    const records = files.get(p2 >> 3)
    if (records === undefined) return {data: NONE, sw: 0x6a82}
    const record = records[p1 - 1]
    return record === undefined ? {data: NONE, sw: 0x6a83} : {data: record, sw: 0x9000}
  }

  #getProcessingOptions({p1, p2, data}: CommandApdu): Done {
    if (p1 !== 0x00 || p2 !== 0x00) return {data: NONE, sw: 0x6a86}
    if (this.#selected !== 'application' || this.#isProcessing) return {data: NONE, sw: 0x6985}
    if (data[0] !== 0x83 || data[1] !== 0x00 || data.length !== 2) return {data: NONE, sw: 0x6a80}
    this.#isProcessing = true
    // The interchange profile, then where to read: each file, its first and last record, none of them signed.
    const locator = [...this.#application.keys()].flatMap(file => [file << 3, 1, 1, 0])
    return {data: tlv(0x80, [0x18, 0x00, ...locator]), sw: 0x9000}
  }
}

const NONE = new Uint8Array()

/** As much as was asked for exactly, or 6Cxx with the right length. */
function exactly(done: Done, answerBytes: number | null): Done {
  return answerBytes === done.data.length ? done : {data: NONE, sw: 0x6c00 + (done.data.length & 0xff)}
}

function said({data, sw}: Done): Uint8Array {
  return Uint8Array.of(...data, sw >> 8, sw & 0xff)
}

/** BER-TLV with a length below 128, or below 256 in the two-byte form. */
function tlv(tag: number, ...values: readonly Iterable<number>[]): Uint8Array {
  const value = values.flatMap(part => [...part])
  const head = tag > 0xff ? [tag >> 8, tag & 0xff] : [tag]
  return Uint8Array.of(...head, ...(value.length < 0x80 ? [] : [0x81]), value.length, ...value)
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'))
}

/** Digits two to a byte, the last half byte F where they are odd in number. */
function digits(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.length % 2 === 0 ? text : `${text}F`, 'hex'))
}

/** TCK: the exclusive-or of everything after TS. */
function withCheck(atr: Uint8Array): Uint8Array {
  return Uint8Array.of(
    ...atr,
    atr.subarray(1).reduce((sum, byte) => sum ^ byte, 0),
  )
}
