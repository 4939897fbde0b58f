/**
 * NV200 note acceptors over SSP, encrypted where the unit can. A polled note in escrow is accepted by the next poll, so
 * while one lies there nothing is polled: it is held, until it is stored by a poll or given back.
 *
 * What the unit wants acknowledged (a credit, a note cleared into the cashbox) is acknowledged with the next order and
 * not when it was heard: a machine that dies in between hears it again.
 */
import {assert} from '../../../kit/assert.ts'
import type {Clock, Timer} from '../../../kit/clock.ts'
import type {Log} from '../../../kit/log.ts'
import {minorUnits} from '../../../kit/money.ts'
import {keysOf} from '../../../kit/table.ts'
import type {Random} from '../../../kit/random.ts'
import type {Failed, NoAnswer} from '../../outcome.ts'
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
  Mark,
  NoteType,
  PastItem,
  RefusalReason,
} from '../port.ts'
import {CONDITIONS, HOLD_EVERY_MS, POLL_MS, PROTOCOL_VERSION, REJECT_REASONS} from './bytes.ts'
import type {CommandName, ConditionName} from './bytes.ts'
import {decodeCounters, decodeEvents, decodeSerial, decodeSetup, decodeText} from './codec.ts'
import type {Command, Counters, Setup, SspEvent} from './codec.ts'
import {SspLine} from './line.ts'
import type {Heard} from './line.ts'

/** From the order to the last event of a note; GA973 has no figure. Chosen, far above any motor. */
const SETTLE_MS = 30_000
/** Polls with acknowledgement that still show the note in escrow before a plain one is tried. */
const PATIENT_POLLS_COUNT = 3

type Fault = AcceptorFault | NoAnswer

/** What a poll told. */
interface Polled {
  readonly events: readonly SspEvent[]
  readonly isWhole: boolean
}

export class Nv200 implements Acceptor {
  readonly capabilities: AcceptorCapabilities = {
    escrowNotesMax: 1,
    recycles: false,
    recall: true,
    encrypts: true,
  }
  readonly conditions: readonly AcceptorCondition[] = keysOf(CONDITIONS).map(name => ({
    name,
    ...CONDITIONS[name],
    source: 'agreed',
  }))
  readonly #clock: Clock
  readonly #log: Log
  readonly #line: SspLine
  readonly #turns = new Turns()
  #setup: Setup | null = null
  #isStarted = false
  /** Channel of the note that lies in escrow, as the last poll told. */
  #lying: number | null = null
  #holding: Timer | null = null
  #hasAckPolls = true
  #owesAck = false
  #present: ReadonlySet<ConditionName> = new Set()
  /** What was told since the last cash-in began and before the next one: what a recall has to go by. */
  #memory: SspEvent[] = []

  /** @param link already chosen: a serial port of 9600 8N2 in the machine, a loopback in tests */
  constructor(link: ByteLink, clock: Clock, log: Log, random: Random) {
    this.#clock = clock
    this.#log = log.named('device.acceptor.nv200')
    this.#line = new SspLine(link, clock, random, why => {
      this.#log.warn('link lost', {why})
    })
  }

  open(): ReturnType<Acceptor['open']> {
    return this.#turns.take(async () => {
      this.#letGo()
      this.#isStarted = false
      this.#memory = []
      this.#hasAckPolls = true
      const synced = await this.#line.open()
      if (synced.kind === 'unheard') return failed(synced.why, synced.detail)
      const encrypted = await this.#line.encrypt()
      if (typeof encrypted === 'object') return failed(encrypted.why, encrypted.detail)
      // A unit that knows only older versions stays at its own.
      await this.#line.ask({kind: 'hostProtocolVersion', version: PROTOCOL_VERSION})
      const setup = await this.#line.ask({kind: 'setupRequest'})
      this.#setup = setup.kind === 'heard' ? decodeSetup(setup.answer.data) : null
      if (setup.kind === 'unheard') return failed(setup.why, setup.detail)
      if (this.#setup === null) return failed('nonsense', 'its setup cannot be read')
      // First of all, or the first poll would accept what lies in escrow.
      await this.#line.ask({kind: 'disable'})
      await this.#line.ask({kind: 'reject'})
      const firmware = await this.#line.ask({kind: 'firmwareVersion'})
      const status = await this.#status()
      if (status.kind === 'failed') return status
      const text = firmware.kind === 'heard' ? decodeText(firmware.answer.data) : ''
      this.#log.info('acceptor open', {encrypted, fault: status.fault ?? 'none'})
      return {
        kind: 'open',
        identity: {model: 'nv200', firmware: text === '' ? this.#setup.firmware : text},
        status,
      }
    })
  }

  status(): Promise<AcceptorStatus | Failed<AcceptorFault>> {
    return this.#turns.take(() => this.#status())
  }

  describe(): Promise<readonly string[]> {
    return this.#turns.take(async () => {
      const text = async (kind: 'firmwareVersion' | 'datasetVersion'): Promise<string> => {
        const heard = await this.#line.ask({kind})
        return heard.kind === 'heard' && heard.answer.reply === 'ok'
          ? decodeText(heard.answer.data)
          : 'not told'
      }
      const serial = await this.#line.ask({kind: 'serialNumber'})
      const number = serial.kind === 'heard' ? decodeSerial(serial.answer.data) : null
      const setup = this.#setup
      return [
        `serial number: ${number ?? 'not told'}`,
        `firmware: ${await text('firmwareVersion')}`,
        `dataset: ${await text('datasetVersion')}`,
        `protocol version: ${setup?.version ?? 'not told'}`,
        `country: ${setup?.country ?? 'not told'}`,
      ]
    })
  }

  start(channels: readonly number[]): Promise<{readonly kind: 'started'} | Failed<AcceptorFault>> {
    return this.#turns.take(async () => {
      for (const channel of channels) assert(this.#typeOf(channel) !== null, `there is no channel ${channel}`)
      assert(this.#lying === null, 'nothing lies in escrow when a cash-in starts')
      // What is still to be told belongs to the time before.
      const polled = await this.#poll()
      if ('kind' in polled) return polled
      const acknowledged = await this.#acknowledge()
      if (acknowledged !== null) return acknowledged
      this.#memory = []
      const mask = channels.reduce((sum, channel) => sum | (1 << (channel - 1)), 0)
      const inhibits = await this.#order({kind: 'setInhibits', mask})
      const enabled = inhibits ?? (await this.#order({kind: 'enable'}))
      if (enabled !== null) return enabled
      this.#isStarted = true
      return {kind: 'started'}
    })
  }

  next(withinMs: number): Promise<Inserted> {
    return this.#turns.take(() => this.#next(withinMs))
  }

  mark(): Promise<{readonly kind: 'marked'; readonly mark: Mark} | Failed<AcceptorFault>> {
    return this.#turns.take(async () => {
      const counters = await this.#counters()
      if (counters === null) return {kind: 'marked', mark: null}
      if ('kind' in counters) return counters
      return {kind: 'marked', mark: markOf(counters)}
    })
  }

  stack(): Promise<ItemOutcome> {
    return this.#turns.take(async () => {
      const note = this.#typeOf(this.#lying ?? 0)
      assert(note !== null, 'a note was in escrow')
      this.#letGo()
      return this.#settle(note)
    })
  }

  rollback(): Promise<ItemOutcome> {
    return this.#turns.take(() => this.#rollback())
  }

  end(): Promise<{readonly kind: 'ended'} | Failed<AcceptorFault>> {
    return this.#turns.take(async () => {
      if (this.#lying !== null) await this.#rollback()
      const acknowledged = await this.#acknowledge()
      const disabled = acknowledged ?? (await this.#order({kind: 'disable'}))
      if (disabled !== null) return disabled
      this.#isStarted = false
      return {kind: 'ended'}
    })
  }

  recall(item: PastItem): Promise<ItemRecall | Failed<AcceptorFault>> {
    return this.#turns.take(() => this.#recall(item))
  }

  async reset(): ReturnType<Acceptor['reset']> {
    const refused = await this.#turns.take(async () => {
      this.#letGo()
      this.#lying = null
      return this.#order({kind: 'reset'})
    })
    if (refused !== null) return refused
    const opened = await this.open()
    return opened.kind === 'open' ? {kind: 'reset', status: opened.status} : opened
  }

  async close(): Promise<void> {
    this.#letGo()
    await this.#line.close()
  }

  async #next(withinMs: number): Promise<Inserted> {
    assert(this.#isStarted, 'notes are taken in a cash-in')
    const acknowledged = await this.#acknowledge()
    if (acknowledged !== null) return acknowledged
    const endMs = this.#clock.monotonicMs() + withinMs
    for (;;) {
      // It may have been told already, behind the end of the note before.
      if (this.#lying === null) {
        const polled = await this.#poll()
        if ('kind' in polled) return polled
        const inserted = await this.#inserted(polled)
        if (inserted !== null) return inserted
      }
      const note = this.#typeOf(this.#lying ?? 0)
      if (note !== null) {
        this.#hold()
        return {kind: 'escrowed', note}
      }
      if (this.#clock.monotonicMs() >= endMs) return {kind: 'nothing'}
      await this.#clock.sleep(POLL_MS)
    }
  }

  /** What a poll means where nothing was ordered; null where it means nothing, or a note that lies in escrow. */
  async #inserted({events, isWhole}: Polled): Promise<Inserted | null> {
    for (const {name, channel = 0} of events) {
      switch (name) {
        case 'rejected':
        case 'clearedFromFront':
          return this.#refused()
        case 'credit':
        case 'clearedToCashbox': {
          const note = this.#typeOf(channel)
          const detail = `${name} without an order`
          return note === null
            ? {kind: 'unknown', why: 'hardware', detail}
            : {kind: 'stacked', note, to: 'cashbox', detail}
        }
        case 'unsafeJam':
        case 'fraudAttempt':
          return {kind: 'unknown', why: CONDITIONS[name].fault, detail: CONDITIONS[name].meaning}
        case 'stackerFull':
        case 'cashboxRemoved':
        case 'pathOpen':
          return failed(CONDITIONS[name].fault, CONDITIONS[name].meaning)
        case 'slaveReset':
        case 'disabled':
          if (!events.some(isEnd)) return failed('hardware', `it tells: ${name}`)
          break
        default:
      }
    }
    return isWhole ? null : {kind: 'unknown', why: 'hardware', detail: CONDITIONS.unknownEvent.meaning}
  }

  async #refused(): Promise<Extract<Inserted, {kind: 'refused'}>> {
    const [reason, detail] = await this.#lastReason()
    return {kind: 'refused', reason, detail}
  }

  async #lastReason(): Promise<readonly [RefusalReason, string]> {
    const heard = await this.#line.ask({kind: 'lastRejectCode'})
    const code = heard.kind === 'heard' && heard.answer.reply === 'ok' ? heard.answer.data[0] : undefined
    return REJECT_REASONS[code ?? -1] ?? ['unspecified', `reject code ${code ?? 'not told'}`]
  }

  async #rollback(): Promise<ItemOutcome> {
    const note = this.#typeOf(this.#lying ?? 0)
    assert(note !== null, 'a note was in escrow')
    this.#letGo()
    const heard = await this.#line.ask({kind: 'reject'})
    if (heard.kind === 'unheard') {
      this.#lying = null
      return {kind: 'unknown', why: heard.why, detail: heard.detail}
    }
    // Not in escrow any more: what became of it will be told.
    if (heard.answer.reply === 'ok' || heard.answer.reply === 'notNow') return this.#settle(note)
    this.#lying = null
    return {kind: 'unknown', why: 'hardware', detail: `it answers ${heard.answer.reply} to a reject`}
  }

  /** Polls until it is told what became of the note; the first poll accepts one that still lies in escrow. */
  async #settle(note: NoteType): Promise<ItemOutcome> {
    const endMs = this.#clock.monotonicMs() + SETTLE_MS
    let credited: NoteType | null = null
    let isLying = false
    this.#lying = null
    for (let polls = 1; this.#clock.monotonicMs() < endMs; polls += 1) {
      const polled = await this.#poll(polls > PATIENT_POLLS_COUNT && isLying)
      if ('kind' in polled) return credited === null ? unknown(polled) : stacked(credited, 'unspecified')
      isLying = polled.events.some(isEscrow)
      for (const event of polled.events) {
        if (event.name === 'credit') credited = this.#typeOf(event.channel ?? 0) ?? note
        const outcome = await this.#outcomeOf(event, credited, note)
        if (outcome !== null) return outcome
      }
      if (polled.events.some(({name}) => name === 'slaveReset') && credited === null)
        return {kind: 'unknown', why: 'no-answer', detail: 'it restarted meanwhile'}
      if (!polled.isWhole && credited === null)
        return {kind: 'unknown', why: 'hardware', detail: CONDITIONS.unknownEvent.meaning}
      await this.#clock.sleep(POLL_MS)
    }
    return credited === null
      ? {kind: 'unknown', why: 'no-answer', detail: 'it does not tell what became of the note'}
      : stacked(credited, 'unspecified')
  }

  async #outcomeOf(
    {name, channel = 0}: SspEvent,
    credited: NoteType | null,
    note: NoteType,
  ): Promise<ItemOutcome | null> {
    switch (name) {
      case 'stacked':
        return stacked(credited ?? note, 'cashbox')
      case 'storedInPayout':
        return stacked(credited ?? note, 'recycler')
      case 'clearedToCashbox':
        return stacked(credited ?? this.#typeOf(channel) ?? note, 'cashbox')
      case 'rejected':
      case 'clearedFromFront':
        return credited === null
          ? {...(await this.#refused()), kind: 'returned'}
          : stacked(credited, 'unspecified')
      case 'unsafeJam':
      case 'fraudAttempt':
        return credited === null
          ? {kind: 'unknown', why: CONDITIONS[name].fault, detail: CONDITIONS[name].meaning}
          : stacked(credited, 'unspecified')
      default:
        return null
    }
  }

  async #recall({note, mark}: PastItem): Promise<ItemRecall | Failed<AcceptorFault>> {
    const polled = await this.#poll()
    if ('kind' in polled) return polled
    const names = polled.events.map(({name}) => name)
    if (names.includes('stacking') || names.includes('rejecting')) return {kind: 'busy'}
    // A note that is stuck may have been counted on its way.
    if (names.includes('unsafeJam')) return forgotten(CONDITIONS.unsafeJam.meaning)
    const counters = await this.#counters()
    if (counters !== null && 'kind' in counters) return counters
    const told = this.#memory.filter(isEnd)
    const into = told.filter(isStored)
    const other = into.find(({channel = 0}) => channel !== 0 && channel !== note.channel)
    if (other !== undefined) return forgotten('it tells of another note')
    const before = mark === null ? null : countsOf(mark)
    const claims = new Set<'stacked' | 'returned'>(
      told.map(event => (isStored(event) ? 'stacked' : 'returned')),
    )
    if (before !== null && counters !== null) {
      const stackedCount = counters.stacked + counters.stored - before.stacked
      const rejectedCount = counters.rejected - before.rejected
      if (stackedCount === 1 && rejectedCount === 0) claims.add('stacked')
      else if (stackedCount === 0 && rejectedCount >= 1) claims.add('returned')
      else return forgotten(`since the order ${stackedCount} stacked and ${rejectedCount} rejected`)
    }
    const [claim, contradiction] = claims
    if (claim === undefined) return forgotten('it tells of no note')
    if (contradiction !== undefined) return forgotten('its events and its counters contradict each other')
    return {
      kind: 'remembered',
      outcome:
        claim === 'stacked'
          ? stacked(note, 'cashbox')
          : {kind: 'returned', reason: 'unspecified', detail: 'it went back'},
    }
  }

  async #status(): Promise<AcceptorStatus | Failed<AcceptorFault>> {
    // In a cash-in a poll belongs to whoever waits for a note.
    const polled = this.#isStarted || this.#lying !== null ? null : await this.#poll()
    if (polled !== null && 'kind' in polled) return polled
    const counters = await this.#counters()
    if (counters !== null && 'kind' in counters) return counters
    const conditions = [...this.#present]
    const has = (name: ConditionName): boolean => this.#present.has(name)
    const stops = conditions.find(name => CONDITIONS[name].fault !== null)
    return {
      kind: 'status',
      accepting: this.#isStarted,
      path: has('unsafeJam') ? 'jammed' : this.#lying === null ? 'clear' : 'escrow',
      cashbox: has('cashboxRemoved') ? 'missing' : has('stackerFull') ? 'full' : 'ok',
      link: this.#line.isEncrypted ? 'encrypted' : 'clear',
      notes: (this.#setup?.channels ?? []).flatMap((_, at) => this.#typeOf(at + 1) ?? []),
      conditions,
      fault: stops === undefined ? null : CONDITIONS[stops].fault,
      counters: counters === null ? [] : keysOf({...counters}).map(name => `${name} ${counters[name]}`),
      detail: conditions.map(name => CONDITIONS[name].meaning).join('; '),
    }
  }

  /** Null where the unit knows no counters. */
  async #counters(): Promise<Counters | null | Failed<AcceptorFault>> {
    const heard = await this.#line.ask({kind: 'getCounters'})
    if (heard.kind === 'unheard') return failed(heard.why, heard.detail)
    return heard.answer.reply === 'ok' ? decodeCounters(heard.answer.data) : null
  }

  /** @param isPlain without acknowledgement, whether the unit knows the other kind or not */
  async #poll(isPlain = false): Promise<Polled | Failed<AcceptorFault>> {
    const kind: CommandName = this.#hasAckPolls && !isPlain ? 'pollWithAck' : 'poll'
    const heard = await this.#line.ask({kind})
    if (heard.kind === 'unheard') return failed(heard.why, heard.detail)
    const {reply, data} = heard.answer
    if (reply === 'unknownCommand' && kind === 'pollWithAck') {
      this.#hasAckPolls = false
      return this.#poll()
    }
    if (reply !== 'ok') return refusal(heard)
    const told = decodeEvents(data, this.#setup?.version ?? PROTOCOL_VERSION)
    this.#note(told)
    return told
  }

  #note({events, isWhole}: Polled): void {
    const lying = events.findLast(isEscrow)
    this.#lying = lying?.channel ?? null
    this.#owesAck ||= events.some(({name}) => ACKNOWLEDGED.has(name))
    this.#memory.push(...events.filter(isEnd))
    const present = keysOf(CONDITIONS).filter(
      name => events.some(event => event.name === name) || (name === 'unknownEvent' && !isWhole),
    )
    this.#present = new Set(present)
  }

  async #acknowledge(): Promise<Failed<AcceptorFault> | null> {
    if (!this.#owesAck || !this.#hasAckPolls) return null
    const heard = await this.#line.ask({kind: 'eventAck'})
    if (heard.kind === 'unheard') return failed(heard.why, heard.detail)
    this.#owesAck = false
    return null
  }

  /** Gives an order that is answered by OK alone; null when it was. */
  async #order(command: Command): Promise<Failed<AcceptorFault> | null> {
    const heard = await this.#line.ask(command)
    return heard.kind === 'heard' && heard.answer.reply === 'ok' ? null : refusal(heard)
  }

  #hold(): void {
    this.#holding = this.#clock.after(HOLD_EVERY_MS, () => {
      void this.#turns.take(async () => {
        if (this.#holding === null) return
        const heard = await this.#line.ask({kind: 'hold'})
        // It went by itself, or nobody answers: what became of it is told with the next order.
        if (heard.kind === 'heard' && heard.answer.reply === 'ok') this.#hold()
      })
    })
  }

  #letGo(): void {
    this.#holding?.cancel()
    this.#holding = null
  }

  #typeOf(channel: number): NoteType | null {
    const known = this.#setup?.channels[channel - 1]
    if (known === undefined || this.#setup === null) return null
    const {currency, value} = known
    return {channel, currency, valueMinor: minorUnits(value * this.#setup.multiplier)}
  }
}

/** Events that are held until they are acknowledged. */
const ACKNOWLEDGED: ReadonlySet<string> = new Set<SspEvent['name']>([
  'credit',
  'fraudAttempt',
  'clearedToCashbox',
])

function isStored({name}: SspEvent): boolean {
  return ['credit', 'stacked', 'storedInPayout', 'clearedToCashbox'].includes(name)
}

function isEscrow({name, channel = 0}: SspEvent): boolean {
  return name === 'read' && channel > 0
}

/** Whether it tells how a note's way ended. */
function isEnd(event: SspEvent): boolean {
  return isStored(event) || event.name === 'rejected' || event.name === 'clearedFromFront'
}

function markOf({stacked: toCashbox, stored, rejected}: Counters): string {
  return `stacked ${toCashbox + stored} rejected ${rejected}`
}

/** What a mark says, or null when it is none of ours. */
function countsOf(mark: string): {readonly stacked: number; readonly rejected: number} | null {
  const [, toCashbox, rejected] = /^stacked (\d{1,10}) rejected (\d{1,10})$/.exec(mark) ?? []
  return toCashbox === undefined ? null : {stacked: Number(toCashbox), rejected: Number(rejected)}
}

function stacked(
  note: NoteType,
  to: Extract<ItemOutcome, {kind: 'stacked'}>['to'],
): Extract<ItemOutcome, {kind: 'stacked'}> {
  return {kind: 'stacked', note, to, detail: `channel ${note.channel}`}
}

function forgotten(detail: string): ItemRecall {
  return {kind: 'notRemembered', detail}
}

function unknown({fault, detail}: Failed<AcceptorFault>): ItemOutcome {
  return {kind: 'unknown', why: fault, detail}
}

function refusal(heard: Heard): Failed<AcceptorFault> {
  if (heard.kind === 'unheard') return failed(heard.why, heard.detail)
  // No key means that it restarted: it is there, and must be opened again.
  const {reply} = heard.answer
  return failed(reply === 'keyNotSet' ? 'no-answer' : 'hardware', `it answers ${reply}`)
}

function failed(fault: Fault, detail: string): Failed<AcceptorFault> {
  return {kind: 'failed', fault, detail}
}
