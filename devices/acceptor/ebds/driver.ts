/**
 * EBDS note acceptors, with notes reported in full (extended mode) and one of them in escrow until it is decided. What an
 * acceptor tells of a note's end it tells in one reply, which it repeats only for a message sent again; so a lost answer
 * is asked for with the same bit and not with the next one.
 */
import {assert} from '../../../kit/assert.ts'
import type {Clock, Timer} from '../../../kit/clock.ts'
import type {Log} from '../../../kit/log.ts'
import {digitsOf, isCurrency, minorUnits} from '../../../kit/money.ts'
import {keysOf} from '../../../kit/table.ts'
import type {Failed, NoAnswer} from '../../outcome.ts'
import {Exchange} from '../../wire/exchange.ts'
import type {ByteLink} from '../../wire/link.ts'
import {Turns} from '../../wire/turns.ts'
import type {
  Acceptor,
  AcceptorCapabilities,
  AcceptorCondition,
  AcceptorFault,
  AcceptorStatus,
  Inserted,
  ItemOutcome,
  ItemRecall,
  NoteType,
  PastItem,
} from '../port.ts'
import {
  ANSWER_MS,
  CONDITIONS,
  EXTENDED_NOTES,
  INDEX_MAX,
  MODES,
  POLICY_B,
  POLL_MS,
  RESET_MAX_MS,
  RESET_QUIET_MS,
  RESET_TRY_EVERY_MS,
  RETURN,
  SENDS_MAX,
  STACK,
  TYPES,
} from './bytes.ts'
import type {Bit, ConditionName, TextName} from './bytes.ts'
import {SHAPE, decodeMessage, decodeState, decodeText, messageOf} from './codec.ts'
import type {Ack, Command, ExtendedNote, Message, State} from './codec.ts'

/** From the order to the last reply of a note. Chosen, far above any motor. */
const SETTLE_MS = 30_000
/** While a note lies in escrow it is polled, so that the acceptor knows that somebody is there. */
const HOLD_EVERY_MS = 1_000
/** Rows of the acceptor's table that are asked for at most. */
const ROWS_MAX = 50
/** Replies without a note and without its end, after which nothing more will be told. */
const SILENT_REPLIES_COUNT = 5

const TEXTS: readonly TextName[] = [
  'acceptorType',
  'serialNumber',
  'bootVersion',
  'applicationVersion',
  'variantName',
  'variantVersion',
]

export class Ebds implements Acceptor {
  readonly capabilities: AcceptorCapabilities = {
    escrowNotesMax: 1,
    recycles: false,
    recall: true,
    encrypts: false,
  }
  readonly conditions: readonly AcceptorCondition[] = keysOf(CONDITIONS).map(name => ({
    name,
    ...CONDITIONS[name],
    source: name === 'stalled' ? 'assumed' : 'agreed',
  }))
  readonly #clock: Clock
  readonly #log: Log
  readonly #exchange: Exchange
  readonly #turns = new Turns()
  #ack: Ack = 0
  #notes: readonly NoteType[] = []
  #wanted: readonly number[] = []
  #isStarted = false
  #state: State | null = null
  #lying: NoteType | null = null
  #holding: Timer | null = null
  /** Replies that told how a note ended, heard by a poll that was not about it. */
  #inbox: State[] = []
  /** The same, since the last cash-in began: what a recall has to go by. */
  #memory: State[] = []

  /** @param link already chosen: a serial port of 9600 7E1 in the machine, a loopback in tests */
  constructor(link: ByteLink, clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log.named('device.acceptor.ebds')
    this.#exchange = new Exchange(
      link,
      clock,
      {shape: SHAPE, accepts: null, answers: null, sendsMax: SENDS_MAX, quietMs: 0},
      {
        lost: why => {
          this.#log.warn('link lost', {why})
        },
      },
    )
  }

  open(): ReturnType<Acceptor['open']> {
    return this.#turns.take(async () => {
      this.#letGo()
      this.#isStarted = false
      this.#wanted = []
      this.#inbox = []
      this.#memory = []
      const opened = await this.#exchange.open()
      if (opened !== 'open') return failed(opened, 'the link does not open')
      // Before anything else, for it may tell of a note of the life before; and one in escrow is the customer's.
      // A message that bears the acknowledge bit of the last one of another life is answered with that one's reply again.
      let first = await this.#poll()
      if ('kind' in first && first.fault === 'nonsense') first = await this.#poll()
      if ('kind' in first) return first
      if (this.#isEscrowed(first)) {
        const returned = await this.#poll(RETURN)
        if ('kind' in returned) return returned
      }
      const notes = await this.#readNotes()
      if ('kind' in notes) return notes
      if (notes.length === 0) return failed('not-supported', 'it does not tell its notes in full')
      this.#notes = notes
      const version = await this.#text('applicationVersion')
      const status = await this.#status()
      if (status.kind === 'failed') return status
      const firmware = version === '' ? `revision ${this.#state?.revision ?? 0}` : version
      this.#log.info('acceptor open', {fault: status.fault ?? 'none'})
      return {kind: 'open', identity: {model: 'ebds', firmware}, status}
    })
  }

  status(): Promise<AcceptorStatus | Failed<AcceptorFault>> {
    return this.#turns.take(() => this.#status())
  }

  describe(): Promise<readonly string[]> {
    return this.#turns.take(async () => {
      const lines: string[] = []
      for (const name of TEXTS) lines.push(`${name}: ${(await this.#text(name)) || 'not told'}`)
      return lines
    })
  }

  start(channels: readonly number[]): Promise<{readonly kind: 'started'} | Failed<AcceptorFault>> {
    return this.#turns.take(async () => {
      for (const channel of channels)
        assert(
          this.#notes.some(note => note.channel === channel),
          `there is no channel ${channel}`,
        )
      this.#inbox = []
      this.#memory = []
      this.#wanted = channels
      this.#isStarted = true
      const polled = await this.#poll()
      if ('kind' in polled) return polled
      return {kind: 'started'}
    })
  }

  next(withinMs: number): Promise<Inserted> {
    return this.#turns.take(() => this.#next(withinMs))
  }

  async mark(): Promise<{readonly kind: 'marked'; readonly mark: null}> {
    return {kind: 'marked', mark: null}
  }

  stack(): Promise<ItemOutcome> {
    return this.#turns.take(() => this.#settle(STACK))
  }

  rollback(): Promise<ItemOutcome> {
    return this.#turns.take(() => this.#settle(RETURN))
  }

  end(): Promise<{readonly kind: 'ended'} | Failed<AcceptorFault>> {
    return this.#turns.take(async () => {
      if (this.#lying !== null) await this.#settle(RETURN)
      this.#isStarted = false
      const polled = await this.#poll()
      return 'kind' in polled ? polled : {kind: 'ended'}
    })
  }

  recall({note}: PastItem): Promise<ItemRecall | Failed<AcceptorFault>> {
    return this.#turns.take(async () => {
      const polled = await this.#poll()
      if ('kind' in polled) return polled
      if (polled.bits.has('stacking') || polled.bits.has('returning')) return {kind: 'busy'}
      if (polled.bits.has('jammed')) return forgotten(CONDITIONS.jammed.meaning)
      const into = this.#memory.filter(({bits}) => bits.has('stacked'))
      const back = this.#memory.filter(({bits}) => bits.has('returned') || bits.has('rejected'))
      if (into.length + back.length !== 1) return forgotten(`it tells of ${into.length + back.length} notes`)
      const [stored] = into
      if (stored === undefined)
        return {
          kind: 'remembered',
          outcome: {kind: 'returned', reason: 'unspecified', detail: 'it went back'},
        }
      const told = this.#noteOf(stored)
      return told === null || told.channel === note.channel
        ? {kind: 'remembered', outcome: stacked(note)}
        : forgotten('it tells of another note')
    })
  }

  async reset(): ReturnType<Acceptor['reset']> {
    const lost = await this.#turns.take(async () => {
      this.#letGo()
      this.#lying = null
      const reset = await this.#exchange.ask({
        frame: messageOf({kind: 'softReset'}, this.#ack),
        retry: 'never',
        answerMs: RESET_QUIET_MS,
        isAnswer: () => false,
      })
      return reset.kind === 'lost' ? failed(reset.why, 'the link was lost') : null
    })
    if (lost !== null) return lost
    const endMs = this.#clock.monotonicMs() + RESET_MAX_MS
    for (;;) {
      const opened = await this.open()
      if (opened.kind === 'open') return {kind: 'reset', status: opened.status}
      if (this.#clock.monotonicMs() >= endMs) return opened
      await this.#clock.sleep(RESET_TRY_EVERY_MS)
    }
  }

  async close(): Promise<void> {
    this.#letGo()
    await this.#exchange.close()
  }

  async #next(withinMs: number): Promise<Inserted> {
    assert(this.#isStarted, 'notes are taken in a cash-in')
    const endMs = this.#clock.monotonicMs() + withinMs
    for (;;) {
      const state = this.#inbox.shift() ?? (await this.#poll())
      if ('kind' in state) return state
      const inserted = await this.#inserted(state)
      if (inserted !== null) return inserted
      if (this.#clock.monotonicMs() >= endMs) return {kind: 'nothing'}
      await this.#clock.sleep(POLL_MS)
    }
  }

  async #inserted(state: State): Promise<Inserted | null> {
    this.#inbox = this.#inbox.filter(one => one !== state)
    const {bits} = state
    if (bits.has('cheated')) return {kind: 'unknown', why: 'fraud', detail: CONDITIONS.cheated.meaning}
    if (bits.has('jammed')) return {kind: 'unknown', why: 'jam', detail: CONDITIONS.jammed.meaning}
    if (bits.has('rejected') || bits.has('returned')) return {...returned(bits), kind: 'refused'}
    if (bits.has('stacked')) {
      const note = this.#noteOf(state)
      const detail = 'stacked without an order'
      return note === null
        ? {kind: 'unknown', why: 'hardware', detail}
        : {kind: 'stacked', note, to: 'cashbox', detail}
    }
    if (this.#isEscrowed(state)) return this.#escrowed(state)
    const fault = this.#faultOf(state)
    return fault === null ? null : failed(CONDITIONS[fault].fault, CONDITIONS[fault].meaning)
  }

  /** A note that is not wanted, or of which it does not tell the value, goes back. */
  async #escrowed(state: State): Promise<Inserted> {
    const note = this.#noteOf(state)
    this.#lying = note ?? {channel: 0, currency: '', valueMinor: minorUnits(0)}
    if (note !== null && this.#wanted.includes(note.channel)) {
      this.#hold()
      return {kind: 'escrowed', note}
    }
    const outcome = await this.#settle(RETURN)
    if (outcome.kind === 'returned') return {kind: 'refused', reason: 'not-accepted', detail: outcome.detail}
    return outcome
  }

  /** Gives the order until the note has left escrow, and listens until its end is told. */
  async #settle(order: typeof STACK | typeof RETURN): Promise<ItemOutcome> {
    const note = this.#lying
    assert(note !== null, 'a note was in escrow')
    this.#letGo()
    this.#lying = null
    const endMs = this.#clock.monotonicMs() + SETTLE_MS
    let silentCount = 0
    while (this.#clock.monotonicMs() < endMs && silentCount < SILENT_REPLIES_COUNT) {
      const isLeft = this.#state !== null && !this.#isEscrowed(this.#state)
      const state = this.#inbox.shift() ?? (await this.#poll(isLeft ? 0 : order))
      if ('kind' in state) return {kind: 'unknown', why: state.fault, detail: state.detail}
      this.#inbox = this.#inbox.filter(one => one !== state)
      const {bits} = state
      if (bits.has('stacked')) return stacked(this.#noteOf(state) ?? note)
      if (bits.has('returned') || bits.has('rejected')) return returned(bits)
      if (bits.has('cheated')) return {kind: 'unknown', why: 'fraud', detail: CONDITIONS.cheated.meaning}
      if (bits.has('jammed')) return {kind: 'unknown', why: 'jam', detail: CONDITIONS.jammed.meaning}
      if (bits.has('powerUp')) return {kind: 'unknown', why: 'no-answer', detail: 'it restarted meanwhile'}
      if (bits.has('idling')) silentCount += 1
      await this.#clock.sleep(POLL_MS)
    }
    return {kind: 'unknown', why: 'no-answer', detail: 'it does not tell what became of the note'}
  }

  async #status(): Promise<AcceptorStatus | Failed<AcceptorFault>> {
    const state = await this.#poll()
    if ('kind' in state) return state
    const conditions = keysOf(CONDITIONS).filter(name => hasCondition(state, name))
    const fault = this.#faultOf(state)
    const {bits} = state
    const isMoving = bits.has('accepting') || bits.has('stacking') || bits.has('returning')
    return {
      kind: 'status',
      accepting: this.#isStarted,
      path: bits.has('jammed')
        ? 'jammed'
        : this.#isEscrowed(state)
          ? 'escrow'
          : isMoving
            ? 'moving'
            : 'clear',
      cashbox: conditions.includes('cassetteMissing') ? 'missing' : bits.has('stackerFull') ? 'full' : 'ok',
      link: 'clear',
      notes: this.#notes,
      conditions,
      fault: fault === null ? null : CONDITIONS[fault].fault,
      counters: [],
      detail: conditions.map(name => CONDITIONS[name].meaning).join('; '),
    }
  }

  #faultOf(state: State): ConditionName | null {
    return keysOf(CONDITIONS).find(name => hasCondition(state, name)) ?? null
  }

  #isEscrowed({bits}: State): boolean {
    return bits.has('escrowed')
  }

  /** The acceptor's own table of notes. */
  async #readNotes(): Promise<readonly NoteType[] | Failed<AcceptorFault>> {
    const notes: NoteType[] = []
    for (let index = 1; index <= ROWS_MAX; index += 1) {
      const heard = await this.#ask({kind: 'extendedNote', index})
      if ('kind' in heard) return heard
      const note = decodeState(heard)?.note ?? null
      if (note === null) return notes
      const type = typeOf(note, index)
      if (type !== null) notes.push(type)
    }
    return notes
  }

  #noteOf({note, index}: State): NoteType | null {
    const told = note === null ? null : typeOf(note, 0)
    if (told !== null)
      return (
        this.#notes.find(
          ({currency, valueMinor}) => currency === told.currency && valueMinor === told.valueMinor,
        ) ?? null
      )
    return index >= 1 && index <= INDEX_MAX
      ? (this.#notes.find(({channel}) => channel === index) ?? null)
      : null
  }

  async #text(kind: TextName): Promise<string> {
    const heard = await this.#ask({kind})
    return 'kind' in heard ? '' : decodeText(heard.data)
  }

  /** One omnibus message. What it tells of a note's end is kept for whom it concerns, and for a recall. */
  async #poll(order = 0): Promise<State | Failed<AcceptorFault>> {
    const heard = await this.#ask({
      kind: 'omnibus',
      bytes: [this.#isStarted ? 0x7f : 0x00, MODES.anyWay | MODES.escrow | order, POLICY_B | EXTENDED_NOTES],
    })
    if ('kind' in heard) return heard
    const state = decodeState(heard)
    if (state === null) return failed('nonsense', 'a reply of another kind')
    this.#state = state
    if (ENDS.some(bit => state.bits.has(bit))) {
      this.#inbox.push(state)
      this.#memory.push(state)
    }
    return state
  }

  async #ask(command: Command): Promise<Message | Failed<AcceptorFault>> {
    const reply = await this.#exchange.ask({
      frame: messageOf(command, this.#ack),
      retry: 'safe',
      answerMs: ANSWER_MS,
      isAnswer: frame => {
        const message = decodeMessage(frame)
        return message?.ack === this.#ack && message.type !== TYPES.omnibus
      },
    })
    const message = reply.kind === 'answer' ? decodeMessage(reply.frame) : null
    if (message !== null) {
      this.#ack = this.#ack === 1 ? 0 : 1
      return message
    }
    const why: NoAnswer =
      reply.kind === 'lost' ? reply.why : reply.kind === 'nonsense' ? 'nonsense' : 'no-answer'
    return failed(why, `no good answer to ${command.kind}`)
  }

  #hold(): void {
    this.#holding = this.#clock.after(HOLD_EVERY_MS, () => {
      void this.#turns.take(async () => {
        if (this.#holding === null) return
        const state = await this.#poll()
        if (!('kind' in state) && this.#isEscrowed(state)) this.#hold()
      })
    })
  }

  #letGo(): void {
    this.#holding?.cancel()
    this.#holding = null
  }
}

/** Told in one reply, and not again. */
const ENDS: readonly Bit[] = ['stacked', 'returned', 'rejected', 'cheated']

function hasCondition({bits}: State, name: ConditionName): boolean {
  return name === 'cassetteMissing' ? !bits.has('cassetteAttached') : bits.has(name)
}

function typeOf({currency, base, exponent}: ExtendedNote, channel: number): NoteType | null {
  if (!isCurrency(currency)) return null
  const minor = base * 10 ** (exponent + digitsOf(currency))
  return Number.isSafeInteger(minor) ? {channel, currency, valueMinor: minorUnits(minor)} : null
}

function stacked(note: NoteType): Extract<ItemOutcome, {kind: 'stacked'}> {
  return {kind: 'stacked', note, to: 'cashbox', detail: `channel ${note.channel}`}
}

function returned(bits: ReadonlySet<Bit>): Extract<ItemOutcome, {kind: 'returned'}> {
  return bits.has('returned')
    ? {kind: 'returned', reason: 'host', detail: 'returned'}
    : {kind: 'returned', reason: 'unspecified', detail: 'rejected, without a reason'}
}

function forgotten(detail: string): ItemRecall {
  return {kind: 'notRemembered', detail}
}

function failed(fault: AcceptorFault | NoAnswer, detail: string): Failed<AcceptorFault> {
  return {kind: 'failed', fault, detail}
}
