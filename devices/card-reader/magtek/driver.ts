/**
 * MagTek swipe and insert readers: the card reader port over their HID reports.
 *
 * They hold nothing: a card is drawn through, or pushed in and pulled out, whenever the customer likes, and each
 * report is a card that was read. What comes while nobody waits is passed over, its tracks with it.
 */
import type {Clock} from '../../../kit/clock.ts'
import type {Log} from '../../../kit/log.ts'
import type {HidLink} from '../../wire/hid.ts'
import type {
  AcceptOutcome,
  CardReader,
  CardReaderCapabilities,
  CardReaderFailed,
  CardReaderIdentity,
  CardReaderStatus,
  EjectOutcome,
  Media,
  ResetOutcome,
  RetainOutcome,
  Track,
  Tracks,
} from '../port.ts'
import {stripeOutcome} from '../stripe.ts'
import {
  isProduct,
  MAGNE_SAFE_PROPERTY,
  PRODUCTS,
  PROFILE,
  PROPERTY,
  SECURITY_LEVEL_ENCRYPTING,
  VENDOR_ID,
} from './bytes.ts'
import type {Family, Profile} from './bytes.ts'
import {decodeCard, familyOf, TRACKS} from './codec.ts'
import type {CardReport} from './codec.ts'
import {encryptionText, failedWith} from './meaning.ts'
import {Requests} from './requests.ts'
import type {Told} from './requests.ts'

export const MODEL = 'magtek'

/** What the reader tells of itself; null where its family has none. */
export interface MagtekStatus extends CardReaderStatus {
  readonly family: Family
  readonly product: string
  readonly securityLevel: number | null
  /** Its own state, and how it came into it; codes of D99875475. */
  readonly readerState: {readonly state: number; readonly antecedent: number} | null
  /** Name and counter of the next key, upper-case hex. */
  readonly ksn: string | null
  /** Cards that it still encrypts; null where that is not limited. */
  readonly encryptionsLeft: number | null
}

type Opened =
  | {readonly kind: 'open'; readonly identity: CardReaderIdentity; readonly status: MagtekStatus}
  | CardReaderFailed

/** What is on the bus. */
interface Found {
  readonly family: Family
  readonly product: string
}

/** One `accept` under way. */
interface Waiting {
  readonly asked: readonly Track[]
  /** What was read of a card on its way in that gave no track 2; it may be read better on its way out. */
  halfway: {readonly tracks: Tracks; readonly detail: string} | null
  readonly end: (outcome: AcceptOutcome) => void
}

export class MagtekReader implements CardReader {
  readonly capabilities: CardReaderCapabilities
  readonly chip = null
  readonly #link: HidLink
  readonly #clock: Clock
  readonly #log: Log
  readonly #profile: Profile
  readonly #requests: Requests
  #found: Found | null = null
  #media: Media
  /** The card that is inside was given to an `accept` already: its way out is no second card. */
  #isSpent = false
  #waiting: Waiting | null = null
  #removals: ((outcome: EjectOutcome) => void)[] = []

  /**
   * @param link not opened yet; the reader owns it from now on
   * @param type what it is; another reader found on the link is refused
   */
  constructor(link: HidLink, clock: Clock, log: Log, type: 'swipe' | 'dip', profile: Profile = PROFILE) {
    this.capabilities = {type, retain: false, shutter: false, tracks: [1, 2, 3], chip: []}
    this.#link = link
    this.#clock = clock
    this.#log = log.named('device.card-reader')
    this.#profile = profile
    this.#requests = new Requests(link, this.#log)
    this.#media = type === 'swipe' ? 'notSupported' : 'unknown'
  }

  async open(): Promise<Opened> {
    await this.#link.close()
    this.#forget('not-opened')
    const opened = await this.#link.open({
      report: (_id, bytes) => {
        this.#hear(decodeCard(bytes))
      },
      garbage: why => {
        this.#log.warn('a report that is none', {why})
        this.#hear(null)
      },
      lost: why => {
        this.#forget(why)
      },
    })
    if (opened.kind === 'lost') return failedWith(opened.why, 'the HID link to the card reader did not open')
    const begun = await this.#begin(opened.identity, opened.reports.lengths.input.get(0) ?? 0)
    if (begun.kind === 'failed') await this.#link.close()
    return begun
  }

  async status(): Promise<MagtekStatus | CardReaderFailed> {
    const found = this.#found
    return found === null ? failedWith('not-opened', 'the card reader is not open') : this.#look(found)
  }

  accept(tracks: readonly Track[] = [2]): Promise<AcceptOutcome> {
    if (this.#found === null) return Promise.resolve(failedWith('not-opened', 'the card reader is not open'))
    return new Promise(resolve => {
      this.#waiting?.end({kind: 'stopped'})
      const asked = TRACKS.filter(track => track === 2 || tracks.includes(track))
      this.#waiting = {asked, halfway: null, end: resolve}
    })
  }

  async refuse(): Promise<void> {
    const halfway = this.#waiting?.halfway ?? null
    this.#endAccept(halfway === null ? {kind: 'stopped'} : {kind: 'unreadable', ...halfway})
  }

  async eject(takeWithinMs: number): Promise<EjectOutcome> {
    // Of a card that no report spoke of there is nothing to wait for: it was never in our hands.
    if (this.capabilities.type === 'swipe' || (this.#found !== null && this.#media !== 'present'))
      return {kind: 'taken'}
    if (this.#found === null) return failedWith('not-opened', 'the card reader is not open')
    return new Promise(resolve => {
      const timer = this.#clock.after(takeWithinMs, () => {
        this.#removals = this.#removals.filter(one => one !== end)
        resolve({kind: 'left'})
      })
      const end = (outcome: EjectOutcome): void => {
        timer.cancel()
        resolve(outcome)
      }
      this.#removals.push(end)
    })
  }

  async retain(): Promise<RetainOutcome> {
    return failedWith('not-supported', 'the reader has no hold on a card and cannot keep one')
  }

  async reset(card: 'stay' | 'exit' | 'retain'): Promise<ResetOutcome> {
    if (card !== 'stay') return failedWith('not-supported', 'the reader cannot move a card')
    const told = await this.#requests.ask('reset')
    if (told.kind === 'failed') return told
    await this.close()
    const endMs = this.#clock.monotonicMs() + this.#profile.resetMaxMs
    for (;;) {
      await this.#clock.sleep(this.#profile.reopenMs)
      const opened = await this.open()
      if (opened.kind === 'open') return {kind: 'reset', status: opened.status}
      if (this.#clock.monotonicMs() >= endMs) return opened
    }
  }

  async close(): Promise<void> {
    await this.#link.close()
    this.#forget('not-opened')
  }

  async #begin(
    {vendorId, productId}: {readonly vendorId: number; readonly productId: number},
    inputBytes: number,
  ): Promise<Opened> {
    const ids = `${hex4(vendorId)}:${hex4(productId)}`
    if (vendorId !== VENDOR_ID || !isProduct(productId))
      return failedWith('not-supported', `${ids} is no MagTek reader that this driver knows`)
    const {type, name} = PRODUCTS[productId]
    if (type !== this.capabilities.type)
      return failedWith(
        'not-supported',
        `${ids} is a ${type} reader, and a ${this.capabilities.type} one is set`,
      )
    const family = familyOf(inputBytes)
    if (family === null)
      return failedWith(
        'not-supported',
        `${ids} has reports of ${inputBytes} bytes, whose layout is not known`,
      )
    const found: Found = {family, product: name}
    const firmware = await this.#property(PROPERTY.softwareId)
    if (firmware.kind === 'failed') return firmware
    const serial = await this.#property(
      family === 'magneSafe' ? MAGNE_SAFE_PROPERTY.deviceSerial : PROPERTY.usbSerial,
    )
    if (serial.kind === 'failed') return serial
    const status = await this.#look(found)
    if (status.kind === 'failed') return status
    if (status.securityLevel !== null && status.securityLevel >= SECURITY_LEVEL_ENCRYPTING)
      return failedWith(
        'not-supported',
        `the reader is at security level ${status.securityLevel} and gives no track in clear`,
      )
    this.#found = found
    const identity = {model: MODEL, firmware: firmware.text, serial: serial.text === '' ? null : serial.text}
    this.#log.info('opened', {...identity, detail: status.detail})
    return {kind: 'open', identity, status}
  }

  async #property(
    property: number,
  ): Promise<{readonly kind: 'text'; readonly text: string} | CardReaderFailed> {
    const told = await this.#requests.ask('getProperty', [property])
    return told.kind === 'failed' ? told : {kind: 'text', text: printable(told.content)}
  }

  async #look(found: Found): Promise<MagtekStatus | CardReaderFailed> {
    // A reader in clear has no state to ask for: that it answers at all is what it tells.
    const asked =
      found.family === 'magneSafe'
        ? (['securityLevel', 'readerState', 'ksn', 'encryptionCounter'] as const)
        : []
    const told: Told[] = []
    for (const name of asked) told.push(await this.#requests.ask(name))
    if (asked.length === 0) told.push(await this.#requests.ask('getProperty', [PROPERTY.softwareId]))
    const failed = told.find(one => one.kind === 'failed' && one.fault !== 'bad-request')
    if (failed?.kind === 'failed') return failed
    const [level, state, ksn, counter] =
      asked.length === 0 ? [] : told.map(one => (one.kind === 'failed' ? new Uint8Array() : one.content))
    const securityLevel = level?.[0] ?? null
    return {
      kind: 'status',
      media: this.#media,
      accepting: this.#waiting !== null,
      shutter: 'notSupported',
      retainBin: 'notSupported',
      retainedCount: null,
      chipPower: 'notSupported',
      sensors: [],
      ...found,
      securityLevel,
      readerState: state?.length === 2 ? {state: state[0] ?? 0, antecedent: state[1] ?? 0} : null,
      ksn: ksn?.length === 10 ? Buffer.from(ksn).toString('hex').toUpperCase() : null,
      encryptionsLeft: encryptionsLeft(counter),
      detail: `${found.product}${securityLevel === null ? '' : `, security level ${securityLevel}`}`,
    }
  }

  /** A report came; null when it makes no sense. */
  #hear(card: CardReport | null): void {
    const isIn = this.capabilities.type === 'dip' && card?.way === 'in'
    const isSecondLook = this.#isSpent && !isIn
    if (this.capabilities.type === 'dip' && card !== null) {
      this.#media = isIn ? 'present' : 'notPresent'
      if (!isIn) {
        this.#isSpent = false
        this.#endRemovals({kind: 'taken'})
      }
    }
    const waiting = this.#waiting
    if (waiting === null || isSecondLook) return
    const outcome = outcomeOf(card, waiting.asked)
    if (outcome.kind === 'unreadable' && isIn) {
      waiting.halfway = {tracks: outcome.tracks, detail: outcome.detail}
      return
    }
    this.#isSpent = isIn
    this.#endAccept(outcome)
  }

  /** Whatever is under way ends, and what was known of a card is known no more. */
  #forget(why: CardReaderFailed['fault']): void {
    this.#found = null
    this.#isSpent = false
    if (this.capabilities.type === 'dip') this.#media = 'unknown'
    const failed = failedWith(why, `the link to the card reader: ${why}`)
    this.#endAccept(failed)
    this.#endRemovals(failed)
  }

  #endAccept(outcome: AcceptOutcome): void {
    const waiting = this.#waiting
    this.#waiting = null
    waiting?.end(outcome)
  }

  #endRemovals(outcome: EjectOutcome): void {
    const removals = this.#removals
    this.#removals = []
    for (const end of removals) end(outcome)
  }
}

/** What one report is to whoever waits for a card. */
function outcomeOf(
  card: CardReport | null,
  asked: readonly Track[],
): Extract<AcceptOutcome, {kind: 'inserted' | 'unreadable'}> {
  if (card === null) return {kind: 'unreadable', tracks: {}, detail: 'the reader sent a report without sense'}
  if (card.tracks === 'encrypted')
    return {
      kind: 'unreadable',
      tracks: {},
      detail: `the reader encrypts its tracks: ${encryptionText(card.encryption)}`,
    }
  const {tracks} = card
  const read = new Map([...tracks].filter(([track]) => asked.includes(track)))
  const outcome = stripeOutcome(read)
  return outcome.kind === 'inserted' || card.encryption === 0
    ? outcome
    : {...outcome, detail: `${outcome.detail}; ${encryptionText(card.encryption)}`}
}

/** Three bytes, high first; all ones where the number of encryptions is not limited (D99875475, command 1C). */
function encryptionsLeft(content: Uint8Array | undefined): number | null {
  if (content?.length !== 19) return null
  const [high = 0, middle = 0, low = 0] = content.subarray(16)
  const left = (high << 16) | (middle << 8) | low
  return left === 0xffffff ? null : left
}

function hex4(id: number): string {
  return id.toString(16).padStart(4, '0')
}

function printable(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.filter(byte => byte >= 0x20 && byte < 0x7f)).trim()
}
