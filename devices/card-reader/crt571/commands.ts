/** Creator CRT-571: its commands as typed questions and orders, in the words of the card reader port. */
import type {Log} from '../../../kit/log.ts'
import type {Secret} from '../../../kit/secret.ts'
import type {LinkLost} from '../../wire/link.ts'
import {decodeResponse} from '../apdu.ts'
import type {ResponseApdu} from '../apdu.ts'
import type {Mute} from '../contacts.ts'
import type {CardReaderFailed, ChipProtocol, ChipResetOutcome, Sensor} from '../port.ts'
import {VOLTAGE} from './bytes.ts'
import type {CommandName} from './bytes.ts'
import {decodeCount, decodeReset, decodeSensors, decodeSerial, printable} from './codec.ts'
import type {State} from './codec.ts'
import type {Answer, Line} from './line.ts'
import {MUTE, failedWith, refusedBy, silentBy, textOf} from './meaning.ts'

/** A good answer: where things stand, and the data. */
export interface Told {
  readonly kind: 'reply'
  readonly state: State
  readonly data: Uint8Array
}

/** Who the reader says it is, as far as it says. */
export interface About {
  readonly serial: string | null
  /** Version and configuration, joined; empty where it tells neither. */
  readonly more: string
}

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

  async ask(name: CommandName, data?: Uint8Array): Promise<Told | CardReaderFailed> {
    const answer = await this.#line.ask(name, data)
    if (answer.kind === 'reply') return answer
    const failed =
      answer.kind === 'refused' ? refusedBy(name, answer.code) : silentBy(name, answer.why, answer.mayHaveRun)
    this.#log.warn('the device did not do it', {fault: failed.fault, detail: failed.detail})
    return failed
  }

  /** Null when done. */
  async order(name: CommandName): Promise<CardReaderFailed | null> {
    const told = await this.ask(name)
    return told.kind === 'failed' ? told : null
  }

  /** Whether the reader knows where it stands; one that lost its power does not until it is initialised. */
  async isInitialised(): Promise<boolean> {
    const answer = await this.#line.ask('status')
    return answer.kind !== 'refused' || answer.code !== 'B0'
  }

  /** Serial text, version and configuration. What the reader does not tell is left out. */
  async about(): Promise<About> {
    const serial = await this.#line.ask('serial')
    const version = await this.#line.ask('version')
    const config = await this.#line.ask('config')
    const text = (answer: Answer): string => (answer.kind === 'reply' ? printable(answer.data) : '')
    const number = serial.kind === 'reply' ? decodeSerial(serial.data) : null
    return {
      serial: number === '' ? null : number,
      more: [text(version), text(config)].filter(part => part !== '').join(' '),
    }
  }

  async sensors(): Promise<
    {readonly kind: 'sensors'; readonly sensors: readonly Sensor[]} | CardReaderFailed
  > {
    const told = await this.ask('sensors')
    if (told.kind === 'failed') return told
    const sensors = decodeSensors(told.data)
    if (sensors === null) return failedWith('nonsense', 'the reply to the sensors has an unknown form')
    return {kind: 'sensors', sensors: [...sensors].map(([name, isActive]) => ({name, isActive}))}
  }

  /** Cards kept since the counter was set; null where the reader does not tell. */
  async counted(): Promise<number | null> {
    const answer = await this.#line.ask('counter')
    return answer.kind === 'reply' ? decodeCount(answer.data) : null
  }

  async chipReset(how: 'cold' | 'warm'): Promise<ChipResetOutcome> {
    if (how === 'warm') return this.#resetFrom('warmReset', await this.#line.ask('warmReset'))
    const first = await this.#line.ask('coldReset', Uint8Array.of(VOLTAGE.emv5V))
    // Not what EMV asks for, and perhaps a good chip all the same.
    if (first.kind !== 'refused' || first.code !== '69') return this.#resetFrom('coldReset', first)
    return this.#resetFrom('coldReset', await this.#line.ask('coldReset', Uint8Array.of(VOLTAGE.iso5V)))
  }

  async apdu(
    protocol: ChipProtocol,
    command: Secret<Uint8Array>,
  ): Promise<ResponseApdu | Mute | CardReaderFailed> {
    const name = protocol === 'T0' ? 'apduT0' : 'apduT1'
    const answer = await this.#line.ask(name, command.reveal())
    if (answer.kind !== 'reply') return unheard(name, answer)
    const response = decodeResponse(answer.data)
    return response ?? failedWith('nonsense', `${answer.data.length} bytes are no answer of a chip`)
  }

  #resetFrom(name: 'coldReset' | 'warmReset', answer: Answer): ChipResetOutcome {
    if (answer.kind !== 'reply') return unheard(name, answer)
    const reset = decodeReset(answer.data)
    if (reset === null) return failedWith('nonsense', `${name}: the reply has an unknown form`)
    return {kind: 'answered', protocol: reset.protocol, atr: reset.atr}
  }
}

function unheard(name: CommandName, answer: Exclude<Answer, {kind: 'reply'}>): Mute | CardReaderFailed {
  if (answer.kind === 'silent') return silentBy(name, answer.why, answer.mayHaveRun)
  return MUTE.includes(answer.code)
    ? {kind: 'mute', detail: `error ${answer.code}, ${textOf(answer.code)}`}
    : refusedBy(name, answer.code)
}
