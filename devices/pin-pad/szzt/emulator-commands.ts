/** The emulated SZZT pad's side of each command: TEXT in, TEXT out. It knows nothing of lines and time. */
import {bytesOfHex, hexOf, isHex} from '../../../crypto/hex.ts'
import {isPan} from '../../../crypto/pin-block.ts'
import {DES_BLOCK_BYTES} from '../../../crypto/tdes.ts'
import {keysOf, nameOf} from '../../../kit/table.ts'
import {
  AUTHENTICATION,
  AUTHENTICATION_BYTES,
  CIPHER_TYPE,
  CODE,
  COMMAND,
  CONTROL,
  KEY_LENGTH,
  KEY_TYPE,
  MAC_TYPE,
  PIN_FORMAT,
} from './bytes.ts'
import type {CommandName, ControlName, KeyType, Profile} from './bytes.ts'
import {
  brokenHex,
  plainHex,
  RATES,
  START_WITH_BACKSPACE,
  START_WITHOUT,
  USER_TEXT_CHARACTERS,
} from './codec.ts'
import type {Keypad, PinInput} from './keypad.ts'
import {bindsPan} from './secure-module.ts'
import type {Loaded, Made, SecureModule} from './secure-module.ts'

/** What the commands need of the pad around them. */
export interface PadBody {
  readonly wantsAuthentication: boolean
  reset(): void
  liesAboutCheckValue(): boolean
  changed(): void
}

/** Commands that a pad which wants authentication refuses before. */
const GUARDED: ReadonlySet<CommandName> = new Set(['loadClearKey', 'loadKey', 'fetchBlock', 'mac', 'cipher'])
/** What a pad with a low battery still does. */
const WITHOUT_BATTERY: ReadonlySet<CommandName> = new Set(['identify', 'control'])

/** A reply that is a return code alone. */
export function onlyCode(returned: number): Uint8Array {
  return Uint8Array.of(returned)
}

export class EmulatedCommands {
  isBatteryLow = false
  isSeatOpen = false
  readonly #profile: Profile
  readonly #module: SecureModule
  readonly #keypad: Keypad
  readonly #body: PadBody
  #beepCount = 0
  #isInstalled = true
  #user = 'EMULATED PAD'

  constructor(profile: Profile, module: SecureModule, keypad: Keypad, body: PadBody) {
    this.#profile = profile
    this.#module = module
    this.#keypad = keypad
    this.#body = body
  }

  get beepCount(): number {
    return this.#beepCount
  }

  /** @param name the command that the TEXT is, null when it is none */
  do(name: CommandName | null, text: string): Uint8Array {
    const isRefused = this.#refusalBefore(name)
    if (isRefused !== null) return onlyCode(isRefused)
    switch (name) {
      case 'loadClearKey':
        return this.#loadClearKey(text)
      case 'loadKey':
        return this.#loadKey(text)
      case 'identify':
        return this.#identify(text)
      case 'keyTable':
        return this.#setKeyTable(text)
      case 'control':
        return this.#control(text)
      case 'startPin':
        return this.#startPin(text)
      case 'fetchBlock':
        return this.#fetchBlock(text)
      case 'mac':
        return this.#mac(text)
      case 'cipher':
        return this.#cipher(text)
      case 'authenticate':
        return this.#authenticate(text)
      case 'id':
        return text === COMMAND.id ? withText('00000001') : onlyCode(CODE.commandLength)
      case 'installFlag':
        return this.#installFlag(text)
      case 'clearInstallFlag':
        if (text !== COMMAND.clearInstallFlag) return onlyCode(CODE.commandLength)
        this.#isInstalled = false
        return onlyCode(CODE.done)
      case null:
        return onlyCode(CODE.malformed)
    }
  }

  #refusalBefore(name: CommandName | null): number | null {
    if (this.#module.isTampered) return CODE.tampered
    if (this.isSeatOpen) return CODE.removed
    if (this.isBatteryLow && (name === null || !WITHOUT_BATTERY.has(name))) return CODE.battery
    const isLocked = this.#body.wantsAuthentication && !this.#module.isAuthenticated
    return isLocked && name !== null && GUARDED.has(name) ? CODE.unauthenticated : null
  }

  #loadClearKey(text: string): Uint8Array {
    const [, index = '', type = '', digit = '', hex = ''] =
      /^1([0-9A-F]{2})(.)([0-9])([0-9A-F:;<=>?]*)$/.exec(text) ?? []
    const bytes = bytesOrNull(hex)
    if (bytes === null || index === '') return onlyCode(CODE.malformed)
    const known = keyTypeOf(type)
    if (known === null) return onlyCode(CODE.parameter)
    const first = KEY_LENGTH.get(bytes.length)
    // The sources count from 0 and from 1; the profile's own way is sure, the other is taken where it cannot be meant otherwise.
    if (first === undefined || (Number(digit) !== first - 1 && Number(digit) !== first))
      return onlyCode(CODE.keyLength)
    return this.#loaded(this.#module.loadClear(Number.parseInt(index, 16), known, bytes))
  }

  #loadKey(text: string): Uint8Array {
    const [, master = '', index = '', type = '', digit = '', hex = ''] =
      /^2([0-9A-F]{2})([0-9A-F]{2})(.)([0-9])([0-9A-F:;<=>?]*)$/.exec(text) ?? []
    const bytes = bytesOrNull(hex)
    if (bytes === null || index === '') return onlyCode(CODE.malformed)
    const at = Number.parseInt(index, 16)
    if (type === '0' && digit === '0' && bytes.length === 0) {
      const isErased = this.#module.erase(at)
      this.#body.changed()
      return onlyCode(isErased ? CODE.done : CODE.keyMissing)
    }
    const known = keyTypeOf(type)
    if (known === null) return onlyCode(CODE.parameter)
    if (KEY_LENGTH.get(bytes.length) !== Number(digit)) return onlyCode(CODE.keyLength)
    return this.#loaded(this.#module.loadUnder(Number.parseInt(master, 16), at, known, bytes))
  }

  #loaded(loaded: Loaded): Uint8Array {
    if (loaded.kind === 'refused') return onlyCode(loaded.code)
    this.#body.changed()
    return this.#withHex(this.#body.liesAboutCheckValue() ? 'BAD0C0' : loaded.checkValue)
  }

  #identify(text: string): Uint8Array {
    if (text.length !== 1 && text.length !== 1 + USER_TEXT_CHARACTERS) return onlyCode(CODE.commandLength)
    if (text.length > 1) this.#user = text.slice(1)
    const {inputTimeS, mask, lengthMin, lengthMax, beepTime, keyTone, rate, hex} = this.#keypad.settings
    const isActive = this.#keypad.input.kind === 'clear' || this.#keypad.input.kind === 'pin'
    const flags = (this.#module.hasInitialKey ? 0 : 1) | (isActive ? 2 : 0) | (keyTone ? 4 : 0)
    const mode = CONTROL[hex === 'plain' ? 'plainHex' : 'brokenHex'].value
    const settings = Uint8Array.of(
      ...[flags, 0, inputTimeS, mask, lengthMin, lengthMax, rate, mode, beepTime, 0],
    )
    const rest = `${'0'.repeat(8)}${this.#profile.model.toUpperCase().padEnd(6)}1.02.126110001`
    const fields = this.#inMode(hexOf(this.#keypad.codes)) + this.#inMode(hexOf(settings))
    return withText(this.#user.padEnd(USER_TEXT_CHARACTERS) + fields + rest)
  }

  #setKeyTable(text: string): Uint8Array {
    const codes = bytesOrNull(text.slice(1))
    if (codes === null) return onlyCode(CODE.malformed)
    if (codes.length !== this.#keypad.codes.length) return onlyCode(CODE.commandLength)
    this.#keypad.setCodes(codes)
    return onlyCode(CODE.done)
  }

  #control(text: string): Uint8Array {
    const parameter = text[1]
    const hex = plainHex(text.slice(2))
    if (!/^[0-9A-F]{2}$/.test(hex)) return onlyCode(CODE.commandLength)
    const value = Number.parseInt(hex, 16)
    for (const name of CONTROL_NAMES) {
      const row = CONTROL[name]
      if (row.parameter === parameter && (row.value === null || row.value === value))
        return onlyCode(this.#obey(name, value, hex) ? CODE.done : CODE.parameter)
    }
    return onlyCode(CODE.parameter)
  }

  /** @param hex the value as it was written @returns whether there is such a value */
  #obey(name: ControlName, value: number, hex: string): boolean {
    const {settings} = this.#keypad
    switch (name) {
      case 'reset':
        this.#body.reset()
        break
      case 'wipe':
        this.#module.wipe()
        this.#keypad.toFactory()
        this.#body.reset()
        break
      case 'stopInput':
        this.#keypad.end()
        break
      case 'clearInput':
        this.#keypad.begin({kind: 'clear'})
        break
      case 'toneOff':
      case 'toneOn':
        settings.keyTone = name === 'toneOn'
        break
      case 'beep':
        this.#beepCount += 1
        break
      case 'inputTime':
        settings.inputTimeS = value
        break
      case 'mask':
      case 'beepTime':
        settings[name] = value
        break
      case 'lengthMin':
      case 'lengthMax':
        settings[name] = this.#profile.lengthsAs === 'decimal' && /^[0-9]{2}$/.test(hex) ? Number(hex) : value
        break
      case 'plainHex':
      case 'brokenHex':
        settings.hex = name === 'plainHex' ? 'plain' : 'broken'
        break
      case 'rate': {
        const rate = value - this.#profile.rateFrom.charCodeAt(0)
        if (RATES[rate] === undefined) return false
        settings.rate = 0x30 + rate
        break
      }
    }
    this.#body.changed()
    return true
  }

  #startPin(text: string): Uint8Array {
    if (this.#profile.dialect === 'panAtFetch') {
      const body = text.slice(1)
      if (body !== START_WITH_BACKSPACE && body !== START_WITHOUT) return onlyCode(CODE.malformed)
      const clearErases = body === START_WITH_BACKSPACE ? 'last' : 'all'
      const {pinKeyIndex: keyIndex} = this.#profile
      this.#keypad.begin({kind: 'pin', keyIndex, format: 'iso0', pan: '', clearErases})
      return onlyCode(CODE.done)
    }
    const [, index = '', sign = '', length, pan = ''] =
      /^6([0-9A-F]{2})(.)[0-9]([0-9]{2})([0-9]*)$/.exec(text) ?? []
    const format = nameOf(PIN_FORMAT, sign)
    if (length === undefined) return onlyCode(CODE.malformed)
    if (format === null) return onlyCode(CODE.parameter)
    if (bindsPan(format) && !isPan(pan)) return onlyCode(CODE.malformed)
    const keyIndex = Number.parseInt(index, 16)
    if (!this.#module.hasPinKey(keyIndex)) return onlyCode(CODE.keyMissing)
    if (Number(length) > 0)
      this.#keypad.settings.lengthMax = Math.min(this.#keypad.settings.lengthMax, Number(length))
    this.#keypad.begin({kind: 'pin', keyIndex, format, pan, clearErases: this.#profile.clearErases})
    return onlyCode(CODE.done)
  }

  #fetchBlock(text: string): Uint8Array {
    const input = this.#keypad.fetchable
    if (input === null) return onlyCode(CODE.inputMode)
    const asked = this.#fetchWith(text, input)
    if (asked === null) return onlyCode(CODE.malformed)
    const made = this.#module.block(asked.keyIndex, asked.format, asked.pan)
    if (made.kind === 'refused') return onlyCode(made.code)
    return withText(`00${made.digits.toString().padStart(2, '0')}${this.#inMode(hexOf(made.block))}`)
  }

  #fetchWith(text: string, input: PinInput): Pick<PinInput, 'keyIndex' | 'format' | 'pan'> | null {
    if (this.#profile.dialect === 'panAtStart') return text === COMMAND.fetchBlock ? input : null
    const [, index, sign, field] = /^7([0-9A-F]{2})(.)([0-9]{0,12})$/.exec(text) ?? []
    const format = nameOf(PIN_FORMAT, sign)
    if (index === undefined || field === undefined || format === null) return null
    if (bindsPan(format) && field.length !== 12) return null
    // Any check digit will do: a PIN block leaves it out.
    return {keyIndex: Number.parseInt(index, 16), format, pan: `${field}0`}
  }

  #mac(text: string): Uint8Array {
    const [, index = '', sign = '', told = ''] = /^8([0-9A-F]{2})(32|41|.)(.*)$/s.exec(text) ?? []
    const how = nameOf(MAC_TYPE, oneCharacter(sign))
    const message = Buffer.from(told, 'latin1')
    if (index === '' || message.length === 0) return onlyCode(CODE.commandLength)
    if (how === null) return onlyCode(CODE.parameter)
    return this.#made(this.#module.mac(Number.parseInt(index, 16), how, message))
  }

  #cipher(text: string): Uint8Array {
    const [, index = '', sign = '', hex = ''] =
      /^9([0-9A-F]{2})(3[12]|4[12]|.)([0-9A-F:;<=>?]*)$/.exec(text) ?? []
    const how = nameOf(CIPHER_TYPE, oneCharacter(sign))
    const blocks = bytesOrNull(hex)
    if (index === '' || blocks === null) return onlyCode(CODE.malformed)
    if (how === null) return onlyCode(CODE.parameter)
    if (blocks.length === 0 || blocks.length % DES_BLOCK_BYTES !== 0) return onlyCode(CODE.commandLength)
    return this.#made(this.#module.cipher(Number.parseInt(index, 16), how, blocks))
  }

  #authenticate(text: string): Uint8Array {
    const [, name = '', hex = ''] = /^:([0-9A-F]{2})([0-9A-F:;<=>?]*)$/.exec(text) ?? []
    const given = bytesOrNull(hex)
    if (name === '' || given === null) return onlyCode(CODE.malformed)
    if (given.length !== AUTHENTICATION_BYTES) return onlyCode(CODE.commandLength)
    const step = Number.parseInt(name, 16)
    if (step === AUTHENTICATION.challenge) return this.#withHex(hexOf(this.#module.newChallenge()))
    if (step === AUTHENTICATION.proveMaster || step === AUTHENTICATION.proveInitial)
      return this.#made(this.#module.prove(given))
    return this.#made(this.#module.turned(step, given))
  }

  /** `0` asks, `1` sets. The third character of the answer is 1 where the pad is not installed. */
  #installFlag(text: string): Uint8Array {
    if (text === `${COMMAND.installFlag}1`) {
      this.#isInstalled = true
      return onlyCode(CODE.done)
    }
    if (text !== `${COMMAND.installFlag}0`) return onlyCode(CODE.malformed)
    return withText(this.#isInstalled ? '000' : '001')
  }

  #made(made: Made): Uint8Array {
    return made.kind === 'refused' ? onlyCode(made.code) : this.#withHex(hexOf(made.bytes))
  }

  #withHex(hex: string): Uint8Array {
    return withText(this.#inMode(hex))
  }

  #inMode(hex: string): string {
    return this.#keypad.settings.hex === 'plain' ? hex : brokenHex(hex)
  }
}

const CONTROL_NAMES = keysOf(CONTROL)
function keyTypeOf(sign: string): KeyType | null {
  return Object.values(KEY_TYPE).find(type => type === sign) ?? null
}

/** A type of MAC or cipher that came as the two digits of its character, as some read the host source. */
function oneCharacter(sign: string): string {
  return sign.length === 1 ? sign : String.fromCharCode(Number.parseInt(sign, 16))
}

function bytesOrNull(hex: string): Uint8Array | null {
  const plain = plainHex(hex)
  return isHex(plain) ? bytesOfHex(plain) : null
}

/** Done, and what the command brought. */
function withText(text: string): Uint8Array {
  return Uint8Array.of(CODE.done, ...Buffer.from(text, 'latin1'))
}
