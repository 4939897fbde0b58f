/**
 * The emulated ABECS pad while it waits for a person: what a key, a swiped card or a chip makes of the command under
 * way. It knows nothing of lines and time.
 */
import {PIN_DIGITS_MAX, PIN_DIGITS_MIN} from '../../../crypto/pin-block.ts'
import {bytesOfHex, hexOf, isHex} from '../../../crypto/hex.ts'
import type {Key} from '../port.ts'
import {EVENT, EVENT_OF_KEY, PIN_METHOD, STATUS, TAG, TELL} from './bytes.ts'
import type {CommandId} from './bytes.ts'
import {displayText, encodeTlvs, reply, textOf, tlv, twoDigits} from './codec.ts'
import type {Tlv} from './codec.ts'
import {maskedTrack, partialTrack} from './emulator-cards.ts'
import type {Stripe} from './emulator-cards.ts'
import {SLOT_COUNT} from './secure-module.ts'
import type {SecureModule} from './secure-module.ts'

/** A command that waits. `null` from a hand: nothing comes of it. */
export interface Wait {
  readonly id: CommandId
  readonly mode: 'clear' | 'pin'
  /** How long nobody may do anything before it ends; null for ever. */
  readonly idleMs: number | null
  /** What it says then. */
  readonly late: Uint8Array
  /** `taken`: it counts, and the command goes on. */
  press(key: Key): Uint8Array | 'taken' | null
  swipe?(stripe: Stripe): Uint8Array | null
  chip?(is: 'in' | 'out'): Uint8Array | null
}

/** What a command comes to: a reply at once, or a wait. */
export type Begun = Uint8Array | Wait

/** Nobody at the keys for so long ends a PIN. */
const PIN_IDLE_MS = 60_000

/** What the waits need of the pad around them. */
export interface WaitingPad {
  readonly module: SecureModule
  readonly isChipIn: boolean
  show(text: string): void
  /** A stripe to be asked for once, until the next event command. */
  keepStripe(stripe: Stripe | null): void
  /** The number of the card that was swiped, while it is kept. */
  readonly pan: string | null
}

/** One function key, told by the status of the reply. */
export function waitForKey(): Wait {
  const status: Partial<Record<Key, number>> = {
    enter: STATUS.ok,
    ...{A: 4, B: 5, C: 6, D: 7},
    clear: STATUS.backspace,
    cancel: STATUS.cancelled,
  }
  return {
    id: 'GKY',
    mode: 'clear',
    idleMs: null,
    late: reply('GKY', STATUS.timeout),
    press: key => {
      const code = status[key]
      return code === undefined ? null : reply('GKY', code)
    },
  }
}

/** One event, in the fixed blocks of old. @param block four flags, of which the last may be left out */
export function waitForEvent(block: string, pad: WaitingPad): Begun {
  const [keys, stripe, chip, contactless] = block
  if (block.length < 3 || block.length > 4) return reply('CKE', STATUS.parameter)
  pad.keepStripe(null)
  const told = (is: 'in' | 'out') => reply('CKE', STATUS.ok, `2${is === 'in' ? '1' : '0'}`)
  if (wantsChip(chip, pad.isChipIn)) return told(pad.isChipIn ? 'in' : 'out')
  return {
    id: 'CKE',
    mode: 'clear',
    // A contactless reader, were there one, is not left on for longer.
    idleMs: contactless === '1' ? CONTACTLESS_MS : null,
    late: reply('CKE', STATUS.ok, '30'),
    press: key => {
      const code = keys === '1' ? nameIn(key) : null
      // The old command knows no arrows.
      return code === null || code === '02' || code === '03' ? null : reply('CKE', STATUS.ok, `0${code}`)
    },
    swipe: swiped => {
      if (stripe !== '1') return null
      const {track1, track2, track3} = swiped
      if (track1 === null && track2 === null && track3 === null) return reply('CKE', STATUS.stripeUnread)
      return reply(
        'CKE',
        STATUS.ok,
        `1${field(track1, 2, 76)}${field(track2, 2, 37)}${field(track3, 3, 104)}`,
      )
    },
    chip: is => (wantsChip(chip, is === 'in') ? told(is) : null),
  }
}

/** One event, in lists. */
export function waitForEventExtended(list: ReadonlyMap<number, Uint8Array>, pad: WaitingPad): Begun {
  const options = list.get(TAG.eventOptions)
  if (options === undefined) return reply('CEX', STATUS.missing)
  const [keys, stripe, chip, contactless] = textOf(options)
  const [timeoutS = null] = list.get(TAG.timeoutS) ?? []
  const mask = list.get(TAG.panMask)
  pad.keepStripe(null)
  const told = (event: string, more: readonly Tlv[] = []) =>
    reply('CEX', STATUS.ok, encodeTlvs([tlv(TELL.event, event), ...more]))
  if (wantsChip(chip, pad.isChipIn)) return told(pad.isChipIn ? EVENT.chipIn : EVENT.chipOut)
  const isTimed = timeoutS !== null && !(contactless === '1' && timeoutS * 1_000 > CONTACTLESS_MS)
  return {
    id: 'CEX',
    mode: 'clear',
    idleMs: isTimed ? timeoutS * 1_000 : contactless === '1' ? CONTACTLESS_MS : null,
    late: isTimed ? reply('CEX', STATUS.timeout) : told(EVENT.noContactless),
    press: key => {
      const code = keys === '1' ? nameIn(key) : null
      return code === null ? null : told(code)
    },
    swipe: swiped => {
      if (stripe !== '1') return null
      pad.keepStripe(swiped)
      const shown = (track: string | null, which: 1 | 2 | 3, tag: number) => {
        if (track === null) return []
        const part = partialTrack(track, which)
        return [tlv(tag, mask === undefined ? part : maskedTrack(part, textOf(mask)))]
      }
      return told(EVENT.swiped, [
        ...shown(swiped.track1, 1, TELL.partialTrack1),
        ...shown(swiped.track2, 2, TELL.partialTrack2),
        ...shown(swiped.track3, 3, TELL.partialTrack3),
      ])
    },
    chip: is => (wantsChip(chip, is === 'in') ? told(is === 'in' ? EVENT.chipIn : EVENT.chipOut) : null),
  }
}

/** A PIN, which leaves as a block. @param block 93 characters */
export function waitForPin(block: string, pad: WaitingPad): Begun {
  const refused = (status: number) => reply('GPN', status)
  const match =
    /^(?<method>[13])(?<slot>[0-9]{2})(?<key>.{32})(?<length>[0-9]{2})(?<pan>.{19})1(?<min>[0-9]{2})(?<max>[0-9]{2})(?<text>.{32})$/su.exec(
      block,
    )
  if (match?.groups === undefined) return refused(STATUS.parameter)
  const {
    method,
    slot = '',
    key = '',
    length = '',
    pan: panField = '',
    min = '',
    max = '',
    text = '',
  } = match.groups
  const isDukpt = method === PIN_METHOD.dukpt
  const least = Number(min)
  const most = Number(max)
  if (least < PIN_DIGITS_MIN || most < least || Number(slot) >= SLOT_COUNT) return refused(STATUS.parameter)
  if (!isDukpt && !isHex(key)) return refused(STATUS.parameter)
  const pan = length === '00' ? pad.pan : panField.slice(0, Number(length))
  if (pan === null) return refused(STATUS.notNow)
  if (!/^[0-9]{2,19}$/.test(pan) || (length !== '00' && panField.slice(pan.length).trim() !== ''))
    return refused(STATUS.parameter)
  if (!pad.module.has(isDukpt ? 'dukptPin' : 'masterPin', Number(slot))) return refused(STATUS.keyAbsent)
  pad.module.takeBack('all')
  pad.show(text)
  return {
    id: 'GPN',
    mode: 'pin',
    idleMs: PIN_IDLE_MS,
    late: refused(STATUS.timeout),
    press: pressed => {
      const {module} = pad
      if (/^[0-9]$/.test(pressed) && module.digitCount < Math.min(most, PIN_DIGITS_MAX)) {
        module.press(pressed)
        return 'taken'
      }
      if (pressed === 'clear') {
        module.takeBack('last')
        return 'taken'
      }
      if (pressed === 'cancel') return refused(STATUS.cancelled)
      if (pressed !== 'enter' || module.digitCount < least) return null
      const made = module.pinBlock(Number(slot), isDukpt ? null : bytesOfHex(key), wholePan(pan))
      if (made === null) return refused(STATUS.keyAbsent)
      return reply(
        'GPN',
        STATUS.ok,
        hexOf(made.bytes) + (made.ksn === null ? '0'.repeat(20) : hexOf(made.ksn)),
      )
    },
  }
}

/** Digits in clear, under a text of the pad's own: never a PIN. */
export function waitForDigits(list: ReadonlyMap<number, Uint8Array>, pad: WaitingPad): Begun {
  const message = list.get(TAG.messageIndex)
  if (message === undefined) return reply('GCD', STATUS.missing)
  const number = ((message[0] ?? 0) << 8) | (message[1] ?? 0)
  const [least = 0] = list.get(TAG.digitsMin) ?? []
  const [most = GCD_DIGITS_MAX] = list.get(TAG.digitsMax) ?? []
  const [timeoutS = null] = list.get(TAG.timeoutS) ?? []
  if (message.length !== 2 || number < 1 || number > MESSAGE_COUNT || most < least || most > GCD_DIGITS_MAX)
    return reply('GCD', STATUS.parameter)
  const text = `MESSAGE ${number}`
  let digits = ''
  pad.show(displayText([text]))
  const entered = (pressed: 'taken' | null) => {
    pad.show(displayText([text, digits.padStart(16).slice(-16)]))
    return pressed
  }
  return {
    id: 'GCD',
    mode: 'clear',
    idleMs: timeoutS === null ? null : timeoutS * 1_000,
    late: reply('GCD', STATUS.timeout),
    press: pressed => {
      if (/^[0-9]$/.test(pressed) && digits.length < most) {
        digits += pressed
        return entered('taken')
      }
      if (pressed === 'clear') {
        digits = digits.slice(0, -1)
        return entered('taken')
      }
      if (pressed === 'cancel') return reply('GCD', STATUS.cancelled)
      if (pressed !== 'enter' || digits.length < least) return null
      return reply('GCD', STATUS.ok, encodeTlvs([tlv(TELL.value, digits)]))
    },
  }
}

/** One of several texts, by arrows and enter or by the digit it begins with. @param options in their order */
export function waitForChoice(
  options: readonly string[],
  list: ReadonlyMap<number, Uint8Array>,
  pad: WaitingPad,
): Begun {
  const [timeoutS = null] = list.get(TAG.timeoutS) ?? []
  const title = textOf(list.get(TAG.text) ?? new Uint8Array(0))
  if (options.length === 0) return reply('MNU', STATUS.missing)
  if (options.length > MENU_OPTIONS_MAX) return reply('MNU', STATUS.parameter)
  let at = 0
  const shown = () => {
    pad.show(
      displayText([title === '' ? (options[at] ?? '') : title, title === '' ? '' : (options[at] ?? '')]),
    )
    return 'taken' as const
  }
  const chosen = (index: number) =>
    reply('MNU', STATUS.ok, encodeTlvs([tlv(TELL.value, twoDigits(index + 1))]))
  shown()
  return {
    id: 'MNU',
    mode: 'clear',
    idleMs: timeoutS === null ? null : timeoutS * 1_000,
    late: reply('MNU', STATUS.timeout),
    press: pressed => {
      if (pressed === 'up' || pressed === 'down') {
        at = Math.min(options.length - 1, Math.max(0, at + (pressed === 'down' ? 1 : -1)))
        return shown()
      }
      if (pressed === 'cancel') return reply('MNU', STATUS.cancelled)
      if (pressed === 'enter') return chosen(at)
      const hot = /^[0-9]$/.test(pressed) ? options.findIndex(option => option.startsWith(pressed)) : -1
      return hot < 0 ? null : chosen(hot)
    },
  }
}

/** Until the chip is out. @param text 32 characters */
export function waitForRemoval(text: string, pad: WaitingPad): Begun {
  const done = reply('RMC', STATUS.ok)
  pad.show(text)
  if (!pad.isChipIn) return done
  return {
    id: 'RMC',
    mode: 'clear',
    idleMs: null,
    late: done,
    press: () => null,
    chip: is => (is === 'out' ? done : null),
  }
}

/** A contactless reader is left on for two minutes at most. */
const CONTACTLESS_MS = 120_000
const MENU_OPTIONS_MAX = 20
const GCD_DIGITS_MAX = 32
/** The published table of texts has so many; this pad shows their number. */
const MESSAGE_COUNT = 0x35

function wantsChip(flag: string | undefined, isIn: boolean): boolean {
  return (flag === '1' && isIn) || (flag === '2' && !isIn)
}

function nameIn(key: Key): string | null {
  const events: Partial<Record<Key, string>> = EVENT_OF_KEY
  return events[key] ?? null
}

/** Length and text of a track in the fixed block. */
function field(track: string | null, digits: number, width: number): string {
  const text = track ?? ''
  return `${text.length.toString().padStart(digits, '0')}${text.padEnd(width).slice(0, width)}`
}

/** A block wants eight digits at least, which a shorter number gets on the left. */
function wholePan(pan: string): string {
  return pan.padStart(13, '0')
}
