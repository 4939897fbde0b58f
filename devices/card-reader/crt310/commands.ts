/** Creator CRT-310: its commands as typed questions and orders, in the words of the card reader port. */
import type {Log} from '../../../kit/log.ts'
import type {Secret} from '../../../kit/secret.ts'
import type {LinkLost} from '../../wire/link.ts'
import type {CardReaderFailed, ChipProtocol, Sensor, Track} from '../port.ts'
import {MOUTH_ORDER, REAR_ORDER, STOP_AT, TRACK} from './bytes.ts'
import type {CommandName, Mouth, Result, StopAt} from './bytes.ts'
import {
  PROTOCOL_OF,
  decodeChip,
  decodeResult,
  decodeSensors,
  decodeSerial,
  decodeStatus,
  withLength,
} from './codec.ts'
import type {Status} from './codec.ts'
import type {Line} from './line.ts'
import {failedAs, failedBy, failedWith, shown} from './meaning.ts'
import {decodeTracks, parameterFor} from './tracks.ts'
import type {Uploaded} from './tracks.ts'

type Told = {readonly kind: 'reply'; readonly data: Uint8Array} | CardReaderFailed

export interface Seen {
  readonly kind: 'seen'
  readonly status: Status
}

/** What a chip gave, or the reader's letter for why it gave nothing. */
export type FromChip =
  | {readonly kind: 'bytes'; readonly protocol: ChipProtocol; readonly bytes: Uint8Array}
  | {readonly kind: 'nothing'; readonly result: Exclude<Result, 'done'>}

/** Uploads of the tracks until two agree. */
const UPLOADS_MAX = 4

export class Commands {
  readonly #line: Line
  readonly #log: Log

  constructor(line: Line, log: Log) {
    this.#line = line
    this.#log = log
  }

  /** Opens the link, afresh if it was open. */
  open(): Promise<'open' | LinkLost> {
    return this.#line.open()
  }

  close(): Promise<void> {
    return this.#line.close()
  }

  /** The reset's reply is the version text. */
  async reset(
    name: 'resetInPlace' | 'resetEjectFront' | 'resetEjectRear',
  ): Promise<{readonly kind: 'version'; readonly version: string} | CardReaderFailed> {
    const answer = await this.#ask(name)
    return answer.kind === 'failed' ? answer : {kind: 'version', version: printable(answer.data)}
  }

  /** The serial text, or null where the reader has none or does not know the question. */
  async serial(): Promise<string | null> {
    const answer = await this.#line.ask('serialRead')
    const serial = answer.kind === 'reply' ? decodeSerial(answer.data) : null
    return serial === '' ? null : serial
  }

  async look(): Promise<Seen | CardReaderFailed> {
    const answer = await this.#ask('status')
    if (answer.kind === 'failed') return answer
    const status = decodeStatus(answer.data)
    return status === null
      ? failedWith('nonsense', `the status reply has an unknown form, ${answer.data.length} bytes`)
      : {kind: 'seen', status}
  }

  /** As many as the reader's version tells; none where it knows neither question. */
  async sensors(): Promise<
    {readonly kind: 'sensors'; readonly sensors: readonly Sensor[]} | CardReaderFailed
  > {
    for (const version of ['v3', 'v2'] as const) {
      const answer = await this.#line.ask(version === 'v3' ? 'sensorsV3' : 'sensors')
      if (answer.kind === 'silent') return failedBy('sensors', answer)
      if (answer.kind === 'refused') continue
      const sensors = decodeSensors(answer.data, version)
      if (sensors === null) return failedWith('nonsense', 'the reply to the sensors has an unknown form')
      return {kind: 'sensors', sensors: [...sensors].map(([name, isActive]) => ({name, isActive}))}
    }
    return {kind: 'sensors', sensors: []}
  }

  /** Null when done. The maker's text gives the reply's letter both meanings, so the status decides. */
  async setMouth(mouth: Mouth): Promise<CardReaderFailed | null> {
    const answer = await this.#ask('mouth', [MOUTH_ORDER[mouth], REAR_ORDER.closed])
    if (answer.kind === 'failed' && !isSilence(answer)) return answer
    const looked = await this.look()
    if (looked.kind === 'failed') return looked
    if (looked.status.mouth === mouth) return null
    return answer.kind === 'failed'
      ? answer
      : failedWith('shutter', `the mouth is not ${mouth}: ${shown(looked.status)}; clear the mouth`)
  }

  stopAt(place: StopAt): Promise<CardReaderFailed | null> {
    return this.order('stopAt', [STOP_AT[place]])
  }

  /** Null when the reader says it is done. */
  async order(name: CommandName, parameters: readonly number[] = []): Promise<CardReaderFailed | null> {
    const answer = await this.#ask(name, parameters)
    if (answer.kind === 'failed') return answer
    const result = decodeResult(answer.data)
    if (result === 'done') return null
    return result === null
      ? failedWith('nonsense', `${name}: the reply has an unknown form`)
      : failedAs(name, result)
  }

  /** The check byte lets some pairs of errors pass, so tracks count when two uploads agree on them. */
  async tracks(
    wanted: readonly Track[],
  ): Promise<{readonly kind: 'tracks'; readonly tracks: ReadonlyMap<Track, Uploaded>} | CardReaderFailed> {
    let before: Uint8Array | null = null
    for (let uploads = 1; uploads <= UPLOADS_MAX; uploads++) {
      const answer = await this.#ask('readTracks', [TRACK.ascii, parameterFor(wanted)])
      if (answer.kind === 'failed') return answer
      if (before === null || Buffer.compare(before, answer.data) !== 0) {
        before = answer.data
        continue
      }
      const tracks = decodeTracks(answer.data)
      const result = decodeResult(answer.data)
      if (tracks !== null) return {kind: 'tracks', tracks}
      return result === null || result === 'done'
        ? failedWith('nonsense', 'the reply to the track upload has an unknown form')
        : failedAs('readTracks', result)
    }
    return failedWith('nonsense', 'no two uploads of the tracks agree')
  }

  /** Moves the card over the heads once more; false where the reader cannot. */
  async readAgain(wanted: readonly Track[]): Promise<boolean> {
    const answer = await this.#ask('readTracksAgain', [TRACK.ascii, parameterFor(wanted)])
    return answer.kind === 'reply'
  }

  /** Current to the contacts, or none; null when the reader says it is done. */
  async chipPower(to: 'on' | 'off'): Promise<CardReaderFailed | null> {
    const name = to === 'on' ? 'chipPowerOn' : 'chipPowerOff'
    const answer = await this.#ask(name)
    if (answer.kind === 'failed') return answer
    return decodeResult(answer.data) === 'done'
      ? null
      : failedWith('chip', `${name}: the contacts cannot be switched; look at the card`)
  }

  chipReset(how: 'cold' | 'warm'): Promise<FromChip | CardReaderFailed> {
    return this.#fromChip(how === 'cold' ? 'coldReset' : 'warmReset', [])
  }

  /** One command APDU by the protocol of the last reset. */
  apdu(protocol: ChipProtocol, command: Secret<Uint8Array>): Promise<FromChip | CardReaderFailed> {
    return this.#fromChip(protocol === 'T0' ? 'apduT0' : 'apduT1', [...withLength(command.reveal())])
  }

  async #fromChip(name: CommandName, parameters: readonly number[]): Promise<FromChip | CardReaderFailed> {
    const answer = await this.#ask(name, parameters)
    if (answer.kind === 'failed') return answer
    const said = decodeChip(answer.data)
    if (said === null) return failedWith('nonsense', `${name}: the reply has an unknown form`)
    if (said.kind === 'result') return {kind: 'nothing', result: said.result}
    return {kind: 'bytes', protocol: PROTOCOL_OF[said.letter], bytes: said.bytes}
  }

  async #ask(name: CommandName, parameters: readonly number[] = []): Promise<Told> {
    const answer = await this.#line.ask(name, parameters)
    if (answer.kind === 'reply') return answer
    const failed = failedBy(name, answer)
    this.#log.warn('the device did not do it', {fault: failed.fault, detail: failed.detail})
    return failed
  }
}

function isSilence(failed: CardReaderFailed): boolean {
  return failed.fault === 'no-answer' || failed.fault === 'nonsense'
}

function printable(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.filter(byte => byte >= 0x20 && byte < 0x7f)).trim()
}
