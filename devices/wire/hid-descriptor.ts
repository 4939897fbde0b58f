/**
 * Reads a HID report descriptor for the one thing a report port needs of it: which reports there are, how long
 * each is, and whether reports carry their number. Pure, bounded, and never throws: a descriptor comes from a device.
 *
 * Source: "Device Class Definition for HID 1.11", sections 6.2.2 (items) and 8.1 (reports).
 */

export type ReportKind = 'input' | 'output' | 'feature'

/** The reports of one device. */
export interface ReportTable {
  /** Whether a report's first byte on the wire is its ID; without numbers there is one report of each kind, of ID 0. */
  readonly isNumbered: boolean
  /** Bytes of each report by its ID, the ID not counted. */
  readonly lengths: Readonly<Record<ReportKind, ReadonlyMap<number, number>>>
}

export type ReadDescriptor =
  {readonly kind: 'table'; readonly table: ReportTable} | {readonly kind: 'refused'; readonly why: string}

/** Linux's HID_MAX_DESCRIPTOR_SIZE. */
export const DESCRIPTOR_BYTES_MAX = 4_096
/** Longest report that is believed; Linux takes no longer ones. */
export const REPORT_BYTES_MAX = 4_096

const LONG_ITEM = 0xfe
/** The item's first byte without its two size bits. */
const MAIN: ReadonlyMap<number, ReportKind> = new Map([
  [0x80, 'input'],
  [0x90, 'output'],
  [0xb0, 'feature'],
])
const GLOBAL = {reportSize: 0x74, reportId: 0x84, reportCount: 0x94, push: 0xa4, pop: 0xb4} as const

interface Globals {
  /** Bits of one field, and how many fields the next main item describes. */
  readonly sizeBits: number
  readonly fieldCount: number
  readonly id: number
}

/** Deeper than any real descriptor pushes its globals. */
const PUSHES_MAX = 16

export function readDescriptor(descriptor: Uint8Array): ReadDescriptor {
  if (descriptor.length === 0 || descriptor.length > DESCRIPTOR_BYTES_MAX)
    return refused(`a descriptor of ${descriptor.length} bytes`)
  const bits: Record<ReportKind, Map<number, number>> = {
    input: new Map(),
    output: new Map(),
    feature: new Map(),
  }
  const pushed: Globals[] = []
  let globals: Globals = {sizeBits: 0, fieldCount: 0, id: 0}
  let isNumbered = false
  for (let at = 0; at < descriptor.length;) {
    const item = itemAt(descriptor, at)
    if (item === null) return refused(`the item at byte ${at} does not end`)
    at += item.lengthBytes
    const kind = MAIN.get(item.tag)
    if (kind !== undefined) {
      const soFar = bits[kind].get(globals.id) ?? 0
      const withThis = soFar + globals.sizeBits * globals.fieldCount
      if (withThis > REPORT_BYTES_MAX * 8)
        return refused(`${kind} report ${globals.id} is longer than ${REPORT_BYTES_MAX} bytes`)
      bits[kind].set(globals.id, withThis)
    } else if (item.tag === GLOBAL.push) {
      if (pushed.length === PUSHES_MAX) return refused('too many pushes')
      pushed.push(globals)
    } else if (item.tag === GLOBAL.pop) {
      const popped = pushed.pop()
      if (popped === undefined) return refused('a pop without its push')
      globals = popped
    } else if (item.tag === GLOBAL.reportId) {
      if (item.value < 1 || item.value > 0xff) return refused(`report ID ${item.value}`)
      isNumbered = true
      globals = {...globals, id: item.value}
    } else if (item.tag === GLOBAL.reportSize) globals = {...globals, sizeBits: item.value}
    else if (item.tag === GLOBAL.reportCount) globals = {...globals, fieldCount: item.value}
  }
  const all = [...bits.input, ...bits.output, ...bits.feature]
  if (all.length === 0) return refused('no reports')
  if (isNumbered && all.some(([id]) => id === 0)) return refused('some reports are numbered and some are not')
  const lengths = {input: inBytes(bits.input), output: inBytes(bits.output), feature: inBytes(bits.feature)}
  return {kind: 'table', table: {isNumbered, lengths}}
}

interface Item {
  readonly tag: number
  /** Unsigned; what a long item holds is passed over. */
  readonly value: number
  readonly lengthBytes: number
}

function itemAt(bytes: Uint8Array, at: number): Item | null {
  const prefix = bytes[at] ?? 0
  if (prefix === LONG_ITEM) {
    const sizeBytes = bytes[at + 1]
    const isWhole = sizeBytes !== undefined && at + 3 + sizeBytes <= bytes.length
    return isWhole ? {tag: LONG_ITEM, value: 0, lengthBytes: 3 + sizeBytes} : null
  }
  // Two bits give 0, 1, 2 or 4 bytes.
  const sizeBytes = [0, 1, 2, 4][prefix & 3] ?? 0
  if (at + 1 + sizeBytes > bytes.length) return null
  let value = 0
  for (let byte = sizeBytes; byte > 0; byte -= 1) value = value * 256 + (bytes[at + byte] ?? 0)
  return {tag: prefix & 0xfc, value, lengthBytes: 1 + sizeBytes}
}

function inBytes(bits: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
  return new Map(Array.from(bits, ([id, count]) => [id, Math.ceil(count / 8)]))
}

function refused(why: string): ReadDescriptor {
  return {kind: 'refused', why}
}
