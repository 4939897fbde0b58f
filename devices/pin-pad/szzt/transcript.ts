/** SZZT pads: what was said on the emulator's wire, without what must not be written down. */
import {hexOf} from '../../../crypto/hex.ts'
import {COMMAND} from './bytes.ts'
import type {CommandName} from './bytes.ts'
import {encodeFrame} from './codec.ts'

export interface TranscriptLine {
  readonly from: 'host' | 'device'
  /** Bytes as upper-case hex with spaces; PAN, keys and blocks are replaced by their length. */
  readonly hex: string
}

/** Lines the transcript keeps; the oldest go first. */
export const TRANSCRIPT_LINES_MAX = 1_000
/** Which command a TEXT is, or null. */
export function commandOf(text: string): CommandName | null {
  return COMMAND_NAMES.find(name => COMMAND[name] === text[0]) ?? null
}

export class Transcript {
  #lines: TranscriptLine[] = []

  /** Oldest first. */
  get lines(): readonly TranscriptLine[] {
    return this.#lines
  }

  command(text: string): void {
    const name = commandOf(text)
    const openBytes = name === null ? text.length : (OPEN_CHARACTERS[name] ?? text.length)
    this.#add('host', masked(Buffer.from(text, 'latin1'), openBytes))
  }

  reply(text: Uint8Array): void {
    this.#add('device', masked(text, text.length === BLOCK_REPLY_BYTES ? 1 : text.length))
  }

  /** A byte outside any frame. */
  key(byte: number): void {
    this.#add('device', hexSpaced(Uint8Array.of(byte)))
  }

  #add(from: TranscriptLine['from'], hex: string): void {
    this.#lines.push({from, hex})
    if (this.#lines.length > TRANSCRIPT_LINES_MAX) this.#lines = this.#lines.slice(-TRANSCRIPT_LINES_MAX)
  }
}

const COMMAND_NAMES: readonly CommandName[] = [
  'loadKey',
  'identify',
  'keyTable',
  'control',
  'startPin',
  'fetchBlock',
]

function hexSpaced(bytes: Uint8Array): string {
  return Array.from(bytes, byte => hexOf(Uint8Array.of(byte))).join(' ')
}

/** Characters of a command's TEXT before the secret it carries: after them comes a PAN or a key. */
const OPEN_CHARACTERS: Readonly<Partial<Record<CommandName, number>>> = {
  loadKey: 7,
  startPin: 7,
  fetchBlock: 4,
}

/** A reply that carries a PIN block is that long; its length field would tell the length of the PIN. */
const BLOCK_REPLY_BYTES = 21

function masked(text: Uint8Array, openBytes: number): string {
  const hidden = text.length - openBytes
  if (hidden <= 0) return hexSpaced(encodeFrame(text))
  const length = Buffer.from(text.length.toString().padStart(3, '0'), 'latin1')
  return `02 ${hexSpaced(length)} ${hexSpaced(text.subarray(0, openBytes))} [${hidden} bytes]`
}
