/**
 * The stand: what one emulated device offers to whoever holds the other end of its wire, a rig or a person.
 * The contract between the models (`stands/<model>.ts`) and the command that runs one of them (`emulate.ts`).
 */
import type {HidFarEnd} from '../../devices/wire/hid.ts'
import type {ByteLink} from '../../devices/wire/link.ts'
import type {SerialSettings} from '../../devices/wire/serial.ts'
import type {Clock} from '../../kit/clock.ts'
import type {Json, Writable} from '../../kit/exact-json.ts'
import type {Random} from '../../kit/random.ts'

/** One JSON object, as a control command answers and as the world is saved. */
export type Fields = Readonly<Record<string, Writable | undefined>>

/** One frame or control byte seen by the emulator, spaced hex; what must not be written down is left out of it. */
export interface TranscriptLine {
  readonly from: 'host' | 'device'
  readonly hex: string
}

/** One control command of a stand, beside those that every stand has (`control.ts`). */
export interface StandCommand {
  /**
   * As typed: lower-case words stand for themselves, upper-case ones are arguments: `insert card NAME`. The
   * last argument takes the rest of the line. Of several that fit a line, the one with most words of its own runs.
   */
  readonly words: string
  readonly purpose: string
  /** @throws BadInput, which is answered as `{"error": "..."}`; it never repeats what may be a PIN */
  readonly run: (args: readonly string[]) => Promise<Fields> | Fields
}

/** One emulated device, alone on its wire. */
export interface Stand {
  /** Opens its end of the wire and begins to answer. */
  start(): Promise<void>
  stop(): Promise<void>
  /** All that a power cut does not take: notes, cards, paper, keys kept by a battery. What `make` takes as `world`. */
  world(): Fields
  /** Calls the listener after every change of world or state, before the device says anything about it; the result stops it. */
  watch(listener: () => void): () => void
  /** Arranges what goes wrong, in words: `jam after 2`; several parted by `;`. @throws BadInput */
  plan(text: string): void
  readonly commands: readonly StandCommand[]
  powerCut(): void
  powerOn(): void
  /** Oldest first, bounded. A line is there before its bytes are on the wire. */
  readonly transcript: readonly TranscriptLine[]
}

export interface StandOptions<Profile extends string> {
  readonly profile: Profile
  /** What `world()` gave before, as a person may have edited it; null for the model's default world. */
  readonly world: Json | null
  /** Motors as slow as real ones, or as fast as they may be. */
  readonly pace: 'iron' | 'fast'
}

export const MODEL_NAMES = [
  'lcdm1000',
  'lcdm2000',
  'lcdm4000',
  'f56',
  'crt310',
  'crt571',
  'magtek',
  'szzt',
  'abecs',
  'dynapro',
  'escpos',
  'nv200',
  'ebds',
] as const
export type ModelName = (typeof MODEL_NAMES)[number]

interface AnyStandModel<Profile extends string> {
  readonly name: ModelName
  /** Name and what it stands for; the first is the default. What the protocol page leaves uncertain is a profile. */
  readonly profiles: Readonly<Record<Profile, string>>
  /** What `plan` takes, as `help` lists it. */
  readonly faults: readonly string[]
}

/** A model on a serial line. */
export interface SerialStandModel<Profile extends string = string> extends AnyStandModel<Profile> {
  readonly wire: 'serial'
  /** How its line is set; `--pace` slows the wire down to it. */
  readonly line: SerialSettings
  /**
   * The device at the far end of a wire, not started yet.
   * @throws BadInput naming the field of the world that cannot be
   */
  make(link: ByteLink, clock: Clock, random: Random, options: StandOptions<Profile>): Stand
}

/** A model on HID. */
export interface HidStandModel<Profile extends string = string> extends AnyStandModel<Profile> {
  readonly wire: 'hid'
  /** The device at its end of the bus, not started yet; as for a serial one. */
  make(far: HidFarEnd, clock: Clock, random: Random, options: StandOptions<Profile>): Stand
}

/** A model that can be emulated. */
export type StandModel<Profile extends string = string> = SerialStandModel<Profile> | HidStandModel<Profile>
