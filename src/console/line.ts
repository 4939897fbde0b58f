/** One far end of the console, whatever carries it: bytes in, bytes out, and the front that the conversation has. */
import {IDLE_MS, converse} from './conversation.ts'
import type {House} from './command.ts'
import type {Front, Send} from './front.ts'
import {RigFront} from './rig.ts'
import {Terminal} from './terminal.ts'

export class Line {
  readonly #house: House
  readonly #send: Send
  readonly #left: () => void
  readonly #crash: (thrown: unknown) => void
  #front: Front
  #isGone = false

  /**
   * @param left called when the person leaves at the log-in, or the conversation ends
   * @param crash ends the program: a mistake of ours surfaced
   */
  constructor(house: House, send: Send, left: () => void, crash: (thrown: unknown) => void) {
    this.#house = house
    this.#send = send
    this.#left = left
    this.#crash = crash
    this.#front = new Terminal(send, house.clock, IDLE_MS)
  }

  start(): void {
    this.#talk().catch(this.#crash)
  }

  feed(bytes: Uint8Array): void {
    this.#front.feed(bytes)
  }

  /** The cable is gone: whoever was logged in is not any more. */
  hangUp(): void {
    this.#isGone = true
    this.#front.hangUp()
  }

  async #talk(): Promise<void> {
    let ended = await converse(this.#house, this.#front)
    if (ended === 'lines') {
      await this.#front.say(['{"mode":"lines"}'])
      this.#front = new RigFront(this.#send, this.#house.clock, IDLE_MS)
      // The cable may have gone while that was said.
      if (this.#isGone) this.#front.hangUp()
      ended = await converse(this.#house, this.#front)
    }
    if (ended !== 'gone') this.#left()
  }
}
