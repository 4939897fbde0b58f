/**
 * Creator CRT-310: the card reader port over its serial protocol.
 *
 * Nothing here believes an order's reply alone: whether a card came in, was taken or fell into the bin is
 * read from the sensors afterwards. A reply that was lost is thereby harmless, and never repeated blindly.
 */
import type {Clock} from '../../../kit/clock.ts'
import type {Log} from '../../../kit/log.ts'
import type {ByteLink} from '../../wire/link.ts'
import type {
  AcceptOutcome,
  CardReader,
  CardReaderCapabilities,
  CardReaderFailed,
  CardReaderIdentity,
  CardReaderStatus,
  EjectOutcome,
  ResetOutcome,
  RetainOutcome,
  Track,
} from '../port.ts'
import {Contacts} from '../contacts.ts'
import {stripeOutcome} from '../stripe.ts'
import {PROFILE} from './bytes.ts'
import type {Profile} from './bytes.ts'
import {chipWire} from './chip.ts'
import {Commands} from './commands.ts'
import type {Status} from './codec.ts'
import {Line} from './line.ts'
import {failedWith, mediaAt, rawTrack, shown} from './meaning.ts'
import type {Uploaded} from './tracks.ts'

export const MODEL = 'crt310'

type Opened =
  | {readonly kind: 'open'; readonly identity: CardReaderIdentity; readonly status: CardReaderStatus}
  | CardReaderFailed

interface Came {
  readonly kind: 'came'
  readonly status: Status
}

/** Where a reset leaves a card. */
const RESETS = {stay: 'resetInPlace', exit: 'resetEjectFront', retain: 'resetEjectRear'} as const

export class Crt310 implements CardReader {
  readonly capabilities: CardReaderCapabilities
  readonly chip: Contacts | null
  readonly #commands: Commands
  readonly #clock: Clock
  readonly #log: Log
  readonly #profile: Profile
  #isRefused = false
  /** Whether a card may come in, as far as we set it. */
  #isAdmitting = false
  #accepting: Promise<AcceptOutcome> | null = null

  /** @param link not opened yet; the reader owns it from now on */
  constructor(link: ByteLink, clock: Clock, log: Log, profile: Profile = PROFILE) {
    this.#log = log.named('device.card-reader')
    this.#commands = new Commands(new Line(link, clock, profile), this.#log)
    this.#clock = clock
    this.#profile = profile
    this.chip = profile.chip.length === 0 ? null : new Contacts(chipWire(this.#commands))
    const {bin, shutter, tracks, chip} = profile
    this.capabilities = {type: 'motor', retain: bin, shutter, tracks, chip}
  }

  async open(): Promise<Opened> {
    this.chip?.forget()
    const opened = await this.#commands.open()
    if (opened !== 'open') return failedWith(opened, 'the serial link to the card reader did not open')
    // The reset forgets what happened to the last card, so that is asked for first; it may be all the evidence there is.
    const before = await this.#commands.look()
    if (before.kind === 'failed') return before
    const version = await this.#begin('stay')
    if (version.kind === 'failed') return version
    const serial = await this.#commands.serial()
    const status = await this.status()
    if (status.kind === 'failed') return status
    const firmware = version.version
    this.#log.info('opened', {firmware, before: shown(before.status), after: status.detail})
    const detail = `${status.detail}; before the reset: ${shown(before.status)}`
    return {kind: 'open', identity: {model: MODEL, firmware, serial}, status: {...status, detail}}
  }

  async status(): Promise<CardReaderStatus | CardReaderFailed> {
    const looked = await this.#commands.look()
    if (looked.kind === 'failed') return looked
    const told = await this.#commands.sensors()
    return told.kind === 'failed' ? told : this.#statusOf(looked.status, told.sensors)
  }

  accept(tracks: readonly Track[] = []): Promise<AcceptOutcome> {
    this.#isRefused = false
    const accepting = this.#accept(tracks)
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
    const before = await this.#commands.look()
    if (before.kind === 'failed') return before
    if (mediaAt(before.status.card) === 'notPresent')
      return failedWith('no-card', `nothing to eject: ${shown(before.status)}`)
    await this.chip?.release()
    // Held, not free: the rollers keep their grip, so that a card left behind can still be captured.
    const order = await this.#commands.order('ejectHeld')
    const endMs = this.#clock.monotonicMs() + takeWithinMs
    let isGone = false
    for (;;) {
      const looked = await this.#commands.look()
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
    if (!this.#profile.bin) return failedWith('not-supported', NO_BIN)
    const before = await this.#commands.look()
    if (before.kind === 'failed') return before
    if (mediaAt(before.status.card) === 'notPresent')
      return failedWith('no-card', `nothing to retain: ${shown(before.status)}`)
    await this.chip?.release()
    // With a card of abnormal length inside, the reader does nothing else.
    const order = await this.#commands.order(isAbnormal(before.status) ? 'captureAbnormal' : 'capture')
    const after = await this.#commands.look()
    if (after.kind === 'failed') return order ?? after
    if (after.status.card === 'goneRear') return {kind: 'retained'}
    if (after.status.card === 'none') {
      // Without the reader's word, a card that is gone may as well have been pulled out at the front.
      return order ?? {kind: 'retained'}
    }
    return order ?? failedWith('jam', `the card did not leave to the rear: ${shown(after.status)}`)
  }

  async reset(card: 'stay' | 'exit' | 'retain'): Promise<ResetOutcome> {
    if (card === 'retain' && !this.#profile.bin) return failedWith('not-supported', NO_BIN)
    this.chip?.forget()
    const version = await this.#begin(card)
    if (version.kind === 'failed') return version
    const status = await this.status()
    if (status.kind === 'failed') return status
    // The reply to a reset is the version, whether the card went or not.
    const isStill = card !== 'stay' && status.media === 'present'
    return isStill ? failedWith('jam', 'after the reset the card is still inside') : {kind: 'reset', status}
  }

  async close(): Promise<void> {
    await this.#commands.close()
  }

  /** Resets the reader and sets it as we want it: nothing comes in, and what comes in later stops inside. */
  async #begin(card: keyof typeof RESETS): ReturnType<Commands['reset']> {
    const version = await this.#commands.reset(RESETS[card])
    if (version.kind === 'failed') return version
    const shut = await this.#shut()
    if (shut !== null) return shut
    const stop = this.#profile.shutter ? await this.#commands.stopAt('inside') : null
    return stop ?? version
  }

  /** A card of abnormal length keeps the reader from closing its mouth; it can once that card is gone. */
  async #taken(status: Status): Promise<EjectOutcome> {
    if (this.#profile.shutter && status.mouth !== 'closed') await this.#shut()
    return {kind: 'taken'}
  }

  async #accept(tracks: readonly Track[]): Promise<AcceptOutcome> {
    try {
      return await this.#letIn(tracks)
    } finally {
      this.#accepting = null
    }
  }

  async #letIn(tracks: readonly Track[]): Promise<AcceptOutcome> {
    const mouth = await this.#admit()
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
    return card.kind === 'came' ? this.#read(tracks) : card
  }

  /** Watches the sensors until a card rests inside, accepting is refused, or something is wrong. */
  async #awaitCard(): Promise<Came | {kind: 'refused'} | CardReaderFailed> {
    let atMouthSinceMs: number | null = null
    while (!this.#isRefused) {
      const looked = await this.#commands.look()
      if (looked.kind === 'failed') return looked
      const media = mediaAt(looked.status.card)
      if (media === 'present') return {kind: 'came', status: looked.status}
      const nowMs = this.#clock.monotonicMs()
      atMouthSinceMs = this.#isStuckAtMouth(looked.status) ? (atMouthSinceMs ?? nowMs) : null
      if (atMouthSinceMs !== null && nowMs - atMouthSinceMs >= this.#profile.drawInMs)
        return failedWith('jam', `a card was not drawn in: ${shown(looked.status)}; take it out of the mouth`)
      await this.#clock.sleep(this.#profile.pollMs)
    }
    return {kind: 'refused'}
  }

  /** Without a shutter, a card that was put into the mouth before it was wanted lies there free, and may. */
  #isStuckAtMouth({card}: Status): boolean {
    return mediaAt(card) === 'entering' && (this.#profile.shutter || card !== 'frontFree')
  }

  /** With the mouth shut: whether a card is inside after all, or still on its way in. */
  async #awaitDrawnIn(): Promise<Came | {kind: 'stopped'} | CardReaderFailed> {
    const endMs = this.#clock.monotonicMs() + this.#profile.drawInMs
    for (;;) {
      const looked = await this.#commands.look()
      if (looked.kind === 'failed') return looked
      const media = mediaAt(looked.status.card)
      if (media === 'present') return {kind: 'came', status: looked.status}
      if (media === 'notPresent' || !this.#isStuckAtMouth(looked.status)) return {kind: 'stopped'}
      if (this.#clock.monotonicMs() >= endMs)
        return failedWith('jam', `a card was not drawn in: ${shown(looked.status)}; take it out of the mouth`)
      await this.#clock.sleep(this.#profile.pollMs)
    }
  }

  async #read(asked: readonly Track[]): Promise<AcceptOutcome> {
    const wanted = this.#profile.tracks.filter(track => track === 2 || asked.includes(track))
    let read = await this.#commands.tracks(wanted)
    if (read.kind === 'failed') return read
    if (this.#profile.rereads && [...read.tracks.values()].some(isSpoilt)) {
      if (await this.#commands.readAgain(wanted)) read = await this.#commands.tracks(wanted)
      if (read.kind === 'failed') return read
    }
    return stripeOutcome(new Map([...read.tracks].map(([track, uploaded]) => [track, rawTrack(uploaded)])))
  }

  /** Lets a card in. */
  async #admit(): Promise<CardReaderFailed | null> {
    const failed = await this.#commands.setMouth(this.#profile.shutter ? this.#profile.admit : 'switch')
    if (failed !== null) return failed
    const stop = this.#profile.shutter ? null : await this.#commands.stopAt('inside')
    if (stop === null) this.#isAdmitting = true
    return stop
  }

  /** Keeps cards out: by the shutter, or by letting them stop in the mouth. */
  async #shut(): Promise<CardReaderFailed | null> {
    this.#isAdmitting = false
    if (this.#profile.shutter) return this.#commands.setMouth('closed')
    return (await this.#commands.setMouth('switch')) ?? (await this.#commands.stopAt('frontFree'))
  }

  #statusOf(status: Status, sensors: CardReaderStatus['sensors']): CardReaderStatus {
    const media = mediaAt(status.card)
    const isOpen = status.mouth !== 'closed'
    const {shutter, bin} = this.#profile
    if (media === 'notPresent') this.chip?.forget()
    return {
      kind: 'status',
      media,
      accepting: shutter ? isOpen : this.#isAdmitting,
      shutter: shutter ? (isOpen ? 'open' : 'closed') : 'notSupported',
      // It neither counts the cards in its bin nor sees that the bin is full.
      retainBin: bin ? 'unknown' : 'notSupported',
      retainedCount: null,
      chipPower: this.chip?.powerAt(media) ?? 'notSupported',
      sensors,
      detail: shown(status),
    }
  }
}

const NO_BIN = 'this reader has no bin behind it'

function isAbnormal({card}: Status): boolean {
  return card === 'longCard' || card === 'shortCard'
}

/** Something is on the track, and the head could not make it out. */
function isSpoilt(uploaded: Uploaded): boolean {
  return uploaded.kind === 'bad' && uploaded.fault !== 'blank'
}
