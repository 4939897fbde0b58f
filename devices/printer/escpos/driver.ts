/**
 * ESC/POS receipt printer: asks before it prints, prints once, and asks what became of it.
 *
 * ESC/POS has no word for "printed". A desktop printer answers GS r when everything before it is done, so a job ends
 * with that question; a kiosk printer is asked for its status until its motor stands still. Errors are real-time
 * answers, so a printer that stopped in the middle still tells why.
 */
import {assert} from '../../../kit/assert.ts'
import type {Clock} from '../../../kit/clock.ts'
import type {Log} from '../../../kit/log.ts'
import type {Failed, Identity, NoAnswer} from '../../outcome.ts'
import {Exchange} from '../../wire/exchange.ts'
import type {Reply} from '../../wire/exchange.ts'
import type {ByteLink} from '../../wire/link.ts'
import {Turns} from '../../wire/turns.ts'
import type {
  PrintOutcome,
  Printer,
  PrinterCapabilities,
  PrinterFault,
  PrinterStatus,
  Receipt,
} from '../port.ts'
import {
  COMMANDS,
  CONDITIONS,
  DOTS_PER_COLUMN,
  JOB_MS,
  PIECE_BYTES,
  POLL_MS,
  PROFILES,
  STATUS_ANSWER_MS,
} from './bytes.ts'
import type {AnswerKind, CommandName, Condition, Profile} from './bytes.ts'
import {
  conditionsOfAutomatic,
  conditionsOfKiosk,
  conditionsOfRealtime,
  encode,
  frameShape,
  isAutomatic,
  textOf,
} from './codec.ts'
import {jobOf} from './layout.ts'

type Unheard = Exclude<Reply, {readonly kind: 'answer'}>
type Status = PrinterStatus | Failed<PrinterFault>

/** All sensors of paper signal, and the near-end ones stop nothing: a receipt is finished. Without paper it stops anyway. */
const ALL_SENSORS = 0xff
/** GS a: everything that it can tell. */
const EVERYTHING = 0xff
/** GS I: firmware and model, as texts. */
const FIRMWARE_TEXT = 0x41
const MODEL_TEXT = 0x43
const TYPE_ID = 2
const ALL_PAPER = 1
const FORGET = 2

export class EscPosPrinter implements Printer {
  readonly capabilities: PrinterCapabilities
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #log: Log
  readonly #profile: Profile
  readonly #exchange: Exchange
  readonly #turns = new Turns()
  readonly #listeners = new Set<(status: PrinterStatus) => void>()
  #expected: AnswerKind = 'none'

  constructor(link: ByteLink, clock: Clock, log: Log, profile: Profile = PROFILES.desktop) {
    this.capabilities = {
      columns: profile.columns,
      dots: profile.columns * DOTS_PER_COLUMN,
      presents: profile.family === 'kiosk',
    }
    this.#link = link
    this.#clock = clock
    this.#log = log.named('device.printer')
    this.#profile = profile
    this.#exchange = new Exchange(
      link,
      clock,
      {
        shape: frameShape(profile.family, () => this.#expected),
        accepts: null,
        answers: null,
        sendsMax: 2,
        quietMs: 20,
      },
      {
        unsolicited: frame => {
          this.#hear(frame)
        },
      },
    )
  }

  open(): ReturnType<Printer['open']> {
    return this.#turns.take(async () => {
      await this.#exchange.close()
      const opened = await this.#exchange.open()
      if (opened !== 'open')
        return {kind: 'failed', fault: opened, detail: `the line does not open: ${opened}`}
      const status = await this.#status()
      if (status.kind === 'failed') return status
      const firmware = await this.#firmware()
      await this.#settle()
      this.#log.info('opened', {firmware, paper: status.paper, fault: status.fault ?? 'none'})
      const identity: Identity = {model: 'escpos', firmware}
      return {kind: 'open', identity, status}
    })
  }

  status(): Promise<Status> {
    return this.#turns.take(() => this.#status())
  }

  print(receipt: Receipt): Promise<PrintOutcome> {
    const job = jobOf(receipt, this.#profile)
    return this.#turns.take(() => this.#print(job))
  }

  awaitTaken(withinMs: number): ReturnType<Printer['awaitTaken']> {
    assert(this.capabilities.presents, 'this printer does not notice that a ticket was taken')
    return this.#turns.take(async () => {
      const endMs = this.#clock.monotonicMs() + withinMs
      for (;;) {
        const status = await this.#status()
        if (status.kind === 'failed') return status
        if (status.ticket === 'absent') return {kind: 'taken'}
        if (this.#clock.monotonicMs() >= endMs) return {kind: 'left'}
        await this.#clock.sleep(POLL_MS)
      }
    })
  }

  recover(): Promise<Status> {
    return this.#turns.take(async () => {
      if (this.#profile.family === 'desktop') await this.#link.write(encode('recover', FORGET))
      await this.#settle()
      return this.#status()
    })
  }

  onStatus(listener: (status: PrinterStatus) => void): void {
    this.#listeners.add(listener)
  }

  close(): Promise<void> {
    return this.#exchange.close()
  }

  /** What is set anew after power-up and after an error: a paper that ends does not stop a receipt, and changes are told. */
  async #settle(): Promise<void> {
    await this.#link.write(encode('initialize'))
    if (this.#profile.family === 'kiosk') return
    await this.#link.write(encode('signalSensors', ALL_SENSORS))
    await this.#link.write(encode('stopSensors', 0))
    if (!this.#profile.automaticStatus) return
    await this.#ask('automaticStatus', [EVERYTHING])
  }

  #hear(frame: Uint8Array): void {
    if (!isAutomatic(frame)) return
    const status = this.#statusFrom(conditionsOfAutomatic(frame))
    for (const listener of this.#listeners) listener(status)
  }

  /** The model's and firmware's own words, or its type number where it knows no words. */
  async #firmware(): Promise<string> {
    if (this.#profile.family === 'kiosk') {
      const rom = await this.#ask('romVersion')
      return rom.kind === 'answer'
        ? `ROM ${String.fromCharCode(...rom.frame).replace(/[^ -~]/g, '?')}`
        : 'unknown'
    }
    const model = await this.#ask('identifyText', [MODEL_TEXT])
    const firmware = model.kind === 'answer' ? await this.#ask('identifyText', [FIRMWARE_TEXT]) : model
    if (model.kind === 'answer' && firmware.kind === 'answer')
      return `${textOf(model.frame)} ${textOf(firmware.frame)}`
    const type = await this.#ask('identify', [TYPE_ID])
    return type.kind === 'answer' ? `type ${(type.frame[0] ?? 0).toString(16).padStart(2, '0')}` : 'unknown'
  }

  async #ask(name: CommandName, args: readonly number[] = []): Promise<Reply> {
    const {answer, retry} = COMMANDS[name]
    return this.#askFor(answer, encode(name, ...args), retry, STATUS_ANSWER_MS, frame =>
      answer === 'automatic' ? isAutomatic(frame) : !this.#isNotice(frame),
    )
  }

  async #askFor(
    expected: AnswerKind,
    frame: Uint8Array,
    retry: 'safe' | 'never',
    answerMs: number,
    isAnswer: (frame: Uint8Array) => boolean,
  ): Promise<Reply> {
    this.#expected = expected
    try {
      return await this.#exchange.ask({frame, retry, answerMs, isAnswer})
    } finally {
      this.#expected = 'none'
    }
  }

  #isNotice(frame: Uint8Array): boolean {
    return this.#profile.family === 'desktop' && isAutomatic(frame)
  }

  async #status(): Promise<Status> {
    if (this.#profile.family === 'kiosk') {
      const block = await this.#ask('kioskStatus')
      return block.kind === 'answer' ? this.#statusFrom(conditionsOfKiosk(block.frame)) : failed(block)
    }
    const answers: number[] = []
    for (const n of [1, 2, 3, 4]) {
      const reply = await this.#ask('realtimeStatus', [n])
      if (reply.kind !== 'answer') return failed(reply)
      answers.push(reply.frame[0] ?? 0)
    }
    return this.#statusFrom(conditionsOfRealtime(answers))
  }

  #statusFrom(conditions: readonly Condition[]): PrinterStatus {
    const has = (name: Condition): boolean => conditions.includes(name)
    const stops = conditions.find(name => CONDITIONS[name].fault !== null)
    return {
      kind: 'status',
      paper: has('paperOut') ? 'out' : has('paperNearEnd') || has('virtualPaperEnd') ? 'low' : 'ok',
      cover: has('coverOpen') || has('headUp') ? 'open' : 'closed',
      ticket: this.capabilities.presents ? (has('ticketInMouth') ? 'inMouth' : 'absent') : 'notSupported',
      feeding: has('feeding') || has('spooling'),
      fault: stops === undefined ? null : CONDITIONS[stops].fault,
      conditions,
      detail: conditions.map(name => CONDITIONS[name].meaning).join('; '),
    }
  }

  async #print(job: Uint8Array): Promise<PrintOutcome> {
    const before = await this.#status()
    if (before.kind === 'failed') return {...before, kind: 'refused'}
    if (before.fault !== null) return {kind: 'refused', fault: before.fault, detail: before.detail}
    const lastAt = Math.max(0, job.length - PIECE_BYTES)
    for (let at = 0; at < lastAt; at += PIECE_BYTES) {
      const written = await this.#link.write(job.subarray(at, Math.min(at + PIECE_BYTES, lastAt)))
      if (written !== 'written')
        return {kind: 'unknown', why: written, detail: 'the line went in the middle of the job'}
    }
    const end = await this.#untilDone(job.subarray(lastAt))
    if (end !== 'done' && end.kind !== 'stopped')
      return {kind: 'unknown', why: whyOf(end), detail: 'after the job'}
    const after = await this.#status()
    if (after.kind === 'failed') return {kind: 'unknown', why: noAnswerOf(after), detail: after.detail}
    // What ended after the last line did not spoil it; what needs the cutter or the motor did.
    const isSpoilt = end !== 'done' || (after.fault !== null && !HARMLESS_AFTERWARDS.has(after.fault))
    if (!isSpoilt) return {kind: 'printed', paper: after.paper}
    if (after.fault !== null) return {kind: 'partial', fault: after.fault, detail: after.detail}
    return {kind: 'unknown', why: 'no-answer', detail: 'it stopped and tells no reason'}
  }

  /** Writes the rest of the job and waits until the printer is through with it, has stopped, or cannot be heard. */
  async #untilDone(rest: Uint8Array): Promise<'done' | {readonly kind: 'stopped'} | Unheard> {
    if (this.#profile.family === 'desktop') return this.#untilAnswered(rest)
    const written = await this.#link.write(rest)
    if (written !== 'written') return {kind: 'lost', why: written, mayHaveRun: true}
    const endMs = this.#clock.monotonicMs() + JOB_MS
    for (;;) {
      const block = await this.#ask('kioskStatus')
      if (block.kind !== 'answer') return block
      const status = this.#statusFrom(conditionsOfKiosk(block.frame))
      if (status.fault !== null && status.fault !== 'overheated') return {kind: 'stopped'}
      if (!status.feeding && status.ticket === 'inMouth') return 'done'
      if (this.#clock.monotonicMs() >= endMs) return {kind: 'stopped'}
      await this.#clock.sleep(POLL_MS)
    }
  }

  async #untilAnswered(rest: Uint8Array): Promise<'done' | {readonly kind: 'stopped'} | Unheard> {
    const question = Uint8Array.of(...rest, ...encode('queuedStatus', ALL_PAPER))
    const isStop = (frame: Uint8Array): boolean =>
      isAutomatic(frame) && this.#statusFrom(conditionsOfAutomatic(frame)).fault !== null
    const reply = await this.#askFor(
      'queued',
      question,
      'never',
      JOB_MS,
      frame => !isAutomatic(frame) || isStop(frame),
    )
    if (reply.kind === 'answer') return isAutomatic(reply.frame) ? {kind: 'stopped'} : 'done'
    // Off line it answers nothing that waits in the buffer, and still says why.
    return reply.kind === 'no-answer' ? {kind: 'stopped'} : reply
  }
}

/** The receipt was out before these began. */
const HARMLESS_AFTERWARDS: ReadonlySet<PrinterFault> = new Set<PrinterFault>([
  'paper-out',
  'cover-open',
  'overheated',
])

function whyOf(reply: Unheard): NoAnswer {
  return reply.kind === 'lost' ? reply.why : reply.kind === 'refused' ? 'nonsense' : reply.kind
}

function failed(reply: Unheard): Failed<PrinterFault> {
  const why = whyOf(reply)
  return {kind: 'failed', fault: why, detail: `no status: ${why}`}
}

function noAnswerOf(outcome: Failed<PrinterFault>): NoAnswer {
  const {fault} = outcome
  switch (fault) {
    case 'hung-up':
    case 'not-opened':
    case 'write-stalled':
    case 'nonsense':
      return fault
    default:
      return 'no-answer'
  }
}
