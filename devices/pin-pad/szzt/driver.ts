/**
 * SZZT ZT588 and ZT598: the PIN pad port over their serial protocol.
 *
 * The pad is in one of three modes, and so is this driver: idle, clear keys, PIN. In PIN mode the pad tells
 * that a digit was pressed and never which; a pad that tells is stopped at once.
 */
import type {MacMethod} from '../../../crypto/mac.ts'
import {withZeros} from '../../../crypto/mac.ts'
import {isPan, PIN_DIGITS_MAX, PIN_DIGITS_MIN} from '../../../crypto/pin-block.ts'
import {DES_BLOCK_BYTES} from '../../../crypto/tdes.ts'
import {xored} from '../../../crypto/xor.ts'
import {assert} from '../../../kit/assert.ts'
import type {Clock, Timer} from '../../../kit/clock.ts'
import type {Log} from '../../../kit/log.ts'
import type {Identity} from '../../outcome.ts'
import type {ByteLink, LinkLost} from '../../wire/link.ts'
import type {
  DoneOutcome,
  Key,
  KeyLoadOutcome,
  KeyToLoad,
  KeyUse,
  MacOutcome,
  PinOutcome,
  PinPad,
  PinPadCapabilities,
  PinPadStatus,
  PinRequest,
  Tone,
} from '../port.ts'
import {KEY_LENGTH, KEY_TYPE, STAR, TIMED_OUT, ZT588} from './bytes.ts'
import type {KeyType, Profile} from './bytes.ts'
import {keyTableText, lengthText, loadClearKeyText, loadKeyText, startPinText} from './codec.ts'
import type {Identification} from './codec.ts'
import {Commands} from './commands.ts'
import type {PinPadFailed, Told} from './commands.ts'
import {Line} from './line.ts'
import {failedWith} from './meaning.ts'

/** What an SZZT pad tells of itself. */
export interface SzztStatus extends PinPadStatus {
  readonly unit: Identification
}
type Opened = {readonly kind: 'open'; readonly identity: Identity; readonly status: SzztStatus} | PinPadFailed

/** How PIN entry ended, before the block is fetched. */
type PinEnd = 'enter' | 'cancel' | 'timeOut' | 'clearDigit' | LinkLost

type Mode =
  | {readonly kind: 'idle'}
  | {readonly kind: 'clear'; readonly onKey: (key: Key) => void}
  | {readonly kind: 'pin'; readonly entry: Entry}

/** One PIN entry under way. */
interface Entry {
  readonly request: PinRequest
  digits: number
  readonly end: (end: PinEnd) => void
}

/** How much longer than the pad's own limit we wait for it to say that time is over. */
const DEADLINE_GRACE_MS = 1_500
/** Most seconds that the pad's one-byte time limit holds. */
const INPUT_TIME_MAX_S = 255
/** How long a reset takes at most, and how long smartware leaves the pad alone after one. */
const RESET_MAX_MS = 10_000
const RESET_REST_MS = 3_000

export class SzztPinPad implements PinPad {
  readonly capabilities: PinPadCapabilities
  readonly #line: Line
  readonly #commands: Commands
  readonly #clock: Clock
  readonly #log: Log
  readonly #profile: Profile
  #mode: Mode = {kind: 'idle'}
  #entering: Promise<PinOutcome> | null = null

  /** @param link not opened yet; the pad owns it from now on */
  constructor(link: ByteLink, clock: Clock, log: Log, profile: Profile = ZT588) {
    this.#clock = clock
    this.#log = log.named('device.pin-pad')
    this.#profile = profile
    this.capabilities = capabilitiesOf(profile)
    this.#line = new Line(link, clock, profile, {
      pressed: byte => {
        this.#press(byte)
      },
      lost: why => {
        this.#leaveMode(why)
      },
    })
    this.#commands = new Commands(this.#line, profile, this.#log)
  }

  async open(): Promise<Opened> {
    this.#leaveMode('not-opened')
    const opened = await this.#line.open()
    if (opened !== 'open') return failedWith(opened, 'the serial link to the PIN pad did not open')
    return this.#setUp()
  }

  async status(): Promise<SzztStatus | PinPadFailed> {
    const identified = await this.#commands.identify()
    if (identified.kind === 'failed') return identified
    return statusOf(identified.value, await this.#commands.battery())
  }

  async loadKey({use, form, key: secret}: KeyToLoad): Promise<KeyLoadOutcome> {
    const key = secret.reveal()
    if (key.length === DES_BLOCK_BYTES || !KEY_LENGTH.has(key.length))
      return failedWith('bad-request', `load key: ${key.length} bytes are no triple DES key`)
    const index = this.#indexOf(use)
    const text =
      form === 'clear'
        ? loadClearKeyText(this.#profile, TYPE_OF[use], index, key)
        : loadKeyText(this.#profile, TYPE_OF[use], index, key)
    const told = await this.#commands.load(text)
    return told.kind === 'failed' ? told : {kind: 'loaded', checkValue: told.value}
  }

  async enterPin(request: PinRequest): Promise<PinOutcome> {
    const {lengthMin, lengthMax} = request
    assert(
      lengthMin >= PIN_DIGITS_MIN && lengthMin <= lengthMax && lengthMax <= PIN_DIGITS_MAX,
      `a PIN of ${lengthMin} to ${lengthMax} digits`,
    )
    const pan = request.pan.reveal()
    if (!isPan(pan)) return failedWith('bad-request', 'enter PIN: the PAN is not 8 to 19 digits')
    const busy = this.#busy('enter PIN')
    if (busy !== null) return busy
    // In PIN mode before the first byte goes, so that nothing else enters a mode meanwhile and `stop` finds what to stop.
    const ended = this.#beginEntry(request)
    const entering = this.#enter(request, pan, ended)
    this.#entering = entering
    try {
      return await entering
    } finally {
      this.#entering = null
    }
  }

  async listen(onKey: (key: Key) => void): Promise<{readonly kind: 'listening'} | PinPadFailed> {
    if (this.#mode.kind !== 'clear') {
      const busy = this.#busy('clear keys')
      if (busy !== null) return busy
    }
    const mode: Mode = {kind: 'clear', onKey}
    this.#mode = mode
    const failed = await this.#commands.controls([['inputTime', INPUT_TIME_MAX_S], ['clearInput']])
    if (failed === null) return {kind: 'listening'}
    if (this.#mode === mode) this.#mode = {kind: 'idle'}
    return failed
  }

  async stop(): Promise<void> {
    const entering = this.#entering
    this.#leaveMode('cancel')
    // A waiting `enterPin` stops the pad itself; nobody may enter another mode before that is over.
    if (entering === null) await this.#commands.control('stopInput')
    else await entering
  }

  async mac(message: Uint8Array, method: MacMethod): Promise<MacOutcome> {
    if (message.length === 0) return failedWith('bad-request', 'MAC: over no bytes')
    const told =
      method === 'retail' ? await this.#retail(message) : await this.#commands.chained(method, message)
    return told.kind === 'failed' ? told : {kind: 'mac', mac: told.value, ksn: null}
  }

  async tone(tone: Tone): Promise<DoneOutcome> {
    const failed = await this.#commands.control(ORDER_OF[tone])
    return failed ?? {kind: 'done'}
  }

  async show(): Promise<DoneOutcome> {
    return failedWith('not-supported', 'show: the pad has no display')
  }

  /** Resets the pad: what it checks at power-up, its first answers tell. */
  async selfTest(): Promise<{readonly kind: 'passed'; readonly detail: string} | PinPadFailed> {
    const busy = this.#busy('self-test')
    if (busy !== null) return busy
    const refused = await this.#commands.control('reset')
    if (refused !== null) return refused
    await this.#clock.sleep(RESET_REST_MS)
    const endMs = this.#clock.monotonicMs() + RESET_MAX_MS
    for (;;) {
      const opened = await this.#setUp()
      if (opened.kind === 'open') return {kind: 'passed', detail: `reset; ${opened.status.detail}`}
      if (opened.fault !== 'no-answer' || this.#clock.monotonicMs() >= endMs) return opened
    }
  }

  async close(): Promise<void> {
    this.#leaveMode('not-opened')
    await this.#line.close()
  }

  /** The pad idle, known, and set to what this driver expects. */
  async #setUp(): Promise<Opened> {
    // A pad that was left in an input mode would answer our table and its keys at once.
    const early = await this.#commands.controls([['stopInput'], ['plainHex']])
    if (early !== null) return early
    const identified = await this.#commands.identify()
    if (identified.kind === 'failed') return identified
    const {value} = identified
    const table = await this.#commands.act('key table', keyTableText(this.#profile.keyTable))
    if (table !== null) return table
    const late = await this.#commands.controls([
      [this.#profile.keyTone ? 'toneOn' : 'toneOff'],
      ['mask', STAR],
      ['beepTime', 10],
    ])
    if (late !== null) return late
    const firmware = `${value.model} hardware ${value.hardware} software ${value.software}`
    this.#log.info('opened', {firmware, serial: value.serial})
    const status = statusOf(value, await this.#commands.battery())
    return {kind: 'open', identity: {model: this.#profile.model, firmware}, status}
  }

  /** Single DES up to the last block, the whole key on that: two commands make what the pad has no word for. */
  async #retail(message: Uint8Array): Promise<Told<Uint8Array>> {
    const blocks = withZeros(message)
    const last = blocks.subarray(-DES_BLOCK_BYTES)
    if (blocks.length === DES_BLOCK_BYTES) return this.#commands.chained('tdesCbc', last)
    const before = await this.#commands.chained('desCbc', blocks.subarray(0, -DES_BLOCK_BYTES))
    return before.kind === 'failed' ? before : this.#commands.chained('tdesCbc', xored(before.value, last))
  }

  #indexOf(use: KeyUse): number {
    const {masterKeyIndex, pinKeyIndex, macKeyIndex} = this.#profile
    return {master: masterKeyIndex, pin: pinKeyIndex, mac: macKeyIndex}[use]
  }

  #busy(what: string): PinPadFailed | null {
    if (this.#entering !== null) return failedWith('busy', `${what}: the pad is in PIN mode`)
    return this.#mode.kind === 'idle'
      ? null
      : failedWith('busy', `${what}: the pad is in ${this.#mode.kind} mode`)
  }

  async #enter(request: PinRequest, pan: string, ended: Promise<PinEnd>): Promise<PinOutcome> {
    const started = await this.#startPin(request, pan)
    if (started === null) return this.#outcomeOf(await ended, pan, request)
    this.#leaveMode('cancel')
    await this.#commands.control('stopInput')
    return started
  }

  #beginEntry(request: PinRequest): Promise<PinEnd> {
    return new Promise(resolve => {
      let deadline: Timer | null = null
      const end = (how: PinEnd) => {
        deadline?.cancel()
        resolve(how)
      }
      deadline = this.#clock.after(request.entryTimeoutMs + DEADLINE_GRACE_MS, () => {
        this.#leaveMode('timeOut')
      })
      this.#mode = {kind: 'pin', entry: {request, digits: 0, end}}
    })
  }

  /** Null when the pad is in PIN mode. */
  async #startPin(request: PinRequest, pan: string): Promise<PinPadFailed | null> {
    const {entryTimeoutMs, lengthMin, lengthMax} = request
    const limitS = Math.min(INPUT_TIME_MAX_S, Math.max(1, Math.ceil(entryTimeoutMs / 1_000)))
    const failed =
      (await this.#commands.control('inputTime', limitS)) ??
      (await this.#commands.act('least digits', lengthText(this.#profile, 'lengthMin', lengthMin))) ??
      (await this.#commands.act('most digits', lengthText(this.#profile, 'lengthMax', lengthMax)))
    if (failed !== null) return failed
    // Sent once only: a second start might throw away digits that were pressed after the first.
    return this.#commands.act('start PIN', startPinText(this.#profile, pan, lengthMax), 'never')
  }

  async #outcomeOf(end: PinEnd, pan: string, request: PinRequest): Promise<PinOutcome> {
    switch (end) {
      case 'enter':
        return this.#fetch(pan, request)
      case 'cancel':
        await this.#commands.control('stopInput')
        return {kind: 'cancelled'}
      case 'timeOut':
        await this.#commands.control('stopInput')
        return {kind: 'timedOut'}
      case 'clearDigit':
        await this.#commands.control('stopInput')
        return this.#told(failedWith('hardware', 'enter PIN: the pad gave a digit away; entry was stopped'))
      case 'hung-up':
      case 'not-opened':
      case 'write-stalled':
        return failedWith(end, `enter PIN: ${end}`)
    }
  }

  async #fetch(pan: string, {lengthMin, lengthMax}: PinRequest): Promise<PinOutcome> {
    const fetched = await this.#commands.fetchBlock(pan)
    await this.#commands.control('stopInput')
    if (fetched.kind !== 'told') return fetched
    const {digits, block} = fetched.value
    if (digits < lengthMin || digits > lengthMax)
      return this.#told(
        failedWith('hardware', 'fetch PIN block: the pad took a PIN of a length we did not allow'),
      )
    return {kind: 'entered', block, format: 'iso0', ksn: null}
  }

  #press(byte: number): void {
    const mode = this.#mode
    if (mode.kind === 'pin') this.#pressInPin(byte, mode.entry)
    else if (mode.kind === 'clear') this.#pressInClear(byte, mode.onKey)
  }

  #pressInClear(byte: number, onKey: (key: Key) => void): void {
    const key = this.#profile.keys.get(byte)
    if (key !== undefined) onKey(key)
    // The pad's time limit ends clear input too; listening goes on until somebody stops it.
    else if (byte === TIMED_OUT) void this.#commands.control('clearInput')
  }

  #pressInPin(byte: number, entry: Entry): void {
    if (byte === STAR) {
      entry.digits = Math.min(entry.digits + 1, entry.request.lengthMax)
      entry.request.onDigits(entry.digits)
      if (this.#profile.endsAtLengthMax && entry.digits === entry.request.lengthMax) this.#leaveMode('enter')
      return
    }
    if (byte === TIMED_OUT) {
      this.#leaveMode('timeOut')
      return
    }
    const key = this.#profile.keys.get(byte)
    if (key === 'enter') this.#leaveMode('enter')
    else if (key === 'cancel') this.#leaveMode('cancel')
    else if (key === 'clear') {
      entry.digits = this.#profile.clearErases === 'all' ? 0 : Math.max(0, entry.digits - 1)
      entry.request.onDigits(entry.digits)
    } else if (key !== undefined && /^[0-9]+$/.test(key)) this.#leaveMode('clearDigit')
  }

  /** Back to idle; a PIN entry under way learns why. */
  #leaveMode(how: PinEnd): void {
    const mode = this.#mode
    this.#mode = {kind: 'idle'}
    if (mode.kind === 'pin') mode.entry.end(how)
  }

  #told(failed: PinPadFailed): PinPadFailed {
    this.#log.warn('the device did not do it', {fault: failed.fault, detail: failed.detail})
    return failed
  }
}

const TYPE_OF: Readonly<Record<KeyUse, KeyType>> = {
  master: KEY_TYPE.master,
  pin: KEY_TYPE.pin,
  mac: KEY_TYPE.mac,
}

const ORDER_OF = {beep: 'beep', keysOn: 'toneOn', keysOff: 'toneOff'} as const satisfies Record<Tone, string>

function capabilitiesOf(profile: Profile): PinPadCapabilities {
  return {
    keys: [...profile.keys.values()],
    keyScheme: 'masterSession',
    keyLoad: 'stored',
    clearKeyLoad: true,
    pinBlockFormats: ['iso0'],
    panFrom: 'request',
    tellsDigits: true,
    macMethods: ['desCbc', 'retail', 'tdesCbc'],
    tones: ['beep', 'keysOn', 'keysOff'],
    display: null,
    selfTest: true,
  }
}

function statusOf(unit: Identification, battery: PinPadStatus['battery']): SzztStatus {
  const {settings, serial} = unit
  const keys =
    settings === null ? 'master key not told' : settings.lacksMasterKey ? 'no master key' : 'master key there'
  return {
    kind: 'status',
    masterKey: settings === null ? 'unknown' : settings.lacksMasterKey ? 'missing' : 'present',
    // The pad has no word for whether a working key is there; a PIN entry tells.
    pinKey: 'unknown',
    // An opened pad answers nothing but that.
    tamper: 'intact',
    battery,
    input: settings === null ? 'unknown' : settings.isInputActive ? 'active' : 'idle',
    serialNumber: serial,
    detail: `serial ${serial}, ${keys}${battery === 'low' ? ', battery low' : ''}`,
    unit,
  }
}
