/** How an emulated dispenser talks: it repeats an answer until the host acknowledged it, and keeps the transcript. */
import type {Clock, Timer} from '../../kit/clock.ts'
import type {ByteLink} from '../wire/link.ts'
import type {TalkingMischief} from './mischief.ts'
import {Transcript} from './world.ts'

/** How patient a device is with its host. */
export interface TalkSettings {
  /** Most sends of one answer for want of an ACK. */
  readonly sendsMax: number
  /** The NAK that ends the talk. */
  readonly naksMax: number
  /** Answer to its ACK. */
  readonly ackTimeoutMs: number
}

const ACK = 0x06

/** Which byte of an answer a planned corruption hits; inside the body of every model's frames. */
const CORRUPT_AT = 5

/** An answer on its way: sent until acknowledged, refused too often, or sent too often. */
interface Telling {
  readonly frame: Uint8Array
  readonly talking: TalkingMischief | null
  sendsCount: number
  naksCount: number
  timer: Timer | null
}

export class Talk {
  readonly transcript = new Transcript()
  readonly #link: ByteLink
  readonly #clock: Clock
  readonly #settings: TalkSettings
  #telling: Telling | null = null

  constructor(link: ByteLink, clock: Clock, settings: TalkSettings) {
    this.#link = link
    this.#clock = clock
    this.#settings = settings
  }

  say(bytes: Iterable<number>): void {
    const said = Uint8Array.from(bytes)
    this.transcript.add('device', said)
    void this.#link.write(said)
  }

  /** Sends the answer, and again as long as the host does not acknowledge it. */
  tell(frame: Uint8Array, talking: TalkingMischief | null): void {
    this.stopTelling()
    this.#telling = {frame, talking, sendsCount: 0, naksCount: 0, timer: null}
    this.#send(this.#telling)
  }

  /** The host refused the answer. */
  refused(): void {
    const telling = this.#telling
    if (telling === null) return
    telling.naksCount += 1
    if (telling.naksCount >= this.#settings.naksMax) this.stopTelling()
    else this.#send(telling)
  }

  /** The host has it. @returns the talking fault of the answer it has; null when no answer was on its way */
  acknowledged(): {readonly talking: TalkingMischief | null} | null {
    const telling = this.#telling
    this.stopTelling()
    return telling === null ? null : {talking: telling.talking}
  }

  /** The host has it, or will not get it any more. */
  stopTelling(): void {
    this.#telling?.timer?.cancel()
    this.#telling = null
  }

  #send(telling: Telling): void {
    telling.timer?.cancel()
    telling.sendsCount += 1
    this.#sayAnswer(telling)
    telling.timer = this.#clock.after(this.#settings.ackTimeoutMs, () => {
      if (telling.sendsCount >= this.#settings.sendsMax) this.stopTelling()
      else this.#send(telling)
    })
  }

  #sayAnswer(telling: Telling): void {
    const {frame, talking, sendsCount} = telling
    switch (talking?.kind) {
      case 'answerCorrupt':
        this.say(
          sendsCount <= talking.times
            ? frame.map((byte, at) => (at === CORRUPT_AT ? byte ^ 0x40 : byte))
            : frame,
        )
        break
      case 'answerShort':
        this.say(sendsCount <= talking.times ? frame.slice(0, -1) : frame)
        break
      case 'acknowledgementGlued':
        this.say(sendsCount === 1 ? [ACK, ...frame] : frame)
        break
      case 'answerTwice':
        this.say(frame)
        this.say(frame)
        break
      case 'answerSplit':
        void this.#saySlowly(telling, talking.gapMs)
        break
      default:
        this.say(frame)
    }
  }

  async #saySlowly(telling: Telling, gapMs: number): Promise<void> {
    for (const byte of telling.frame) {
      if (this.#telling !== telling) return
      this.say([byte])
      await this.#clock.sleep(gapMs)
    }
  }
}
