/**
 * One command in flight over a wire: frame out, acknowledgement in, answer in, acknowledgement out. It
 * knows nothing of what a command means, only whether it may be sent twice.
 *
 * The rule that cash depends on: silence proves nothing. A command of class `never` is sent again only
 * when the device refused the frame itself (an explicit NAK), or, on links where the device waits for an
 * enquiry before it acts, as long as no enquiry was sent. After silence it listens on for the whole answer
 * time instead, because a lost acknowledgement and a lost command sound the same.
 */
import {assert} from '../../kit/assert.ts'
import {BoundedQueue} from '../../kit/bounded-queue.ts'
import type {Clock, Timer} from '../../kit/clock.ts'
import {Framer} from './framer.ts'
import type {FrameShape, Verdict} from './framer.ts'
import type {ByteLink, LinkLost} from './link.ts'

/** `safe`: doing it twice does no harm. `never`: it may move paper, plastic or money. */
export type Retry = 'safe' | 'never'

/** How one link layer talks. */
export interface Handshake {
  /** The grammar of what the device sends. */
  readonly shape: FrameShape
  /** How the device accepts a command's frame; null where its answer alone tells. */
  readonly accepts: {
    readonly ack: number
    /** The frame arrived damaged and was not executed. */
    readonly nak: number
    /** From the end of our frame. */
    readonly timeoutMs: number
    /** Sent after the ACK, and only then does the device act; null where the frame itself is the order. */
    readonly enquiry: number | null
  } | null
  /** What the device wants to hear about its answer; null where it wants nothing. */
  readonly answers: {
    readonly ack: number
    readonly nak: number
    readonly nakMax: number
    /** Said by the device once its answer is acknowledged; waited for, and done without when it does not come. None when left out. */
    readonly closing?: {readonly byte: number; readonly timeoutMs: number}
  } | null
  /** Most times one frame is sent. */
  readonly sendsMax: number
  /** Silence after which the line counts as quiet: before an answer is refused, and before a refused frame goes again. */
  readonly quietMs: number
  /** Frames that only tell of progress: passed over, never acknowledged. None when left out. */
  isNotice?(frame: Uint8Array): boolean
}

/** One command as bytes. */
export interface Ask {
  /** The whole frame. */
  readonly frame: Uint8Array
  readonly retry: Retry
  /** From the device's acceptance to its answer. */
  readonly answerMs: number
  /** Whether a good frame answers this command; any other is an earlier answer, repeated. */
  isAnswer(frame: Uint8Array): boolean
}

export type Reply =
  | {readonly kind: 'answer'; readonly frame: Uint8Array}
  /** The device refused the frame every time: proved not executed. */
  | {readonly kind: 'refused'}
  /** `mayHaveRun` is false only where the protocol proves that the command was not executed. */
  | {readonly kind: 'no-answer' | 'nonsense'; readonly mayHaveRun: boolean}
  | {readonly kind: 'lost'; readonly why: LinkLost; readonly mayHaveRun: boolean}

export interface ExchangeListener {
  /** A byte outside any frame that is no part of a handshake: a key press of a PIN pad, an EOT. */
  stray?(byte: number): void
  /** A good frame while no command is in flight. It has been acknowledged. */
  unsolicited?(frame: Uint8Array): void
  /** The link ended by itself. A command in flight gets its `lost` reply as well. */
  lost?(why: LinkLost): void
}

type Heard = Verdict | {readonly kind: 'lost'; readonly why: LinkLost} | {readonly kind: 'late'}

/** More verdicts than this waiting at once is a babbling line; the oldest are enough to say so. */
const HEARD_MAX = 512

export class Exchange {
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #handshake: Handshake
  readonly #listener: ExchangeListener
  readonly #framer: Framer
  readonly #heard = new BoundedQueue<Heard>(HEARD_MAX)
  #wake: (() => void) | null = null
  #stallTimer: Timer | null = null
  #isAsking = false

  constructor(link: ByteLink, clock: Clock, handshake: Handshake, listener: ExchangeListener = {}) {
    this.#link = link
    this.#clock = clock
    this.#handshake = handshake
    this.#listener = listener
    this.#framer = new Framer(handshake.shape)
  }

  get isOpen(): boolean {
    return this.#link.isOpen
  }

  /** Opens the link, or says at once that it is open already. */
  async open(): Promise<'open' | LinkLost> {
    if (this.#link.isOpen) return 'open'
    this.#framer.reset()
    this.#heard.clear()
    return this.#link.open({
      bytes: chunk => {
        this.#hear(this.#framer.push(chunk, this.#clock.monotonicMs()))
      },
      lost: why => {
        this.#framer.reset()
        this.#setStallTimer()
        this.#note({kind: 'lost', why})
        this.#listener.lost?.(why)
      },
    })
  }

  async close(): Promise<void> {
    this.#framer.reset()
    this.#setStallTimer()
    await this.#link.close()
    if (this.#isAsking) this.#note({kind: 'lost', why: 'hung-up'})
  }

  /** Sends one command and waits for what comes of it; never two at once. */
  async ask(ask: Ask): Promise<Reply> {
    assert(!this.#isAsking, 'one command in flight: asked again before the answer')
    // What came before this command cannot be its answer.
    this.#heard.clear()
    this.#framer.reset()
    this.#setStallTimer()
    this.#isAsking = true
    try {
      return await this.#sendUntilHeard(ask)
    } finally {
      this.#isAsking = false
    }
  }

  async #sendUntilHeard(ask: Ask): Promise<Reply> {
    for (let sends = 1; ; sends += 1) {
      const isOpen = this.#link.isOpen
      const written = await this.#link.write(ask.frame)
      // On an open link some of the bytes may have left before it failed.
      if (written !== 'written') return {kind: 'lost', why: written, mayHaveRun: isOpen || sends > 1}
      const attempt = new Attempt(ask, this.#handshake, this.#clock, sends < this.#handshake.sendsMax)
      const reply = await this.#listen(attempt)
      if (reply !== 'again') return reply
    }
  }

  async #listen(attempt: Attempt): Promise<Reply | 'again'> {
    for (;;) {
      const step = attempt.take(await this.#next(attempt.untilMs))
      switch (step.kind) {
        case 'listen':
          break
        case 'write':
          await this.#link.write(Uint8Array.of(step.byte))
          break
        case 'stray':
          this.#listener.stray?.(step.byte)
          break
        case 'end':
          if (step.ack !== null) {
            await this.#link.write(Uint8Array.of(step.ack))
            await this.#awaitClosing(step.ack)
          }
          return step.reply
      }
    }
  }

  /** The answer is here already, so nothing heard from now on changes it; said again, it is acknowledged again. */
  async #awaitClosing(ack: number): Promise<void> {
    const closing = this.#handshake.answers?.closing
    if (closing === undefined) return
    const untilMs = this.#clock.monotonicMs() + closing.timeoutMs
    for (;;) {
      const heard = await this.#next(untilMs)
      if (heard.kind === 'late' || heard.kind === 'lost') return
      if (heard.kind === 'control' && heard.byte === closing.byte) return
      if (heard.kind === 'frame') await this.#link.write(Uint8Array.of(ack))
    }
  }

  #hear(verdicts: readonly Verdict[]): void {
    this.#setStallTimer()
    for (const verdict of verdicts) {
      if (this.#isAsking) this.#note(verdict)
      else if (verdict.kind === 'frame') this.#takeUnsolicited(verdict.bytes)
      else if (verdict.kind === 'control') this.#listener.stray?.(verdict.byte)
    }
  }

  #takeUnsolicited(frame: Uint8Array): void {
    const {answers} = this.#handshake
    if (this.#handshake.isNotice?.(frame) === true) return
    // Acknowledged, so that a device whose acknowledgement got lost stops repeating itself.
    if (answers !== null) void this.#link.write(Uint8Array.of(answers.ack))
    this.#listener.unsolicited?.(frame)
  }

  #note(heard: Heard): void {
    this.#heard.push(heard)
    const wake = this.#wake
    this.#wake = null
    wake?.()
  }

  /** The next thing heard, or `late` when nothing was until then. */
  async #next(untilMs: number): Promise<Heard> {
    const waiting = this.#heard.shift()
    if (waiting !== undefined) return waiting
    const delayMs = Math.max(0, untilMs - this.#clock.monotonicMs())
    await new Promise<void>(resolve => {
      const timer = this.#clock.after(delayMs, () => {
        this.#wake = null
        resolve()
      })
      this.#wake = () => {
        timer.cancel()
        resolve()
      }
    })
    return this.#heard.shift() ?? {kind: 'late'}
  }

  #setStallTimer(): void {
    this.#stallTimer?.cancel()
    this.#stallTimer = null
    const atMs = this.#framer.stallsAtMs
    if (atMs === null) return
    const nowMs = this.#clock.monotonicMs()
    this.#stallTimer = this.#clock.after(Math.max(0, atMs - nowMs), () => {
      this.#stallTimer = null
      // A real timer may fire a fraction early; the frame is given up at its own deadline all the same.
      this.#hear(this.#framer.idle(Math.max(atMs, this.#clock.monotonicMs())))
    })
  }
}

type Step =
  | {readonly kind: 'listen'}
  | {readonly kind: 'write'; readonly byte: number}
  | {readonly kind: 'stray'; readonly byte: number}
  | {readonly kind: 'end'; readonly reply: Reply | 'again'; readonly ack: number | null}

const LISTEN: Step = {kind: 'listen'}

/** One sending of one frame: decides what each thing heard means, and until when to listen. */
class Attempt {
  readonly #ask: Ask
  readonly #handshake: Handshake
  readonly #clock: Clock
  readonly #maySendAgain: boolean
  #isAccepted: boolean
  #isEnquired = false
  /** Something unexplained was heard: from then on a NAK proves nothing. */
  #isDirty = false
  #isRefused = false
  #acceptByMs: number
  #answerByMs: number
  #naks = 0
  #nakAtMs: number | null = null

  constructor(ask: Ask, handshake: Handshake, clock: Clock, maySendAgain: boolean) {
    const nowMs = clock.monotonicMs()
    this.#ask = ask
    this.#handshake = handshake
    this.#clock = clock
    this.#maySendAgain = maySendAgain
    this.#isAccepted = handshake.accepts === null
    this.#acceptByMs = nowMs + (handshake.accepts?.timeoutMs ?? 0)
    this.#answerByMs = this.#acceptByMs + ask.answerMs
  }

  get untilMs(): number {
    const byMs = this.#isAccepted ? this.#answerByMs : this.#acceptByMs
    return this.#nakAtMs === null ? byMs : Math.min(byMs, this.#nakAtMs)
  }

  take(heard: Heard): Step {
    switch (heard.kind) {
      case 'lost':
        return this.#end({kind: 'lost', why: heard.why, mayHaveRun: this.#mayHaveRun})
      case 'late':
        return this.untilMs === this.#nakAtMs ? this.#afterQuiet() : this.#afterSilence()
      case 'garbage':
        return this.#takeGarbage(heard.why)
      case 'frame':
        return this.#takeFrame(heard.bytes)
      case 'control':
        return this.#takeControl(heard.byte)
    }
  }

  /** Where the device acts on an enquiry only, nothing ran before it was sent; a refused frame did not run either. */
  get #mayHaveRun(): boolean {
    if (this.#isRefused) return false
    const {accepts} = this.#handshake
    return accepts === null || accepts.enquiry === null || this.#isEnquired
  }

  #takeGarbage(why: Extract<Verdict, {kind: 'garbage'}>['why']): Step {
    this.#isDirty = true
    const {answers} = this.#handshake
    // A damaged frame is refused once the line is quiet, so that one damaged frame is refused once.
    const isFrame = why !== 'noise' && answers !== null
    if (isFrame || this.#nakAtMs !== null) this.#nakAtMs = this.#clock.monotonicMs() + this.#handshake.quietMs
    return LISTEN
  }

  #takeFrame(frame: Uint8Array): Step {
    if (this.#handshake.isNotice?.(frame) === true) return LISTEN
    this.#nakAtMs = null
    const ack = this.#handshake.answers?.ack ?? null
    // A good answer tells more than a lost acknowledgement, and more than a refusal it contradicts.
    if (this.#ask.isAnswer(frame)) return this.#end({kind: 'answer', frame}, ack)
    return ack === null ? LISTEN : {kind: 'write', byte: ack}
  }

  #takeControl(byte: number): Step {
    const {accepts} = this.#handshake
    if (accepts !== null && byte === accepts.ack) return this.#accept(accepts.enquiry)
    if (accepts === null || byte !== accepts.nak) return {kind: 'stray', byte}
    if (this.#isAccepted || this.#isDirty) {
      this.#isDirty = true
      return LISTEN
    }
    // Another NAK before the line is quiet still speaks of this frame, so the next sending waits for quiet.
    this.#isRefused = true
    this.#nakAtMs = this.#clock.monotonicMs() + this.#handshake.quietMs
    return LISTEN
  }

  #accept(enquiry: number | null): Step {
    if (this.#isRefused) {
      // Refused and accepted at once: neither can be believed.
      this.#isRefused = false
      this.#nakAtMs = null
      this.#isDirty = true
    }
    if (this.#isAccepted) return LISTEN
    this.#isAccepted = true
    this.#answerByMs = this.#clock.monotonicMs() + this.#ask.answerMs
    if (enquiry === null) return LISTEN
    this.#isEnquired = true
    return {kind: 'write', byte: enquiry}
  }

  #afterQuiet(): Step {
    this.#nakAtMs = null
    if (this.#isRefused) return this.#end(this.#maySendAgain ? 'again' : {kind: 'refused'})
    const {answers} = this.#handshake
    if (answers === null) return LISTEN
    if (this.#naks >= answers.nakMax) return this.#endUnheard()
    this.#naks += 1
    return {kind: 'write', byte: answers.nak}
  }

  #afterSilence(): Step {
    if (this.#isAccepted || this.#mayRepeat) return this.#endUnheard()
    // It may have been accepted: the answer, should it come, is the only witness.
    this.#isAccepted = true
    return LISTEN
  }

  get #mayRepeat(): boolean {
    return this.#ask.retry === 'safe' || !this.#mayHaveRun
  }

  #endUnheard(): Step {
    if (this.#mayRepeat && this.#maySendAgain) return this.#end('again')
    return this.#end({kind: this.#isDirty ? 'nonsense' : 'no-answer', mayHaveRun: this.#mayHaveRun})
  }

  #end(reply: Reply | 'again', ack: number | null = null): Step {
    return {kind: 'end', reply, ack}
  }
}
