/**
 * What the emulated printer says: answers as they are, or spoilt as planned, the automatic status when something that
 * was asked for has changed, and the transcript of both sides. It knows nothing of paper.
 */
import type {Clock} from '../../../kit/clock.ts'
import type {ByteLink} from '../../wire/link.ts'
import type {Condition} from './bytes.ts'
import {automaticBytes} from './codec.ts'

/** How one answer may be spoilt. */
export type AnswerMischief =
  /** The next answer, of any kind, does not leave. */
  | {readonly kind: 'answerLost'; readonly times: number}
  | {readonly kind: 'answerLate'; readonly ms: number}
  | {readonly kind: 'answerTwice'}
  /** Another byte in front of the next answer. */
  | {readonly kind: 'garbage'; readonly byte: number}

export interface TranscriptLine {
  readonly from: 'host' | 'device'
  readonly hex: string
}

const TRANSCRIPT_LINES_MAX = 1_000

/** GS a n: which bits of the automatic status each bit of n asks for: bit, byte, mask (the manuals of all makers). */
const ASKED: readonly (readonly [bit: number, at: number, mask: number])[] = [
  [0x01, 0, 0x04],
  [0x02, 0, 0x68],
  [0x02, 1, 0x02],
  [0x04, 1, 0x6d],
  [0x08, 2, 0x0f],
]

export class Answers {
  readonly transcript: TranscriptLine[] = []
  readonly #link: ByteLink
  readonly #clock: Clock
  #plans: AnswerMischief[] = []
  #isOn = true
  /** GS a: which changes are told; 0 tells none. */
  #asked = 0
  #told: Uint8Array | null = null

  constructor(link: ByteLink, clock: Clock) {
    this.#link = link
    this.#clock = clock
  }

  plan(mischief: AnswerMischief): void {
    this.#plans.push(mischief)
  }

  /** A power cut forgets who asked for what, and nothing is said until the power is back. */
  power(is: 'on' | 'off'): void {
    this.#isOn = is === 'on'
    this.#asked = 0
  }

  /** GS a n, answered at once. */
  askFor(n: number, conditions: ReadonlySet<Condition>): void {
    this.#asked = n
    this.#told = null
    this.changed(conditions)
  }

  /** The automatic status, when some of what was asked for has changed. */
  changed(conditions: ReadonlySet<Condition>): void {
    if (this.#asked === 0 || !this.#isOn) return
    const now = automaticBytes(conditions)
    const told = this.#told
    const isNews = ASKED.some(
      ([bit, at, mask]) => (this.#asked & bit) !== 0 && (((now[at] ?? 0) ^ (told?.[at] ?? 0)) & mask) !== 0,
    )
    if (told !== null && !isNews) return
    this.#told = now
    this.answer(now)
  }

  answer(bytes: Uint8Array): void {
    const plan = this.#plans.shift()
    switch (plan?.kind) {
      case 'answerLost':
        if (plan.times > 1) this.#plans.unshift({...plan, times: plan.times - 1})
        return
      case 'answerLate':
        this.#clock.after(plan.ms, () => {
          this.#say(bytes)
        })
        return
      case 'answerTwice':
        this.#say(bytes)
        break
      case 'garbage':
        this.#say(Uint8Array.of(plan.byte))
        break
      case undefined:
        break
    }
    this.#say(bytes)
  }

  #say(bytes: Uint8Array): void {
    if (!this.#isOn) return
    this.note('device', bytes)
    void this.#link.write(bytes)
  }

  note(from: TranscriptLine['from'], bytes: Uint8Array): void {
    if (this.transcript.length >= TRANSCRIPT_LINES_MAX) this.transcript.shift()
    this.transcript.push({
      from,
      hex: Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' '),
    })
  }
}
