/** What can go wrong with the answers of an emulated acceptor, and the transcript of its wire. */
import {spacedHexOf} from '../../crypto/hex.ts'
import {BadInput} from '../../kit/errors.ts'
import type {Clock} from '../../kit/clock.ts'
import type {ByteLink} from '../wire/link.ts'

/** Strikes the next answer, or the next so many. */
export type TalkMischief =
  | {readonly kind: 'answerLost' | 'answerCorrupt' | 'answerShort'; readonly times: number}
  | {readonly kind: 'answerTwice' | 'strayBytes'}
  | {readonly kind: 'answerSplit'; readonly gapMs: number}
  | {readonly kind: 'answerLate'; readonly delayMs: number}

export interface TranscriptLine {
  readonly from: 'host' | 'device'
  readonly hex: string
}

const LINES_MAX = 1_000
const PLANS_MAX = 256
const TALKING: readonly string[] = [
  'answerLost',
  'answerCorrupt',
  'answerShort',
  'answerTwice',
  'strayBytes',
  'answerSplit',
  'answerLate',
] satisfies readonly TalkMischief['kind'][]

export function isTalking(mischief: {readonly kind: string}): mischief is TalkMischief {
  return TALKING.includes(mischief.kind)
}

export class Talk {
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #stray: Uint8Array
  readonly #lines: TranscriptLine[] = []
  #plans: TalkMischief[] = []
  #life = 0

  /** @param stray bytes that mean nothing to this model's hosts */
  constructor(link: ByteLink, clock: Clock, stray: Uint8Array) {
    this.#link = link
    this.#clock = clock
    this.#stray = stray
  }

  /** Oldest first. */
  get lines(): readonly TranscriptLine[] {
    return [...this.#lines]
  }

  plan(mischief: TalkMischief): void {
    if (this.#plans.length >= PLANS_MAX) throw new BadInput(`plan: ${PLANS_MAX} faults wait already`)
    const count = 'times' in mischief ? mischief.times : 1
    for (let at = 0; at < count; at += 1) this.#plans.push(mischief)
  }

  heard(bytes: Uint8Array): void {
    this.#note('host', bytes)
  }

  /** Power is gone: what was to be said is not. */
  cut(): void {
    this.#life += 1
  }

  /** Says one answer, as the next plan has it. */
  answer(frame: Uint8Array): void {
    const mischief = this.#plans.shift()
    switch (mischief?.kind) {
      case 'answerLost':
        return
      case 'answerCorrupt':
        this.#say(frame.map((byte, at) => (at === frame.length - 2 ? byte ^ 0x01 : byte)))
        return
      case 'answerShort':
        this.#say(frame.slice(0, -1))
        return
      case 'answerTwice':
        this.#say(frame)
        this.#say(frame)
        return
      case 'strayBytes':
        this.#say(Uint8Array.of(...this.#stray, ...frame))
        return
      case 'answerSplit':
        void this.#slowly(frame, mischief.gapMs)
        return
      case 'answerLate':
        void this.#later(frame, mischief.delayMs)
        return
      default:
        this.#say(frame)
    }
  }

  async #later(frame: Uint8Array, delayMs: number): Promise<void> {
    const life = this.#life
    await this.#clock.sleep(delayMs)
    if (life === this.#life) this.#say(frame)
  }

  async #slowly(frame: Uint8Array, gapMs: number): Promise<void> {
    const life = this.#life
    for (const byte of frame) {
      await this.#clock.sleep(gapMs)
      if (life !== this.#life) return
      this.#say(Uint8Array.of(byte))
    }
  }

  #say(bytes: Uint8Array): void {
    this.#note('device', bytes)
    void this.#link.write(bytes)
  }

  #note(from: 'host' | 'device', bytes: Uint8Array): void {
    if (this.#lines.length >= LINES_MAX) this.#lines.shift()
    this.#lines.push({from, hex: spacedHexOf(bytes).toLowerCase()})
  }
}
