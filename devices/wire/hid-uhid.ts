/**
 * A HID device made by this program through `/dev/uhid`: the kernel, and whatever opens its hidraw, sees a real
 * device with our descriptor. The far end for emulators that stand alone; the daemon never loads it.
 *
 * Source of the events' layout: Linux `include/uapi/linux/uhid.h` (packed, little endian) and
 * `Documentation/hid/uhid.rst`. The kernel waits five seconds for the answer to a feature report.
 */
import {accessSync, closeSync, constants, openSync, read, writeSync} from 'node:fs'
import {promisify} from 'node:util'
import {assert} from '../../kit/assert.ts'
import {codeOf, reasonOf} from '../../kit/errors.ts'
import type {Log} from '../../kit/log.ts'
import {cutReport, rawReport} from './hid.ts'
import type {HidDevice, HidFarEnd, HidIdentity} from './hid.ts'
import {readDescriptor} from './hid-descriptor.ts'
import type {ReportKind, ReportTable} from './hid-descriptor.ts'
import type {LinkLost} from './link.ts'

export const UHID_PATH = '/dev/uhid'

/** Event types. */
const EVENT = {
  destroy: 1,
  start: 2,
  stop: 3,
  output: 6,
  getReport: 9,
  getReportReply: 10,
  create2: 11,
  input2: 12,
  setReport: 13,
  setReportReply: 14,
} as const

/** `uhid_report_type`. */
const REPORT_KINDS: readonly ReportKind[] = ['feature', 'output', 'input']
const DATA_BYTES_MAX = 4_096
/** The type, and the longest of the event's forms: that which creates a device. */
const EVENT_BYTES_MAX = 4 + 128 + 64 + 64 + 2 + 2 + 4 * 4 + 4_096
const BUS_USB = 3
/** What the kernel hands on to whoever asked: broken pipe, as for a refused USB transfer. */
const EPIPE = 32

const readFile = promisify(read)

/** What the kernel asks of the device. */
export type UhidEvent =
  | {readonly kind: 'start' | 'stop' | 'other'}
  | {
      readonly kind: 'set'
      readonly id: number
      readonly report: ReportKind
      readonly number: number
      readonly data: Uint8Array
    }
  | {readonly kind: 'get'; readonly id: number; readonly report: ReportKind; readonly number: number}
  | {readonly kind: 'output'; readonly data: Uint8Array}

/** Reads one event, or null when the bytes are none. `data` has the report's ID in front, 0 where there are no IDs. */
export function decodeEvent(bytes: Uint8Array): UhidEvent | null {
  const at = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 4) return null
  const type = at.getUint32(0, true)
  switch (type) {
    case EVENT.start:
      return {kind: 'start'}
    case EVENT.stop:
      return {kind: 'stop'}
    case EVENT.output: {
      if (bytes.length < 4 + DATA_BYTES_MAX + 3) return null
      const size = at.getUint16(4 + DATA_BYTES_MAX, true)
      return size > DATA_BYTES_MAX ? null : {kind: 'output', data: bytes.slice(4, 4 + size)}
    }
    case EVENT.getReport:
    case EVENT.setReport: {
      if (bytes.length < 12) return null
      const report = REPORT_KINDS[bytes[9] ?? 0xff]
      if (report === undefined) return null
      const asked = {id: at.getUint32(4, true), report, number: bytes[8] ?? 0}
      if (type === EVENT.getReport) return {kind: 'get', ...asked}
      const size = at.getUint16(10, true)
      return bytes.length < 12 + size ? null : {kind: 'set', ...asked, data: bytes.slice(12, 12 + size)}
    }
    default:
      return {kind: 'other'}
  }
}

/** The event that makes a device. @param phys where it says that it is plugged in; cut to 63 bytes as the names are */
export function encodeCreate(identity: HidIdentity, descriptor: Uint8Array, phys: string): Uint8Array {
  const event = Buffer.alloc(EVENT_BYTES_MAX)
  event.writeUInt32LE(EVENT.create2, 0)
  event.write(identity.product, 4, 127, 'utf8')
  event.write(phys, 132, 63, 'utf8')
  event.write(identity.serial, 196, 63, 'utf8')
  event.writeUInt16LE(descriptor.length, 260)
  event.writeUInt16LE(BUS_USB, 262)
  event.writeUInt32LE(identity.vendorId, 264)
  event.writeUInt32LE(identity.productId, 268)
  // Version, and country code 0.
  event.writeUInt32LE(1, 272)
  event.set(descriptor, 280)
  return event
}

/** The event that hands over an input report. @param raw as it travels, see `rawReport` */
export function encodeInput(raw: Uint8Array): Uint8Array {
  const event = Buffer.alloc(6 + raw.length)
  event.writeUInt32LE(EVENT.input2, 0)
  event.writeUInt16LE(raw.length, 4)
  event.set(raw, 6)
  return event
}

/** The answer to `set`. */
export function encodeSetReply(id: number, isTaken: boolean): Uint8Array {
  const event = Buffer.alloc(10)
  event.writeUInt32LE(EVENT.setReportReply, 0)
  event.writeUInt32LE(id, 4)
  event.writeUInt16LE(isTaken ? 0 : EPIPE, 8)
  return event
}

/** The answer to `get`. @param data with the report's ID in front, or null, which refuses */
export function encodeGetReply(id: number, data: Uint8Array | null): Uint8Array {
  const event = Buffer.alloc(12 + (data?.length ?? 0))
  event.writeUInt32LE(EVENT.getReportReply, 0)
  event.writeUInt32LE(id, 4)
  event.writeUInt16LE(data === null ? EPIPE : 0, 8)
  event.writeUInt16LE(data?.length ?? 0, 10)
  if (data !== null) event.set(data, 12)
  return event
}

/** Why no device can be made on this machine, in one line; null when one can. */
export function uhidProblem(path: string = UHID_PATH): string | null {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return null
  } catch (thrown) {
    return codeOf(thrown) === 'ENOENT'
      ? `this kernel has no ${path}: load the module uhid, or run where there is one`
      : `${path} may not be opened: ${reasonOf(thrown)}`
  }
}

/** A bus with no device on it yet. @param phys as in `encodeCreate` */
export function uhidFarEnd(log: Log, phys: string, path: string = UHID_PATH): HidFarEnd {
  return new UhidFarEnd(log.named('wire.uhid'), phys, path)
}

interface Plugged {
  readonly fd: number
  readonly device: HidDevice
  readonly table: ReportTable
  serving: Promise<void>
  isEnding: boolean
}

class UhidFarEnd implements HidFarEnd {
  readonly #log: Log
  readonly #phys: string
  readonly #path: string
  #plugged: Plugged | null = null
  #hasBeenOpen = false

  constructor(log: Log, phys: string, path: string) {
    this.#log = log
    this.#phys = phys
    this.#path = path
  }

  get isOpen(): boolean {
    return this.#plugged !== null
  }

  async open(device: HidDevice): Promise<'open' | LinkLost> {
    assert(this.#plugged === null, 'one device on one bus')
    const described = readDescriptor(device.descriptor)
    assert(described.kind === 'table', 'our own descriptor does not read')
    let fd: number
    try {
      fd = openSync(this.#path, 'r+')
    } catch (thrown) {
      this.#log.warn('no HID device made', {reason: reasonOf(thrown)})
      return 'not-opened'
    }
    const plugged: Plugged = {
      fd,
      device,
      table: described.table,
      serving: Promise.resolve(),
      isEnding: false,
    }
    const made = this.#write(plugged, encodeCreate(device.identity, device.descriptor, this.#phys))
    if (made !== 'written') {
      closeSync(fd)
      return 'not-opened'
    }
    this.#plugged = plugged
    this.#hasBeenOpen = true
    device.attached()
    plugged.serving = this.#serve(plugged)
    return 'open'
  }

  async report(id: number, bytes: Uint8Array): Promise<'written' | LinkLost> {
    const plugged = this.#plugged
    if (plugged === null) return this.#hasBeenOpen ? 'hung-up' : 'not-opened'
    return this.#write(plugged, encodeInput(rawReport(plugged.table, 'input', id, bytes)))
  }

  async close(): Promise<void> {
    const plugged = this.#plugged
    if (plugged === null) return
    this.#plugged = null
    plugged.isEnding = true
    const destroy = Buffer.alloc(4)
    destroy.writeUInt32LE(EVENT.destroy, 0)
    // The kernel says that it stops; until then the read below is still waiting.
    if (this.#write(plugged, destroy) === 'written') await plugged.serving
    closeSync(plugged.fd)
  }

  /** Answers the kernel until the device is destroyed. One thread of Node's pool waits in here. */
  async #serve(plugged: Plugged): Promise<void> {
    const buffer = new Uint8Array(EVENT_BYTES_MAX)
    for (;;) {
      let count: number
      try {
        ;({bytesRead: count} = await readFile(plugged.fd, buffer, 0, buffer.length, null))
      } catch (thrown) {
        this.#log.warn('the kernel asks no more', {reason: reasonOf(thrown)})
        return
      }
      const event = decodeEvent(buffer.subarray(0, count))
      if (event?.kind === 'stop' && isEnding(plugged)) return
      if (event !== null) await this.#answer(plugged, event)
    }
  }

  async #answer(plugged: Plugged, event: UhidEvent): Promise<void> {
    const {device, table} = plugged
    switch (event.kind) {
      case 'set': {
        const cut = cutReport(table, rawOf(table, event.data))
        const isTaken = cut !== null && (await take(device, event.report, cut))
        this.#write(plugged, encodeSetReply(event.id, isTaken))
        return
      }
      case 'get': {
        const isKnown = event.report === 'feature' && table.lengths.feature.has(event.number)
        const bytes = isKnown ? await device.getFeature(event.number) : null
        const raw = bytes === null ? null : rawReport(table, 'feature', event.number, bytes)
        const data = raw === null || table.isNumbered ? raw : Uint8Array.of(0, ...raw)
        this.#write(plugged, encodeGetReply(event.id, data))
        return
      }
      case 'output': {
        const cut = cutReport(table, rawOf(table, event.data))
        if (cut !== null) device.output(cut.id, cut.bytes)
        return
      }
      case 'start':
      case 'stop':
      case 'other':
        return
    }
  }

  #write(plugged: Plugged, event: Uint8Array): 'written' | LinkLost {
    try {
      writeSync(plugged.fd, event)
      return 'written'
    } catch (thrown) {
      this.#log.warn('the kernel did not take a HID event', {reason: reasonOf(thrown)})
      return 'hung-up'
    }
  }
}

/** Asked anew after every wait, whatever the compiler remembers of before it. */
function isEnding(plugged: Plugged): boolean {
  return plugged.isEnding
}

/** As the report travels over USB: without the 0 that the kernel puts where there are no IDs. */
function rawOf(table: ReportTable, data: Uint8Array): Uint8Array {
  return table.isNumbered ? data : data.subarray(1)
}

async function take(
  device: HidDevice,
  kind: ReportKind,
  {id, bytes}: {readonly id: number; readonly bytes: Uint8Array},
): Promise<boolean> {
  if (kind === 'feature') return device.setFeature(id, bytes)
  if (kind === 'output') device.output(id, bytes)
  return kind === 'output'
}
