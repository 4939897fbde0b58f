/** A write that never leaves: every act of every serial reader ends all the same, and the reader opens again when the line lets go. */
import t from 'tap'
import {Crt310Emulator} from '../../../devices/card-reader/crt310/emulator.ts'
import {Crt571Emulator} from '../../../devices/card-reader/crt571/emulator.ts'
import type {CardReader} from '../../../devices/card-reader/port.ts'
import type {ByteLink, LinkListener} from '../../../devices/wire/link.ts'
import {loopbackPair} from '../../../devices/wire/loopback.ts'
import type {VirtualClock} from '../../../kit/clock.ts'
import {silentLog} from '../../../kit/log.ts'
import {READERS} from '../../../src/drivers.ts'
import {CHIPPED} from './models.ts'
import {newClock, settled} from './suite.ts'

/** As `devices/wire/serial.ts` gives up. */
const WRITE_DEADLINE_MS = 2_000

/** A link whose writes hang while `isStuck`, as those of a port whose other end takes nothing, and end at the deadline as the serial link's do. */
class StickyLink implements ByteLink {
  isStuck = false
  readonly #inner: ByteLink
  readonly #clock: VirtualClock
  #listener: LinkListener | null = null

  constructor(inner: ByteLink, clock: VirtualClock) {
    this.#inner = inner
    this.#clock = clock
  }

  get isOpen(): boolean {
    return this.#inner.isOpen
  }

  open(listener: LinkListener): ReturnType<ByteLink['open']> {
    this.#listener = listener
    return this.#inner.open(listener)
  }

  async write(bytes: Uint8Array): ReturnType<ByteLink['write']> {
    if (!this.isStuck) return this.#inner.write(bytes)
    await this.#clock.sleep(WRITE_DEADLINE_MS)
    await this.#inner.close()
    this.#listener?.lost('write-stalled')
    return 'write-stalled'
  }

  close(): Promise<void> {
    return this.#inner.close()
  }
}

const ACTS: Readonly<Record<string, (reader: CardReader) => Promise<{readonly kind: string} | undefined>>> = {
  status: reader => reader.status(),
  accept: reader => reader.accept(),
  eject: reader => reader.eject(30_000),
  retain: reader => reader.retain(),
  reset: reader => reader.reset('stay'),
  'chip reset': async reader => reader.chip?.reset('cold'),
}

for (const model of ['crt310', 'crt571'] as const)
  t.test(model, async t => {
    for (const [name, act] of Object.entries(ACTS)) {
      const clock = newClock()
      const {near, far} = loopbackPair(clock)
      const remains = {card: CHIPPED, place: 'insideContact', bin: [], takenCount: 0} as const
      const Emulator = model === 'crt310' ? Crt310Emulator : Crt571Emulator
      const emulator = new Emulator(far, clock, {remains})
      await emulator.start()
      const link = new StickyLink(near, clock)
      const reader = READERS[model].on(link, clock, silentLog)
      t.equal((await settled(clock, reader.open())).kind, 'open')
      link.isStuck = true
      t.match(await settled(clock, act(reader)), {kind: 'failed', fault: 'write-stalled'}, name)
      link.isStuck = false
      t.match(
        await settled(clock, reader.open()),
        {kind: 'open', status: {media: 'present'}},
        `${name}, opened again`,
      )
      await reader.close()
      await emulator.stop()
    }
  })
