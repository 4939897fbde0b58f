/** Reference dispenser emulated: the shutter, what is held out through it, and the customer's fingers. */
import type {Clock, Timer} from '../../../kit/clock.ts'
import type {Mechanism, Stop} from '../mechanism.ts'
import type {MechanicalMischief} from '../mischief.ts'
import {addNotes} from '../world.ts'
import type {NoteLedger, Notes} from '../world.ts'

/** What came of a present: two digits of error, and where the notes are. */
export interface Presented {
  readonly error: string
  readonly notes: 'taken' | 'left' | 'none' | 'stuck'
}

export interface Drawn {
  readonly stop: Stop | null
  readonly count: number
  readonly isSomeTaken: boolean
}

export class Shutter {
  isOpen = false
  readonly #ledger: NoteLedger
  readonly #mechanism: Mechanism
  readonly #clock: Clock
  readonly #noteMs: number
  /** Counted on the way out; what a later retract is compared with. */
  #presentedCount = 0
  #onTaken: (() => void) | null = null
  #life = 0

  constructor(ledger: NoteLedger, mechanism: Mechanism, clock: Clock, noteMs: number) {
    this.#ledger = ledger
    this.#mechanism = mechanism
    this.#clock = clock
    this.#noteMs = noteMs
  }

  /** Notes held out, or stuck in it. */
  get notesCount(): number {
    return this.#ledger.total('outlet') + this.#ledger.total('mouth')
  }

  /** The power goes: it stands as it is, and the count is forgotten. */
  stop(): void {
    this.#life += 1
    this.#presentedCount = 0
    this.#onTaken = null
  }

  closeIfEmpty(): void {
    if (this.notesCount === 0) this.isOpen = false
  }

  /** The customer takes everything within reach. */
  take(): Notes {
    const taken = addNotes(
      this.#ledger.moveAll('outlet', 'customer'),
      this.#ledger.moveAll('mouth', 'customer'),
    )
    const onTaken = this.#onTaken
    this.#onTaken = null
    onTaken?.()
    return taken
  }

  /** Stacker to the customer. A power cut planned after 0 notes strikes before the shutter opens, else behind it. */
  async present(takeWithinMs: number, mischief: MechanicalMischief | null): Promise<Presented | 'cut'> {
    if (this.#ledger.total('stacker') === 0 || this.notesCount > 0) return {error: '20', notes: 'none'}
    if (mischief?.kind === 'shutterBlocked') return {error: '09', notes: 'none'}
    const life = this.#life
    await this.#clock.sleep(2 * this.#noteMs)
    if (life !== this.#life) return 'cut'
    if (mischief?.kind === 'powerCut' && mischief.afterNotes === 0) return 'cut'
    this.isOpen = true
    if (mischief?.kind === 'jam') {
      this.#ledger.moveAll('stacker', 'mouth')
      return {error: '11', notes: 'stuck'}
    }
    this.#presentedCount = this.#ledger.total('stacker')
    this.#ledger.moveAll('stacker', 'outlet')
    if (mischief?.kind === 'powerCut') return 'cut'
    const isTaken = await this.#takenWithin(takeWithinMs)
    if (life !== this.#life) return 'cut'
    this.closeIfEmpty()
    return {error: '00', notes: isTaken ? 'taken' : 'left'}
  }

  /** What was left back into the retract bin. */
  async retract(mischief: MechanicalMischief | null): Promise<Drawn | 'cut'> {
    if (mischief?.kind === 'someTaken') this.#pullOut(mischief.count)
    const before = this.#presentedCount
    const motion = await this.#mechanism.binAll('outlet', 'retract', jamAfter(mischief))
    if (motion === 'cut') return 'cut'
    if (!('count' in motion)) return {stop: motion, count: 0, isSomeTaken: false}
    this.closeIfEmpty()
    this.#presentedCount = 0
    return {stop: null, count: motion.count, isSomeTaken: motion.count < before}
  }

  /** The customer's fingers at the last moment. */
  #pullOut(count: number): void {
    let left = count
    for (const cassette of this.#ledger.positions) {
      const pulled = Math.min(left, this.#ledger.at('outlet', cassette))
      if (pulled > 0) this.#ledger.move(cassette, 'outlet', 'customer', pulled)
      left -= pulled
    }
  }

  #takenWithin(limitMs: number): Promise<boolean> {
    return new Promise(resolve => {
      let timer: Timer | null = null
      const onTaken = (): void => {
        timer?.cancel()
        resolve(true)
      }
      this.#onTaken = onTaken
      timer = this.#clock.after(limitMs, () => {
        // After a power cut another present may be waiting by now.
        if (this.#onTaken === onTaken) this.#onTaken = null
        resolve(false)
      })
    })
  }
}

/** After how many notes a planned jam on the way to a bin strikes. */
export function jamAfter(mischief: MechanicalMischief | null): number | null {
  return mischief?.kind === 'rejectJam' ? mischief.afterNotes : null
}
