/**
 * SZZT ZT588 and ZT598: the PIN pad port over their serial protocol.
 *
 * The pad is in one of three modes, and so is this driver: idle, clear keys, PIN. In PIN mode the pad tells
 * that a digit was pressed and never which; a pad that tells is stopped at once.
 */
import {bytesOfHex} from '../../../crypto/hex.ts'
import {isPan, PIN_DIGITS_MAX, PIN_DIGITS_MIN} from '../../../crypto/pin-block.ts'
import {assert} from '../../../kit/assert.ts'
import type {Clock, Timer} from '../../../kit/clock.ts'
import type {Log} from '../../../kit/log.ts'
import {Secret} from '../../../kit/secret.ts'
import type {Failed, Identity} from '../../outcome.ts'
import type {ByteLink, LinkLost} from '../../wire/link.ts'
import type {
  Key,
  PinOutcome,
  PinPad,
  PinPadCapabilities,
  PinPadFault,
  PinPadStatus,
  PinRequest,
} from '../port.ts'
import {COMMAND, KEY_LENGTH, KEY_TABLE, STAR, TIMED_OUT, ZT588} from './bytes.ts'
import type {ControlName, Profile} from './bytes.ts'
import {
  controlText,
  decodeBlock,
  decodeCheckValue,
  decodeIdentification,
  fetchBlockText,
  keyTableText,
  loadKeyText,
  startPinText,
} from './codec.ts'
import type {Identification} from './codec.ts'
import {Line} from './line.ts'
import type {Ask} from './line.ts'
import {failedBy, failedWith} from './meaning.ts'

type PinPadFailed = Failed<PinPadFault>
type Opened =
  {readonly kind: 'open'; readonly identity: Identity; readonly status: PinPadStatus} | PinPadFailed

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

export class SzztPinPad implements PinPad {
  readonly capabilities: PinPadCapabilities = {
    softKeys: ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'],
    keyLoad: true,
    pinBlockFormats: ['iso0'],
  }
  readonly #line: Line
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
    this.#line = new Line(link, clock, profile, {
      pressed: byte => {
        this.#press(byte)
      },
      lost: why => {
        this.#leaveMode(why)
      },
    })
  }

  async open(): Promise<Opened> {
    this.#leaveMode('not-opened')
    const opened = await this.#line.open()
    if (opened !== 'open') return failedWith(opened, 'the serial link to the PIN pad did not open')
    // A pad that was left in an input mode would answer our table and its keys at once.
    const early = await this.#controls([['stopInput'], ['plainHex']])
    if (early !== null) return early
    const identified = await this.#identify()
    if (identified.kind === 'failed') return identified
    const {value} = identified
    if (value.settings?.lacksMasterKey === true)
      return failedWith('key-missing', 'the pad has no master key; it must be loaded in a controlled way')
    const table = await this.#ask('key table', keyTableText(KEY_TABLE))
    if (table !== null) return table
    const late = await this.#controls([
      [this.#profile.keyTone ? 'toneOn' : 'toneOff'],
      ['mask', STAR],
      ['beepTime', 10],
    ])
    if (late !== null) return late
    const firmware = `${value.model} hardware ${value.hardware} software ${value.software}`
    this.#log.info('opened', {firmware, serial: value.serial})
    return {kind: 'open', identity: {model: this.#profile.model, firmware}, status: statusOf(value)}
  }

  async status(): Promise<PinPadStatus | PinPadFailed> {
    const identified = await this.#identify()
    return identified.kind === 'failed' ? identified : statusOf(identified.value)
  }

  async loadPinKey(
    encryptedKey: Secret<Uint8Array>,
  ): Promise<{readonly kind: 'loaded'; readonly checkValue: string} | PinPadFailed> {
    const key = encryptedKey.reveal()
    if (!KEY_LENGTH.has(key.length))
      return failedWith('bad-request', `load key: ${key.length} bytes are no triple DES key`)
    const answer = await this.#line.ask({
      text: loadKeyText(this.#profile, key),
      retry: 'safe',
      read: decodeCheckValue,
    })
    if (answer.kind !== 'done') return this.#told(failedBy('load key', answer))
    return {kind: 'loaded', checkValue: answer.value}
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
    const failed = (await this.#control('inputTime', INPUT_TIME_MAX_S)) ?? (await this.#control('clearInput'))
    if (failed === null) return {kind: 'listening'}
    if (this.#mode === mode) this.#mode = {kind: 'idle'}
    return failed
  }

  async stop(): Promise<void> {
    const entering = this.#entering
    this.#leaveMode('cancel')
    // A waiting `enterPin` stops the pad itself; nobody may enter another mode before that is over.
    if (entering === null) await this.#control('stopInput')
    else await entering
  }

  async close(): Promise<void> {
    this.#leaveMode('not-opened')
    await this.#line.close()
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
    await this.#control('stopInput')
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
    const limitS = Math.min(INPUT_TIME_MAX_S, Math.max(1, Math.ceil(request.entryTimeoutMs / 1_000)))
    const failed = await this.#controls([
      ['inputTime', limitS],
      ['lengthMin', request.lengthMin],
      ['lengthMax', request.lengthMax],
    ])
    if (failed !== null) return failed
    // Sent once only: a second start might throw away digits that were pressed after the first.
    return this.#ask('start PIN', startPinText(this.#profile, pan, request.lengthMax), 'never')
  }

  async #outcomeOf(end: PinEnd, pan: string, request: PinRequest): Promise<PinOutcome> {
    switch (end) {
      case 'enter':
        return this.#fetch(pan, request)
      case 'cancel':
        await this.#control('stopInput')
        return {kind: 'cancelled'}
      case 'timeOut':
        await this.#control('stopInput')
        return {kind: 'timedOut'}
      case 'clearDigit':
        await this.#control('stopInput')
        return this.#told(failedWith('hardware', 'enter PIN: the pad gave a digit away; entry was stopped'))
      case 'hung-up':
      case 'not-opened':
      case 'write-stalled':
        return failedWith(end, `enter PIN: ${end}`)
    }
  }

  async #fetch(pan: string, request: PinRequest): Promise<PinOutcome> {
    const answer = await this.#line.ask({
      text: fetchBlockText(this.#profile, pan),
      retry: 'safe',
      read: decodeBlock,
    })
    await this.#control('stopInput')
    if (answer.kind !== 'done') return this.#told(failedBy('fetch PIN block', answer))
    const {digits, blockHex} = answer.value
    if (digits < request.lengthMin || digits > request.lengthMax)
      return this.#told(
        failedWith('hardware', 'fetch PIN block: the pad took a PIN of a length we did not allow'),
      )
    return {kind: 'entered', block: new Secret(bytesOfHex(blockHex)), format: 'iso0'}
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
    else if (byte === TIMED_OUT) void this.#control('clearInput')
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

  async #identify(): Promise<{readonly kind: 'identified'; readonly value: Identification} | PinPadFailed> {
    const answer = await this.#line.ask({text: COMMAND.identify, retry: 'safe', read: decodeIdentification})
    if (answer.kind === 'done') return {kind: 'identified', value: answer.value}
    return this.#told(failedBy('identify', answer))
  }

  /** Gives the orders one after another; null when all were done. */
  async #controls(orders: readonly (readonly [ControlName, number?])[]): Promise<PinPadFailed | null> {
    for (const [name, value] of orders) {
      const failed = await this.#control(name, value)
      if (failed !== null) return failed
    }
    return null
  }

  #control(name: ControlName, value?: number): Promise<PinPadFailed | null> {
    return this.#ask(name, controlText(name, value))
  }

  /** For commands whose answer is a return code alone; null when it says done. */
  async #ask(what: string, text: string, retry: Ask<true>['retry'] = 'safe'): Promise<PinPadFailed | null> {
    const answer = await this.#line.ask({text, retry, read: reply => (reply.length === 1 ? true : null)})
    return answer.kind === 'done' ? null : this.#told(failedBy(what, answer))
  }

  #told(failed: PinPadFailed): PinPadFailed {
    this.#log.warn(failed.detail, {fault: failed.fault})
    return failed
  }
}

function statusOf(identified: Identification): PinPadStatus {
  const {settings, serial} = identified
  const keys =
    settings === null ? 'master key not told' : settings.lacksMasterKey ? 'no master key' : 'master key there'
  return {kind: 'status', detail: `serial ${serial}, ${keys}`}
}
