/**
 * A wire as slow as a serial line: every byte takes its time at the line's rate, in both directions. Between a
 * pseudo-terminal, which takes no time at all, and an emulator.
 */
import type {ByteLink, LinkLost} from '../../devices/wire/link.ts'
import type {SerialSettings} from '../../devices/wire/serial.ts'
import {Turns} from '../../devices/wire/turns.ts'
import type {Clock} from '../../kit/clock.ts'

/** Time of one byte on the line: a start bit, data, parity, stop bits. */
export function byteMs({baudRate, dataBits, parity, stopBits}: SerialSettings): number {
  return ((1 + dataBits + (parity === 'none' ? 0 : 1) + stopBits) * 1_000) / baudRate
}

/** The link as its far end sees it over a line of those settings. */
export function pacedLink(link: ByteLink, settings: SerialSettings, clock: Clock): ByteLink {
  const perByteMs = byteMs(settings)
  const out = new Lane(clock, perByteMs)
  const into = new Lane(clock, perByteMs)
  return {
    get isOpen() {
      return link.isOpen
    },
    open: listener =>
      link.open({
        bytes: chunk => {
          void into.carry(chunk, bytes => {
            listener.bytes(bytes)
          })
        },
        lost: why => {
          listener.lost(why)
        },
      }),
    write: async bytes => {
      let outcome: Promise<'written' | LinkLost> = Promise.resolve('written')
      await out.carry(bytes, part => {
        outcome = link.write(part)
      })
      return outcome
    },
    close: () => link.close(),
  }
}

/** One direction: bytes leave one after the other, each when its time on the line is over. */
class Lane {
  readonly #clock: Clock
  readonly #perByteMs: number
  readonly #turns = new Turns()
  #freeAtMs = 0

  constructor(clock: Clock, perByteMs: number) {
    this.#clock = clock
    this.#perByteMs = perByteMs
  }

  /** Resolves when the last byte has been delivered. */
  carry(bytes: Uint8Array, deliver: (part: Uint8Array) => void): Promise<void> {
    const startMs = Math.max(this.#clock.monotonicMs(), this.#freeAtMs)
    this.#freeAtMs = startMs + bytes.length * this.#perByteMs
    return this.#turns.take(() => this.#carryFrom(startMs, bytes, deliver))
  }

  async #carryFrom(startMs: number, bytes: Uint8Array, deliver: (part: Uint8Array) => void): Promise<void> {
    for (let sentCount = 0; sentCount < bytes.length;) {
      const nextAtMs = startMs + (sentCount + 1) * this.#perByteMs
      await this.#clock.sleep(Math.max(0, nextAtMs - this.#clock.monotonicMs()))
      // A timer is coarser than a fast line: what is due by now goes together.
      const dueCount = Math.floor((this.#clock.monotonicMs() - startMs) / this.#perByteMs)
      const untilCount = Math.min(bytes.length, Math.max(sentCount + 1, dueCount))
      deliver(bytes.slice(sentCount, untilCount))
      sentCount = untilCount
    }
  }
}
