/**
 * The report port: everything a driver or an emulator knows of a HID device, whatever carries its reports
 * (node-hid, a pair in memory, /dev/uhid). Beside the byte port of link.ts, and as narrow.
 *
 * A report has a fixed length, given by the device's descriptor. What is shorter is padded with zeros by whoever
 * sends it; what arrives in another length, or under an ID that the device does not have, is garbage and said so.
 */
import {assert} from '../../kit/assert.ts'
import {BadInput} from '../../kit/errors.ts'
import type {ReportKind, ReportTable} from './hid-descriptor.ts'
import type {LinkLost} from './link.ts'

/** Why bytes are no report of that device. */
export type ReportGarbage = 'id' | 'length'

export type ReportVerdict =
  /** `bytes` without the ID; 0 is the ID of reports that are not numbered. */
  | {readonly kind: 'report'; readonly id: number; readonly bytes: Uint8Array}
  | {readonly kind: 'garbage'; readonly why: ReportGarbage}

/** Who a device says it is when it appears on the bus. */
export interface HidIdentity {
  readonly vendorId: number
  readonly productId: number
  /** As the bus tells it; empty where the device has none. */
  readonly product: string
  readonly serial: string
}

export interface HidListener {
  /** One input report; the receiver owns the array. */
  report(id: number, bytes: Uint8Array): void
  /** Something arrived as an input report and is none of this device's. */
  garbage(why: ReportGarbage): void
  /** The link ended by itself; called once per opening. */
  lost(why: LinkLost): void
}

export type HidOpened =
  | {readonly kind: 'open'; readonly identity: HidIdentity; readonly reports: ReportTable}
  | {readonly kind: 'lost'; readonly why: LinkLost}

/**
 * `failed`: the transfer failed and the device is still there. It may have refused it, or never have seen it, or
 * have taken it without our hearing so.
 */
export type HidSent = 'sent' | 'failed' | LinkLost

export type HidGot =
  | {readonly kind: 'report'; readonly bytes: Uint8Array}
  | {readonly kind: 'garbage'; readonly why: ReportGarbage}
  | {readonly kind: 'failed'}
  | {readonly kind: 'lost'; readonly why: LinkLost}

/** The host's end. One listener, one owner; opening again after a loss is allowed and expected. */
export interface HidLink {
  readonly isOpen: boolean
  /** Opens within the link's own deadline. Reports from before are dropped. */
  open(listener: HidListener): Promise<HidOpened>
  /**
   * Sends one report, padded with zeros to its length; resolves within the link's own deadline.
   * @throws AssertionFailed when the device has no such report, or a shorter one
   */
  send(kind: 'output' | 'feature', id: number, bytes: Uint8Array): Promise<HidSent>
  /** Asks for a feature report. @throws AssertionFailed when the device has none of that ID */
  getFeature(id: number): Promise<HidGot>
  /** Lets go of the device; `lost` is not called. Closing twice is harmless. */
  close(): Promise<void>
}

/** The device's side of the bus, as an emulator fills it in. */
export interface HidDevice {
  readonly identity: HidIdentity
  readonly descriptor: Uint8Array
  /** The bus came up: plugged in, or its host woke up. */
  attached(): void
  /** A feature report from the host, of whatever ID and length it came with. @returns false refuses the transfer */
  setFeature(id: number, bytes: Uint8Array): Promise<boolean>
  /** The host asks for a feature report. @returns its bytes without the ID, or null, which refuses the transfer */
  getFeature(id: number): Promise<Uint8Array | null>
  /** An output report, as it came. */
  output(id: number, bytes: Uint8Array): void
}

/** The device's end. */
export interface HidFarEnd {
  readonly isOpen: boolean
  /** Appears on the bus. */
  open(device: HidDevice): Promise<'open' | LinkLost>
  /** Gives the host one input report, padded with zeros. @throws AssertionFailed when there is no such report, or a shorter one */
  report(id: number, bytes: Uint8Array): Promise<'written' | LinkLost>
  /** Vanishes from the bus. */
  close(): Promise<void>
}

/** One report as it travels: with its ID in front where reports are numbered, and in its full length. */
export function rawReport(table: ReportTable, kind: ReportKind, id: number, bytes: Uint8Array): Uint8Array {
  const lengthBytes = table.lengths[kind].get(id)
  assert(lengthBytes !== undefined, `the device has no ${kind} report ${id}`)
  assert(bytes.length <= lengthBytes, `${bytes.length} bytes for ${kind} report ${id} of ${lengthBytes}`)
  const raw = new Uint8Array((table.isNumbered ? 1 : 0) + lengthBytes)
  if (table.isNumbered) raw[0] = id
  raw.set(bytes, table.isNumbered ? 1 : 0)
  return raw
}

/** What arrived, judged by the descriptor. @param raw as it travelled, see `rawReport` */
export function judgeReport(table: ReportTable, kind: ReportKind, raw: Uint8Array): ReportVerdict {
  const id = table.isNumbered ? raw[0] : 0
  const lengthBytes = id === undefined ? undefined : table.lengths[kind].get(id)
  if (id === undefined || lengthBytes === undefined) return {kind: 'garbage', why: 'id'}
  const bytes = raw.slice(table.isNumbered ? 1 : 0)
  return bytes.length === lengthBytes ? {kind: 'report', id, bytes} : {kind: 'garbage', why: 'length'}
}

/** What arrived at a device, cut into ID and the rest and not judged: what is wrong with it the device says. Null without an ID. */
export function cutReport(
  table: ReportTable,
  raw: Uint8Array,
): {readonly id: number; readonly bytes: Uint8Array} | null {
  if (!table.isNumbered) return {id: 0, bytes: raw}
  const id = raw[0]
  return id === undefined ? null : {id, bytes: raw.slice(1)}
}

/** How a person names a HID device: a device file, or what the bus knows it by. */
export type HidAddress =
  | {readonly kind: 'path'; readonly path: string}
  /** `serial` null: the only one of that product. */
  | {
      readonly kind: 'ids'
      readonly vendorId: number
      readonly productId: number
      readonly serial: string | null
    }

/**
 * Reads `/dev/hidraw0`, `0801:0011` or `0801:0011:B123456`, the numbers hexadecimal.
 * @throws BadInput for anything else
 */
export function hidAddress(text: string): HidAddress {
  if (text.startsWith('/')) return {kind: 'path', path: text}
  const [, vendor, product, serial] = /^([0-9a-fA-F]{4}):([0-9a-fA-F]{4})(?::(.+))?$/.exec(text) ?? []
  if (vendor === undefined || product === undefined)
    throw new BadInput(
      `'${text}' is no HID device: must be a path such as /dev/hidraw0, or 0801:0011[:SERIAL]`,
    )
  return {
    kind: 'ids',
    vendorId: Number.parseInt(vendor, 16),
    productId: Number.parseInt(product, 16),
    serial: serial ?? null,
  }
}
