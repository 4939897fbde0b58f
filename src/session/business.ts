/** The business day with the bank: sign-on, the date that keys carry, and the PIN key on its way into the pad. */
import type {PinPad} from '../../devices/pin-pad/port.ts'
import type {Log} from '../../kit/log.ts'
import type {Secret} from '../../kit/secret.ts'
import type {HostLink} from '../link/port.ts'

interface PinKey {
  readonly encrypted: Secret<Uint8Array>
  readonly checkValue: string
}

export interface SignedOn {
  readonly kind: 'signedOn'
  readonly businessDate: string
}

export interface NotSignedOn {
  readonly kind: 'notSignedOn'
  readonly why: string
}

export class Business {
  readonly #link: HostLink
  readonly #pinPad: PinPad
  readonly #log: Log
  #date = ''
  #pinKey: PinKey | null = null

  constructor(link: HostLink, pinPad: PinPad, log: Log) {
    this.#link = link
    this.#pinPad = pinPad
    this.#log = log
  }

  /** The bank's business date, `2026-11-22`; empty before the first sign-on. */
  get date(): string {
    return this.#date
  }

  /** Signs on. The date becomes the machine's, unless the bank did not take us. */
  async signOn(): Promise<SignedOn | NotSignedOn> {
    const answer = await this.#link.signOn()
    switch (answer.kind) {
      case 'signedOn':
        this.#date = answer.businessDate
        this.#pinKey = {encrypted: answer.pinKey, checkValue: answer.pinKeyCheckValue}
        return {kind: 'signedOn', businessDate: answer.businessDate}
      case 'declined':
        return {kind: 'notSignedOn', why: `the bank refused the sign-on with ${answer.code}`}
      case 'silent':
        return {kind: 'notSignedOn', why: answer.why}
    }
  }

  /** The bank closed the date and opened this one. */
  goOnTo(businessDate: string): void {
    this.#date = businessDate
  }

  /**
   * Gives the bank's PIN key to the pad, and compares what the pad makes of it where it can say.
   * @returns null when a PIN block of this pad will be under that key, or why not
   */
  async loadPinKey(): Promise<string | null> {
    // The bank opens blocks with the key it sent at sign-on, and with no other.
    if (this.#pinPad.capabilities.keyScheme !== 'masterSession')
      return `the pad is set up for ${this.#pinPad.capabilities.keyScheme} keys, the bank for master and session keys`
    if (this.#pinKey === null) return 'no PIN key from the bank yet'
    const {encrypted, checkValue} = this.#pinKey
    const outcome = await this.#pinPad.loadKey({use: 'pin', form: 'underMaster', key: encrypted})
    if (outcome.kind === 'failed') return outcome.detail
    // Whether this pad can open the key shows at the first PIN block, which the bank then calls stale.
    if (outcome.kind === 'kept') return null
    if (outcome.checkValue === checkValue) return null
    this.#log.error('the PIN key in the pad is not the bank’s', {
      pad: outcome.checkValue,
      bank: checkValue,
    })
    return 'the PIN key check value differs'
  }
}
