/**
 * Between visits: asks each device and the bank how they are, opens again what failed, and offers what
 * changed. During a visit it keeps still; then the orders themselves find out.
 */
import {isWaiting} from '../../fsm/context.ts'
import type {StateName} from '../../fsm/session.ts'
import type {Context} from '../../fsm/context.ts'
import type {Device, Event} from '../../fsm/vocabulary.ts'
import type {Clock, Timer} from '../../kit/clock.ts'
import type {Business} from './business.ts'
import {
  askDispenser,
  askPinPad,
  askPrinter,
  openDispenser,
  openPinPad,
  openPrinter,
  openReader,
} from './health.ts'
import type {Health} from './health.ts'
import type {Ports} from './perform.ts'

export interface WatchPorts {
  readonly ports: Pick<Ports, 'reader' | 'pinPad' | 'dispenser' | 'printer' | 'link' | 'clock'>
  readonly business: Business
  readonly standing: () => {readonly state: StateName; readonly context: Context}
  readonly offer: (event: Event) => void
  /** What else is to be done between visits, after everything was looked at. */
  readonly andThen: () => Promise<void>
  readonly intervalMs: number
  /** Ends the program: one of our own mistakes surfaced. */
  readonly crash: (thrown: unknown) => void
}

export class Watch {
  readonly #with: WatchPorts
  readonly #clock: Clock
  #timer: Timer | null = null
  #lookedAtMs: number | null = null
  #stopped = false

  constructor(withPorts: WatchPorts) {
    this.#with = withPorts
    this.#clock = withPorts.ports.clock
  }

  start(): void {
    this.#timer = this.#clock.after(this.#with.intervalMs, () => {
      this.look()
        .then(() => {
          this.#lookedAtMs = this.#clock.monotonicMs()
          if (!this.#stopped) this.start()
        })
        .catch(this.#with.crash)
    })
  }

  /** When it last finished looking, on the monotonic clock; null before it first did. */
  get lookedAtMs(): number | null {
    return this.#lookedAtMs
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  /** Looks at everything once; between visits alone. */
  async look(): Promise<void> {
    await this.#lookAt('dispenser')
    await this.#lookAt('pinPad')
    await this.#lookAt('cardReader')
    await this.#lookAt('printer')
    await this.#lookAtBank()
    if (!this.#stopped && this.#isResting()) await this.#with.andThen()
  }

  /** Whether the machine is between visits; asked anew before each question, since a card may come at any time. */
  #isResting(): boolean {
    return isWaiting(this.#with.standing().state)
  }

  async #lookAt(device: Device): Promise<void> {
    if (!this.#isResting()) return
    const before = this.#with.standing().context.devices[device]
    if (before === 'absent') return
    const health = await (before === 'ok' ? this.#ask(device) : this.#open(device))
    // A visit began meanwhile: its own orders tell, and a stale answer must not.
    if (this.#stopped || !this.#isResting() || this.#with.standing().context.devices[device] !== before)
      return
    if (before === 'ok' && health.fault !== null)
      this.#with.offer({type: 'device.failed', device, fault: health.fault})
    if (before === 'failed' && health.fault === null)
      this.#with.offer({type: 'device.restored', device, cardInside: health.cardInside})
  }

  #ask(device: Device): Promise<Health> {
    const {pinPad, dispenser, printer} = this.#with.ports
    switch (device) {
      case 'dispenser':
        return askDispenser(dispenser)
      case 'pinPad':
        return askPinPad(pinPad)
      case 'printer':
        return askPrinter(printer)
      case 'cardReader':
        // Waiting for a card is a conversation that tells by itself when the reader fails.
        return Promise.resolve({fault: null, cardInside: false})
    }
  }

  #open(device: Device): Promise<Health> {
    const {reader, pinPad, dispenser, printer} = this.#with.ports
    switch (device) {
      case 'dispenser':
        return openDispenser(dispenser)
      case 'pinPad':
        return openPinPad(pinPad, this.#with.business, Promise.resolve())
      case 'cardReader':
        return openReader(reader)
      case 'printer':
        return openPrinter(printer)
    }
  }

  async #lookAtBank(): Promise<void> {
    if (!this.#isResting()) return
    const before = this.#with.standing().context.host
    const {link} = this.#with.ports
    const {business} = this.#with
    if (before === 'up') {
      const isThere = await link.probe()
      if (!isThere && !this.#stopped) this.#with.offer({type: 'host.lost', why: 'no answer to a probe'})
      return
    }
    const signedOn = await business.signOn()
    if (signedOn.kind === 'notSignedOn' || this.#stopped) return
    if (this.#with.standing().context.devices.pinPad === 'ok') {
      const why = await business.loadPinKey()
      if (why !== null) this.#with.offer({type: 'device.failed', device: 'pinPad', fault: why})
    }
    this.#with.offer({type: 'host.restored', businessDate: signedOn.businessDate})
  }
}
