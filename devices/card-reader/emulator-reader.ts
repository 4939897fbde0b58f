/** What every emulated card reader offers to the bench, the simulation and the tests, whatever its bytes. */
import type {Card} from './emulator-card.ts'
import type {Mischief} from './emulator-mischief.ts'
import type {Remains, World} from './emulator-path.ts'
import type {TranscriptLine} from './emulator-transcript.ts'

export interface CardReaderEmulator {
  /** Where the card is, and what may come in. */
  readonly world: World
  /** Cards with all that is on them: for the one who put them in. */
  readonly remains: Remains
  /** What was said on the wire, oldest first, bounded. */
  readonly transcript: readonly TranscriptLine[]
  /** Opens its end of the wire and begins to answer. Once. */
  start(): Promise<void>
  stop(): Promise<void>
  /** The hand of the customer. Refused when the mouth is shut, occupied, or not opened by such a card. */
  insert(card: Card): 'inserted' | 'refused'
  /** The hand of the customer; null when no card is within reach. */
  take(): Card | null
  /** Queues one misbehaviour that fits every model. */
  plan(mischief: Mischief<never>): void
  /** Calls back after everything that changes the world; the result stops it. */
  onChange(watcher: () => void): () => void
  /** Dead until `restorePower`; cards stay where they are. */
  cutPower(): void
  restorePower(): void
}
