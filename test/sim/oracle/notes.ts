/**
 * Every note by itself. The emulated dispenser's hidden ledger says how many notes of each cassette are where; this
 * book gives each of them an identity, follows every movement, and remembers for which operation it left its cassette.
 */

/** The hidden ledger at one moment: notes by place and by the cassette they came from. */
export type Places = Readonly<Record<string, Readonly<Record<number, number>>>>

export interface Note {
  /** `2/17`: the seventeenth that was put into cassette 2. */
  readonly id: string
  readonly cassette: number
  place: string
  /** For which operation it left its cassette. */
  key: string | null
  /** Whether it was within a customer's reach, or might have been, when a hand other than the customer's took it. */
  takenFrom: 'outlet' | 'mouth' | null
}

export interface Movement {
  readonly note: Note
  readonly from: string
  readonly to: string
}

export class NoteBook {
  readonly #read: () => Places
  readonly #told: (movement: Movement) => void
  readonly #at = new Map<string, Note[]>()
  readonly #all: Note[] = []
  readonly #numbers = new Map<number, number>()
  #before: Places = {}
  #moves = 0

  /** @param told hears of every movement of every note, in order */
  constructor(read: () => Places, told: (movement: Movement) => void) {
    this.#read = read
    this.#told = told
    this.look()
  }

  get all(): readonly Note[] {
    return this.#all
  }

  /** Movements so far. */
  get movesCount(): number {
    return this.#moves
  }

  /** How many notes are there. */
  countAt(...places: readonly string[]): number {
    return this.#all.filter(note => places.includes(note.place)).length
  }

  /** To be called after every change of the hidden ledger. */
  look(): void {
    const now = this.#read()
    const before = this.#before
    this.#before = now
    for (const [cassetteText] of Object.entries(now['cassette'] ?? {})) {
      const cassette = Number(cassetteText)
      const changes = Object.keys(now).map(
        place => [place, (now[place]?.[cassette] ?? 0) - (before[place]?.[cassette] ?? 0)] as const,
      )
      const gone = changes.flatMap(([place, by]) => (by < 0 ? this.#take(place, cassette, -by) : []))
      for (const [place, by] of changes)
        for (let left = by; left > 0; left -= 1) this.#put(place, cassette, gone.shift())
      for (const note of gone) this.#told({note, from: note.place, to: 'nowhere'})
    }
  }

  #take(place: string, cassette: number, count: number): Note[] {
    return (this.#at.get(`${place}/${cassette}`) ?? []).splice(0, count)
  }

  #put(place: string, cassette: number, known: Note | undefined): void {
    const note = known ?? this.#fresh(cassette)
    const from = note.place
    note.place = place
    const there = this.#at.get(`${place}/${cassette}`)
    if (there === undefined) this.#at.set(`${place}/${cassette}`, [note])
    else there.push(note)
    this.#moves += 1
    if (place === 'removed' && (from === 'outlet' || from === 'mouth')) note.takenFrom = from
    this.#told({note, from, to: place})
  }

  #fresh(cassette: number): Note {
    const number = (this.#numbers.get(cassette) ?? 0) + 1
    this.#numbers.set(cassette, number)
    const note: Note = {id: `${cassette}/${number}`, cassette, place: 'new', key: null, takenFrom: null}
    this.#all.push(note)
    return note
  }
}
