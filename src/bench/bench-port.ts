/** What the bench page shows and may do. Every string is ready to be read; the page formats nothing. */
import type {Key} from '../../devices/pin-pad/port.ts'
import type {Device} from '../../fsm/vocabulary.ts'
import type {ScreenSource} from '../screen/source.ts'

/** A card of the demonstration, with the PIN that its bank expects, as the page tells a newcomer. */
export interface BenchCard {
  readonly id: string
  readonly holder: string
  /** `4761 73** **** 0119`. */
  readonly masked: string
  readonly pinHint: string
}

/** `offered`: in the mouth, to be taken; `retained`: in the reader's bin. */
export type CardPlace = 'empty' | 'inside' | 'offered' | 'retained'

export interface SlotNotes {
  /** `EUR 20`. */
  readonly noteText: string
  readonly count: number
}

export interface BenchAccount {
  readonly accountId: string
  readonly holder: string
  readonly type: string
  readonly balance: string
  readonly available: string
  /** What holds keep back, or an empty text for nothing. */
  readonly held: string
}

export interface BenchOperation {
  /** `2026-11-22 000418`. */
  readonly reference: string
  readonly state: string
  readonly amount: string
  /** `attention` when a person must look: suspect, or open for long. */
  readonly mark: 'plain' | 'good' | 'attention'
}

export interface BenchFault {
  readonly name: string
  readonly label: string
  /** `notes`: the fault strikes after so many notes, and `plan` carries the number. */
  readonly argument: 'notes' | null
}

export interface BenchDevice {
  readonly kind: Device
  readonly model: string
  /** Whether the driver has the device in use. */
  readonly online: boolean
  readonly cable: 'in' | 'pulled'
  readonly power: 'on' | 'cut'
  /** What nobody but the bench can see: cassettes, path, mouth, bins, the customer's hands. */
  readonly world: readonly {readonly label: string; readonly text: string}[]
  readonly faults: readonly BenchFault[]
  /** Faults that wait to strike, in words. */
  readonly planned: readonly string[]
}

/** A life that is played from a seed: looked at, and touched by nobody. */
export interface BenchPlay {
  /** `seed 12 at 0:07:22, life 3`. */
  readonly text: string
  /** How many times as fast as life; 0 stands still. */
  readonly speed: number
  readonly speeds: readonly number[]
}

export interface BenchState {
  /** Null where people's own hands act. */
  readonly play: BenchPlay | null
  readonly cards: readonly BenchCard[]
  readonly slot: {
    readonly card: CardPlace
    /** Of the card in the slot, to draw it; null for none. */
    readonly cardId: string | null
    /** Notes within the customer's reach. */
    readonly cash: {readonly notes: readonly SlotNotes[]; readonly total: string}
  }
  readonly bank: {
    readonly accounts: readonly BenchAccount[]
    /** Newest first, about ten. */
    readonly operations: readonly BenchOperation[]
  }
  readonly devices: readonly BenchDevice[]
  readonly link: {
    readonly state: 'up' | 'cut'
    /** Advices that the bank has not acknowledged yet. */
    readonly waiting: number
    readonly text: string
  }
}

export type BenchAction =
  | {readonly kind: 'insertCard'; readonly id: string}
  | {readonly kind: 'takeCard'}
  | {readonly kind: 'pressKey'; readonly key: Key}
  | {readonly kind: 'takeNotes'}
  /** `argument` is there when the fault's `argument` is `notes`: 0 to 60. */
  | {readonly kind: 'plan'; readonly device: Device; readonly fault: string; readonly argument: number | null}
  | {readonly kind: 'cable'; readonly device: Device; readonly to: 'pulled' | 'in'}
  | {readonly kind: 'power'; readonly device: Device; readonly to: 'cut' | 'on'}
  /** The operator opens the safe, empties path and bins, counts, and loads full cassettes. */
  | {readonly kind: 'reloadCassettes'}
  | {readonly kind: 'hostLink'; readonly to: 'cut' | 'up'}
  /** Where a life is played: so many times as fast as life. */
  | {readonly kind: 'speed'; readonly speed: number}

export interface JournalLine {
  /** Rising by the order in the journal. */
  readonly seq: number
  readonly text: string
}

/** A whole machine with its bank, on one table. */
export interface Bench {
  readonly screen: ScreenSource
  state(): BenchState
  /** @returns `why` in words for the person at the page */
  act(action: BenchAction): Promise<{readonly ok: true} | {readonly ok: false; readonly why: string}>
  /** Calls after every change of state or journal. @returns stops it */
  onChange(listener: () => void): () => void
  /** The auditor's lines with a `seq` above `afterSeq`, oldest first, at most the newest few hundred. */
  journalLines(afterSeq: number): readonly JournalLine[]
}
