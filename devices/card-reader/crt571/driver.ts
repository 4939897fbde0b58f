/**
 * Creator CRT-571: the card reader port over its serial protocol. It has no head for the stripe, so a card is known by
 * its chip.
 *
 * Nothing here believes an order's reply alone: whether a card came in or was taken is read from the state afterwards,
 * and whether one fell into the bin from the reader's own count as well.
 */
import type {Clock} from '../../../kit/clock.ts'
import type {Log} from '../../../kit/log.ts'
import type {ByteLink} from '../../wire/link.ts'
import {chipTrack2} from '../chip-track2.ts'
import {Contacts} from '../contacts.ts'
import type {ChipWire} from '../contacts.ts'
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
} from '../port.ts'
import {PROFILE} from './bytes.ts'
import type {Profile} from './bytes.ts'
import {printable} from './codec.ts'
import type {State} from './codec.ts'
import {Commands} from './commands.ts'
import type {Told} from './commands.ts'
import {Line} from './line.ts'
import {failedWith, mediaAt, shown} from './meaning.ts'

export const MODEL = 'crt571'

type Opened =
  | {readonly kind: 'open'; readonly identity: CardReaderIdentity; readonly status: CardReaderStatus}
  | CardReaderFailed

/** Most times the state is asked for until there is an answer. Chosen. */
const LOOKS_MAX = 4

/** Where an initialisation leaves a card; each counts the cards that are kept from then on. */
const RESETS = {stay: 'initStayCounted', exit: 'initHoldCounted', retain: 'initCaptureCounted'} as const

export class Crt571 implements CardReader {
  readonly capabilities: CardReaderCapabilities
  readonly chip: Contacts | null
  readonly #commands: Commands
  readonly #clock: Clock
  readonly #log: Log
  readonly #profile: Profile
  #isRefused = false
  #isAdmitting = false
  /** The state tells one place for radio and chip cards, so where we moved the card is remembered. */
  #isAtContacts = false
  #accepting: Promise<AcceptOutcome> | null = null

  /** @param link not opened yet; the reader owns it from now on */
  constructor(link: ByteLink, clock: Clock, log: Log, profile: Profile = PROFILE) {
    this.#log = log.named('device.card-reader')
    this.#commands = new Commands(new Line(link, clock, profile), this.#log)
    this.#clock = clock
    this.#profile = profile
    this.chip = profile.chip.length === 0 ? null : new Contacts(this.#chipWire())
    this.capabilities = {type: 'motor', retain: true, shutter: true, tracks: [], chip: profile.chip}
  }

  async open(): Promise<Opened> {
    const opened = await this.#commands.open()
    if (opened !== 'open') return failedWith(opened, 'the serial link to the card reader did not open')
    const hadPower = await this.#commands.isInitialised()
    const begun = await this.#begin('stay')
    if (begun.kind === 'failed') return begun
    const {serial, more} = await this.#commands.about()
    const status = await this.status()
    if (status.kind === 'failed') return status
    const firmware = [printable(begun.data), more].filter(part => part !== '').join(' ')
    const detail = hadPower ? status.detail : `${status.detail}; the reader had lost its power`
    this.#log.info('opened', {firmware, status: detail})
    return {kind: 'open', identity: {model: MODEL, firmware, serial}, status: {...status, detail}}
  }

  async status(): Promise<CardReaderStatus | CardReaderFailed> {
    const looked = await this.#look()
    if (looked.kind === 'failed') return looked
    const told = await this.#commands.sensors()
    if (told.kind === 'failed') return told
    const {state} = looked
    const media = mediaAt(state.card)
    return {
      kind: 'status',
      media,
      accepting: this.#isAdmitting,
      shutter: this.#isAdmitting ? 'open' : 'closed',
      retainBin: state.bin === 'full' ? 'full' : 'ok',
      retainedCount: await this.#commands.counted(),
      chipPower: this.chip?.powerAt(media) ?? 'notSupported',
      sensors: told.sensors,
      detail: shown(state),
    }
  }

  accept(): Promise<AcceptOutcome> {
    this.#isRefused = false
    const accepting = this.#accept()
    this.#accepting = accepting
    return accepting
  }

  async refuse(): Promise<void> {
    this.#isRefused = true
    // A waiting `accept` shuts the gate itself: it alone knows whether a card is on its way in.
    if (this.#accepting === null) await this.#shut()
    else await this.#accepting
  }

  async eject(takeWithinMs: number): Promise<EjectOutcome> {
    const before = await this.#look()
    if (before.kind === 'failed') return before
    // With no card inside, the same order would give one out of the stacker.
    if (before.state.card === 'none') return failedWith('no-card', `nothing to eject: ${shown(before.state)}`)
    await this.#leaveContacts()
    // Held, not out of the gate: the card can still be drawn back.
    const order = before.state.card === 'position' ? await this.#commands.order('toHold') : null
    const endMs = this.#clock.monotonicMs() + takeWithinMs
    let isGone = false
    for (;;) {
      const looked = await this.#look()
      if (looked.kind === 'failed') return looked
      const wasGone = isGone
      isGone = looked.state.card === 'none'
      // Cash follows the card, so that it is gone must be seen twice.
      if (isGone && wasGone) return {kind: 'taken'}
      if (isGone) continue
      if (looked.state.card !== 'gate')
        return order ?? failedWith('jam', `the card did not reach the gate: ${shown(looked.state)}`)
      const leftMs = endMs - this.#clock.monotonicMs()
      if (leftMs <= 0) return {kind: 'left'}
      await this.#clock.sleep(Math.min(this.#profile.pollMs, leftMs))
    }
  }

  async retain(): Promise<RetainOutcome> {
    const before = await this.#look()
    if (before.kind === 'failed') return before
    if (before.state.card === 'none')
      return failedWith('no-card', `nothing to retain: ${shown(before.state)}`)
    await this.#leaveContacts()
    const countBefore = await this.#commands.counted()
    const order = await this.#commands.order('capture')
    const after = await this.#look()
    if (after.kind === 'failed') return order ?? after
    if (after.state.card !== 'none')
      return order ?? failedWith('jam', `the card did not leave for the bin: ${shown(after.state)}`)
    const count = await this.#commands.counted()
    const isCounted = countBefore !== null && count === countBefore + 1
    // Without the reader's word or its count, a card that is gone may as well have been pulled out at the gate.
    return isCounted || order === null ? {kind: 'retained'} : order
  }

  async reset(card: 'stay' | 'exit' | 'retain'): Promise<ResetOutcome> {
    const begun = await this.#begin(card)
    if (begun.kind === 'failed') return begun
    const status = await this.status()
    return status.kind === 'failed' ? status : {kind: 'reset', status}
  }

  async close(): Promise<void> {
    await this.#commands.close()
  }

  /** Initialises: errors cleared, gate shut, kept cards counted. */
  async #begin(card: keyof typeof RESETS): Promise<Told | CardReaderFailed> {
    this.#forgetCard()
    const told = await this.#commands.ask(RESETS[card])
    if (told.kind === 'reply') this.#isAdmitting = false
    return told
  }

  /** Where things stand. A reader that is still at an order whose answer is overdue does not listen, so it is asked more than once. */
  async #look(): Promise<Told | CardReaderFailed> {
    for (let looks = 1; ; looks++) {
      const told = await this.#commands.ask('status')
      if (told.kind === 'reply') {
        if (told.state.card === 'none') this.#forgetCard()
        return told
      }
      const isSilent = told.fault === 'no-answer' || told.fault === 'nonsense'
      if (isSilent && looks < LOOKS_MAX) continue
      this.#forgetCard()
      return told
    }
  }

  async #accept(): Promise<AcceptOutcome> {
    try {
      return await this.#letIn()
    } finally {
      this.#accepting = null
    }
  }

  async #letIn(): Promise<AcceptOutcome> {
    const before = await this.#look()
    if (before.kind === 'failed') return before
    if (before.state.bin === 'full')
      return failedWith('retain-bin-full', `${shown(before.state)}; empty the bin and reset the counter`)
    const open = await this.#commands.order('entryOpen')
    if (open !== null) return open
    this.#isAdmitting = true
    const arrival = await this.#awaitCard(() => this.#isRefused)
    const shut = await this.#shut()
    if (arrival.kind === 'failed') return arrival
    if (shut !== null) return shut
    if (arrival.kind === 'came') return this.#read()
    // A card may have slipped in between the last look and the shutting of the gate: it is a guest, not a stopped wait.
    const late = await this.#awaitCard(state => state.card === 'none')
    return late.kind === 'came' ? this.#read() : late
  }

  /** Watches the state until a card rests inside, waiting is over, or something is wrong. */
  async #awaitCard(
    isOver: (state: State) => boolean,
  ): Promise<{readonly kind: 'came'} | {readonly kind: 'stopped'} | CardReaderFailed> {
    let atGateSinceMs: number | null = null
    for (;;) {
      const looked = await this.#look()
      if (looked.kind === 'failed') return looked
      if (looked.state.card === 'position') return {kind: 'came'}
      if (isOver(looked.state)) return {kind: 'stopped'}
      const nowMs = this.#clock.monotonicMs()
      atGateSinceMs = looked.state.card === 'gate' ? (atGateSinceMs ?? nowMs) : null
      if (atGateSinceMs !== null && nowMs - atGateSinceMs >= this.#profile.drawInMs)
        return failedWith('jam', `a card was not drawn in: ${shown(looked.state)}; take it out of the gate`)
      await this.#clock.sleep(this.#profile.pollMs)
    }
  }

  /** The chip's equivalent of track 2; the chip has no power afterwards. */
  async #read(): Promise<AcceptOutcome> {
    if (this.chip === null)
      return {kind: 'unreadable', tracks: {}, detail: 'this reader has neither heads nor contacts'}
    const found = await chipTrack2(this.chip)
    await this.chip.release()
    if (found.kind === 'read') return {kind: 'inserted', source: 'chip', track2: found.track2, tracks: {}}
    // What cannot be a card at all is given back like one that cannot be read.
    if (found.kind === 'none' || found.fault === 'card-length' || found.fault === 'chip')
      return {kind: 'unreadable', tracks: {}, detail: found.detail}
    return found
  }

  async #shut(): Promise<CardReaderFailed | null> {
    const failed = await this.#commands.order('entryShut')
    if (failed === null) this.#isAdmitting = false
    return failed
  }

  #chipWire(): ChipWire {
    return {
      prepare: async () => {
        const looked = await this.#look()
        if (looked.kind === 'failed') return looked
        if (looked.state.card !== 'position')
          return failedWith('no-card', `no card for the chip contacts: ${shown(looked.state)}`)
        if (this.#isAtContacts) return null
        const order = await this.#commands.order('toContact')
        this.#isAtContacts = order === null
        return order
      },
      reset: how => this.#commands.chipReset(how),
      exchange: (protocol, command) => this.#commands.apdu(protocol, command),
      powerOff: () => this.#commands.order('chipOff'),
    }
  }

  async #leaveContacts(): Promise<void> {
    await this.chip?.release()
    this.#isAtContacts = false
  }

  #forgetCard(): void {
    this.chip?.forget()
    this.#isAtContacts = false
  }
}
