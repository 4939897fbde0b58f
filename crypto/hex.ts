/** Bytes as upper-case hexadecimal text and back, as check values, key forms and golden vectors are written. */
import {assert} from '../kit/assert.ts'

/** Whether the text is hexadecimal of whole bytes, in either case; the empty text is. */
export function isHex(text: string): boolean {
  return /^(?:[0-9A-Fa-f]{2})*$/.test(text)
}

/** Upper-case, two digits a byte, no separators. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex').toUpperCase()
}

const BYTE_TEXTS: readonly string[] = Array.from({length: 256}, (_, byte) => hexOf(Uint8Array.of(byte)))

/** Upper-case, a space between bytes: as transcripts of a wire are written, thousands of frames a second. */
export function spacedHexOf(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += (text === '' ? '' : ' ') + (BYTE_TEXTS[byte] ?? '')
  return text
}

/** @throws AssertionFailed unless `isHex(text)`; the message does not repeat the text, which may be a key. */
export function bytesOfHex(text: string): Uint8Array {
  assert(isHex(text), `a text of ${text.length} characters is not hexadecimal of whole bytes`)
  return Uint8Array.from(Buffer.from(text, 'hex'))
}
