/** ABECS pads: what was said on the emulator's wire, without what must not be written down. */
import {spacedHexOf} from '../../../crypto/hex.ts'
import {TranscriptLines} from '../mischief.ts'
import type {TranscriptLine} from '../mischief.ts'
import type {CommandId} from './bytes.ts'
import {commandIn, encodePacket} from './codec.ts'

/** Commands and replies that carry keys, a card's number, tracks, somebody's data or what became of them. */
const SECRET: ReadonlySet<CommandId> = new Set(['GPN', 'EBX', 'ENB', 'GTK', 'CEX', 'CKE', 'GCD', 'CHP'])
/** Bytes of them that are shown: name, and length or status. */
const OPEN_BYTES = 6

export class Transcript {
  readonly #lines = new TranscriptLines()

  /** Oldest first. */
  get lines(): readonly TranscriptLine[] {
    return this.#lines.lines
  }

  /** A byte by itself: ACK, NAK, CAN, EOT. */
  control(from: TranscriptLine['from'], byte: number): void {
    this.#lines.add(from, () => spacedHexOf(Uint8Array.of(byte)))
  }

  command(data: Uint8Array): void {
    this.#lines.add('host', masked(data))
  }

  reply(data: Uint8Array): void {
    this.#lines.add('device', masked(data))
  }
}

function masked(data: Uint8Array): () => string {
  const id = commandIn(data)
  const hidden = data.length - OPEN_BYTES
  // What is not known may hold anything.
  const isOpen = id !== null && !SECRET.has(id)
  if (isOpen || hidden <= 0) {
    const whole = data.slice()
    return () => spacedHexOf(encodePacket(whole))
  }
  const open = data.slice(0, OPEN_BYTES)
  return () => `16 ${spacedHexOf(open)} [${hidden} bytes]`
}
