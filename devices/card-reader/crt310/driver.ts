/**
 * Creator CRT-310: the card reader port over its serial protocol.
 *
 * Nothing here believes an order's reply alone: whether a card came in, was taken or fell into the bin is
 * read from the sensors afterwards. A reply that was lost is thereby harmless, and never repeated blindly.
 */
import type {Clock} from '../../../kit/clock.ts'
import type {Log} from '../../../kit/log.ts'
import {Secret} from '../../../kit/secret.ts'
import type {ByteLink} from '../../wire/link.ts'
import type {
  AcceptOutcome,
  CardReader,
  CardReaderCapabilities,
  CardReaderFailed,
  CardReaderFault,
  CardReaderIdentity,
  CardReaderStatus,
  EjectOutcome,
  ResetOutcome,
  RetainOutcome,
} from '../port.ts'
import {MOUTH_ORDER, PROFILE, REAR_ORDER, STOP_AT, TRACK} from './bytes.ts'
import type {CommandName, Mouth, Profile, Result} from './bytes.ts'
import {decodeResult, decodeStatus, decodeTrack2, track2Of} from './codec.ts'
import type {Status} from './codec.ts'
import {Line} from './line.ts'
import {failedBy, failedWith, mediaAt, shown} from './meaning.ts'

export const MODEL = 'crt310'

type Opened =
  | {readonly kind: 'open'; readonly identity: CardReaderIdentity; readonly status: CardReaderStatus}
  | CardReaderFailed

type Told = {readonly kind: 'reply'; readonly data: Uint8Array} | CardReaderFailed

interface Came {
  readonly kind: 'came'
  readonly status: Status
}

export class Crt310 implements CardReader {
  readonly capabilities: CardReaderCapabilities = {
    type: 'motor',
    retain: true,
    shutter: true,
    tracks: [2],
    chip: [],
  }
  readonly chip = null
  readonly #line: Line
  readonly #clock: Clock
  readonly #log: Log
  readonly #profile: Profile
  #isRefused = false
  #accepting: Promise<AcceptOutcome> | null = null

  /** @param link not opened yet; the reader owns it from now on */
  constructor(link: ByteLink, clock: Clock, log: Log, profile: Profile = PROFILE) {
    this.#line = new Line(link, clock, profile)
    this.#clock = clock
    this.#log = log.named('device.card-reader')
    this.#profile = profile
  }

  async open(): Promise<Opened> {
    const opened = await this.#line.open()
    if (opened !== 'open') return failedWith(opened, 'the serial link to the card reader did not open')
    // The reset forgets what happened to the last card, so that is asked for first; it may be all the evidence there is.
    const before = await this.#look()
    if (before.kind === 'failed') return before
    const begun = await this.#begin('resetInPlace')
    if (begun.kind === 'failed') return begun
    const {firmware, status} = begun
    this.#log.info('opened', {firmware, before: shown(before.status), after: shown(status)})
    return {
      kind: 'open',
      identity: {model: MODEL, firmware, serial: null},
      status: statusOf(status, `; before the reset: ${shown(before.status)}`),
    }
  }

  async reset(card: keyof typeof RESETS): Promise<ResetOutcome> {
    const begun = await this.#begin(RESETS[card])
    return begun.kind === 'failed' ? begun : {kind: 'reset', status: statusOf(begun.status)}
  }

  /** Resets the reader and sets it as we want it: mouth shut, cards stopping inside. */
  async #begin(
    reset: (typeof RESETS)[keyof typeof RESETS],
  ): Promise<
    {readonly kind: 'begun'; readonly firmware: string; readonly status: Status} | CardReaderFailed
  > {
    const version = await this.#ask(reset)
    if (version.kind === 'failed') return version
    const shut = await this.#shut()
    if (shut !== null) return shut
    const stop = await this.#order('stopAt', [STOP_AT.inside])
    if (stop !== null) return stop
    const after = await this.#look()
    if (after.kind === 'failed') return after
    return {kind: 'begun', firmware: printable(version.data), status: after.status}
  }

  async status(): Promise<CardReaderStatus | CardReaderFailed> {
    const looked = await this.#look()
    return looked.kind === 'failed' ? looked : statusOf(looked.status)
  }

  accept(): Promise<AcceptOutcome> {
    this.#isRefused = false
    const accepting = this.#accept()
    this.#accepting = accepting
    return accepting
  }

  async refuse(): Promise<void> {
    this.#isRefused = true
    // A waiting `accept` closes the mouth itself: it alone knows whether a card is on its way in.
    if (this.#accepting === null) await this.#shut()
    else await this.#accepting
  }

  async eject(takeWithinMs: number): Promise<EjectOutcome> {
    const before = await this.#look()
    if (before.kind === 'failed') return before
    if (mediaAt(before.status.card) === 'notPresent')
      return failedWith('no-card', `nothing to eject: ${shown(before.status)}`)
    // Held, not free: the rollers keep their grip, so that a card left behind can still be captured.
    const order = await this.#order('ejectHeld')
    const endMs = this.#clock.monotonicMs() + takeWithinMs
    let isGone = false
    for (;;) {
      const looked = await this.#look()
      if (looked.kind === 'failed') return looked
      const media = mediaAt(looked.status.card)
      const wasGone = isGone
      isGone = media === 'notPresent'
      // Cash follows the card, so that it is gone must be seen twice.
      if (isGone && wasGone) return this.#taken(looked.status)
      if (isGone) continue
      if (media !== 'entering')
        return order ?? failedWith('jam', `the card did not reach the mouth: ${shown(looked.status)}`)
      const leftMs = endMs - this.#clock.monotonicMs()
      if (leftMs <= 0) return {kind: 'left'}
      await this.#clock.sleep(Math.min(this.#profile.pollMs, leftMs))
    }
  }

  async retain(): Promise<RetainOutcome> {
    const before = await this.#look()
    if (before.kind === 'failed') return before
    if (mediaAt(before.status.card) === 'notPresent')
      return failedWith('no-card', `nothing to retain: ${shown(before.status)}`)
    const order = await this.#order('capture')
    const after = await this.#look()
    if (after.kind === 'failed') return order ?? after
    if (after.status.card === 'goneRear') return {kind: 'retained'}
    if (after.status.card === 'none') {
      // Without the reader's word, a card that is gone may as well have been pulled out at the front.
      return order ?? {kind: 'retained'}
    }
    return order ?? failedWith('jam', `the card did not leave to the rear: ${shown(after.status)}`)
  }

  async close(): Promise<void> {
    await this.#line.close()
  }

  /** A card of abnormal length keeps the reader from closing its mouth; it can once that card is gone. */
  async #taken(status: Status): Promise<EjectOutcome> {
    if (status.mouth !== 'closed') await this.#shut()
    return {kind: 'taken'}
  }

  async #accept(): Promise<AcceptOutcome> {
    try {
      return await this.#letIn()
    } finally {
      this.#accepting = null
    }
  }

  async #letIn(): Promise<AcceptOutcome> {
    const mouth = await this.#setMouth(this.#profile.admit)
    if (mouth !== null) return mouth
    const arrival = await this.#awaitCard()
    const shut = await this.#shut()
    if (arrival.kind !== 'came' && arrival.kind !== 'refused') return arrival
    // A card may have slipped in between the last look and the closing of the mouth: it is a guest, not a stopped wait.
    const card = arrival.kind === 'came' ? arrival : await this.#awaitDrawnIn()
    // With such a card inside the reader does little but give it back; it may refuse to close the mouth as well.
    if (card.kind === 'came' && isAbnormal(card.status))
      return {kind: 'unreadable', tracks: {}, detail: shown(card.status)}
    if (shut !== null) return shut
    return card.kind === 'came' ? this.#readTrack2() : card
  }

  /** Watches the sensors until a card rests inside, accepting is refused, or something is wrong. */
  async #awaitCard(): Promise<Came | {kind: 'refused'} | CardReaderFailed> {
    let atMouthSinceMs: number | null = null
    while (!this.#isRefused) {
      const looked = await this.#look()
      if (looked.kind === 'failed') return looked
      const media = mediaAt(looked.status.card)
      if (media === 'present') return {kind: 'came', status: looked.status}
      const nowMs = this.#clock.monotonicMs()
      atMouthSinceMs = media === 'entering' ? (atMouthSinceMs ?? nowMs) : null
      if (atMouthSinceMs !== null && nowMs - atMouthSinceMs >= this.#profile.drawInMs)
        return failedWith('jam', `a card was not drawn in: ${shown(looked.status)}`)
      await this.#clock.sleep(this.#profile.pollMs)
    }
    return {kind: 'refused'}
  }

  /** With the mouth shut: whether a card is inside after all, or still on its way in. */
  async #awaitDrawnIn(): Promise<Came | {kind: 'stopped'} | CardReaderFailed> {
    const endMs = this.#clock.monotonicMs() + this.#profile.drawInMs
    for (;;) {
      const looked = await this.#look()
      if (looked.kind === 'failed') return looked
      const media = mediaAt(looked.status.card)
      if (media === 'present') return {kind: 'came', status: looked.status}
      if (media === 'notPresent') return {kind: 'stopped'}
      if (this.#clock.monotonicMs() >= endMs)
        return failedWith('jam', `a card was not drawn in: ${shown(looked.status)}`)
      await this.#clock.sleep(this.#profile.pollMs)
    }
  }

  async #readTrack2(): Promise<AcceptOutcome> {
    const answer = await this.#uploadTwice()
    if (answer.kind === 'failed') return answer
    const read = decodeTrack2(answer.data)
    if (read === null) return failedWith('nonsense', 'the reply to the track upload has an unknown form')
    if (read.kind === 'bad')
      return {kind: 'unreadable', tracks: {}, detail: `track 2: ${TRACK_TROUBLE[read.fault]}`}
    if (read.kind === 'notReadable')
      return {kind: 'unreadable', tracks: {}, detail: 'track 2: the reader cannot read that track'}
    const track2 = track2Of(read.text)
    if (track2 === null)
      return {kind: 'unreadable', tracks: {}, detail: 'track 2: not in the form of ISO/IEC 7813'}
    const secret = new Secret(track2)
    return {kind: 'inserted', source: 'stripe', track2: secret, tracks: {2: {kind: 'read', text: secret}}}
  }

  /** The check byte lets some pairs of errors pass, so a track counts when two uploads agree on it. */
  async #uploadTwice(): Promise<Told> {
    let before: Uint8Array | null = null
    for (let uploads = 1; uploads <= UPLOADS_MAX; uploads++) {
      const answer = await this.#ask('readTracks', [TRACK.ascii, TRACK.track2])
      if (answer.kind === 'failed') return answer
      if (before !== null && Buffer.compare(before, answer.data) === 0) return answer
      before = answer.data
    }
    return failedWith('nonsense', 'no two uploads of the track agree')
  }

  #shut(): Promise<CardReaderFailed | null> {
    return this.#setMouth('closed')
  }

  /** Null when done. The maker's text gives the reply's letter both meanings, so the status decides. */
  async #setMouth(mouth: Mouth): Promise<CardReaderFailed | null> {
    const answer = await this.#ask('mouth', [MOUTH_ORDER[mouth], REAR_ORDER.closed])
    if (answer.kind === 'failed' && !isSilence(answer)) return answer
    const looked = await this.#look()
    if (looked.kind === 'failed') return looked
    if (looked.status.mouth === mouth) return null
    return answer.kind === 'failed'
      ? answer
      : failedWith('hardware', `the mouth is not ${mouth}: ${shown(looked.status)}`)
  }

  async #look(): Promise<{readonly kind: 'seen'; readonly status: Status} | CardReaderFailed> {
    const answer = await this.#ask('status')
    if (answer.kind === 'failed') return answer
    const status = decodeStatus(answer.data)
    return status === null
      ? failedWith('nonsense', `the status reply has an unknown form, ${answer.data.length} bytes`)
      : {kind: 'seen', status}
  }

  /** Null when the reader says it is done. */
  async #order(name: CommandName, parameters: readonly number[] = []): Promise<CardReaderFailed | null> {
    const answer = await this.#ask(name, parameters)
    if (answer.kind === 'failed') return answer
    const result = decodeResult(answer.data)
    if (result === 'done') return null
    if (result === null) return failedWith('nonsense', `${name}: the reply has an unknown form`)
    const {fault, text} = RESULT_MEANING[result]
    return failedWith(fault, `${name}: ${text}`)
  }

  async #ask(name: CommandName, parameters: readonly number[] = []): Promise<Told> {
    const answer = await this.#line.ask(name, parameters)
    if (answer.kind === 'reply') return answer
    const failed = failedBy(name, answer)
    this.#log.warn(failed.detail, {fault: failed.fault})
    return failed
  }
}

/** Where a reset leaves a card. */
const RESETS = {stay: 'resetInPlace', exit: 'resetEjectFront', retain: 'resetEjectRear'} as const

/** Uploads of one track until two agree. */
const UPLOADS_MAX = 4

const RESULT_MEANING: Readonly<
  Record<Exclude<Result, 'done'>, {readonly fault: CardReaderFault; readonly text: string}>
> = {
  failed: {fault: 'jam', text: "reply 'N': the card could not be moved"},
  noCard: {fault: 'no-card', text: "reply 'E': no card"},
  wrongPosition: {fault: 'jam', text: "reply 'W': the card is not where it could be moved from"},
}

const TRACK_TROUBLE = {
  noStart: 'no start sentinel',
  noEnd: 'no end sentinel',
  parity: 'parity error',
  checksum: 'check character wrong',
  blank: 'nothing encoded',
} as const

function statusOf(status: Status, more = ''): CardReaderStatus {
  return {
    kind: 'status',
    media: mediaAt(status.card),
    accepting: status.mouth !== 'closed',
    shutter: status.mouth === 'closed' ? 'closed' : 'open',
    retainBin: 'unknown',
    retainedCount: null,
    chipPower: 'notSupported',
    sensors: [],
    detail: shown(status) + more,
  }
}

function isAbnormal(status: Status): boolean {
  return status.card === 'longCard' || status.card === 'shortCard'
}

function isSilence(failed: CardReaderFailed): boolean {
  return failed.fault === 'no-answer' || failed.fault === 'nonsense'
}

function printable(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.filter(byte => byte >= 0x20 && byte < 0x7f)).trim()
}
