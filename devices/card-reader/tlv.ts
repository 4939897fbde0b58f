/** BER-TLV as chips of payment cards use it (ISO/IEC 7816-4, 5.2; EMV Book 3, annex B). Pure, and never throws on what a chip says. */

export interface Tlv {
  /** One or two bytes, as one number. */
  readonly tag: number
  readonly value: Uint8Array
  /** What is inside a constructed value; empty for a primitive one. */
  readonly inner: readonly Tlv[]
}

/** Templates inside templates; payment cards need four. */
const DEPTH_MAX = 6

/** The objects in the bytes; reading ends at the first that is broken. */
export function readTags(bytes: Uint8Array, depth = 0): readonly Tlv[] {
  const found: Tlv[] = []
  let at = 0
  while (at < bytes.length) {
    const head = headAt(bytes, at)
    if (head === null) return found
    const value = bytes.slice(head.valueAt, head.valueAt + head.lengthBytes)
    if (value.length < head.lengthBytes) return found
    const isConstructed = ((bytes[at] ?? 0) & 0x20) !== 0 && depth < DEPTH_MAX
    found.push({tag: head.tag, value, inner: isConstructed ? readTags(value, depth + 1) : []})
    at = head.valueAt + head.lengthBytes
  }
  return found
}

interface Head {
  readonly tag: number
  readonly lengthBytes: number
  readonly valueAt: number
}

function headAt(bytes: Uint8Array, at: number): Head | null {
  const [first = 0, second = 0] = bytes.subarray(at)
  const isLong = (first & 0x1f) === 0x1f
  const lengthAt = at + (isLong ? 2 : 1)
  const [length, more = 0] = bytes.subarray(lengthAt)
  if (length === undefined || (length > 0x80 && length !== 0x81) || length === 0x80) return null
  const tag = isLong ? first * 0x100 + second : first
  return length === 0x81
    ? {tag, lengthBytes: more, valueAt: lengthAt + 2}
    : {tag, lengthBytes: length, valueAt: lengthAt + 1}
}

/** Every object with that tag, at any depth, outermost first. */
export function findTags(objects: readonly Tlv[], tag: number): readonly Tlv[] {
  return objects.flatMap(object => [...(object.tag === tag ? [object] : []), ...findTags(object.inner, tag)])
}

/** The value of the first object with that tag, at any depth, or null. */
export function findTag(objects: readonly Tlv[], tag: number): Uint8Array | null {
  return findTags(objects, tag)[0]?.value ?? null
}
