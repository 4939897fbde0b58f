/**
 * The loop that joins the machine to the world, one event at a time: decide (pure), journal the event and
 * the new intents in one append, adopt the state, perform. If the append fails, nothing was done and
 * nothing will be: the machine suspends.
 */
import {begin, step} from '../../fsm/session.ts'
import type {Standing, Step} from '../../fsm/session.ts'
import {isAdvice} from '../../fsm/context.ts'
import type {MachineSetup} from '../../fsm/context.ts'
import type {Chore, Event, Order} from '../../fsm/vocabulary.ts'
import type {Entry, Seq, SessionId, Stored} from '../../journal/entry.ts'
import {sessionIdOf} from '../../journal/entry.ts'
import {assert} from '../../kit/assert.ts'
import {BoundedQueue} from '../../kit/bounded-queue.ts'
import {reasonOf} from '../../kit/errors.ts'
import type {Log} from '../../kit/log.ts'

/** The part of the journal that the loop needs. */
export interface Ink {
  readonly head: {readonly seq: number}
  append(session: SessionId | null, entries: readonly [Entry, ...Entry[]]): readonly Stored[]
}

/** Never rejects: every way an order can end is an event, "nobody knows" included. */
export type Perform = (order: Order, intent: Seq) => Promise<Event>

/** Does a chore at once, or sets it going; its news come back as events through `offer`. */
export type DoChore = (chore: Chore) => void

/** More events than this cannot wait while one is handled; more would mean a storm, which is a fault. */
const QUEUE_MAX = 256

interface Offered {
  readonly event: Event
  readonly answers: Seq | null
}

export class SessionRunner {
  readonly #ink: Ink
  readonly #perform: Perform
  readonly #chore: DoChore
  readonly #log: Log
  readonly #crash: (thrown: unknown) => void
  readonly #queue = new BoundedQueue<Offered>(QUEUE_MAX)
  readonly #listeners = new Set<(standing: Standing) => void>()
  readonly #first: Step
  #standing: Standing
  #visit: SessionId | null = null
  #phase: 'new' | 'running' | 'dead' = 'new'
  #turning = false

  constructor(
    setup: MachineSetup,
    ink: Ink,
    perform: Perform,
    chore: DoChore,
    log: Log,
    crash: (thrown: unknown) => void,
  ) {
    this.#ink = ink
    this.#perform = perform
    this.#chore = chore
    this.#log = log
    this.#crash = crash
    this.#first = begin(setup)
    this.#standing = this.#first.standing
  }

  get standing(): Standing {
    return this.#standing
  }

  /** The visit under way, as the journal names it. */
  get visit(): SessionId | null {
    return this.#visit
  }

  /** Calls the listener after each adopted step. @returns stops the calling */
  onStep(listener: (standing: Standing) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  start(): void {
    assert(this.#phase === 'new', 'a runner starts once')
    assert(this.#first.orders.length === 0, 'nothing is ordered before anything happened')
    this.#phase = 'running'
    for (const chore of this.#first.chores) this.#chore(chore)
  }

  /** Takes an event. @param answers the intent that it answers, or null. After `stop` or a failed journal it is dropped, and the log says so. */
  offer(event: Event, answers: Seq | null = null): void {
    if (this.#phase !== 'running') {
      this.#log.warn('an event came too late', {event: event.type, phase: this.#phase})
      return
    }
    const taken = this.#queue.push({event, answers})
    assert(taken === 'taken', `more than ${QUEUE_MAX} events wait`)
    if (!this.#turning) this.#drain()
  }

  /** Takes no further event. What is under way in a device goes on there; its intent stays open for recovery. */
  stop(): void {
    this.#phase = 'dead'
    this.#queue.clear()
    this.#listeners.clear()
  }

  #drain(): void {
    this.#turning = true
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#turn(next)
    } finally {
      this.#turning = false
    }
  }

  #turn({event, answers}: Offered): void {
    const next = step(this.#standing, event)
    const visit = this.#visitAfter(next)
    const entries: [Entry, ...Entry[]] = [
      {kind: 'event', event, answers},
      ...next.orders.map((order): Entry => ({kind: 'intent', order})),
    ]
    let stored: readonly Stored[]
    try {
      stored = this.#ink.append(visit ?? this.#visit, entries)
    } catch (thrown) {
      this.#suspend(reasonOf(thrown))
      return
    }
    this.#adopt(next, visit)
    next.orders.forEach((order, index) => {
      const row = stored[index + 1]
      assert(row !== undefined, 'an intent was stored for each order')
      this.#give(order, row.seq)
    })
  }

  #adopt(next: Step, visit: SessionId | null): void {
    this.#standing = next.standing
    this.#visit = visit
    for (const chore of next.chores) this.#chore(chore)
    for (const listener of this.#listeners) listener(next.standing)
  }

  /** Advices are the outbox's: it finds them in the journal and sends them until acknowledged. */
  #give(order: Order, intent: Seq): void {
    if (isAdvice(order)) return
    this.#perform(order, intent)
      .then(event => {
        this.offer(event, intent)
      })
      .catch(this.#crash)
  }

  #visitAfter(next: Step): SessionId | null {
    if (next.standing.context.visit === null) return null
    // Named after its first row, so no name comes twice, not even over restarts.
    return this.#visit ?? sessionIdOf(`visit-${this.#ink.head.seq + 1}`)
  }

  /** The journal does not take ink any more: one last pure step, whose orders would be a mistake of ours. */
  #suspend(why: string): void {
    this.#log.error('the journal failed; nothing moves any more', {why})
    const last = step(this.#standing, {type: 'journal.failed', why})
    assert(last.orders.length === 0 && last.standing.state === 'suspended', 'a failed journal orders nothing')
    this.#phase = 'dead'
    this.#queue.clear()
    this.#adopt(last, this.#visit)
  }
}
