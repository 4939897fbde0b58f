/** The card slots of an emulated ABECS pad: a stripe that was swiped, and a chip that may stand in its reader. */
import {bytesOfHex} from '../../../crypto/hex.ts'

/** A swiped stripe, without sentinels; null where a track was not read. */
export interface Stripe {
  readonly track1: string | null
  readonly track2: string | null
  readonly track3: string | null
}

/** Answer to reset of a chip, as the published example has it. */
export const CHIP_ATR: Uint8Array = bytesOfHex('3B29008072A4456400FF0010')
/** What an empty chip says to every command: no such file, or no such instruction. */
const NO_FILE: Uint8Array = bytesOfHex('6A82')
const NO_INSTRUCTION: Uint8Array = bytesOfHex('6D00')
const SELECT = 0xa4

/** What a chip without applications answers to a command of at least four bytes. */
export function chipAnswer(apdu: Uint8Array): Uint8Array {
  return apdu[1] === SELECT ? NO_FILE : NO_INSTRUCTION
}

/** The start of a track that may be shown: number, name or expiry, service code. */
export function partialTrack(track: string, which: 1 | 2 | 3): string {
  if (which === 3) return track.slice(0, PARTIAL_CHARACTERS)
  const separators = which === 1 ? 2 : 1
  const sign = which === 1 ? '^' : '='
  let at = -1
  for (let found = 0; found < separators; found += 1) {
    at = track.indexOf(sign, at + 1)
    if (at < 0) return track.slice(0, PARTIAL_CHARACTERS)
  }
  return track.slice(0, at + 1 + AFTER_SEPARATOR_CHARACTERS)
}

/** Masks the card's number in a track but for some digits at either end. @param mask `eedd` */
export function maskedTrack(track: string, mask: string): string {
  const left = Number(mask.slice(0, 2))
  const right = Number(mask.slice(2, 4))
  return track.replace(/[0-9][0-9 ]*/, number => {
    const digits = number.replaceAll(' ', '').length
    let seen = 0
    return number.replaceAll(/[0-9]/g, digit => {
      seen += 1
      return seen > left && seen <= digits - right ? '*' : digit
    })
  })
}

/** A track of digits as the pad gives it out: a half byte a digit, filled with F. */
export function packedTrack(track: string): Uint8Array {
  const nibbles = Array.from(track, sign => (sign.charCodeAt(0) & 0x0f).toString(16)).join('')
  return bytesOfHex(nibbles.length % 2 === 0 ? nibbles : `${nibbles}F`)
}

const PARTIAL_CHARACTERS = 19
const AFTER_SEPARATOR_CHARACTERS = 7
