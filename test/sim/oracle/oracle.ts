/**
 * The judge. It sees every row as it becomes durable, every note as it moves, every card, and the bank's own rows after
 * every request, and holds them against the promises of docs/reliability.md. It shares no code with what it judges.
 */
import {NoteBook} from './notes.ts'
import type {Movement, Note, Places} from './notes.ts'
import {fingerprint, listIn, numberIn, textIn} from './raw.ts'
import type {BankFile, JournalFile, JournalRow, OperationRow, Raw} from './raw.ts'

/** A promise that did not hold. */
export interface Violation {
  /** Name of the promise: the same mistake has the same name, whatever the run. */
  readonly promise: string
  readonly detail: string
}

/** What the judge must know of a run beforehand. */
export interface Terms {
  readonly noteMinors: ReadonlyMap<number, number>
  readonly feeMinor: number
  readonly amountMaxMinor: number
}

/** One operation by the journal, with the notes that left their cassettes for it. */
interface Operation {
  readonly key: string
  readonly amountMinor: number
  readonly feeMinor: number
  readonly mix: readonly Raw[]
  readonly notes: Note[]
  readonly bunches: Set<number>
  /** What all bunches ordered so far are worth. */
  orderedMinor: number
  approval: 'open' | 'approved' | 'declined' | 'other'
  /** The intent that told the bank what became of it. */
  advice: Raw | null
  isAcknowledged: boolean
}

interface Dispense {
  readonly key: string
  readonly mix: readonly Raw[]
  /** Notes in each of its cassettes when it was given. */
  readonly there: ReadonlyMap<number, number>
  /** What answered it; null while open. */
  answer: string | null
}

/** Which events may answer which orders. */
const ANSWERS: Readonly<Record<string, readonly string[]>> = {
  'reader.eject': ['card.taken', 'card.left', 'card.stuck', 'order.abandoned'],
  'reader.retain': ['card.retained', 'card.retainFailed', 'order.abandoned'],
  'pinPad.collect': ['pin.entered', 'pin.cancelled', 'pin.timedOut', 'pin.failed', 'order.abandoned'],
  'host.verify': ['card.verified', 'pin.wrong', 'card.refused', 'host.silent', 'order.abandoned'],
  'host.balance': ['balance.told', 'host.declined', 'host.silent', 'order.abandoned'],
  'pinPad.collectNew': ['pin.entered', 'pin.cancelled', 'pin.timedOut', 'pin.failed', 'order.abandoned'],
  'host.statement': ['statement.told', 'host.declined', 'host.silent', 'order.abandoned'],
  'host.changePin': ['pin.changed', 'host.declined', 'host.silent', 'order.abandoned'],
  'host.payee': ['payee.named', 'host.declined', 'host.silent', 'order.abandoned'],
  'host.transfer': ['host.approved', 'host.declined', 'host.silent', 'order.abandoned'],
  'host.completeTransfer': ['host.acknowledged'],
  'host.reverseTransfer': ['host.acknowledged'],
  'host.authorize': ['host.approved', 'host.declined', 'host.silent', 'order.abandoned'],
  'host.complete': ['host.acknowledged'],
  'host.reverse': ['host.acknowledged'],
  'host.suspect': ['host.acknowledged'],
  'host.cutOver': ['day.closed', 'day.refused', 'host.silent', 'order.abandoned'],
  'operator.reset': ['reset.done', 'reset.failed', 'order.abandoned'],
  'operator.test': ['test.done', 'test.failed', 'order.abandoned'],
  'printer.print': ['receipt.printed', 'receipt.failed', 'order.abandoned'],
  'dispenser.dispense': [
    'notes.dispensed',
    'notes.refused',
    'notes.partial',
    'notes.overpaid',
    'notes.unknown',
  ],
  'dispenser.present': ['notes.taken', 'notes.left', 'notes.notPresented', 'notes.presentUnknown'],
  'dispenser.retract': ['notes.retracted', 'notes.retractUnknown'],
  'dispenser.reject': ['notes.rejected', 'notes.rejectUnknown'],
}

const BANK_STATES: Readonly<Record<string, readonly string[]>> = {
  'host.complete': ['completed'],
  'host.reverse': ['reversed', 'tombstone', 'declined'],
  'host.suspect': ['suspect'],
}

/** Places where a note is out, or could be. */
const OUT: readonly string[] = ['outlet', 'customer']

export class Oracle {
  readonly notes: NoteBook
  readonly #terms: Terms
  readonly #fail: (violation: Violation) => void
  readonly #cardPlace: () => string
  readonly #operations = new Map<string, Operation>()
  readonly #open = new Map<number, Raw>()
  readonly #keys = new Set<string>()
  /** The rows that are known to be durable. */
  readonly #rows: JournalRow[] = []
  /** Contents that may have been written or not, from the last append that failed. */
  #attempted: readonly string[] = []
  #live: Operation | null = null
  #dispense: Dispense | null = null
  /** The last note that a person had sent to the reject bin, and what came of it. */
  #test: (Dispense & {readonly cassette: number}) | null = null
  #openRetains = 0
  #loadsCount = 0
  /** The order of which the machine was told nothing, until it is seen what it moved. */
  #unheard: Dispense | null = null
  /** Notes that left each cassette since the last load beyond what was asked for, in orders of which nothing was told. */
  readonly #untold = new Map<number, number>()
  #lookedAtCount = 0
  readonly #posted = new Map<string, Map<string, number>>()
  readonly #balances = new Map<string, number>()
  readonly #bank: BankFile

  constructor(
    terms: Terms,
    read: () => Places,
    cardPlace: () => string,
    bank: BankFile,
    fail: (violation: Violation) => void,
  ) {
    this.#terms = terms
    this.#fail = fail
    this.#cardPlace = cardPlace
    this.#bank = bank
    this.notes = new NoteBook(read, movement => {
      this.#moved(movement)
    })
    this.bankDone()
  }

  // The journal.

  /** These rows are durable, and the machine knows it. */
  durable(rows: readonly JournalRow[]): void {
    for (const row of rows) {
      this.#hold(
        row.seq === this.#rows.length + 1,
        'rows-in-order',
        `row ${row.seq} follows ${this.#rows.length}`,
      )
      this.#rows.push(row)
      this.#take(row)
    }
    this.#attempted = []
  }

  /** The machine wrote these and was not told that they are durable. */
  attempted(rows: readonly JournalRow[]): void {
    this.#attempted = rows.map(contentOf)
  }

  /** The file that a new life will find. @returns what became of an append that nobody knew of, null when there was none */
  found(file: JournalFile): 'whole' | 'gone' | null {
    const wasAttempted = this.#attempted.length > 0
    this.#hold(file.fault === null, 'chain-whole', file.fault ?? '')
    const known = this.#rows.length
    this.#hold(
      file.rows.length >= known,
      'no-durable-row-lost',
      `${known} rows were durable, the file has ${file.rows.length}`,
    )
    for (const [index, durable] of this.#rows.entries()) {
      const row = file.rows[index]
      if (row !== undefined && index >= this.#lookedAtCount)
        this.#hold(
          fingerprint(row) === fingerprint(durable),
          'no-durable-row-changed',
          `row ${index + 1} is another now`,
        )
    }
    // The chain ties what was looked at before to what comes after it.
    this.#lookedAtCount = known
    const more = file.rows.slice(known)
    if (more.length > 0)
      this.#hold(
        more.map(contentOf).join('\n') === this.#attempted.join('\n'),
        'an-append-is-whole-or-not-at-all',
        `the file has ${more.length} rows that nobody wrote as one append`,
      )
    this.durable(more)
    this.#attempted = []
    if (!wasAttempted) return null
    return more.length > 0 ? 'whole' : 'gone'
  }

  /** Whether the journal says that nothing of that operation left. */
  isReversed(key: string): boolean {
    return textIn(this.#operations.get(key.replaceAll('"', ''))?.advice ?? {}, 'kind') === 'host.reverse'
  }

  #take(row: JournalRow): void {
    if (row.kind === 'intent') this.#order(row.seq, row.body)
    if (row.kind === 'event') this.#event(row)
  }

  #order(seq: number, order: Raw): void {
    const kind = textIn(order, 'kind')
    const key = textIn(order, 'key')
    this.#open.set(seq, order)
    switch (kind) {
      case 'reader.retain':
        this.#openRetains += 1
        return
      case 'printer.print':
        this.#hold(
          textIn(order, 'slip') === 'balance' || this.#live === null,
          'paper-follows-money',
          `a slip while ${this.#live?.key ?? ''} is open`,
        )
        return
      case 'operator.test':
        this.#hold(
          this.#live === null,
          'no-test-in-an-operation',
          `a test while ${this.#live?.key ?? ''} is open`,
        )
        this.#test = this.#testOf(numberIn(order, 'cassette'))
        return
      case 'host.verify':
      case 'host.balance':
        this.#useKey(key)
        return
      case 'host.authorize':
        this.#useKey(key)
        this.#authorize(order, key)
        return
      case 'dispenser.dispense':
        this.#dispensing(order, key)
        return
      case 'dispenser.present':
      case 'dispenser.retract':
      case 'dispenser.reject':
        this.#hold(this.#live?.key === key, 'notes-move-for-one-operation', `${kind} for ${key}`)
        return
      case 'host.complete':
      case 'host.reverse':
      case 'host.suspect':
        this.#advise(kind, order, key)
    }
  }

  #useKey(key: string): void {
    this.#hold(!this.#keys.has(key), 'a-key-is-used-once', key)
    this.#keys.add(key)
  }

  #authorize(order: Raw, key: string): void {
    const amountMinor = numberIn(order, 'amountMinor')
    const feeMinor = numberIn(order, 'feeMinor')
    const mix = listIn(order, 'mix')
    this.#hold(
      this.#live === null,
      'one-operation-at-a-time',
      `${key} while ${this.#live?.key ?? ''} is open`,
    )
    this.#hold(
      this.#worth(mix) === amountMinor,
      'the-mix-is-the-amount',
      `${this.#worth(mix)} for ${amountMinor}`,
    )
    this.#hold(
      amountMinor > 0 && amountMinor <= this.#terms.amountMaxMinor,
      'limits-are-kept',
      `${amountMinor} asked for`,
    )
    this.#hold(feeMinor === this.#terms.feeMinor, 'the-fee-is-the-fee', `${feeMinor}`)
    this.#live = {
      key,
      amountMinor,
      feeMinor,
      mix,
      notes: [],
      bunches: new Set(),
      orderedMinor: 0,
      approval: 'open',
      advice: null,
      isAcknowledged: false,
    }
    this.#operations.set(key, this.#live)
  }

  #dispensing(order: Raw, key: string): void {
    const live = this.#live
    const bunch = numberIn(order, 'bunch')
    this.#hold(
      live?.key === key && live.approval === 'approved',
      'no-note-without-approval',
      `dispense for ${key}, ${live?.approval ?? 'nothing under way'}`,
    )
    this.#hold(live?.bunches.has(bunch) === false, 'each-bunch-once', `bunch ${bunch} of ${key} again`)
    this.#hold(
      !['inside', 'insideContact', 'rearHeld', 'frontHeld', 'frontFree'].includes(this.#cardPlace()),
      'card-before-cash',
      `the card is ${this.#cardPlace()}`,
    )
    this.#hold(
      this.notes.countAt('path', 'stacker') === 0,
      'a-clear-path-first',
      `${this.notes.countAt('path', 'stacker')} notes lie inside`,
    )
    if (live !== null) {
      live.bunches.add(bunch)
      live.orderedMinor += this.#worth(listIn(order, 'mix'))
    }
    this.#test = null
    this.#seeUnheard()
    const mix = listIn(order, 'mix')
    const there = new Map(
      mix.map(part => [numberIn(part, 'cassette'), this.#inCassette(numberIn(part, 'cassette'))]),
    )
    this.#dispense = {key, mix, there, answer: null}
  }

  #advise(kind: string, advice: Raw, key: string): void {
    const operation = this.#operations.get(key)
    if (operation === undefined) {
      this.#hold(false, 'advice-of-an-operation', `${kind} for ${key}, which nobody authorized`)
      return
    }
    this.#hold(operation.advice === null, 'settled-once', `${kind} after another advice for ${key}`)
    this.#hold(operation.approval !== 'declined', 'settled-once', `${kind} for ${key}, which was declined`)
    operation.advice = advice
    if (this.#live === operation) this.#live = null
    this.#judge(operation)
  }

  #event({answers, body}: JournalRow): void {
    const type = textIn(body, 'type')
    if (type === 'notes.unknown') this.#unheard = this.#dispense
    if (type === 'cassettes.loaded') {
      this.#loadsCount += 1
      this.#unheard = null
      this.#untold.clear()
    }
    if (type === 'day.closed')
      this.#hold(
        textIn(body, 'settlement') === 'in-balance',
        'both-sides-add-up-the-same',
        `the bank has other sums of ${textIn(body, 'businessDate')}`,
      )
    if (answers === null) return
    const order = this.#open.get(answers)
    this.#hold(order !== undefined, 'answers-an-open-order', `${type} answers row ${answers}`)
    if (order === undefined) return
    this.#open.delete(answers)
    const kind = textIn(order, 'kind')
    this.#hold(ANSWERS[kind]?.includes(type) === true, 'an-answer-fits-its-order', `${type} answers ${kind}`)
    if (kind === 'reader.retain') this.#openRetains -= 1
    if (kind === 'operator.test' && this.#test !== null) {
      this.#test.answer = type
      if (type !== 'test.done') this.#unheard = this.#test
    }
    if (kind === 'dispenser.dispense' && this.#dispense !== null) this.#dispense.answer = type
    const operation = this.#operations.get(textIn(order, 'key'))
    if (kind === 'host.authorize' && operation !== undefined) this.#answered(operation, type, body)
    if (type === 'host.acknowledged' && operation !== undefined) this.#acknowledged(operation, kind)
  }

  #answered(operation: Operation, type: string, body: Raw): void {
    switch (type) {
      case 'host.approved':
        operation.approval = numberIn(body, 'amountMinor') === operation.amountMinor ? 'approved' : 'other'
        return
      case 'host.declined':
        operation.approval = 'declined'
        if (this.#live === operation) this.#live = null
        return
      default:
        operation.approval = 'other'
    }
  }

  #acknowledged(operation: Operation, kind: string): void {
    operation.isAcknowledged = true
    const row = this.#bank.operation(operation.key)
    this.#hold(
      row !== null && BANK_STATES[kind]?.includes(row.state) === true,
      'acknowledged-is-booked',
      `${kind} of ${operation.key} counts as heard, the bank has it ${row?.state ?? 'not at all'}`,
    )
  }

  // The notes.

  #moved({note, from, to}: Movement): void {
    this.#hold(to !== 'nowhere', 'notes-are-conserved', `note ${note.id} is gone from ${from}`)
    this.#hold(from !== 'new' || to === 'cassette', 'notes-are-conserved', `a note appeared at ${to}`)
    if (from === 'cassette' && to === 'path') this.#picked(note)
    if (OUT.includes(to) && from !== 'outlet') this.#out(note)
  }

  /** A note leaves its cassette: only under a durable order, or one whose answer nobody knows. */
  #picked(note: Note): void {
    if (this.#isTested(note)) return
    const dispense = this.#dispense
    const isOrdered = dispense !== null && (dispense.answer === null || dispense.answer === 'notes.unknown')
    this.#hold(isOrdered, 'ink-before-hands', `note ${note.id} leaves its cassette and no order is open`)
    if (dispense === null) return
    this.#hold(
      dispense.mix.some(part => numberIn(part, 'cassette') === note.cassette),
      'only-what-was-ordered',
      `note ${note.id} is of a cassette that ${dispense.key} did not ask`,
    )
    note.key = dispense.key
    this.#operations.get(dispense.key)?.notes.push(note)
  }

  /** A test that is open, or of whose end nobody knows, may move notes of its cassette; they belong to nobody. */
  #isTested({cassette}: Note): boolean {
    const test = this.#test
    return test?.cassette === cassette && test.answer !== 'test.done'
  }

  #out(note: Note): void {
    const operation = note.key === null ? undefined : this.#operations.get(note.key)
    if (operation === undefined) return
    this.#hold(
      textIn(operation.advice ?? {}, 'kind') !== 'host.reverse',
      'reversed-means-nothing-out',
      `note ${note.id} gets out for ${operation.key}, which was reversed`,
    )
    const out = this.#outOf(operation)
    const mostMinor = operation.amountMinor + this.#surplusNotesMax(operation) * this.#largestMinor()
    this.#hold(
      out.certainMinor <= mostMinor,
      'an-approval-moves-notes-once',
      `${out.certainMinor} are out for ${operation.key}, approved were ${operation.amountMinor}`,
    )
  }

  /** One note too many may slip out of a dispenser by itself in each bunch; it must then be told. */
  #surplusNotesMax(operation: Operation): number {
    return Math.max(1, operation.bunches.size)
  }

  #largestMinor(): number {
    return Math.max(...this.#terms.noteMinors.values())
  }

  #worth(mix: readonly Raw[]): number {
    return mix.reduce(
      (sum, part) =>
        sum +
        numberIn(part, 'count') * (this.#terms.noteMinors.get(numberIn(part, 'cassette')) ?? Number.NaN),
      0,
    )
  }

  /** What is out of the machine for that operation: for certain, and at most. */
  #outOf({notes}: Operation): {readonly certainMinor: number; readonly mostMinor: number} {
    let certainMinor = 0
    let mostMinor = 0
    for (const {place, takenFrom, cassette} of notes) {
      const worth = this.#terms.noteMinors.get(cassette) ?? Number.NaN
      const isOut = OUT.includes(place) || (place === 'removed' && takenFrom === 'outlet')
      const isAtMouth = place === 'mouth' || (place === 'removed' && takenFrom === 'mouth')
      if (isOut) certainMinor += worth
      if (isOut || isAtMouth) mostMinor += worth
    }
    return {certainMinor, mostMinor}
  }

  /** What the bank was told of an operation, against where its notes are. */
  #judge(operation: Operation): void {
    const {advice, key} = operation
    if (advice === null) return
    const {certainMinor, mostMinor} = this.#outOf(operation)
    const are = `${certainMinor} to ${mostMinor} are out for ${key}`
    switch (textIn(advice, 'kind')) {
      case 'host.reverse':
        this.#hold(mostMinor === 0, 'reversed-means-nothing-out', `${are}, and it is reversed`)
        return
      case 'host.complete': {
        const paidMinor = numberIn(advice, 'paidMinor')
        const feeMinor = numberIn(advice, 'feeMinor')
        const isOver = textIn(advice, 'row') === 'overpaid'
        this.#hold(
          isOver ? certainMinor > paidMinor : certainMinor === paidMinor,
          'completed-means-paid',
          `${are}, and ${paidMinor} is told as paid`,
        )
        this.#hold(
          feeMinor === operation.feeMinor && paidMinor > 0 && paidMinor <= operation.amountMinor,
          'completed-within-the-approval',
          `${paidMinor} and ${feeMinor} of ${operation.amountMinor} for ${key}`,
        )
        return
      }
      case 'host.suspect': {
        const least = numberIn(advice, 'atLeastMinor')
        const most = numberIn(advice, 'atMostMinor')
        // A note too many that nobody heard of is the machine's own difference, and the count will show it.
        const surplusMinor = this.#surplusNotesMax(operation) * this.#largestMinor()
        this.#hold(
          least <= mostMinor && certainMinor <= most + (most === operation.orderedMinor ? surplusMinor : 0),
          'suspect-bounds-hold',
          `${are}, told as ${least} to ${most}`,
        )
      }
    }
  }

  /** How often a person told the machine what is in its cassettes. */
  get loadsCount(): number {
    return this.#loadsCount
  }

  // The card.

  /** A card fell into the bin. */
  captured(): void {
    this.#hold(this.#openRetains > 0, 'a-card-is-kept-by-order', 'a card was kept and no order is open')
  }

  // The bank.

  /** A request was done: what it left in the book. */
  bankDone(): void {
    const touched = new Map<string, number>()
    for (const {key, kind, account, amountMinor} of this.#bank.newPostings()) {
      const entry = `${kind} of ${key}`
      touched.set(entry, (touched.get(entry) ?? 0) + amountMinor)
      const legs = this.#posted.get(entry) ?? new Map<string, number>()
      legs.set(account, amountMinor)
      this.#posted.set(entry, legs)
      const balance = (this.#balances.get(account) ?? 0) + amountMinor
      this.#balances.set(account, balance)
      this.#hold(
        !account.startsWith('customer:') || balance >= 0,
        'no-customer-below-zero',
        `${account}: ${balance}`,
      )
    }
    for (const [entry, sum] of touched) {
      this.#hold(sum === 0, 'an-entry-sums-to-zero', `${entry}: ${sum}`)
      this.#booked(entry)
    }
  }

  /** The bank books what the machine has in ink, and nothing else. */
  #booked(entry: string): void {
    const [kind = '', key = ''] = entry.split(' of ')
    if (kind === 'opening') return
    const operation = this.#operations.get(key)
    if (operation === undefined) {
      this.#hold(false, 'booked-is-in-ink', `${entry}, and the journal knows no such operation`)
      return
    }
    const legs = this.#posted.get(entry) ?? new Map<string, number>()
    const advice = textIn(operation.advice ?? {}, 'kind')
    switch (kind) {
      case 'hold':
        this.#hold(
          [...legs.values()].includes(operation.amountMinor + operation.feeMinor),
          'booked-is-in-ink',
          `${entry} is not of ${operation.amountMinor} and ${operation.feeMinor}`,
        )
        return
      case 'completion':
        this.#hold(
          advice === 'host.complete' &&
            legs.get(`atm-cash:${key.split(':')[0] ?? ''}`) === numberIn(operation.advice ?? {}, 'paidMinor'),
          'booked-is-in-ink',
          `${entry}, and the journal has ${advice}`,
        )
        return
      case 'reversal':
        this.#hold(advice === 'host.reverse', 'booked-is-in-ink', `${entry}, and the journal has ${advice}`)
        return
      default:
        this.#hold(false, 'booked-is-in-ink', `${entry} should never be`)
    }
  }

  // The end.

  /** Everything works again and has come to rest: now all three ledgers must say the same. */
  atRest(): void {
    for (const order of this.#open.values())
      this.#hold(false, 'nothing-stays-open', `${textIn(order, 'kind')} ${textIn(order, 'key')}`)
    const rows = new Map(this.#bank.operations().map(row => [row.key, row]))
    for (const operation of this.#operations.values()) {
      this.#judge(operation)
      this.#settled(operation, rows.get(operation.key) ?? null)
    }
    for (const {key, state} of rows.values())
      this.#hold(
        this.#operations.has(key),
        'booked-is-in-ink',
        `the bank has ${key} ${state}, the journal has not`,
      )
    this.#cashAgrees()
    this.#heldAgrees(rows.values())
  }

  /** What the bank's book holds for the machine is what its operations hold. */
  #heldAgrees(rows: Iterable<OperationRow>): void {
    const held = new Map<string, number>()
    for (const {key, state, amountMinor, feeMinor} of rows) {
      const account = `held:${key.split(':')[0] ?? ''}`
      const isOpen = state === 'held' || state === 'suspect'
      held.set(account, (held.get(account) ?? 0) + (isOpen ? amountMinor + feeMinor : 0))
    }
    for (const [account, openMinor] of held)
      this.#hold(
        (this.#balances.get(account) ?? 0) === openMinor,
        'holds-are-operations',
        `${account}: ${this.#balances.get(account) ?? 0} by the book, ${openMinor} by operations`,
      )
  }

  #settled(operation: Operation, row: OperationRow | null): void {
    const {key, advice, approval} = operation
    if (approval === 'declined') {
      this.#hold(
        row === null || row.state === 'declined',
        'one-end-for-each-operation',
        `${key} was declined, the bank has it ${row?.state ?? ''}`,
      )
      return
    }
    const kind = textIn(advice ?? {}, 'kind')
    this.#hold(advice !== null, 'one-end-for-each-operation', `nothing was told of ${key}`)
    this.#hold(operation.isAcknowledged, 'the-bank-has-heard', `${kind} of ${key} is not acknowledged`)
    this.#hold(
      row !== null && BANK_STATES[kind]?.includes(row.state) === true,
      'one-end-for-each-operation',
      `${key}: ${kind} in the journal, ${row?.state ?? 'unknown'} at the bank`,
    )
    if (row === null || advice === null) return
    const paid = {
      'host.complete': [numberIn(advice, 'paidMinor'), numberIn(advice, 'paidMinor')],
      'host.suspect': [numberIn(advice, 'atLeastMinor'), numberIn(advice, 'atMostMinor')],
    }[kind] ?? [row.paidMinor, row.atMostMinor]
    this.#hold(
      row.paidMinor === paid[0] && row.atMostMinor === paid[1],
      'the-amounts-agree',
      `${key}: told ${paid.join(' to ')}, booked ${row.paidMinor} to ${row.atMostMinor}`,
    )
  }

  /** Cash that the bank booked out of the machine, against the notes that are out of it. */
  #cashAgrees(): void {
    let leastMinor = 0
    let mostMinor = 0
    let certainMinor = 0
    for (const operation of this.#operations.values()) {
      const out = this.#outOf(operation)
      const {advice} = operation
      const isOver = textIn(advice ?? {}, 'row') === 'overpaid'
      certainMinor += out.certainMinor
      switch (textIn(advice ?? {}, 'kind')) {
        case 'host.complete':
          leastMinor += numberIn(advice ?? {}, 'paidMinor')
          mostMinor += isOver ? out.certainMinor : numberIn(advice ?? {}, 'paidMinor')
          break
        case 'host.suspect':
          leastMinor += Math.min(out.certainMinor, numberIn(advice ?? {}, 'atLeastMinor'))
          mostMinor += Math.max(out.certainMinor, numberIn(advice ?? {}, 'atMostMinor'))
      }
    }
    this.#hold(
      leastMinor <= certainMinor && certainMinor <= mostMinor,
      'cash-and-book-agree',
      `${certainMinor} are out, the book says ${leastMinor} to ${mostMinor}`,
    )
  }

  /**
   * Levels as the machine believes them, against the cassettes. It may be too careful, never too bold; but of an order
   * whose answer was lost nobody can tell it how many notes more than asked for left their cassettes.
   */
  levels(levels: readonly {readonly cassette: number; readonly count: number}[]): void {
    this.#seeUnheard()
    for (const {cassette, count} of levels) {
      const there = this.#inCassette(cassette)
      this.#hold(
        count <= there + (this.#untold.get(cassette) ?? 0),
        'never-too-bold',
        `cassette ${cassette} holds ${there}, the machine believes ${count}`,
      )
    }
  }

  #testOf(cassette: number): Dispense & {readonly cassette: number} {
    this.#seeUnheard()
    const there = new Map([[cassette, this.#inCassette(cassette)]])
    return {key: '', cassette, mix: [{cassette, count: 1}], there, answer: null}
  }

  /** What an order moved of which nothing was told, beyond what it asked for. */
  #seeUnheard(): void {
    for (const part of this.#unheard?.mix ?? []) {
      const cassette = numberIn(part, 'cassette')
      const moved = (this.#unheard?.there.get(cassette) ?? 0) - this.#inCassette(cassette)
      const more = Math.max(0, moved - numberIn(part, 'count'))
      this.#untold.set(cassette, (this.#untold.get(cassette) ?? 0) + more)
    }
    this.#unheard = null
  }

  #inCassette(cassette: number): number {
    return this.notes.all.filter(note => note.cassette === cassette && note.place === 'cassette').length
  }

  /** Operations by how they ended, for the statistics of a run. */
  get ends(): ReadonlyMap<string, number> {
    const ends = new Map<string, number>()
    for (const {advice, approval} of this.#operations.values()) {
      const end = advice === null ? approval : textIn(advice, 'kind')
      ends.set(end, (ends.get(end) ?? 0) + 1)
    }
    return ends
  }

  #hold(condition: boolean, promise: string, detail: string): void {
    if (!condition) this.#fail({promise, detail})
  }
}

/** A row without its number and time, which only its writing gives it. */
function contentOf({session, kind, answers, body}: JournalRow): string {
  return fingerprint({seq: 0, session, atMs: 0, kind, answers, body})
}
