/** The emulated ABECS pad's side of each command: data in, a reply or a wait out. It knows nothing of lines and time. */
import type {DukptUse} from '../../../crypto/dukpt.ts'
import {bytesOfHex, hexOf, isHex} from '../../../crypto/hex.ts'
import {DES_BLOCK_BYTES} from '../../../crypto/tdes.ts'
import {nameOf} from '../../../kit/table.ts'
import {
  CIPHER_BYTES_MAX,
  COMMANDS,
  DATA_METHOD,
  DATA_BYTES_MAX,
  DISPLAY,
  KSN_OF_DATA_SLOT,
  KSN_OF_PIN_SLOT,
  SECURED,
  STATUS,
  TAG,
  TELL,
  UNKNOWN,
} from './bytes.ts'
import type {CommandId, DataMethod} from './bytes.ts'
import {commandIn, decodeBlocks, decodeTlvs, encodeTlvs, reply, textOf, tlv, tlvBlocks} from './codec.ts'
import type {Tlv} from './codec.ts'
import {CHIP_ATR, chipAnswer, packedTrack} from './emulator-cards.ts'
import type {Stripe} from './emulator-cards.ts'
import {
  waitForChoice,
  waitForDigits,
  waitForEvent,
  waitForEventExtended,
  waitForKey,
  waitForPin,
  waitForRemoval,
} from './emulator-waits.ts'
import type {Begun, WaitingPad} from './emulator-waits.ts'
import {NO_INITIAL, SLOT_COUNT} from './secure-module.ts'
import type {SecureModule} from './secure-module.ts'

/** What the pad tells of itself. The maker's own texts are free. */
const SELF = {
  maker: 'TELLERD',
  model: 'EMULATED PAD;1MB',
  system: 'EMULATED',
  specification: '2.20',
  manager: '001.00 261122',
  serial: '00000001',
} as const
const BLANK = ' '.repeat(DISPLAY.rows * DISPLAY.columns)

export class EmulatedCommands implements WaitingPad {
  readonly module: SecureModule
  batteryPercent: number | null = null
  readonly #hasVariant5: boolean
  readonly #changed: () => void
  #text = BLANK
  #stripe: Stripe | null = null
  #isChipIn = false
  #isChipOn = false

  /** @param hasVariant5 whether 70 and 71 are methods */
  constructor(module: SecureModule, hasVariant5: boolean, changed: () => void) {
    this.module = module
    this.#hasVariant5 = hasVariant5
    this.#changed = changed
  }

  get isChipIn(): boolean {
    return this.#isChipIn
  }

  /** The two rows of the display, as they stand. */
  get rows(): readonly string[] {
    return [this.#text.slice(0, DISPLAY.columns), this.#text.slice(DISPLAY.columns)].map(row => row.trimEnd())
  }

  get pan(): string | null {
    return this.#stripe?.track2?.split('=')[0] ?? null
  }

  show(text: string): void {
    this.#text = text.padEnd(BLANK.length).slice(0, BLANK.length)
    this.#changed()
  }

  keepStripe(stripe: Stripe | null): void {
    this.#stripe = stripe
  }

  setChip(is: 'in' | 'out'): void {
    this.#isChipIn = is === 'in'
    this.#isChipOn = false
  }

  /** What a power cut leaves: nothing of what was read or shown. */
  forget(): void {
    this.#text = BLANK
    this.#stripe = null
    this.#isChipOn = false
    this.module.takeBack('all')
  }

  /** A command under way came to its end, whatever the end was. */
  ended(id: CommandId): void {
    this.module.takeBack('all')
    if (id === 'GPN' || id === 'GCD' || id === 'MNU') this.show(BLANK)
  }

  /** @param data name and blocks, as they came */
  begin(data: Uint8Array): Begun {
    if (data[0] === SECURED) return reply(UNKNOWN, STATUS.noSession)
    const id = commandIn(data)
    if (id === null) return reply(UNKNOWN, STATUS.notNow)
    const blocks = decodeBlocks(data, 3)
    if (blocks === null) return reply(id, STATUS.parameter)
    if (COMMANDS[id].form === 'block') return this.#withBlocks(id, blocks.map(textOf), blocks)
    const lists = blocks.map(decodeTlvs)
    const list: Tlv[] = []
    for (const items of lists) {
      if (items === null) return reply(id, STATUS.parameter)
      list.push(...items)
    }
    return this.#withList(id, list)
  }

  #withBlocks(id: CommandId, [text = '']: readonly string[], blocks: readonly Uint8Array[]): Begun {
    switch (id) {
      case 'OPN':
        // With a public key it would begin a secured session, which this pad does not have, as older ones do not.
        return reply(id, STATUS.ok)
      case 'CLO':
        this.#stripe = null
        this.setChip(this.#isChipIn ? 'in' : 'out')
        this.show(text.replaceAll(/[^\x20-\xff]/g, ' '))
        return reply(id, STATUS.ok)
      case 'GIN':
        return this.#general(text)
      case 'DSP':
        this.show(text.replaceAll(/[^\x20-\xff]/g, ' '))
        return reply(id, STATUS.ok)
      case 'DEX':
        return this.#showFree(text)
      case 'GKY':
        return blocks.length === 0 ? waitForKey() : reply(id, STATUS.parameter)
      case 'CKE':
        return waitForEvent(text, this)
      case 'GPN':
        return waitForPin(text, this)
      case 'ENB':
        return this.#encipherOld(text)
      case 'GDU':
        return this.#nextName(text)
      case 'CHP':
        return this.#chip(text)
      case 'RMC':
        return waitForRemoval(text, this)
      case 'CLX':
      case 'GIX':
      case 'CEX':
      case 'GTK':
      case 'EBX':
      case 'MNU':
      case 'GCD':
        return reply(id, STATUS.parameter)
    }
  }

  #withList(id: CommandId, items: readonly Tlv[]): Begun {
    const list = new Map<number, Uint8Array>()
    for (const {tag, value} of items) if (!list.has(tag)) list.set(tag, value)
    switch (id) {
      case 'CLX':
        this.#stripe = null
        this.setChip(this.#isChipIn ? 'in' : 'out')
        this.show(rowsOf(textOf(list.get(TAG.text) ?? new Uint8Array(0))))
        return reply(id, STATUS.ok)
      case 'GIX':
        return this.#details(list.get(TAG.ids))
      case 'CEX':
        return waitForEventExtended(list, this)
      case 'GTK':
        return this.#tracks(list)
      case 'EBX':
        return this.#encipher(list)
      case 'MNU':
        return waitForChoice(
          items.filter(({tag}) => tag === TAG.menuOption).map(({value}) => textOf(value)),
          list,
          this,
        )
      case 'GCD':
        return waitForDigits(list, this)
      default:
        return reply(id, STATUS.parameter)
    }
  }

  #showFree(text: string): Uint8Array {
    const [, digits, rest = ''] = /^([0-9]{3})(.*)$/s.exec(text) ?? []
    const length = Number(digits)
    const isCounted =
      digits !== undefined && rest.length >= length && /^(?:[0-9]{6})?$/.test(rest.slice(length))
    // A text that nothing counts but its block is shown as it is: so some sources have it.
    const shown = isCounted ? rest.slice(0, length) : text
    if (shown.length > FREE_TEXT_MAX || (digits !== undefined && !isCounted))
      return reply('DEX', STATUS.parameter)
    this.show(rowsOf(shown))
    return reply('DEX', STATUS.ok)
  }

  #general(acquirer: string): Uint8Array {
    const {maker, model, system, specification, manager, serial} = SELF
    if (!/^[0-9]{2}$/.test(acquirer)) return reply('GIN', STATUS.parameter)
    if (acquirer === '00')
      return reply(
        'GIN',
        STATUS.ok,
        maker.padEnd(20) +
          model.padEnd(19) +
          ' ' +
          system.padEnd(20) +
          specification +
          manager.padEnd(16) +
          serial.padEnd(20),
      )
    if (acquirer === '02')
      return reply('GIN', STATUS.ok, `${'ABECS'.padEnd(8)}${''.padEnd(12)}${manager}${specification}   00`)
    if (acquirer === '03') {
      const mark = this.module.has('dukptPin', 1) ? 'T' : ' '
      return reply(
        'GIN',
        STATUS.ok,
        `${'ABECS'.padEnd(6)}${''.padEnd(14)}${manager}${specification}  ${mark}00`,
      )
    }
    return reply('GIN', STATUS.ok, `${'ABECS'.padEnd(20)}${manager}${specification}   00`)
  }

  #details(ids: Uint8Array | undefined): Uint8Array {
    if (ids !== undefined && ids.length % 2 !== 0) return reply('GIX', STATUS.parameter)
    const wanted =
      ids === undefined
        ? DEFAULT_DETAILS
        : Array.from({length: ids.length / 2}, (_, at) => ((ids[2 * at] ?? 0) << 8) | (ids[2 * at + 1] ?? 0))
    const told = wanted.flatMap(id => {
      const value = this.#detail(id)
      return value === null ? [] : [tlv(id, value)]
    })
    const answer = reply('GIX', STATUS.ok, ...tlvBlocks(told))
    return answer.length > DATA_BYTES_MAX ? reply('GIX', STATUS.overflow) : answer
  }

  #detail(id: number): string | Uint8Array | null {
    const slot = id & 0xff
    if ((id & 0xff00) === KSN_OF_PIN_SLOT) return this.module.nextKsn('dukptPin', slot)
    if ((id & 0xff00) === KSN_OF_DATA_SLOT) return this.module.nextKsn('dukptData', slot)
    switch (id) {
      case TELL.serial:
        return SELF.serial
      case TELL.model:
        return SELF.model
      case TELL.maker:
        return SELF.maker
      case TELL.abilities:
        return ABILITIES
      case TELL.system:
        return SELF.system
      case TELL.specification:
        return SELF.specification
      case TELL.manager:
      case TELL.application:
      case TELL.extension:
        return SELF.manager.padEnd(16)
      case TELL.textSize:
        return `${DISPLAY.rows.toString().padStart(2, '0')}${DISPLAY.columns}`
      case TELL.masterPinKeys:
        return this.module.map('masterPin')
      case TELL.masterDataKeys:
        return this.module.map('masterData')
      case TELL.dukptPinKeys:
        return this.module.map('dukptPin')
      case TELL.dukptDataKeys:
        return this.module.map('dukptData')
      case TELL.battery:
        return this.batteryPercent === null ? null : Uint8Array.of(this.batteryPercent, 0)
      case TELL.line:
        return '0000'
      default:
        return null
    }
  }

  #encipher(list: ReadonlyMap<number, Uint8Array>): Uint8Array {
    const refused = (status: number) => reply('EBX', status)
    const blocks = list.get(TAG.dataIn)
    if (blocks === undefined || !list.has(TAG.dataMethod) || !list.has(TAG.keyIndex))
      return refused(STATUS.missing)
    if (blocks.length === 0 || blocks.length % DES_BLOCK_BYTES !== 0 || blocks.length > CIPHER_BYTES_MAX)
      return refused(STATUS.parameter)
    const made = this.#enciphered(list, blocks)
    if (typeof made === 'number') return refused(made)
    const {bytes, ksn} = made
    return reply(
      'EBX',
      STATUS.ok,
      encodeTlvs([tlv(TELL.dataOut, bytes), ...(ksn === null ? [] : [tlv(TELL.ksn, ksn)])]),
    )
  }

  /** Ciphertext and KSN, or the status that refuses. */
  #enciphered(
    list: ReadonlyMap<number, Uint8Array>,
    blocks: Uint8Array,
  ): {readonly bytes: Uint8Array; readonly ksn: Uint8Array | null} | number {
    const index = textOf(list.get(TAG.keyIndex) ?? new Uint8Array(0))
    const method = nameOf(DATA_METHOD, textOf(list.get(TAG.dataMethod) ?? new Uint8Array(0)))
    const initial = list.get(TAG.initial) ?? NO_INITIAL
    const workingKey = list.get(TAG.workingKey) ?? null
    if (method === null || !/^[0-9]{2}$/.test(index) || Number(index) >= SLOT_COUNT) return STATUS.parameter
    if (initial.length !== DES_BLOCK_BYTES) return STATUS.parameter
    const {chain, variant} = CIPHERS[method]
    if (variant === 'des') return STATUS.keyAbsent
    if (variant === 'dataResponse' && !this.#hasVariant5) return STATUS.parameter
    if (variant !== 'master')
      return this.module.encipher(Number(index), variant, chain, blocks, initial) ?? STATUS.keyAbsent
    if (workingKey === null) return STATUS.missing
    if (workingKey.length !== WORKING_KEY_BYTES) return STATUS.parameter
    return this.module.encipher(Number(index), workingKey, chain, blocks, initial) ?? STATUS.keyAbsent
  }

  #encipherOld(text: string): Uint8Array {
    const [, slot, key, input] = /^1([0-9]{2})(.{32})(.{16})$/s.exec(text) ?? []
    if (slot === undefined || key === undefined || input === undefined || !isHex(key + input))
      return reply('ENB', STATUS.parameter)
    if (Number(slot) >= SLOT_COUNT) return reply('ENB', STATUS.parameter)
    const made = this.module.encipher(Number(slot), bytesOfHex(key), 'ecb', bytesOfHex(input), NO_INITIAL)
    return made === null ? reply('ENB', STATUS.keyAbsent) : reply('ENB', STATUS.ok, hexOf(made.bytes))
  }

  #nextName(text: string): Uint8Array {
    // The method before the slot is 3; sources that know of no other leave it out.
    const [, slot] = /^3?([0-9]{2})$/.exec(text) ?? []
    if (slot === undefined || Number(slot) >= SLOT_COUNT) return reply('GDU', STATUS.parameter)
    const ksn = this.module.nextKsn('dukptPin', Number(slot))
    return ksn === null ? reply('GDU', STATUS.keyAbsent) : reply('GDU', STATUS.ok, hexOf(ksn))
  }

  /** The tracks of the card that was swiped last, once; enciphered where a method is named. */
  #tracks(list: ReadonlyMap<number, Uint8Array>): Uint8Array {
    const stripe = this.#stripe
    if (stripe === null) return reply('GTK', STATUS.notNow)
    const which = textOf(list.get(TAG.tracks) ?? ALL_TRACKS)
    const wanted = [
      {
        track: stripe.track1,
        pack: (text: string) => Buffer.from(text, 'latin1'),
        filler: 0x00,
        ...TRACK_TAGS[0],
      },
      {track: stripe.track2, pack: packedTrack, filler: 0xff, ...TRACK_TAGS[1]},
      {track: stripe.track3, pack: packedTrack, filler: 0xff, ...TRACK_TAGS[2]},
    ]
    const told: Tlv[] = []
    for (const [at, {track, pack, filler, tag, ksnTag, openShare}] of wanted.entries()) {
      if (track === null || which[at + 1] !== '1') continue
      const packed = Uint8Array.from(pack(track))
      if (!list.has(TAG.dataMethod)) {
        told.push(tlv(tag, packed))
        continue
      }
      const openDigits = Number(textOf(list.get(TAG.openDigits) ?? new Uint8Array(0)))
      // The first track keeps its letter of format open as well; the others hold two digits in a byte.
      const openBytes = openDigits === 0 ? 0 : openShare(openDigits)
      const made = this.#enciphered(list, filledTo8(packed.subarray(openBytes), filler))
      if (typeof made === 'number') return reply('GTK', made)
      told.push(tlv(tag, Uint8Array.of(...packed.subarray(0, openBytes), ...made.bytes)))
      if (made.ksn !== null) told.push(tlv(ksnTag, made.ksn))
    }
    this.#stripe = null
    return reply('GTK', STATUS.ok, ...tlvBlocks(told))
  }

  #chip(text: string): Uint8Array {
    const [, slot, order, digits, hex = ''] = /^([0-9])([0-3])([0-9]{3})([0-9A-F]*)$/.exec(text) ?? []
    // One chip reader, no security modules; a PIN never goes to a card in this pad.
    if (slot !== '0' || order === undefined || order === '3' || hex.length !== 2 * Number(digits))
      return reply('CHP', STATUS.parameter)
    if (order === '0') {
      this.#isChipOn = false
      return reply('CHP', STATUS.ok, '000')
    }
    if (!this.#isChipIn) return reply('CHP', STATUS.noCard)
    if (order === '1') {
      this.#isChipOn = true
      return reply('CHP', STATUS.ok, chipBlock(CHIP_ATR))
    }
    if (!this.#isChipOn || hex.length < 2 * APDU_BYTES_MIN) return reply('CHP', CARD_ERROR)
    return reply('CHP', STATUS.ok, chipBlock(chipAnswer(bytesOfHex(hex))))
  }
}

/** What each method enciphers with. That the first variant is that of PINs, and the fifth that of answers, is assumed. */
const CIPHERS: Readonly<
  Record<DataMethod, {readonly chain: 'ecb' | 'cbc'; readonly variant: DukptUse | 'master' | 'des'}>
> = {
  desEcb: {chain: 'ecb', variant: 'des'},
  desCbc: {chain: 'cbc', variant: 'des'},
  masterEcb: {chain: 'ecb', variant: 'master'},
  masterCbc: {chain: 'cbc', variant: 'master'},
  dukpt1Ecb: {chain: 'ecb', variant: 'pin'},
  dukptEcb: {chain: 'ecb', variant: 'dataRequest'},
  dukptCbc: {chain: 'cbc', variant: 'dataRequest'},
  dukpt5Ecb: {chain: 'ecb', variant: 'dataResponse'},
  dukpt5Cbc: {chain: 'cbc', variant: 'dataResponse'},
}
const WORKING_KEY_BYTES = 16
const FREE_TEXT_MAX = 160
const APDU_BYTES_MIN = 4
/** The pad and the chip do not understand each other, or it was not switched on. */
const CARD_ERROR = 61
/** No contactless reader, a plain display, a chip reader, a stripe reader of three tracks, no security modules. */
const ABILITIES = '0011900000'
const ALL_TRACKS: Uint8Array = Buffer.from('1111', 'latin1')
const TRACK_TAGS = [
  {tag: TELL.track1, ksnTag: TELL.track1Ksn, openShare: (digits: number) => digits + 1},
  {tag: TELL.track2, ksnTag: TELL.track2Ksn, openShare: (digits: number) => digits / 2},
  {tag: TELL.track3, ksnTag: TELL.track3Ksn, openShare: (digits: number) => digits / 2},
] as const
/** What is told when nothing is asked for. */
const DEFAULT_DETAILS: readonly number[] = [
  ...[TELL.serial, TELL.model, TELL.maker, TELL.abilities, TELL.system, TELL.specification],
  ...[TELL.manager, TELL.application, TELL.extension, TELL.textSize],
  ...[TELL.masterPinKeys, TELL.masterDataKeys, TELL.dukptPinKeys, TELL.dukptDataKeys],
]

function chipBlock(bytes: Uint8Array): string {
  return `${bytes.length.toString().padStart(3, '0')}${hexOf(bytes)}`
}

function filledTo8(bytes: Uint8Array, filler: number): Uint8Array {
  const filled = new Uint8Array(
    Math.max(1, Math.ceil(bytes.length / DES_BLOCK_BYTES)) * DES_BLOCK_BYTES,
  ).fill(filler)
  filled.set(bytes)
  return filled
}

/** Free text with line ends as two rows. */
function rowsOf(text: string): string {
  return text
    .split(/[^\x20-\xff]/)
    .slice(0, DISPLAY.rows)
    .map(row => row.slice(0, DISPLAY.columns).padEnd(DISPLAY.columns))
    .join('')
}
