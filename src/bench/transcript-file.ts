/** What is said on an emulated wire, in a file: `    12.345 host   04 50 02 46 03 13`, milliseconds of the program first. */
import {openSync, writeSync} from 'node:fs'
import type {HidFarEnd} from '../../devices/wire/hid.ts'
import type {ByteLink} from '../../devices/wire/link.ts'
import type {Clock} from '../../kit/clock.ts'
import {BadInput, reasonOf} from '../../kit/errors.ts'
import type {Stand, TranscriptLine} from './stand.ts'

/** Appends to a file what the transcript of a stand has gained. The lines are the model's own, which leaves secrets out. */
export class TranscriptFile {
  readonly #file: number
  readonly #clock: Clock
  #stand: Stand | null = null
  #last: TranscriptLine | undefined = undefined

  /** @throws BadInput when the file cannot be written */
  constructor(path: string, clock: Clock) {
    this.#clock = clock
    try {
      this.#file = openSync(path, 'a')
    } catch (thrown) {
      throw new BadInput(`--transcript ${path}: ${reasonOf(thrown)}`, {cause: thrown})
    }
  }

  /** From now on, what that stand says and hears. */
  follow(stand: Stand): void {
    this.#stand = stand
  }

  /** The same wire, with a look at the transcript whenever something was said on it. */
  tapped(link: ByteLink): ByteLink {
    return {
      get isOpen() {
        return link.isOpen
      },
      open: listener =>
        link.open({
          bytes: chunk => {
            listener.bytes(chunk)
            this.catchUp()
          },
          lost: why => {
            listener.lost(why)
          },
        }),
      write: bytes => {
        this.catchUp()
        return link.write(bytes)
      },
      close: () => link.close(),
    }
  }

  /** The same bus, likewise. */
  tappedHid(far: HidFarEnd): HidFarEnd {
    return {
      get isOpen() {
        return far.isOpen
      },
      open: device =>
        far.open({
          ...device,
          setFeature: async (id, bytes) => {
            const isTaken = await device.setFeature(id, bytes)
            this.catchUp()
            return isTaken
          },
          getFeature: async id => {
            const bytes = await device.getFeature(id)
            this.catchUp()
            return bytes
          },
        }),
      report: (id, bytes) => {
        this.catchUp()
        return far.report(id, bytes)
      },
      close: () => far.close(),
    }
  }

  /** Writes the lines that came since the last time. */
  catchUp(): void {
    const lines = this.#stand?.transcript ?? []
    const fresh = lines.slice(this.#last === undefined ? 0 : lines.lastIndexOf(this.#last) + 1)
    this.#last = lines.at(-1) ?? this.#last
    const atMs = this.#clock.monotonicMs().toFixed(3).padStart(12)
    const text = fresh.map(({from, hex}) => `${atMs} ${from.padEnd(6)} ${hex}\n`).join('')
    if (text !== '') writeSync(this.#file, text)
  }
}
