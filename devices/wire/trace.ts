/**
 * What passed a wire lately, for somebody who looks for a fault. On the wires of a card reader and of a PIN pad pass
 * track data, PIN blocks and keys: there it keeps how many bytes passed, when and which way, and never which.
 */
import type {Clock, EpochMs} from '../../kit/clock.ts'
import type {HidGot, HidLink} from './hid.ts'
import type {ByteLink} from './link.ts'

/** Chunks or reports that are kept, the newest. */
const KEPT_MAX = 256
/** Of one of them so many bytes are kept. */
const BYTES_MAX = 64

export interface Passed {
  readonly atMs: EpochMs
  /** Seen from the machine. */
  readonly way: 'out' | 'in'
  readonly lengthBytes: number
  /** The first bytes, hexadecimal; null where they could be a secret. */
  readonly hex: string | null
}

export class Trace {
  readonly #clock: Clock
  readonly #mayShow: boolean
  readonly #passed: Passed[] = []
  readonly #listeners = new Set<(passed: Passed) => void>()

  /** @param mayShow whether nothing secret passes there */
  constructor(clock: Clock, mayShow: boolean) {
    this.#clock = clock
    this.#mayShow = mayShow
  }

  /** The oldest first. */
  get passed(): readonly Passed[] {
    return this.#passed
  }

  /** @returns stops the telling */
  onPassed(listener: (passed: Passed) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  add(way: Passed['way'], bytes: Uint8Array): void {
    const hex = this.#mayShow ? Buffer.from(bytes.subarray(0, BYTES_MAX)).toString('hex') : null
    const passed = {atMs: this.#clock.wallMs(), way, lengthBytes: bytes.length, hex}
    this.#passed.push(passed)
    if (this.#passed.length > KEPT_MAX) this.#passed.shift()
    for (const listener of this.#listeners) listener(passed)
  }
}

/** The same wire, followed. */
export function tracedLink(link: ByteLink, trace: Trace): ByteLink {
  return {
    get isOpen() {
      return link.isOpen
    },
    open: listener =>
      link.open({
        bytes: chunk => {
          trace.add('in', chunk)
          listener.bytes(chunk)
        },
        lost: why => {
          listener.lost(why)
        },
      }),
    write: bytes => {
      trace.add('out', bytes)
      return link.write(bytes)
    },
    close: () => link.close(),
  }
}

/** The same device, followed. */
export function tracedHid(link: HidLink, trace: Trace): HidLink {
  return {
    get isOpen() {
      return link.isOpen
    },
    open: listener =>
      link.open({
        report: (id, bytes) => {
          trace.add('in', bytes)
          listener.report(id, bytes)
        },
        garbage: why => {
          listener.garbage(why)
        },
        lost: why => {
          listener.lost(why)
        },
      }),
    send: (kind, id, bytes) => {
      trace.add('out', bytes)
      return link.send(kind, id, bytes)
    },
    getFeature: async (id): Promise<HidGot> => {
      const got = await link.getFeature(id)
      if (got.kind === 'report') trace.add('in', got.bytes)
      return got
    },
    close: () => link.close(),
  }
}
