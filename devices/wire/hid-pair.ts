/**
 * Both ends of a HID device in memory: the host's link and the device's side of the bus, joined through the
 * injected clock. The cable between them can be pulled, and told to misbehave as a byte wire can: a fault's
 * `chunk` is one report, and a report of another length than the descriptor's is garbage to whoever gets it.
 */
import {assert} from '../../kit/assert.ts'
import type {Clock} from '../../kit/clock.ts'
import {cutReport, judgeReport, rawReport} from './hid.ts'
import type {HidDevice, HidFarEnd, HidGot, HidLink, HidListener, HidOpened, HidSent} from './hid.ts'
import {readDescriptor} from './hid-descriptor.ts'
import type {ReportTable} from './hid-descriptor.ts'
import type {LinkLost} from './link.ts'
import {Strikes} from './loopback.ts'
import type {Cable, Piece} from './loopback.ts'
import {Turns} from './turns.ts'

export interface HidPairOptions {
  /** Time from a report's sending to its arrival, each way; 0 still means a later turn. */
  readonly delayMs?: number
  /** How long a transfer that nobody answers takes to fail; default 1,000 ms. */
  readonly transferTimeoutMs?: number
}

/** Both ends of a new bus, plugged in; no device on it and nobody looking. */
export function hidPair(
  clock: Clock,
  options: HidPairOptions = {},
): {readonly near: HidLink; readonly far: HidFarEnd; readonly cable: Cable} {
  const bus = new Bus(clock, options.delayMs ?? 0, options.transferTimeoutMs ?? 1_000)
  const cable: Cable = {
    get isPlugged() {
      return bus.isPlugged
    },
    pull() {
      bus.pull()
    },
    plug() {
      bus.plug()
    },
    misbehave(from, fault, times = Infinity) {
      bus.ways[from].faults.push(new Strikes(fault, times))
    },
    behave() {
      bus.ways.near.faults.length = 0
      bus.ways.far.faults.length = 0
    },
  }
  return {near: new Near(bus), far: new Far(bus), cable}
}

interface Attached {
  readonly device: HidDevice
  readonly table: ReportTable
}

class Bus {
  readonly clock: Clock
  readonly transferTimeoutMs: number
  /** What each end sends. */
  readonly ways: {readonly near: Way; readonly far: Way}
  isPlugged = true
  attached: Attached | null = null
  /** The host's ears: an input report arrived. */
  onReport: (raw: Uint8Array) => void = () => undefined
  /** Tells the host that the device is gone. */
  onGone: () => void = () => undefined

  constructor(clock: Clock, delayMs: number, transferTimeoutMs: number) {
    this.clock = clock
    this.transferTimeoutMs = transferTimeoutMs
    this.ways = {near: new Way(clock, delayMs), far: new Way(clock, delayMs)}
  }

  /** The device as the host can reach it. */
  get reachable(): Attached | null {
    return this.isPlugged ? this.attached : null
  }

  attach(attached: Attached): void {
    this.attached = attached
    if (this.isPlugged) attached.device.attached()
  }

  detach(): void {
    this.attached = null
    this.#gone()
  }

  pull(): void {
    if (!this.isPlugged) return
    this.isPlugged = false
    this.#gone()
  }

  plug(): void {
    if (this.isPlugged) return
    this.isPlugged = true
    this.attached?.device.attached()
  }

  #gone(): void {
    this.ways.near.cut()
    this.ways.far.cut()
    this.onGone()
  }
}

/** One direction: first in, first out, spoilt by its faults. */
class Way {
  readonly faults: Strikes[] = []
  readonly #clock: Clock
  readonly #delayMs: number
  #freeAtMs = 0
  #cuts = 0

  constructor(clock: Clock, delayMs: number) {
    this.#clock = clock
    this.#delayMs = delayMs
  }

  carry(raw: Uint8Array, arrive: (raw: Uint8Array) => void): void {
    let pieces: readonly Piece[] = [{bytes: raw, gapMs: 0}]
    for (const strikes of this.faults) pieces = pieces.flatMap(piece => strikes.spoil(piece))
    const cuts = this.#cuts
    const nowMs = this.#clock.monotonicMs()
    let atMs = Math.max(nowMs + this.#delayMs, this.#freeAtMs)
    for (const piece of pieces) {
      atMs += piece.gapMs
      this.#clock.after(atMs - nowMs, () => {
        if (cuts === this.#cuts) arrive(piece.bytes)
      })
    }
    this.#freeAtMs = atMs
  }

  /** Whatever is under way never arrives. */
  cut(): void {
    this.#cuts += 1
    this.#freeAtMs = 0
  }
}

interface Opening {
  readonly listener: HidListener
  readonly table: ReportTable
}

class Near implements HidLink {
  readonly #bus: Bus
  readonly #transfers = new Set<() => void>()
  /** The device's control endpoint: it takes one transfer after the other. */
  readonly #endpoint = new Turns()
  #opening: Opening | null = null
  #hasBeenOpen = false

  constructor(bus: Bus) {
    this.#bus = bus
    bus.onReport = raw => {
      this.#hear(raw)
    }
    bus.onGone = () => {
      const opening = this.#opening
      this.#end()
      opening?.listener.lost('hung-up')
    }
  }

  get isOpen(): boolean {
    return this.#opening !== null
  }

  async open(listener: HidListener): Promise<HidOpened> {
    assert(this.#opening === null, 'a HID device has one owner: this end is open already')
    const {reachable} = this.#bus
    if (reachable === null) return {kind: 'lost', why: 'not-opened'}
    this.#hasBeenOpen = true
    this.#opening = {listener, table: reachable.table}
    // What the device said to an earlier opening is not for this one.
    this.#bus.ways.far.cut()
    return {kind: 'open', identity: reachable.device.identity, reports: reachable.table}
  }

  async send(kind: 'output' | 'feature', id: number, bytes: Uint8Array): Promise<HidSent> {
    const opening = this.#opening
    if (opening === null) return this.#closed()
    const raw = rawReport(opening.table, kind, id, bytes)
    const end = await this.#transfer<'sent' | 'failed'>(resolve => {
      this.#bus.ways.near.carry(raw, arrived => {
        void this.#endpoint
          .take(() => this.#put(kind, arrived))
          .then(isTaken => {
            resolve(isTaken ? 'sent' : 'failed')
          })
      })
    })
    return end === 'late' ? 'failed' : end
  }

  async getFeature(id: number): Promise<HidGot> {
    const opening = this.#opening
    if (opening === null) return {kind: 'lost', why: this.#closed()}
    const {table} = opening
    assert(table.lengths.feature.has(id), `the device has no feature report ${id}`)
    const end = await this.#transfer<HidGot>(resolve => {
      this.#bus.ways.near.carry(Uint8Array.of(id), ([asked]) => {
        void this.#endpoint
          .take(() => this.#get(asked ?? 0))
          .then(raw => {
            if (raw === null) resolve({kind: 'failed'})
            else
              this.#bus.ways.far.carry(raw, arrived => {
                resolve(gotOf(table, id, arrived))
              })
          })
      })
    })
    if (end === 'late') return {kind: 'failed'}
    return end === 'hung-up' ? {kind: 'lost', why: end} : end
  }

  async close(): Promise<void> {
    this.#end()
  }

  #hear(raw: Uint8Array): void {
    const opening = this.#opening
    if (opening === null) return
    const verdict = judgeReport(opening.table, 'input', raw)
    if (verdict.kind === 'report') opening.listener.report(verdict.id, verdict.bytes)
    else opening.listener.garbage(verdict.why)
  }

  /** A report for the device, whatever became of it on the way. */
  async #put(kind: 'output' | 'feature', raw: Uint8Array): Promise<boolean> {
    const {reachable} = this.#bus
    if (reachable === null) return false
    const cut = cutReport(reachable.table, raw)
    if (cut === null) return false
    if (kind === 'feature') return reachable.device.setFeature(cut.id, cut.bytes)
    reachable.device.output(cut.id, cut.bytes)
    return true
  }

  async #get(id: number): Promise<Uint8Array | null> {
    const {reachable} = this.#bus
    if (reachable?.table.lengths.feature.has(id) !== true) return null
    const bytes = await reachable.device.getFeature(id)
    return bytes === null ? null : rawReport(reachable.table, 'feature', id, bytes)
  }

  /** What comes of a transfer: its result, that it took too long, or that the device went away meanwhile. */
  #transfer<T>(begin: (resolve: (result: T) => void) => void): Promise<T | 'late' | 'hung-up'> {
    return new Promise(resolve => {
      const end = (result: T | 'late' | 'hung-up'): void => {
        timer.cancel()
        this.#transfers.delete(lose)
        resolve(result)
      }
      const lose = (): void => {
        end('hung-up')
      }
      const timer = this.#bus.clock.after(this.#bus.transferTimeoutMs, () => {
        end('late')
      })
      this.#transfers.add(lose)
      begin(end)
    })
  }

  #end(): void {
    this.#opening = null
    for (const lose of [...this.#transfers]) lose()
  }

  #closed(): LinkLost {
    return this.#hasBeenOpen ? 'hung-up' : 'not-opened'
  }
}

function gotOf(table: ReportTable, id: number, raw: Uint8Array): HidGot {
  const verdict = judgeReport(table, 'feature', raw)
  if (verdict.kind === 'garbage') return verdict
  return verdict.id === id ? {kind: 'report', bytes: verdict.bytes} : {kind: 'garbage', why: 'id'}
}

class Far implements HidFarEnd {
  readonly #bus: Bus

  constructor(bus: Bus) {
    this.#bus = bus
  }

  get isOpen(): boolean {
    return this.#bus.attached !== null
  }

  async open(device: HidDevice): Promise<'open'> {
    assert(this.#bus.attached === null, 'one device on one bus')
    const read = readDescriptor(device.descriptor)
    assert(read.kind === 'table', 'our own descriptor does not read')
    this.#bus.attach({device, table: read.table})
    return 'open'
  }

  async report(id: number, bytes: Uint8Array): Promise<'written' | LinkLost> {
    const {attached, isPlugged} = this.#bus
    if (attached === null) return 'not-opened'
    const raw = rawReport(attached.table, 'input', id, bytes)
    if (isPlugged)
      this.#bus.ways.far.carry(raw, arrived => {
        this.#bus.onReport(arrived)
      })
    return 'written'
  }

  async close(): Promise<void> {
    if (this.#bus.attached !== null) this.#bus.detach()
  }
}
