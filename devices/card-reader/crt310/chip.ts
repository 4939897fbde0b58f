/** Creator CRT-310: the contacts of its chip, as the card reader port wants them. */
import {Secret} from '../../../kit/secret.ts'
import {decodeResponse, overT0} from '../apdu.ts'
import type {ResponseApdu} from '../apdu.ts'
import type {
  CardReaderFailed,
  CardReaderStatus,
  ChipContacts,
  ChipIoOutcome,
  ChipPowerOffOutcome,
  ChipProtocol,
  ChipResetOutcome,
} from '../port.ts'
import type {Commands, FromChip} from './commands.ts'
import {failedAs, failedWith, mediaAt, shown} from './meaning.ts'

export class Crt310Chip implements ChipContacts {
  readonly #commands: Commands
  /** What the last reset found; null without power, or when nobody knows. */
  #protocol: ChipProtocol | null = null

  constructor(commands: Commands) {
    this.#commands = commands
  }

  get power(): CardReaderStatus['chipPower'] {
    return this.#protocol === null ? 'poweredOff' : 'online'
  }

  /** Nothing is known of the chip any more: the card moved, or the reader was away. */
  forget(): void {
    this.#protocol = null
  }

  /** Takes the power off before the card moves. Whether that worked shows when it does move. */
  async release(): Promise<void> {
    if (this.#protocol !== null) await this.#commands.chipPower('off')
    this.forget()
  }

  async reset(how: 'cold' | 'warm'): Promise<ChipResetOutcome> {
    if (how === 'warm' && this.#protocol === null)
      return failedWith('not-now', 'the chip has no power; reset it cold first')
    if (how === 'cold') {
      const unready = await this.#bringPower()
      if (unready !== null) return unready
    }
    this.forget()
    const said = await this.#commands.chipReset(how)
    if (said.kind === 'failed') return said
    if (said.kind === 'nothing') return absent(said) ?? {kind: 'mute', detail: 'no answer to reset'}
    this.#protocol = said.protocol
    return {kind: 'answered', protocol: said.protocol, atr: said.bytes}
  }

  async transmit(command: Secret<Uint8Array>): Promise<ChipIoOutcome> {
    const protocol = this.#protocol
    if (protocol === null) return failedWith('not-now', 'the chip has no power; reset it first')
    const exchange = (bytes: Secret<Uint8Array>): Promise<ResponseApdu | Unheard> =>
      this.#exchange(protocol, bytes)
    const heard = await (protocol === 'T0' ? overT0(command, exchange) : exchange(command))
    if (heard === null) return failedWith('nonsense', 'the answer of the chip never comes to an end')
    if ('kind' in heard) {
      if (heard.kind === 'mute') this.forget()
      return heard
    }
    return {kind: 'answered', answer: new Secret(heard.data), status: heard.status}
  }

  async powerOff(): Promise<ChipPowerOffOutcome> {
    const failed = await this.#commands.chipPower('off')
    if (failed !== null) return failed
    this.forget()
    return {kind: 'poweredOff'}
  }

  async #exchange(protocol: ChipProtocol, command: Secret<Uint8Array>): Promise<ResponseApdu | Unheard> {
    const said = await this.#commands.apdu(protocol, command)
    if (said.kind === 'failed') return said
    if (said.kind === 'nothing') return absent(said) ?? {kind: 'mute', detail: 'the chip does not answer'}
    const response = decodeResponse(said.bytes)
    return response ?? failedWith('nonsense', `${said.bytes.length} bytes are no answer of a chip`)
  }

  /** The card to the contacts, and current to them; null when the reset can follow. */
  async #bringPower(): Promise<CardReaderFailed | null> {
    const before = await this.#commands.look()
    if (before.kind === 'failed') return before
    if (mediaAt(before.status.card) !== 'present')
      return failedWith('no-card', `no card for the chip contacts: ${shown(before.status)}`)
    if (before.status.card !== 'insideContact') {
      const order = await this.#commands.order('toContact')
      const after = await this.#commands.look()
      if (after.kind === 'failed') return order ?? after
      if (after.status.card !== 'insideContact')
        return order ?? failedWith('jam', `the card did not reach the contacts: ${shown(after.status)}`)
    }
    const power = await this.#commands.chipPower('on')
    // Some readers may power the chip by the reset alone, so only silence ends it here.
    return power !== null && power.fault !== 'chip' && power.fault !== 'not-now' ? power : null
  }
}

type Unheard = CardReaderFailed | {readonly kind: 'mute'; readonly detail: string}

/** The letters that speak of the card rather than of its chip. */
function absent({result}: Extract<FromChip, {kind: 'nothing'}>): CardReaderFailed | null {
  return result === 'failed' ? null : failedAs('coldReset', result)
}
