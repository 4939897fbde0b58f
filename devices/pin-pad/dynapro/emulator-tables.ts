/** What an emulated DynaPro takes and says of itself: parameters in range, texts of its own, and what may be written down. */
import {COMMANDS, ENTRY_DIGITS, INPUTS, RANGE_MAX, SESSION_DATA} from './bytes.ts'
import type {CommandName, DeviceState, INFORMATION} from './bytes.ts'
import {decodePinAsk} from './codec.ts'
import type {Prompt} from './emulator-prompts.ts'

export const STATE_OF: Readonly<Record<Prompt['kind'], DeviceState>> = {
  card: 'waitingForCard',
  pin: 'waitingForPin',
  selection: 'waitingForSelection',
  message: 'showingMessage',
  entry: 'waitingForEntry',
}

/** As the manual's examples have them. */
export const INFORMATION_TEXT: Readonly<Record<keyof typeof INFORMATION, string>> = {
  productId: '3009',
  messageBytesMax: '64',
  capabilities: 'V=4,SC=0,MS2=1,PFK=1,UDE=0,CE=2',
  manufacturer: 'MagTek, Inc.',
  product: 'DynaPro Mini',
  serial: '12345678',
  firmware: '30050500A10',
  build: 'emulated',
  boot1: '1.00',
  boot2: '1.00',
}

/** The prompt that a command begins, and its beeps; null when a parameter is out of range. */
export function promptOf(
  name: CommandName,
  bytes: Uint8Array,
): {readonly prompt: Prompt; readonly tone: number} | null {
  const [, what = 0, third = 0, fourth = 0] = bytes
  switch (name) {
    case 'requestSwipe':
      return what > RANGE_MAX.swipeMessage || third > RANGE_MAX.tone
        ? null
        : {prompt: {kind: 'card'}, tone: third}
    case 'requestPin': {
      const ask = decodePinAsk(bytes)
      const isGood =
        ask !== null &&
        ask.lengthMin >= 4 &&
        ask.lengthMin <= ask.lengthMax &&
        ask.lengthMax <= 12 &&
        ask.tone <= RANGE_MAX.tone
      return isGood ? {prompt: {kind: 'pin', ask}, tone: ask.tone} : null
    }
    case 'requestSelection':
      return what > RANGE_MAX.selectionMessage || third === 0 || third > 0x0f || fourth > RANGE_MAX.tone
        ? null
        : {prompt: {kind: 'selection', mask: third}, tone: fourth}
    case 'displayMessage':
      return what > RANGE_MAX.message ? null : {prompt: {kind: 'message'}, tone: 0}
    case 'requestEntry':
    case 'requestClearEntry':
      return what >= ENTRY_DIGITS.length || third > RANGE_MAX.tone
        ? null
        : {prompt: {kind: 'entry', mode: what, isClear: name === 'requestClearEntry'}, tone: third}
    default:
      return null
  }
}

/** Bytes of each report from the pad that may be written down; all of it where none is named. */
export const SHOWN_OF_DEVICE: ReadonlyMap<number, number> = new Map([
  [INPUTS.entry.id, 1],
  [INPUTS.cardData.id, 3],
  [INPUTS.pin.id, 1],
  [INPUTS.clearEntry.id, 3],
])

/** Of a command: a card's number is left out, and the zeros to the end of device information. */
export function shownOfHost(id: number, bytes: Uint8Array): number {
  if (id === COMMANDS.sendSession && bytes[0] === SESSION_DATA.pan) return 1
  return id === COMMANDS.deviceInformation ? 1 : bytes.length
}
