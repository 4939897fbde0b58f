/** ABECS pads: what they tell of themselves, in the fixed block of old and in the list of new. */
import {hexOf} from '../../../crypto/hex.ts'
import type {PinPadStatus} from '../port.ts'
import {KSN_OF_PIN_SLOT, TELL} from './bytes.ts'
import type {Profile} from './bytes.ts'
import {textOf} from './codec.ts'

/** The block of a GIN 00, 100 characters; empty where a field is. */
export interface General {
  readonly maker: string
  readonly model: string
  readonly contactless: boolean
  readonly system: string
  readonly specification: string
  readonly manager: string
  readonly serial: string
  /** For people: whatever of it is told. */
  readonly firmware: string
}

/** What an ABECS pad tells of itself beyond what every pad does. */
export interface AbecsStatus extends PinPadStatus {
  readonly general: General
  /** Rows and columns of text; null where the pad does not tell. */
  readonly display: {readonly rows: number; readonly columns: number} | null
  /** Slots with a key in them; null where the pad does not tell. */
  readonly slots: {
    readonly masterPin: readonly number[] | null
    readonly masterData: readonly number[] | null
    readonly dukptPin: readonly number[] | null
    readonly dukptData: readonly number[] | null
  }
  /** KSN that the next PIN block will have, upper-case hex; null without DUKPT key or where the pad does not tell. */
  readonly nextKsn: string | null
  /** 0 to 100 per cent, of pads with a battery. */
  readonly batteryPercent: number | null
}

/** Widths of the fields of the fixed block. */
const FIELDS = {maker: 20, model: 19, contactless: 1, system: 20, specification: 4, manager: 16, serial: 20}
/** Below this a pad with a battery counts as low. Chosen. */
const BATTERY_LOW_PERCENT = 20

/** The fixed block, or null where there is not exactly one block. A shorter one is read as far as it goes. */
export function decodeGeneral(blocks: readonly Uint8Array[]): General | null {
  const [only, ...more] = blocks
  if (only === undefined || more.length > 0) return null
  let at = 0
  const next = (width: number) => {
    const field = printable(only.subarray(at, at + width))
    at += width
    return field
  }
  const maker = next(FIELDS.maker)
  const model = next(FIELDS.model)
  const contactless = next(FIELDS.contactless) === 'C'
  const system = next(FIELDS.system)
  const specification = next(FIELDS.specification)
  const manager = next(FIELDS.manager)
  const serial = next(FIELDS.serial)
  const firmware = [maker, model, system, manager].filter(field => field !== '').join(' ')
  return {maker, model, contactless, system, specification, manager, serial, firmware}
}

/** What the list is asked for. */
export function wantedOf({keyScheme, pinKeySlot}: Profile): readonly number[] {
  const {serial, textSize, masterPinKeys, masterDataKeys, dukptPinKeys, dukptDataKeys, battery} = TELL
  return [
    ...[serial, textSize, masterPinKeys, masterDataKeys, dukptPinKeys, dukptDataKeys, battery],
    ...(keyScheme === 'dukpt' ? [KSN_OF_PIN_SLOT + pinKeySlot] : []),
  ]
}

/** @param told by number, whatever of the list the pad told @param hasWorkingKey a PIN key waits here for requests */
export function statusOf(
  profile: Profile,
  general: General,
  told: ReadonlyMap<number, Uint8Array>,
  hasWorkingKey: boolean,
): AbecsStatus {
  const slots = {
    masterPin: slotsIn(told.get(TELL.masterPinKeys)),
    masterData: slotsIn(told.get(TELL.masterDataKeys)),
    dukptPin: slotsIn(told.get(TELL.dukptPinKeys)),
    dukptData: slotsIn(told.get(TELL.dukptDataKeys)),
  }
  const isDukpt = profile.keyScheme === 'dukpt'
  const [batteryPercent = null] = told.get(TELL.battery) ?? []
  const ksn = told.get(KSN_OF_PIN_SLOT + profile.pinKeySlot)
  const serialNumber = printable(told.get(TELL.serial) ?? new Uint8Array(0)) || general.serial
  const inSlot = presence(isDukpt ? slots.dukptPin : slots.masterPin, profile.pinKeySlot)
  const keys = `${isDukpt ? 'DUKPT' : 'master'} key of slot ${profile.pinKeySlot} ${inSlot}`
  return {
    kind: 'status',
    masterKey: isDukpt ? 'unknown' : inSlot,
    pinKey: isDukpt ? inSlot : hasWorkingKey ? 'present' : 'missing',
    // The protocol has no word for it: an opened pad shows it on its display and serves no more.
    tamper: 'unknown',
    battery: batteryPercent === null ? 'unknown' : batteryPercent < BATTERY_LOW_PERCENT ? 'low' : 'good',
    // Asking ends whatever input was on.
    input: 'idle',
    serialNumber,
    detail: `serial ${serialNumber}, ${keys}`,
    general,
    display: displayIn(told.get(TELL.textSize)),
    slots,
    nextKsn: isDukpt && ksn !== undefined ? hexOf(ksn) : null,
    batteryPercent,
  }
}

/** Slots marked `1` in a map of a hundred characters. */
function slotsIn(map: Uint8Array | undefined): readonly number[] | null {
  if (map === undefined) return null
  return Array.from(textOf(map), (mark, slot) => (mark === '1' ? [slot] : [])).flat()
}

function presence(slots: readonly number[] | null, slot: number): 'present' | 'missing' | 'unknown' {
  return slots === null ? 'unknown' : slots.includes(slot) ? 'present' : 'missing'
}

function displayIn(size: Uint8Array | undefined): AbecsStatus['display'] {
  const [, rows, columns] = /^([0-9]{2})([0-9]{2})$/.exec(textOf(size ?? new Uint8Array(0))) ?? []
  return rows === undefined || columns === undefined ? null : {rows: Number(rows), columns: Number(columns)}
}

function printable(bytes: Uint8Array): string {
  return textOf(bytes)
    .replaceAll(/[^\x20-\x7e]/g, '')
    .trim()
}
