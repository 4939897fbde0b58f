/**
 * ABECS pads: the PIN pad port over their serial protocol.
 *
 * The pad holds master keys or DUKPT keys and no working key: the one that the bank sends is kept here, still
 * encrypted, and goes along with each request. A PIN is one command that waits for its customer; so is each key in
 * clear-key mode, which tells function keys and never a digit.
 */
import type {MacMethod} from '../../../crypto/mac.ts'
import {withZeros} from '../../../crypto/mac.ts'
import {bytesOfHex, hexOf} from '../../../crypto/hex.ts'
import {isPan, PIN_DIGITS_MAX, PIN_DIGITS_MIN} from '../../../crypto/pin-block.ts'
import {DES_BLOCK_BYTES} from '../../../crypto/tdes.ts'
import {assert} from '../../../kit/assert.ts'
import type {Clock, Timer} from '../../../kit/clock.ts'
import type {Log} from '../../../kit/log.ts'
import {Secret} from '../../../kit/secret.ts'
import {keysOf, nameOf} from '../../../kit/table.ts'
import type {Failed, Identity} from '../../outcome.ts'
import type {ByteLink} from '../../wire/link.ts'
import {Turns} from '../../wire/turns.ts'
import type {
  DoneOutcome,
  Key,
  KeyLoadOutcome,
  KeyToLoad,
  MacOutcome,
  PinOutcome,
  PinPad,
  PinPadCapabilities,
  PinPadFault,
  PinRequest,
} from '../port.ts'
import {
  CIPHER_BYTES_MAX,
  DATA_METHOD,
  DISPLAY,
  EVENT_OF_KEY,
  MASTER_SESSION,
  STATUS,
  TAG,
  TELL,
} from './bytes.ts'
import type {Profile} from './bytes.ts'
import {
  blockCommand,
  displayText,
  pinIn,
  pinRequestBlock,
  textOf,
  tlv,
  tlvCommand,
  toldIn,
  twoDigits,
} from './codec.ts'
import type {Reply, Tlv} from './codec.ts'
import {Line} from './line.ts'
import type {Answer, Ask} from './line.ts'
import {failedBy, failedWith} from './meaning.ts'
import {decodeGeneral, statusOf, wantedOf} from './status.ts'
import type {AbecsStatus, General} from './status.ts'

type PinPadFailed = Failed<PinPadFault>
type Opened =
  {readonly kind: 'open'; readonly identity: Identity; readonly status: AbecsStatus} | PinPadFailed

/** Why a PIN entry was ended by us. */
type Ended = 'stop' | 'timeOut'

type Mode =
  | {readonly kind: 'idle'}
  | {readonly kind: 'clear'; readonly onKey: (key: Key) => void}
  | {readonly kind: 'pin'; ended: Ended | null}

/** Bytes of a working key. */
const WORKING_KEY_BYTES = 16
/** After a command for a key failed, this long until the next: a pad that is away must not be asked without end. */
const LISTEN_RETRY_MS = 1_000
/** One command waits so long for a key, and then another does: an answer that got lost must not be waited for forever. */
const KEY_WAIT_S = 10
const KEY_GRACE_MS = 2_000
/** Keys alone, no card of any kind. */
const ONLY_KEYS = '100000'

export class AbecsPinPad implements PinPad {
  readonly capabilities: PinPadCapabilities
  readonly #line: Line
  readonly #clock: Clock
  readonly #log: Log
  readonly #profile: Profile
  #workingKeys: {pin: Secret<Uint8Array> | null; mac: Secret<Uint8Array> | null} = {pin: null, mac: null}
  #mode: Mode = {kind: 'idle'}
  #entering: Promise<PinOutcome> | null = null
  /** Who has the pad: a PIN, one key of clear-key mode, or a guest with something short. */
  readonly #turns = new Turns()
  /** Guests that wait: no key is waited for before they had their turn. */
  #guestCount = 0
  /** A command that waits for a person has the line, and may be ended. */
  #isWaiting = false
  #entryEnds: Timer | null = null

  /** @param link not opened yet; the pad owns it from now on */
  constructor(link: ByteLink, clock: Clock, log: Log, profile: Profile = MASTER_SESSION) {
    this.#clock = clock
    this.#log = log.named('device.pin-pad')
    this.#profile = profile
    this.capabilities = capabilitiesOf(profile)
    this.#line = new Line(link, clock, {
      notice: text => {
        this.#log.info('the pad says', {text: text.trim()})
      },
      lost: () => {
        this.#mode = {kind: 'idle'}
      },
    })
  }

  async open(): Promise<Opened> {
    this.#mode = {kind: 'idle'}
    const opened = await this.#line.open()
    if (opened !== 'open') return failedWith(opened, `the PIN pad did not open: ${opened}`)
    return this.#turns.take(() => this.#setUp())
  }

  async #setUp(): Promise<Opened> {
    const answer = await this.#line.ask(done('OPN', blockCommand('OPN')))
    // A pad that is open already, or knows no opening, says so and serves all the same.
    if (answer.kind === 'silent') return this.#told(failedBy('open', answer))
    const general = await this.#general()
    if (general.kind === 'failed') return general
    const status = await this.#askStatus(general.value)
    if (status.kind === 'failed') return status
    const {firmware} = general.value
    this.#log.info('opened', {firmware, serial: status.serialNumber})
    return {kind: 'open', identity: {model: 'abecs', firmware}, status}
  }

  async status(): Promise<AbecsStatus | PinPadFailed> {
    return this.#asGuest('status', () => this.#askStatus(null))
  }

  async loadKey({use, form, key}: KeyToLoad): Promise<KeyLoadOutcome> {
    if (use === 'master' || form === 'clear' || this.#profile.keyScheme !== 'masterSession')
      return failedWith('not-supported', 'load key: the pad takes only working keys, under its master key')
    const size = key.reveal().length
    if (size !== WORKING_KEY_BYTES)
      return failedWith('bad-request', `load key: ${size} bytes are no working key of this pad`)
    this.#workingKeys[use] = key
    return {kind: 'kept'}
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
    const workingKey = this.#workingKeys.pin?.reveal() ?? null
    if (workingKey === null && this.#profile.keyScheme === 'masterSession')
      return failedWith('key-missing', 'enter PIN: the pad was not handed a PIN key')
    // In PIN mode before the first byte goes, so that nothing else enters a mode meanwhile and `stop` finds what to stop.
    const mode: Extract<Mode, {kind: 'pin'}> = {kind: 'pin', ended: null}
    this.#mode = mode
    const block = pinRequestBlock(this.#profile, workingKey, pan, lengthMin, lengthMax)
    const entering = this.#turns.take(() => this.#enter(mode, block, request.entryTimeoutMs))
    this.#entering = entering
    try {
      return await entering
    } finally {
      this.#entering = null
      if (this.#mode === mode) this.#mode = {kind: 'idle'}
    }
  }

  async listen(onKey: (key: Key) => void): Promise<{readonly kind: 'listening'} | PinPadFailed> {
    if (this.#mode.kind !== 'clear') {
      const busy = this.#busy('clear keys')
      if (busy !== null) return busy
    }
    const mode: Mode = {kind: 'clear', onKey}
    this.#mode = mode
    this.#endWaiting()
    return new Promise(resolve => {
      void this.#listenWhile(
        () => this.#mode === mode,
        onKey,
        failed => {
          if (failed !== null && this.#mode === mode) this.#mode = {kind: 'idle'}
          resolve(failed ?? {kind: 'listening'})
        },
      )
    })
  }

  async stop(): Promise<void> {
    const mode = this.#mode
    if (mode.kind === 'pin') mode.ended ??= 'stop'
    else this.#mode = {kind: 'idle'}
    this.#endWaiting()
    if (this.#entering !== null) await this.#entering
    // Whatever was under way has its turn before this: the pad is idle when it is over.
    else await this.#turns.take(() => Promise.resolve())
  }

  /** The last block of a chain of data blocks: the pad has no MAC, and a cipher that serves. */
  async mac(message: Uint8Array, method: MacMethod): Promise<MacOutcome> {
    if (method !== 'tdesCbc') return failedWith('not-supported', `MAC: the pad makes no ${method}`)
    if (message.length === 0) return failedWith('bad-request', 'MAC: over no bytes')
    return this.#asGuest('MAC', () => this.#chained(withZeros(message)))
  }

  async tone(): Promise<DoneOutcome> {
    return failedWith('not-supported', 'tone: the pad sounds by itself only')
  }

  async show(rows: readonly string[]): Promise<DoneOutcome> {
    return this.#asGuest('show', async () => {
      const answer = await this.#line.ask(done('DSP', blockCommand('DSP', displayText(rows))))
      return answer.kind === 'done' ? answer : this.#told(failedBy('show', answer))
    })
  }

  /** Opens the pad anew and looks whether the key for PINs is there. */
  async selfTest(): Promise<{readonly kind: 'passed'; readonly detail: string} | PinPadFailed> {
    const busy = this.#busy('self-test')
    if (busy !== null) return busy
    const opened = await this.open()
    if (opened.kind === 'failed') return opened
    const {masterKey, pinKey, detail} = opened.status
    const key = this.#profile.keyScheme === 'dukpt' ? pinKey : masterKey
    if (key === 'missing') return failedWith('key-missing', `self-test: ${detail}`)
    return {kind: 'passed', detail: `opened anew; ${detail}`}
  }

  async close(): Promise<void> {
    const mode = this.#mode
    if (mode.kind === 'pin') mode.ended ??= 'stop'
    this.#mode = {kind: 'idle'}
    await this.#line.close()
  }

  #busy(what: string): PinPadFailed | null {
    if (this.#entering !== null || this.#mode.kind === 'pin')
      return failedWith('busy', `${what}: the pad is in PIN mode`)
    return this.#mode.kind === 'idle' ? null : failedWith('busy', `${what}: the pad is in clear mode`)
  }

  async #enter(mode: Extract<Mode, {kind: 'pin'}>, block: string, timeoutMs: number): Promise<PinOutcome> {
    const isWanted = () => mode.ended === null
    // Another answer than that of a PIN is the last one from now on, whatever the pad is asked to repeat.
    const prompt = blockCommand('DSP', displayText(this.#profile.prompt))
    const shown = await this.#line.ask({...done('DSP', prompt), isWanted})
    if (shown.kind === 'silent') return this.#told(failedBy('enter PIN', shown))
    const answer = await this.#waitFor({
      id: 'GPN',
      data: blockCommand('GPN', block),
      // Once only: a second request would have the customer enter the PIN again without knowing why.
      retry: 'never',
      ifDamaged: 'askAgain',
      read: ({status, blocks}) => (status === STATUS.ok ? pinIn(blocks) : null),
      // Ended by ourselves before.
      waitMs: Infinity,
      onAccepted: () => {
        this.#entryEnds = this.#clock.after(timeoutMs, () => {
          mode.ended ??= 'timeOut'
          this.#endWaiting()
        })
      },
      isWanted,
    })
    this.#entryEnds?.cancel()
    return this.#pinOutcome(answer, mode.ended)
  }

  /** Asks what a person answers; `endWaiting` ends it. */
  async #waitFor<T>(ask: Ask<T>): Promise<Answer<T>> {
    this.#isWaiting = true
    try {
      return await this.#line.ask(ask)
    } finally {
      this.#isWaiting = false
    }
  }

  #endWaiting(): void {
    if (this.#isWaiting) this.#line.abort()
  }

  #pinOutcome(
    answer: Answer<{readonly block: string; readonly ksn: string}>,
    ended: Ended | null,
  ): PinOutcome {
    if (answer.kind === 'done') {
      const {block, ksn} = answer.value
      const isDukpt = this.#profile.keyScheme === 'dukpt'
      return {
        kind: 'entered',
        block: new Secret(bytesOfHex(block)),
        format: 'iso0',
        ksn: isDukpt ? ksn : null,
      }
    }
    if (answer.kind === 'aborted') return ended === 'timeOut' ? {kind: 'timedOut'} : {kind: 'cancelled'}
    if (answer.kind === 'refused' && answer.status === STATUS.timeout) return {kind: 'timedOut'}
    if (answer.kind === 'refused' && answer.status === STATUS.cancelled) return {kind: 'cancelled'}
    return this.#told(failedBy('enter PIN', answer))
  }

  /** One command for each key, until somebody else is at it. @param begun called once: listening, or why not */
  async #listenWhile(
    isOn: () => boolean,
    onKey: (key: Key) => void,
    begun: (failed: PinPadFailed | null) => void,
  ): Promise<void> {
    // Once it has begun, a failure is waited out: the watch between visits tells of a pad that stays away.
    const state = {isBegun: false}
    while (isOn()) {
      const answer = await this.#turns.take(() =>
        this.#waitFor({
          id: 'CEX',
          data: tlvCommand('CEX', [tlv(TAG.eventOptions, ONLY_KEYS), tlv(TAG.timeoutS, KEY_WAIT_S)]),
          retry: 'never',
          ifDamaged: 'end',
          waitMs: KEY_WAIT_S * 1_000 + KEY_GRACE_MS,
          read: ({status, blocks}) => (status === STATUS.ok ? eventIn(blocks) : null),
          onAccepted: () => {
            state.isBegun = true
            begun(null)
          },
          isWanted: () => isOn() && this.#guestCount === 0,
        }),
      )
      if (answer.kind === 'done') {
        const key = nameOf(EVENT_OF_KEY, answer.value)
        if (key !== null && isOn()) onKey(key)
      } else if (answer.kind !== 'aborted' && !isOver(answer)) {
        const failed = this.#told(failedBy('clear keys', answer))
        if (!state.isBegun) {
          begun(failed)
          return
        }
        await this.#clock.sleep(LISTEN_RETRY_MS)
      }
    }
    begun(null)
  }

  /** Has the pad for something short, also while keys are listened to; they are again afterwards. */
  async #asGuest<T>(what: string, work: () => Promise<T>): Promise<T | PinPadFailed> {
    if (this.#mode.kind === 'pin') return failedWith('busy', `${what}: the pad is in PIN mode`)
    this.#guestCount += 1
    if (this.#mode.kind === 'clear') this.#endWaiting()
    return this.#turns.take(() => {
      this.#guestCount -= 1
      return work()
    })
  }

  async #chained(blocks: Uint8Array): Promise<MacOutcome> {
    const {keyScheme, dataKeySlot} = this.#profile
    const workingKey = this.#workingKeys.mac?.reveal() ?? null
    if (keyScheme === 'masterSession' && workingKey === null)
      return failedWith('key-missing', 'MAC: the pad was not handed a MAC key')
    if (keyScheme === 'dukpt' && blocks.length > CIPHER_BYTES_MAX)
      return failedWith('bad-request', `MAC: ${blocks.length} bytes do not fit under one key`)
    const method = keyScheme === 'dukpt' ? DATA_METHOD.dukptCbc : DATA_METHOD.masterCbc
    let code: Uint8Array = new Uint8Array(DES_BLOCK_BYTES)
    let ksn: string | null = null
    for (let at = 0; at < blocks.length; at += CIPHER_BYTES_MAX) {
      const piece = blocks.slice(at, at + CIPHER_BYTES_MAX)
      const list: Tlv[] = [
        tlv(TAG.dataIn, piece),
        tlv(TAG.dataMethod, method),
        tlv(TAG.keyIndex, twoDigits(dataKeySlot)),
        ...(workingKey === null ? [] : [tlv(TAG.workingKey, workingKey)]),
        ...(at === 0 ? [] : [tlv(TAG.initial, code)]),
      ]
      const told = await this.#tell('MAC', 'EBX', tlvCommand('EBX', list))
      if (told.kind === 'failed') return told
      const under = told.value.get(TELL.dataOut)
      if (under?.length !== piece.length)
        return this.#told(failedWith('nonsense', 'MAC: the pad enciphered something else'))
      code = under.slice(-DES_BLOCK_BYTES)
      const name = told.value.get(TELL.ksn)
      ksn = name === undefined ? null : hexOf(name)
    }
    return {kind: 'mac', mac: code, ksn: keyScheme === 'dukpt' ? ksn : null}
  }

  async #general(): Promise<{readonly kind: 'told'; readonly value: General} | PinPadFailed> {
    const answer = await this.#line.ask({
      id: 'GIN',
      data: blockCommand('GIN', '00'),
      retry: 'safe',
      ifDamaged: 'askAgain',
      read: ({status, blocks}) => (status === STATUS.ok ? decodeGeneral(blocks) : null),
    })
    return answer.kind === 'done'
      ? {kind: 'told', value: answer.value}
      : this.#told(failedBy('identify', answer))
  }

  /** @param general what is known already; asked for when null */
  async #askStatus(general: General | null): Promise<AbecsStatus | PinPadFailed> {
    const told = general === null ? await this.#general() : {kind: 'told' as const, value: general}
    if (told.kind === 'failed') return told
    const ids = Uint8Array.from(wantedOf(this.#profile).flatMap(id => [id >> 8, id & 0xff]))
    const details = await this.#line.ask(listed('GIX', tlvCommand('GIX', [tlv(TAG.ids, ids)])))
    // An older pad knows no such question; what it does not tell is unknown.
    if (details.kind === 'silent') return this.#told(failedBy('status', details))
    const values = details.kind === 'done' ? details.value : new Map<number, Uint8Array>()
    return statusOf(this.#profile, told.value, values, this.#workingKeys.pin !== null)
  }

  async #tell(
    what: string,
    id: 'EBX',
    data: Uint8Array,
  ): Promise<{readonly kind: 'told'; readonly value: ReadonlyMap<number, Uint8Array>} | PinPadFailed> {
    const answer = await this.#line.ask(listed(id, data))
    return answer.kind === 'done' ? {kind: 'told', value: answer.value} : this.#told(failedBy(what, answer))
  }

  #told(failed: PinPadFailed): PinPadFailed {
    this.#log.warn('the device did not do it', {fault: failed.fault, detail: failed.detail})
    return failed
  }
}

/** A command whose answer is its status alone. */
function done(id: Ask<unknown>['id'], data: Uint8Array): Ask<{readonly kind: 'done'}> {
  return {
    id,
    data,
    retry: 'safe',
    ifDamaged: 'askAgain',
    read: ({status}) => (status === STATUS.ok ? {kind: 'done'} : null),
  }
}

/** A command that is answered by a list. */
function listed(id: Ask<unknown>['id'], data: Uint8Array): Ask<ReadonlyMap<number, Uint8Array>> {
  return {
    id,
    data,
    retry: 'safe',
    ifDamaged: 'askAgain',
    read: ({status, blocks}) => (status === STATUS.ok ? toldIn(blocks) : null),
  }
}

/** Nobody pressed a key in time. */
function isOver(answer: Answer<unknown>): boolean {
  return answer.kind === 'refused' && answer.status === STATUS.timeout
}

function eventIn(blocks: Reply['blocks']): string | null {
  const event = toldIn(blocks)?.get(TELL.event)
  return event === undefined ? null : textOf(event)
}

function capabilitiesOf(profile: Profile): PinPadCapabilities {
  const isDukpt = profile.keyScheme === 'dukpt'
  return {
    keys: keysOf(EVENT_OF_KEY),
    keyScheme: profile.keyScheme,
    keyLoad: isDukpt ? 'none' : 'perRequest',
    clearKeyLoad: false,
    pinBlockFormats: ['iso0'],
    panFrom: 'requestOrOwnReader',
    tellsDigits: false,
    macMethods: ['tdesCbc'],
    tones: [],
    display: DISPLAY,
    selfTest: true,
  }
}
