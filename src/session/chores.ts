/** The machine's chores: timers, accepting cards, listening to keys, opening devices. A crash may forget them at no cost. */
import type {Chore, Device, Event} from '../../fsm/vocabulary.ts'
import type {Key} from '../../devices/pin-pad/port.ts'
import {SystemFault} from '../../kit/errors.ts'
import type {Timer} from '../../kit/clock.ts'
import type {Log} from '../../kit/log.ts'
import type {Business} from './business.ts'
import {openDispenser, openPinPad, openPrinter, openReader} from './health.ts'
import type {Health} from './health.ts'
import type {Past} from './past.ts'
import type {Ports} from './perform.ts'
import {maskedCard} from './pocket.ts'

export interface ChorePorts {
  readonly ports: Ports
  readonly business: Business
  readonly log: Log
  /** Settles the life before, once, after the devices were opened. */
  readonly recover: () => Promise<Past>
  readonly onKey: (key: Key) => void
  /** How many times longer than planned a customer is waited for. */
  readonly patience: () => number
  readonly offer: (event: Event) => void
  /** Ends the program: a mistake of ours surfaced where nobody waits for it. */
  readonly crash: (thrown: unknown) => void
}

export class Chores {
  readonly #with: ChorePorts
  #timer: Timer | null = null
  #timerIs: Extract<Chore, {kind: 'timer.start'}> | null = null
  #wantsCards = false
  #isAccepting = false
  #cardInside = false
  /** The pad's keys, one wish after another: PIN mode begins only when clear-key mode is over. */
  #keys: Promise<void> = Promise.resolve()

  constructor(withPorts: ChorePorts) {
    this.#with = withPorts
  }

  /** Does the chore, or sets it going. */
  do(chore: Chore): void {
    const {ports, log} = this.#with
    switch (chore.kind) {
      case 'devices.open':
        this.#go(this.#openDevices())
        return
      case 'recovery.run':
        this.#go(this.#recover())
        return
      case 'reader.accept':
        this.#wantsCards = true
        this.#accept()
        return
      case 'reader.refuse':
        this.#wantsCards = false
        this.#go(ports.reader.refuse())
        return
      case 'keys.listen':
        this.#turn(() => this.#listen())
        return
      case 'keys.stop':
        this.#turn(() => ports.pinPad.stop())
        return
      case 'timer.start':
        this.#startTimer(chore)
        return
      case 'timer.stop':
        this.#timer?.cancel()
        this.#timerIs = null
        return
      case 'pocket.empty':
        ports.pocket.empty()
        return
      case 'report.unexpected':
        log.warn('an event came that this state does not expect')
        return
    }
  }

  /** The customer is at it: the running timer begins anew. */
  stirTimer(): void {
    if (this.#timerIs !== null) this.#startTimer(this.#timerIs)
  }

  /** Resolves when the pad has done what it was last told about its keys. */
  get keysAtRest(): Promise<void> {
    return this.#keys
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timerIs = null
    this.#wantsCards = false
  }

  #startTimer(chore: Extract<Chore, {kind: 'timer.start'}>): void {
    this.#timer?.cancel()
    this.#timerIs = chore
    const patience = chore.name === 'retry' ? 1 : this.#with.patience()
    this.#timer = this.#with.ports.clock.after(chore.afterMs * patience, () => {
      this.#timerIs = null
      this.#with.offer({type: 'timer.fired', name: chore.name})
    })
  }

  #go(work: Promise<void>): void {
    work.catch(this.#with.crash)
  }

  #turn(work: () => Promise<void>): void {
    this.#keys = this.#keys.then(work)
    this.#go(this.#keys)
  }

  async #openDevices(): Promise<void> {
    const {ports, business, log} = this.#with
    const signOn = business.signOn()
    const [signedOn, cardReader, pinPad, dispenser, printer] = await Promise.all([
      signOn,
      openReader(ports.reader),
      openPinPad(ports.pinPad, business, signOn),
      openDispenser(ports.dispenser),
      openPrinter(ports.printer),
    ])
    if (signedOn.kind === 'notSignedOn') log.warn('the bank is not there', {why: signedOn.why})
    const health: Readonly<Record<Device, Health>> = {cardReader, pinPad, dispenser, printer}
    this.#cardInside = health.cardReader.cardInside
    const failed = DEVICES.filter(device => health[device].fault !== null)
    for (const device of failed) log.warn('a device does not serve', {device, fault: health[device].fault})
    const businessDate = signedOn.kind === 'signedOn' ? signedOn.businessDate : null
    this.#with.offer({type: 'devices.opened', failed, businessDate})
  }

  async #recover(): Promise<void> {
    let past: Past
    try {
      past = await this.#with.recover()
    } catch (thrown) {
      if (!(thrown instanceof SystemFault)) throw thrown
      this.#with.offer({type: 'journal.failed', why: thrown.message})
      return
    }
    this.#with.offer({
      type: 'recovery.finished',
      cardInside: this.#cardInside,
      levels: past.levels,
      nextStan: past.nextStan,
      dispenserHeld: past.held,
      attendance: past.attendance,
    })
  }

  /** One conversation with the reader at a time; asked for again while one ends, it begins anew afterwards. */
  #accept(): void {
    if (this.#isAccepting || !this.#wantsCards) return
    this.#isAccepting = true
    this.#go(
      this.#awaitCard().finally(() => {
        this.#isAccepting = false
        this.#accept()
      }),
    )
  }

  async #awaitCard(): Promise<void> {
    const {ports, business} = this.#with
    const outcome = await ports.reader.accept()
    if (outcome.kind === 'stopped') return
    this.#wantsCards = false
    switch (outcome.kind) {
      case 'inserted':
        ports.pocket.keepCard(outcome.track2)
        this.#with.offer({
          type: 'card.inserted',
          card: {masked: maskedCard(outcome.track2)},
          businessDate: business.date,
        })
        return
      case 'unreadable':
        this.#with.offer({type: 'card.unreadable', why: outcome.detail})
        return
      case 'failed':
        this.#with.offer({type: 'device.failed', device: 'cardReader', fault: outcome.detail})
        return
    }
  }

  async #listen(): Promise<void> {
    const outcome = await this.#with.ports.pinPad.listen(this.#with.onKey)
    if (outcome.kind === 'failed')
      this.#with.offer({type: 'device.failed', device: 'pinPad', fault: outcome.detail})
  }
}

const DEVICES: readonly Device[] = ['cardReader', 'pinPad', 'dispenser', 'printer']
