/** SZZT pads: what was said on the emulator's wire, without what must not be written down. */
import {spacedHexOf} from '../../../crypto/hex.ts'
import {nameOf} from '../../../kit/table.ts'
import {TranscriptLines} from '../mischief.ts'
import type {TranscriptLine} from '../mischief.ts'
import {COMMAND} from './bytes.ts'
import type {CommandName} from './bytes.ts'
import {encodeFrame} from './codec.ts'

/** Which command a TEXT is, or null. */
export function commandOf(text: string): CommandName | null {
  return nameOf(COMMAND, text[0])
}

export class Transcript {
  readonly #lines = new TranscriptLines()

  /** Oldest first. */
  get lines(): readonly TranscriptLine[] {
    return this.#lines.lines
  }

  command(text: string): void {
    const name = commandOf(text)
    const openBytes = name === null ? text.length : (OPEN_CHARACTERS[name] ?? text.length)
    this.#lines.add('host', masked(Buffer.from(text, 'latin1'), openBytes))
  }

  /** @param name the command that it answers */
  reply(name: CommandName | null, text: Uint8Array): void {
    this.#lines.add('device', masked(text, name !== null && SECRET_REPLIES.has(name) ? 1 : text.length))
  }

  /** A byte outside any frame. */
  key(byte: number): void {
    this.#lines.add('device', () => spacedHexOf(Uint8Array.of(byte)))
  }
}

/** Characters of a command's TEXT before what it carries: after them comes a PAN, a key, or somebody's message. */
const OPEN_CHARACTERS: Readonly<Partial<Record<CommandName, number>>> = {
  loadClearKey: 5,
  loadKey: 7,
  startPin: 7,
  fetchBlock: 4,
  mac: 4,
  cipher: 4,
  authenticate: 3,
}

/** Replies that carry a PIN block, with a length that would tell the PIN's, or what a key made. */
const SECRET_REPLIES: ReadonlySet<CommandName> = new Set(['fetchBlock', 'cipher', 'authenticate'])

function masked(text: Uint8Array, openBytes: number): () => string {
  const {length} = text
  const hidden = length - openBytes
  const open = text.slice(0, openBytes)
  if (hidden <= 0) return () => spacedHexOf(encodeFrame(open))
  return () => {
    const count = Buffer.from(length.toString().padStart(3, '0'), 'latin1')
    return `02 ${spacedHexOf(count)} ${spacedHexOf(open)} [${hidden} bytes]`
  }
}
