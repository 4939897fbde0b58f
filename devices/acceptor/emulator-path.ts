/**
 * The paper side of an emulated note acceptor: notes with names, one way in, an escrow, and a cashbox. Physics only; each
 * emulator says in its own bytes what came of it. A note is always in exactly one place, so none is made or lost.
 */
import {assert} from '../../kit/assert.ts'
import {BadInput} from '../../kit/errors.ts'
import type {Clock} from '../../kit/clock.ts'

/**
 * `customer`: in a hand. `bezel`: held out, not taken yet. `path`: between mouth and escrow. `escrow`. `stacking`: past the
 * escrow, not in the cashbox yet. `cashbox`. `removed`: taken out by the operator.
 */
export const PLACES = ['customer', 'bezel', 'path', 'escrow', 'stacking', 'cashbox', 'removed'] as const
export type Place = (typeof PLACES)[number]

/** One piece of paper. */
export interface PaperNote {
  /** Its own, for life: `n1`. */
  readonly name: string
  /** What the device takes it for; 0 for nothing that it knows. */
  readonly channel: number
  readonly at: Place
}

/** How the customer feeds it. */
export type Manner = 'well' | 'two' | 'string'

/** What is going on in the path. */
export type Phase = 'idle' | 'reading' | 'escrow' | 'stacking' | 'rejecting' | 'held' | 'jammed'

/** Why a note goes back. */
export type PathReason = 'unknown' | 'inhibited' | 'two' | 'string' | 'host' | 'timeout' | 'stacker'

/** Goes wrong with the paper, once, when that part of the way begins. */
export type PathMischief =
  | {readonly kind: 'jam'; readonly at: 'reading' | 'stacking' | 'rejecting'}
  /** Pulled back on its way to the cashbox, before it was credited. */
  | {readonly kind: 'string'}
  /** The stacker does not take it; it goes back. */
  | {readonly kind: 'cannotStack'}
  /** The customer leaves a note that comes back. */
  | {readonly kind: 'left'}
  | {readonly kind: 'powerCut'; readonly at: 'reading' | 'escrow' | 'stacking' | 'credited' | 'rejecting'}

/** What the device notices. */
export interface PathListener {
  changed(): void
  escrowed(channel: number): void
  /** It begins to go back. */
  rejecting(reason: PathReason): void
  rejected(): void
  /** Out of the customer's reach. */
  credited(channel: number): void
  stacked(): void
  jammed(): void
  fraud(channel: number): void
  powerFails(): void
}

export interface PathRemains {
  readonly notes: readonly PaperNote[]
  readonly isCashboxIn: boolean
  readonly isJammed: boolean
}

export const NEW_PATH: PathRemains = {notes: [], isCashboxIn: true, isJammed: false}

const NOTES_MAX = 10_000
const PLANS_MAX = 256

export class NotePath {
  readonly #clock: Clock
  readonly #moveMs: number
  readonly #cashboxNotesMax: number
  readonly #listener: PathListener
  readonly #notes = new Map<string, PaperNote>()
  #plans: PathMischief[] = []
  #phase: Phase = 'idle'
  #isCashboxIn: boolean
  #life = 0

  /** @param moveMs half of a note's way in or out; 0 is allowed */
  constructor(
    clock: Clock,
    moveMs: number,
    cashboxNotesMax: number,
    remains: PathRemains,
    listener: PathListener,
  ) {
    this.#clock = clock
    this.#moveMs = moveMs
    this.#cashboxNotesMax = cashboxNotesMax
    this.#listener = listener
    for (const note of remains.notes) this.#notes.set(note.name, note)
    this.#isCashboxIn = remains.isCashboxIn
    if (remains.isJammed) this.#phase = 'jammed'
  }

  get phase(): Phase {
    return this.#phase
  }

  get remains(): PathRemains {
    return {
      notes: [...this.#notes.values()],
      isCashboxIn: this.#isCashboxIn,
      isJammed: this.#phase === 'jammed',
    }
  }

  get isFull(): boolean {
    return this.#at('cashbox').length >= this.#cashboxNotesMax
  }

  /** @throws BadInput when 256 plans wait already */
  plan(mischief: PathMischief): void {
    if (this.#plans.length >= PLANS_MAX) throw new BadInput(`plan: ${PLANS_MAX} faults wait already`)
    this.#plans.push(mischief)
  }

  /** A new note in the customer's hand. @throws BadInput when there are 10,000 already */
  introduce(channel: number): string {
    if (this.#notes.size >= NOTES_MAX) throw new BadInput(`insert: ${NOTES_MAX} notes are there already`)
    const name = `n${this.#notes.size + 1}`
    this.#notes.set(name, {name, channel, at: 'customer'})
    this.#listener.changed()
    return name
  }

  /**
   * The customer pushes a note in.
   * @param takesChannel whether the device takes it now; null when it takes nothing at all, and does not even pull
   */
  insert(
    name: string,
    manner: Manner,
    takesChannel: ((channel: number) => boolean) | null,
  ): 'pulled' | 'not-taken' {
    const note = this.#notes.get(name)
    assert(note !== undefined, `there is no note ${name}`)
    const isReady = takesChannel !== null && this.#phase === 'idle' && this.#isCashboxIn && !this.isFull
    if (!isReady || note.at !== 'customer') return 'not-taken'
    this.#move(name, 'path')
    this.#enter('reading')
    void this.#read(note, manner, takesChannel)
    return 'pulled'
  }

  /** The escrowed note to the cashbox. */
  stack(): void {
    const [note] = this.#at('escrow')
    if (this.#phase === 'escrow' && note !== undefined) void this.#stack(note)
  }

  /** The escrowed note back to the customer. */
  giveBack(reason: 'host' | 'timeout'): void {
    const [note] = this.#at('escrow')
    if (this.#phase === 'escrow' && note !== undefined) void this.#reject(note, reason)
  }

  /** The customer takes what is held out. */
  takeBack(): readonly string[] {
    const held = this.#at('bezel').map(({name}) => name)
    for (const name of held) this.#move(name, 'customer')
    if (this.#phase === 'held') {
      this.#enter('idle')
      this.#listener.rejected()
    }
    return held
  }

  /** The operator takes out what stands between mouth and cashbox. */
  clearPath(): readonly string[] {
    const stuck = (['path', 'escrow', 'stacking'] as const)
      .flatMap(place => this.#at(place))
      .map(({name}) => name)
    for (const name of stuck) this.#move(name, 'removed')
    this.#life += 1
    this.#enter('idle')
    return stuck
  }

  /** The operator takes the cashbox's notes. */
  emptyCashbox(): readonly string[] {
    const stored = this.#at('cashbox').map(({name}) => name)
    for (const name of stored) this.#move(name, 'removed')
    return stored
  }

  setCashbox(is: 'in' | 'out'): void {
    this.#isCashboxIn = is === 'in'
    this.#listener.changed()
  }

  powerCut(): void {
    this.#life += 1
  }

  /**
   * The way is cleared as power comes back: what had not left the customer's reach goes out at the front, the rest into the
   * cashbox. Nothing that is stuck moves.
   */
  powerOn(): readonly {readonly to: 'front' | 'cashbox'; readonly channel: number}[] {
    if (this.#phase === 'jammed') return []
    const out = [...this.#at('path'), ...this.#at('escrow')]
    const into = this.#at('stacking')
    for (const {name} of out) this.#move(name, 'customer')
    for (const {name} of into) this.#move(name, 'cashbox')
    this.#enter(this.#at('bezel').length > 0 ? 'held' : 'idle')
    return [
      ...out.map(({channel}) => ({to: 'front' as const, channel})),
      ...into.map(({channel}) => ({to: 'cashbox' as const, channel})),
    ]
  }

  async #read(note: PaperNote, manner: Manner, takes: (channel: number) => boolean): Promise<void> {
    if (!(await this.#goes('reading'))) return
    const reason = refusal(note, manner, takes)
    if (reason !== null) {
      await this.#reject(note, reason)
      return
    }
    this.#move(note.name, 'escrow')
    this.#enter('escrow')
    this.#listener.escrowed(note.channel)
    if (
      this.#struck(({kind, ...more}) => kind === 'powerCut' && 'at' in more && more.at === 'escrow') !== null
    )
      this.#listener.powerFails()
  }

  async #stack(note: PaperNote): Promise<void> {
    this.#move(note.name, 'stacking')
    this.#enter('stacking')
    if (!(await this.#goes('stacking'))) return
    if (this.#struck(({kind}) => kind === 'string') !== null) {
      this.#move(note.name, 'customer')
      this.#enter('idle')
      this.#listener.fraud(note.channel)
      return
    }
    if (this.#struck(({kind}) => kind === 'cannotStack') !== null) {
      await this.#reject(note, 'stacker')
      return
    }
    this.#listener.credited(note.channel)
    if (!(await this.#goes('credited'))) return
    this.#move(note.name, 'cashbox')
    this.#enter('idle')
    this.#listener.stacked()
  }

  async #reject(note: PaperNote, reason: PathReason): Promise<void> {
    this.#move(note.name, 'path')
    this.#enter('rejecting')
    this.#listener.rejecting(reason)
    if (!(await this.#goes('rejecting'))) return
    if (this.#struck(({kind}) => kind === 'left') !== null) {
      this.#move(note.name, 'bezel')
      this.#enter('held')
      return
    }
    this.#move(note.name, 'customer')
    this.#enter('idle')
    this.#listener.rejected()
  }

  /** One part of the way; false when it ended there. */
  async #goes(part: 'reading' | 'stacking' | 'credited' | 'rejecting'): Promise<boolean> {
    const life = this.#life
    await this.#clock.sleep(this.#moveMs)
    if (life !== this.#life) return false
    const struck = this.#struck(
      mischief => (mischief.kind === 'jam' || mischief.kind === 'powerCut') && mischief.at === part,
    )
    if (struck === null) return true
    if (struck.kind === 'powerCut') this.#listener.powerFails()
    else {
      this.#enter('jammed')
      this.#listener.jammed()
    }
    return false
  }

  #struck(fits: (mischief: PathMischief) => boolean): PathMischief | null {
    const struck = this.#plans.find(fits) ?? null
    this.#plans = this.#plans.filter(mischief => mischief !== struck)
    return struck
  }

  #at(place: Place): readonly PaperNote[] {
    return [...this.#notes.values()].filter(({at}) => at === place)
  }

  #move(name: string, at: Place): void {
    const note = this.#notes.get(name)
    assert(note !== undefined, `there is no note ${name}`)
    this.#notes.set(name, {...note, at})
    this.#listener.changed()
  }

  #enter(phase: Phase): void {
    this.#phase = phase
    this.#listener.changed()
  }
}

function refusal(
  {channel}: PaperNote,
  manner: Manner,
  takes: (channel: number) => boolean,
): PathReason | null {
  if (manner === 'two' || manner === 'string') return manner
  if (channel === 0) return 'unknown'
  return takes(channel) ? null : 'inhibited'
}

/** What every emulated acceptor offers to the bench and the tests. */
export interface AcceptorEmulator<Mischief, Remains extends PathRemains> {
  readonly remains: Remains
  readonly state: {readonly power: 'on' | 'off'; readonly enabled: boolean; readonly phase: Phase}
  readonly transcript: readonly {readonly from: 'host' | 'device'; readonly hex: string}[]
  /** Connects its end of the wire. Once. */
  start(): Promise<void>
  stop(): Promise<void>
  onChange(watcher: () => void): () => void
  plan(mischief: Mischief): void
  /** A new note, pushed in by the customer. */
  insert(channel: number, manner?: Manner): {readonly name: string; readonly is: 'pulled' | 'not-taken'}
  /** The same with a note that there is already. @throws AssertionFailed for a name that there is not */
  insertAgain(name: string, manner?: Manner): 'pulled' | 'not-taken'
  takeBack(): readonly string[]
  clearPath(): readonly string[]
  emptyCashbox(): readonly string[]
  setCashbox(is: 'in' | 'out'): void
  cutPower(): void
  restorePower(): void
}
