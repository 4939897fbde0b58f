/**
 * DynaPro Mini: the PIN pad port over its HID reports.
 *
 * The pad talks to the customer by itself, on its own display, and says only how it ended. Its function keys are told
 * one at a time, each after a request of its own, so a press between two of them is lost. The PIN block is made inside
 * it, under a key that the block's KSN names.
 */
import {isPan, PIN_DIGITS_MAX, PIN_DIGITS_MIN} from '../../../crypto/pin-block.ts'
import {assert} from '../../../kit/assert.ts'
import type {Clock} from '../../../kit/clock.ts'
import type {Log} from '../../../kit/log.ts'
import type {Identity} from '../../outcome.ts'
import type {HidLink} from '../../wire/hid.ts'
import type {ReportTable} from '../../wire/hid-descriptor.ts'
import type {LinkLost} from '../../wire/link.ts'
import type {
  DoneOutcome,
  Key,
  KeyLoadOutcome,
  MacOutcome,
  PinOutcome,
  PinPad,
  PinPadCapabilities,
  PinPadStatus,
  PinRequest,
} from '../port.ts'
import {
  ACK,
  ALL_SELECTION_KEYS,
  INPUTS,
  MESSAGE,
  PIN_MODE,
  PRODUCT_ID,
  PROFILE,
  SELECTION_MESSAGE,
  TONE,
  VENDOR_ID,
  WAIT_MAX_S,
} from './bytes.ts'
import type {Certificate, Hardware, Message, Profile} from './bytes.ts'
import {decodePin, decodeSelection, decodeState, encodePinAsk} from './codec.ts'
import type {PinReport, SelectionReport, StateReport} from './codec.ts'
import {Commands, isWaitingState} from './commands.ts'
import {Entry} from './entry.ts'
import type {PinEnd} from './entry.ts'
import {Line} from './line.ts'
import {
  certificatesIn,
  endedBadly,
  failedWith,
  hardwareIn,
  isTampered,
  pinKeyOf,
  stateText,
} from './meaning.ts'
import type {PinPadFailed} from './meaning.ts'

export const MODEL = 'dynapro'

/** What the pad tells of itself. */
export interface DynaProStatus extends PinPadStatus {
  /** As report 20 has it. */
  readonly state: StateReport
  readonly certificates: readonly Certificate[]
  readonly hardware: readonly Hardware[]
}

type Opened =
  {readonly kind: 'open'; readonly identity: Identity; readonly status: DynaProStatus} | PinPadFailed

type Mode =
  | {readonly kind: 'idle'}
  | {readonly kind: 'keys'; readonly onKey: (key: Key) => void}
  | {readonly kind: 'pin'; readonly entry: Entry}

const IDLE: Mode = {kind: 'idle'}
/** How much longer than the pad's own limit we wait for it to say that time is over. */
const DEADLINE_GRACE_MS = 1_500
/** How often a PIN request is given again because the keypad noticed something. */
const REARMS_MAX = 3
/** After a reset: until the pad is looked for, and until it counts as gone. */
const RESET_REST_MS = 1_000
const RESET_MAX_MS = 15_000

export class DynaProPinPad implements PinPad {
  readonly capabilities: PinPadCapabilities
  readonly #line: Line
  readonly #commands: Commands
  readonly #clock: Clock
  readonly #log: Log
  readonly #profile: Profile
  #mode: Mode = IDLE
  #entering: Promise<PinOutcome> | null = null
  #serialNumber = ''

  /** @param link not opened yet; the pad owns it from now on */
  constructor(link: HidLink, clock: Clock, log: Log, profile: Profile = PROFILE) {
    this.#clock = clock
    this.#log = log.named('device.pin-pad')
    this.#profile = profile
    this.#line = new Line(link, this.#log, profile.triesMax)
    this.#commands = new Commands(this.#line, clock, profile)
    this.capabilities = {
      keys: ['A', 'B', 'C', 'enter', 'cancel'],
      keyScheme: profile.keyScheme,
      keyLoad: 'none',
      clearKeyLoad: false,
      pinBlockFormats: ['iso0'],
      panFrom: 'request',
      tellsDigits: false,
      macMethods: [],
      tones: [],
      display: null,
      selfTest: true,
    }
  }

  async open(): Promise<Opened> {
    this.#lose('not-opened')
    const opened = await this.#line.open({
      report: (id, bytes) => {
        this.#hear(id, bytes)
      },
      garbage: why => {
        this.#log.warn('a report that is none', {why})
      },
      lost: why => {
        this.#lose(why)
      },
    })
    if (opened.kind === 'lost') return failedWith(opened.why, 'the HID link to the PIN pad did not open')
    const begun = notDynaPro(opened.identity, opened.reports) ?? (await this.#begin())
    if (begun.kind === 'failed') await this.#line.close()
    return begun
  }

  async status(): Promise<DynaProStatus | PinPadFailed> {
    const told = await this.#commands.state()
    return told.kind === 'failed' ? told : this.#statusOf(told.state)
  }

  async loadKey(): Promise<KeyLoadOutcome> {
    return failedWith('not-supported', 'load key: the keys of this pad are injected by certificates')
  }

  async enterPin(request: PinRequest): Promise<PinOutcome> {
    const {lengthMin, lengthMax, entryTimeoutMs} = request
    assert(
      lengthMin >= PIN_DIGITS_MIN && lengthMin <= lengthMax && lengthMax <= PIN_DIGITS_MAX,
      `a PIN of ${lengthMin} to ${lengthMax} digits`,
    )
    const pan = request.pan.reveal()
    if (!isPan(pan)) return failedWith('bad-request', 'enter PIN: the PAN is not 8 to 19 digits')
    const busy = this.#busy('enter PIN')
    if (busy !== null) return busy
    // In PIN mode before the first report goes, so that nothing else enters a mode meanwhile and `stop` finds what to stop.
    const entry = new Entry(this.#clock, entryTimeoutMs + DEADLINE_GRACE_MS)
    this.#mode = {kind: 'pin', entry}
    const entering = this.#enter(request, pan, entry)
    this.#entering = entering
    try {
      return await entering
    } finally {
      entry.close()
      this.#entering = null
      this.#mode = IDLE
    }
  }

  async listen(onKey: (key: Key) => void): Promise<{readonly kind: 'listening'} | PinPadFailed> {
    const isListening = this.#mode.kind === 'keys'
    const busy = isListening ? null : this.#busy('clear keys')
    if (busy !== null) return busy
    const mode: Mode = {kind: 'keys', onKey}
    this.#mode = mode
    const failed = isListening ? null : await this.#askKey()
    if (failed === null) return {kind: 'listening'}
    if (this.#mode === mode) this.#mode = IDLE
    return failed
  }

  async stop(): Promise<void> {
    const entering = this.#entering
    const isListening = this.#mode.kind === 'keys'
    this.#leaveMode({kind: 'stop'})
    // A waiting `enterPin` stops the pad itself; nobody may enter another mode before that is over.
    if (entering !== null) await entering
    else if (isListening) await this.#commands.cancel()
  }

  async mac(): Promise<MacOutcome> {
    return failedWith('not-supported', 'MAC: the pad makes none')
  }

  async tone(): Promise<DoneOutcome> {
    return failedWith('not-supported', 'tone: the pad beeps only with what it asks of the customer')
  }

  async show(): Promise<DoneOutcome> {
    return failedWith('not-supported', 'show: the display has messages of its own only')
  }

  /** One of the pad's own messages, for some seconds. Beyond the port: what the customer reads between two prompts. */
  async showMessage(message: Message, seconds: number): Promise<DoneOutcome> {
    assert(seconds >= 1 && seconds <= WAIT_MAX_S, `a message for ${seconds} s`)
    const failed =
      this.#busy('show message') ?? (await this.#commands.do('displayMessage', [seconds, MESSAGE[message]]))
    return failed ?? {kind: 'done'}
  }

  /** Resets the pad: what it checks at power-up, its first state tells. */
  async selfTest(): Promise<{readonly kind: 'passed'; readonly detail: string} | PinPadFailed> {
    const refused = this.#busy('self-test') ?? (await this.#commands.do('reset', [0, 0]))
    if (refused !== null) return refused
    await this.close()
    const endMs = this.#clock.monotonicMs() + RESET_MAX_MS
    for (;;) {
      await this.#clock.sleep(RESET_REST_MS)
      const opened = await this.open()
      if (opened.kind === 'open') return {kind: 'passed', detail: `reset; ${opened.status.detail}`}
      if (opened.fault !== 'not-opened' || this.#clock.monotonicMs() >= endMs) return opened
    }
  }

  async close(): Promise<void> {
    this.#lose('not-opened')
    await this.#line.close()
  }

  /** The pad idle, known, and fit to be used. */
  async #begin(): Promise<Opened> {
    // Whatever it was asked before: by us, in a life before this one.
    await this.#commands.cancel()
    const firmware = await this.#commands.information('firmware')
    if (firmware.kind === 'failed') return firmware
    const serial = await this.#commands.information('serial')
    if (serial.kind === 'failed') return serial
    this.#serialNumber = serial.text
    const status = await this.status()
    if (status.kind === 'failed') return status
    if (status.tamper === 'tampered')
      return failedWith('tampered', `the pad was opened: ${status.detail}; replace the pad`)
    this.#log.info('opened', {firmware: firmware.text, serial: serial.text, detail: status.detail})
    return {kind: 'open', identity: {model: MODEL, firmware: firmware.text}, status}
  }

  #busy(what: string): PinPadFailed | null {
    const mode = this.#entering === null ? this.#mode.kind : 'pin'
    return mode === 'idle' ? null : failedWith('busy', `${what}: the pad is in ${mode} mode`)
  }

  async #enter(request: PinRequest, pan: string, entry: Entry): Promise<PinOutcome> {
    const unprepared = await this.#commands.startSession(pan)
    if (unprepared !== null) return this.#abandoned(unprepared)
    for (let rearms = 0; ; rearms += 1) {
      const refused = entry.hasEnded ? null : await this.#arm(request, entry)
      if (refused !== null) return this.#abandoned(refused)
      const end = await entry.ended()
      const isNoticed = end.kind === 'report' && end.report.operation === 'keypadSecurity'
      if (!isNoticed || rearms >= REARMS_MAX) return this.#outcomeOf(end)
      // The maker's advice: asked again, the keypad is armed anew.
      entry.begin()
    }
  }

  /** Null when the pad waits for a PIN. */
  async #arm({lengthMin, lengthMax, entryTimeoutMs}: PinRequest, entry: Entry): Promise<PinPadFailed | null> {
    const waitS = Math.min(WAIT_MAX_S, Math.max(1, Math.ceil(entryTimeoutMs / 1_000)))
    const {tone} = this.#profile
    const content = encodePinAsk({waitS, mode: PIN_MODE.enter, lengthMin, lengthMax, tone, options: 0})
    entry.ask()
    // Given once only: a second might throw away digits that were pressed after the first.
    const refused = await this.#commands.do('requestPin', [...content], 'never')
    if (refused === null) entry.arm()
    return refused
  }

  async #outcomeOf(end: PinEnd): Promise<PinOutcome> {
    switch (end.kind) {
      case 'report':
        await this.#commands.do('endSession', [0])
        return this.#outcomeIn(end.report)
      case 'stop':
        return this.#abandoned({kind: 'cancelled'})
      case 'late':
        return this.#abandoned({kind: 'timedOut'})
      case 'unheard':
        return this.#abandoned(failedWith('no-answer', 'enter PIN: it ended, and its report did not come'))
      case 'powerChange':
        return this.#abandoned(failedWith('hardware', 'enter PIN: the pad lost its power meanwhile'))
      case 'lost':
        return failedWith(end.why, `enter PIN: ${end.why}`)
    }
  }

  #outcomeIn(report: PinReport): PinOutcome {
    switch (report.operation) {
      case 'done':
        if (report.ksn === null && this.#profile.keyScheme === 'dukpt')
          return failedWith('key-missing', 'enter PIN: the block names no key, and DUKPT is set')
        return {kind: 'entered', block: report.block, format: 'iso0', ksn: report.ksn}
      case 'userCancel':
      case 'hostCancel':
        return {kind: 'cancelled'}
      case 'timeout':
        return {kind: 'timedOut'}
      case 'verifyMismatch':
      case 'keypadSecurity':
      case null:
        return endedBadly(report)
    }
  }

  /** Stops the pad, which may be waiting for a PIN, and clears what it was told of the card. */
  async #abandoned(outcome: PinOutcome): Promise<PinOutcome> {
    await this.#commands.cancel()
    return outcome
  }

  /** Asks for one key; null when the pad waits for it. */
  #askKey(): Promise<PinPadFailed | null> {
    return this.#commands.do('requestSelection', [
      0,
      SELECTION_MESSAGE.creditOtherDebit,
      ALL_SELECTION_KEYS,
      TONE.none,
    ])
  }

  #statusOf(state: StateReport): DynaProStatus {
    return {
      kind: 'status',
      masterKey: 'unknown',
      pinKey: pinKeyOf(state),
      tamper: isTampered(state) ? 'tampered' : 'intact',
      battery: 'unknown',
      input: isWaitingState(state) ? 'active' : 'idle',
      serialNumber: this.#serialNumber,
      detail: stateText(state, this.#profile),
      state,
      certificates: certificatesIn(state.certificates),
      hardware: hardwareIn(state.hardware),
    }
  }

  #hear(id: number, bytes: Uint8Array): void {
    switch (id) {
      case INPUTS.deviceState.id:
        this.#hearState(decodeState(bytes))
        return
      case INPUTS.pin.id:
        this.#hearPin(decodePin(bytes))
        break
      case INPUTS.selection.id:
        this.#hearKey(decodeSelection(bytes))
        break
      case INPUTS.messageDone.id:
        break
      default:
        this.#log.warn('a report that nobody asked for', {id})
        return
    }
    this.#commands.hearEnd()
  }

  #hearState(state: StateReport | null): void {
    if (state === null) return
    this.#commands.hearState(state)
    if (this.#mode.kind === 'pin') this.#mode.entry.hearState(state)
  }

  #hearPin(report: PinReport | null): void {
    if (report !== null && this.#mode.kind === 'pin') this.#mode.entry.hearPin(report)
  }

  #hearKey(report: SelectionReport | null): void {
    const mode = this.#mode
    if (report === null || mode.kind !== 'keys') return
    if (report.operation === 'done' && report.key !== null) mode.onKey(report.key)
    if (report.operation === 'userCancel') mode.onKey('cancel')
    // The pad tells one key for each request; listening goes on until somebody stops it.
    void this.#askKey().then(failed => {
      if (failed !== null && this.#mode.kind === 'keys') this.#mode = IDLE
    })
  }

  #lose(why: LinkLost): void {
    this.#leaveMode({kind: 'lost', why})
    this.#commands.lose()
  }

  /** Back to idle; a PIN entry under way learns why. */
  #leaveMode(end: PinEnd): void {
    const mode = this.#mode
    this.#mode = IDLE
    if (mode.kind === 'pin') mode.entry.end(end)
  }
}

/** Why what is on the bus is no such pad, or null. */
function notDynaPro(
  {vendorId, productId}: {readonly vendorId: number; readonly productId: number},
  {lengths}: ReportTable,
): PinPadFailed | null {
  const hex = (id: number): string => id.toString(16).padStart(4, '0')
  const ids = `${hex(vendorId)}:${hex(productId)}`
  if (vendorId !== VENDOR_ID || productId !== PRODUCT_ID)
    return failedWith('not-supported', `${ids} is no DynaPro Mini`)
  const isSpeaking = lengths.feature.get(ACK.id) === ACK.bytes && lengths.input.has(INPUTS.pin.id)
  return isSpeaking ? null : failedWith('not-supported', `${ids} has no reports of a DynaPro Mini`)
}
