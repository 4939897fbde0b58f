/** The chip contacts of a motor reader, as the port wants them: what every model does alike, over what each does its own way. */
import {Secret} from '../../kit/secret.ts'
import {overT0} from './apdu.ts'
import type {ResponseApdu} from './apdu.ts'
import type {
  CardReaderFailed,
  CardReaderStatus,
  ChipContacts,
  ChipIoOutcome,
  ChipPowerOffOutcome,
  ChipProtocol,
  ChipResetOutcome,
  Media,
} from './port.ts'

export interface Mute {
  readonly kind: 'mute'
  readonly detail: string
}

/** How one model reaches a chip. */
export interface ChipWire {
  /** The card to the contacts, and whatever has to come before a cold reset; null when that can follow. */
  prepare(): Promise<CardReaderFailed | null>
  reset(how: 'cold' | 'warm'): Promise<ChipResetOutcome>
  /** One command and its answer by that protocol, whatever the answer. */
  exchange(
    protocol: ChipProtocol,
    command: Secret<Uint8Array>,
  ): Promise<ResponseApdu | Mute | CardReaderFailed>
  /** Null when done. */
  powerOff(): Promise<CardReaderFailed | null>
}

export class Contacts implements ChipContacts {
  readonly #wire: ChipWire
  /** What the last reset found; null without power, or when nobody knows. */
  #protocol: ChipProtocol | null = null

  constructor(wire: ChipWire) {
    this.#wire = wire
  }

  /** As a status tells it, of a card that is there. */
  powerAt(media: Media): CardReaderStatus['chipPower'] {
    if (media === 'notPresent') return 'noCard'
    return this.#protocol === null ? 'poweredOff' : 'online'
  }

  /** Nothing is known of the chip any more: the card is gone, or the reader was away. */
  forget(): void {
    this.#protocol = null
  }

  /** Takes the power off before the card moves. Whether that worked shows when it does move. */
  async release(): Promise<void> {
    if (this.#protocol !== null) await this.#wire.powerOff()
    this.forget()
  }

  async reset(how: 'cold' | 'warm'): Promise<ChipResetOutcome> {
    if (how === 'warm' && this.#protocol === null) return notNow('the chip has no power; reset it cold first')
    const unready = how === 'cold' ? await this.#wire.prepare() : null
    if (unready !== null) return unready
    this.forget()
    const outcome = await this.#wire.reset(how)
    if (outcome.kind === 'answered') this.#protocol = outcome.protocol
    return outcome
  }

  async transmit(command: Secret<Uint8Array>): Promise<ChipIoOutcome> {
    const protocol = this.#protocol
    if (protocol === null) return notNow('the chip has no power; reset it first')
    const exchange = (bytes: Secret<Uint8Array>): ReturnType<ChipWire['exchange']> =>
      this.#wire.exchange(protocol, bytes)
    const heard = await (protocol === 'T0' ? overT0(command, exchange) : exchange(command))
    if (heard === null)
      return {kind: 'failed', fault: 'nonsense', detail: 'the answer of the chip never comes to an end'}
    if (!('kind' in heard)) return {kind: 'answered', answer: new Secret(heard.data), status: heard.status}
    if (heard.kind === 'mute') this.forget()
    return heard
  }

  async powerOff(): Promise<ChipPowerOffOutcome> {
    const failed = await this.#wire.powerOff()
    if (failed !== null) return failed
    this.forget()
    return {kind: 'poweredOff'}
  }
}

function notNow(detail: string): CardReaderFailed {
  return {kind: 'failed', fault: 'not-now', detail}
}
