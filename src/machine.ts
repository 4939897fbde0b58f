/**
 * The machine put together: ports, journal, link and the session loop, whatever the ports are made of. The
 * daemon on iron, the bench and the simulator all start this same thing.
 */
import type {CardReader} from '../devices/card-reader/port.ts'
import type {Signer} from '../crypto/atm-message.ts'
import type {Dispenser} from '../devices/dispenser/port.ts'
import type {Key, PinPad} from '../devices/pin-pad/port.ts'
import type {Printer} from '../devices/printer/port.ts'
import {isAdvice, isWaiting, lastAdviceOf} from '../fsm/context.ts'
import type {MachineSetup} from '../fsm/context.ts'
import type {Standing} from '../fsm/session.ts'
import type {Advice, CassetteLevel, Event} from '../fsm/vocabulary.ts'
import {seqOf} from '../journal/entry.ts'
import type {Journal} from '../journal/journal.ts'
import type {Room} from '../journal/room.ts'
import {assert, present} from '../kit/assert.ts'
import type {Clock, Timer} from '../kit/clock.ts'
import {SystemFault} from '../kit/errors.ts'
import type {Log} from '../kit/log.ts'
import {noteCount} from '../kit/money.ts'
import type {Random} from '../kit/random.ts'
import type {CassetteConfig, Config} from './config.ts'
import {hostLink} from './link/client.ts'
import {Archive} from './link/archive.ts'
import {journalLink} from './link/journal-link.ts'
import {Outbox} from './link/outbox.ts'
import type {AdviceSource} from './link/outbox.ts'
import type {HostLink} from './link/port.ts'
import type {Transport} from './link/transport.ts'
import {Paper} from './paper/paper.ts'
import type {Draw} from './paper/picture.ts'
import {
  choose,
  deskAfresh,
  deskAfter,
  deskOffering,
  press,
  withBalance,
  withListening,
  withPayee,
  withPinDigits,
  withStatement,
} from './screen/desk.ts'
import type {ScreenSource} from './screen/source.ts'
import type {Heard} from './screen/voice.ts'
import {view} from './screen/view.ts'
import type {Pressed} from './screen/desk.ts'
import type {Desk, ViewModel} from './screen/view-model.ts'
import {Business} from './session/business.ts'
import {Chores} from './session/chores.ts'
import {DayEnd} from './session/day.ts'
import {DiskLadder} from './session/disk.ts'
import {readPast} from './session/past.ts'
import type {Past} from './session/past.ts'
import {performOrder} from './session/perform.ts'
import type {Ports} from './session/perform.ts'
import {Pocket} from './session/pocket.ts'
import {recover} from './session/recover.ts'
import {Retention} from './session/retention.ts'
import {SessionRunner} from './session/runner.ts'
import type {Perform} from './session/runner.ts'
import {Watch} from './session/watch.ts'

/** The journal as the machine uses it; it stays the machine's own until closed. */
export type MachineJournal = Pick<
  Journal,
  'append' | 'openIntents' | 'rows' | 'head' | 'cutFault' | 'cutThrough' | 'close'
>

/** So many times longer is waited for a customer who listens: a screen takes that much longer to hear than to read. */
const LISTENING_PATIENCE = 3

/** ISO 8583 response code 81: cryptographic error in the PIN. */
const PIN_KEY_STALE = '81'

/** What a machine is made of. The journal is open; the machine closes it and the transport when it stops. */
export interface MachineParts {
  readonly config: Config
  readonly reader: CardReader
  readonly pinPad: PinPad
  readonly dispenser: Dispenser
  /** There when the settings have one. */
  readonly printer: Printer | null
  /** Draws slips in languages that no printer has letters for. */
  readonly draw: Draw
  /** Of the clock on the wall beside it, which slips tell: `Europe/Berlin`. */
  readonly timeZone: string
  readonly transport: Transport
  /** The machine's key of now, which signs for its journal. */
  readonly signer: () => Signer
  readonly journal: MachineJournal
  /** Of the disk that the journal is on. */
  readonly room: Room
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Ends the program: one of our own mistakes surfaced. */
  readonly crash: (thrown: unknown) => void
}

export class Machine implements ScreenSource, Heard {
  readonly #parts: MachineParts
  readonly #runner: SessionRunner
  readonly #chores: Chores
  readonly #watch: Watch
  readonly #outbox: Outbox
  readonly #archive: Archive
  readonly #disk: DiskLadder
  readonly #link: HostLink
  readonly #dayEnd: DayEnd
  readonly #pocket = new Pocket()
  readonly #listeners = new Set<() => void>()
  readonly #keyListeners = new Set<Parameters<Heard['onKey']>[0]>()
  /** Rows of advices that the bank refuses. */
  readonly #parked = new Set<number>()
  #lastAdvice: Advice | null = null
  #desk: Desk
  #tasteTimer: Timer | null = null
  #before: Standing

  constructor(parts: MachineParts) {
    this.#parts = parts
    this.#desk = deskOffering(parts.config.screen.languages, parts.config.screen.brand.look)
    const {config, reader, pinPad, dispenser, printer} = parts
    const {transport, signer, journal, room, clock, log, random, crash} = parts
    const {terminal: atmId, currency} = config
    const {answerTimeoutMs} = config.host
    const link = signingOnWith(hostLink(transport, clock, log, {atmId, currency, answerTimeoutMs}), () =>
      this.#compare(),
    )
    this.#link = link
    const business = new Business(link, pinPad, log.named('session'))
    const glance = {
      pinDigits: (digits: number) => {
        this.#show(withPinDigits(this.#desk, digits))
      },
      balance: (balanceMinor: Parameters<typeof withBalance>[1]) => {
        this.#show(withBalance(this.#desk, balanceMinor))
      },
      statement: (lines: Parameters<typeof withStatement>[1]) => {
        this.#show(withStatement(this.#desk, lines))
      },
      payee: (name: string) => {
        this.#show(withPayee(this.#desk, name))
      },
    }
    const keepMark = (mark: string): void => {
      const event: Event = {type: 'dispenser.marked', mark}
      journal.append(this.#runner.visit, [{kind: 'event', event, answers: null}])
    }
    const paper =
      printer === null
        ? null
        : new Paper({
            printer,
            letterhead: {
              ...present(config.printer, 'the printer’s settings'),
              operator: config.screen.brand.name ?? '',
            },
            draw: parts.draw,
            clock,
            log: log.named('paper'),
            timeZone: parts.timeZone,
          })
    const ports: Ports = {
      reader,
      pinPad,
      dispenser,
      printer,
      print: slip => present(paper, 'a printer').print(slip, this.standing.context, this.#desk),
      link,
      clock,
      pocket: this.#pocket,
      keepMark,
      lastAdvice: () => this.#lastAdvice,
      glance,
    }
    const perform: Perform = async (order, intent) => {
      if (order.kind === 'pinPad.collect' || order.kind === 'pinPad.collectNew') await this.#chores.keysAtRest
      const event = await performOrder(ports, order, intent)
      if (event.type === 'day.closed') {
        business.goOnTo(event.next)
        this.#archive.anchorSoon()
      }
      // Which date is open now is the bank's to tell.
      else if (order.kind === 'host.cutOver') offer({type: 'host.lost', why: 'the date may be another'})
      // The bank could not open the PIN block: it wants a new sign-on, which the watch makes after this visit.
      if (event.type === 'card.refused' && event.code === PIN_KEY_STALE)
        offer({type: 'host.lost', why: 'the bank asks for a new sign-on'})
      return event
    }
    const offer = (event: Event): void => {
      this.#runner.offer(event)
    }
    this.#chores = new Chores({
      ports,
      business,
      log: log.named('session'),
      recover: () => this.#recover(perform),
      onKey: key => {
        this.#press(key)
      },
      patience: () => (this.#desk.listens ? LISTENING_PATIENCE : 1),
      offer,
      crash,
    })
    this.#runner = new SessionRunner(
      setupOf(parts),
      journal,
      perform,
      chore => {
        this.#chores.do(chore)
      },
      log.named('session'),
      crash,
    )
    this.#before = this.#runner.standing
    this.#runner.onStep(standing => {
      this.#follow(standing)
    })
    const advices = adviceSource(suspending(journal, offer), this.#parked)
    this.#outbox = new Outbox(
      advices,
      advice => link.advise(advice),
      clock,
      random.stream('outbox'),
      log.named('link'),
    )
    this.#dayEnd = new DayEnd({
      journal,
      clock,
      log: log.named('session'),
      link,
      business,
      standing: () => this.#runner.standing,
      offer,
      openAdvices: () => advices.openAdvices(),
      cutOverAt: config.host.cutOverAt,
    })
    const isFree = (): boolean => isWaiting(this.standing.state) && this.standing.context.host === 'up'
    const retention = new Retention({
      journal,
      keepDays: config.journal.keepDays,
      isFree,
      clock,
      log: log.named('session'),
    })
    this.#disk = new DiskLadder({
      room,
      ...config.journal,
      context: () => this.standing.context,
      offer,
      log: log.named('session'),
    })
    this.#archive = new Archive({
      link: journalLink(transport, clock, {atmId, answerTimeoutMs}, signer),
      journal,
      keep: event => {
        try {
          const [row] = suspending(journal, offer).append(null, [{kind: 'event', event, answers: null}])
          return present(row, 'the anchor just journaled').seq
        } catch (thrown) {
          if (!(thrown instanceof SystemFault)) throw thrown
          return null
        }
      },
      isFree,
      anchored: () => retention.tidy(),
      differs: why => {
        this.#journalDiffers(why)
      },
      clock,
      log: log.named('link'),
      crash,
    })
    this.#watch = new Watch({
      ports,
      business,
      standing: () => this.#runner.standing,
      offer,
      andThen: async () => {
        this.#disk.look()
        await this.#dayEnd.look()
      },
      intervalMs: config.timers.watchIntervalMs,
      crash,
    })
  }

  /** Begins: opens the devices, recovers, goes into service. */
  start(): void {
    this.#runner.start()
    this.#watch.start()
    this.#archive.start()
  }

  get standing(): Standing {
    return this.#runner.standing
  }

  /** When the devices and the bank were last looked at, on the monotonic clock; null before they first were. */
  get lookedAtMs(): number | null {
    return this.#watch.lookedAtMs
  }

  current(): ViewModel {
    return view(this.standing.state, this.standing.context, this.#desk)
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  onKey(listener: Parameters<Heard['onKey']>[0]): () => void {
    this.#keyListeners.add(listener)
    return () => this.#keyListeners.delete(listener)
  }

  /** A headset came in, or went. Who listens has more time. */
  listen(listens: boolean): void {
    this.#show(withListening(this.#desk, listens))
    this.#chores.stirTimer()
  }

  choose(id: string): void {
    const {state, context} = this.standing
    this.#take(choose(state, context, this.#desk, id))
  }

  /** What a person at the machine wants, through the console. */
  operate(event: Event): void {
    this.#runner.offer(event)
  }

  /** Looks at every device and the bank at once, as it does from time to time between visits. */
  look(): Promise<void> {
    return this.#watch.look()
  }

  /** What closing the business date would tell the bank now. */
  day(): ReturnType<DayEnd['trial']> {
    return this.#dayEnd.trial()
  }

  /** Closes the business date with the bank now. @returns null when it was begun, or why not */
  closeDay(person: string): Promise<string | null> {
    return this.#dayEnd.close(person)
  }

  /** Whether the bank answers. */
  probeBank(): Promise<boolean> {
    return this.#link.probe()
  }

  /** Tells the bank what the cassettes hold, and what people found in them. @returns whether the bank has it */
  tellCash(found: Parameters<HostLink['tellCash']>[1]): Promise<boolean> {
    return this.#dayEnd.tellCash(found)
  }

  /** The line to the bank, for what the machine says of itself. */
  get bank(): Pick<HostLink, 'tellEvents' | 'clockErrorMs' | 'time'> {
    return this.#link
  }

  /** A person counted, emptied path and bins, and loaded the cassettes to these counts. Only between visits. */
  load(levels: readonly CassetteLevel[]): void {
    this.#runner.offer({type: 'cassettes.loaded', levels})
  }

  /** Stops asking and telling. An order still under way keeps its open intent, for the next start to settle. */
  async stop(): Promise<void> {
    this.#tasteTimer?.cancel()
    this.#watch.stop()
    this.#chores.stop()
    this.#runner.stop()
    this.#outbox.stop()
    this.#archive.stop()
    this.#pocket.empty()
    const {reader, pinPad, dispenser, printer, transport, journal} = this.#parts
    await Promise.all([
      reader.close(),
      pinPad.close(),
      dispenser.close(),
      printer?.close(),
      transport.close(),
    ])
    journal.close()
  }

  #press(key: Key): void {
    const {state, context} = this.standing
    const pressed = press(state, context, this.#desk, key)
    const isSpare = pressed.event === null && pressed.desk === this.#desk
    for (const listener of this.#keyListeners) listener(key, isSpare)
    this.#take(pressed)
  }

  #take({desk, event}: Pressed): void {
    if (desk.language !== this.#desk.language || desk.look !== this.#desk.look) this.#keepTaste()
    if (desk !== this.#desk) this.#show(desk)
    if (event === null) this.#chores.stirTimer()
    else this.#runner.offer(event)
  }

  #follow(standing: Standing): void {
    this.#desk = deskAfter(this.#before.state, standing.state, this.#desk)
    // Recovery wakes the outbox itself, once it has read what was parked.
    const isBack =
      standing.state !== 'recovering' &&
      standing.context.host === 'up' &&
      this.#before.context.host === 'down'
    const advice = lastAdviceOf(standing.context)
    const hasNews = advice !== null && advice.key !== lastAdviceOf(this.#before.context)?.key
    if (hasNews) this.#lastAdvice = advice
    if (isBack || hasNews) this.#outbox.kick()
    this.#before = standing
    this.#tell()
  }

  /** Held against the bank's at every sign-on. @returns why the machine must not serve on this journal, or null */
  async #compare(): Promise<string | null> {
    const compared = await this.#archive.compare()
    if (compared.kind === 'same') return null
    if (compared.kind === 'differs') this.#journalDiffers(compared.why)
    return compared.why
  }

  #journalDiffers(why: string): void {
    this.#parts.log.error('the journal is not the one that the bank knows; somebody must look', {why})
    this.#runner.offer({type: 'journal.failed', why})
  }

  /** Another language or look; on the welcome screen, where no visit ends to forget it, for as long as a customer is waited for. */
  #keepTaste(): void {
    const {clock, config} = this.#parts
    this.#tasteTimer?.cancel()
    this.#tasteTimer = clock.after(config.timers.customerTimeoutMs, () => {
      if (this.standing.state === 'idle') this.#show(deskAfresh(this.#desk))
    })
  }

  #show(desk: Desk): void {
    this.#desk = desk
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }

  async #recover(perform: Perform): Promise<Past> {
    const {config, journal, dispenser, clock, log} = this.#parts
    const past = await recover({
      journal,
      dispenser,
      clock,
      log: log.named('recovery'),
      perform,
      retract: config.payout.retract,
    })
    this.#lastAdvice = past.lastAdvice
    for (const row of past.parked) this.#parked.add(row)
    this.#outbox.kick()
    this.#disk.look()
    if (past.levels.length > 0) return past
    const levels = config.cassettes.map(initialLevel)
    journal.append(null, [{kind: 'event', event: {type: 'cassettes.loaded', levels}, answers: null}])
    return readPast(journal)
  }
}

function initialLevel({cassette, noteMinor, initialCount}: CassetteConfig): CassetteLevel {
  return {cassette, noteMinor, count: noteCount(initialCount), state: 'ok'}
}

function setupOf({config, reader, dispenser, printer}: MachineParts): MachineSetup {
  const {capabilities} = dispenser
  return {
    terminal: config.terminal,
    currency: config.currency,
    capabilities: {
      retainCard: reader.capabilities.retain,
      stacker: capabilities.stacker,
      retractNotes: capabilities.retract,
      printer: printer !== null,
      notesPerCassetteMax: capabilities.notesPerCassetteMax,
      notesPerBunchMax: capabilities.notesPerBunchMax,
    },
    policy: {...config.payout, ...config.timers},
  }
}

/** The bank, to which a machine comes with the journal that it left with, or not at all. */
function signingOnWith(link: HostLink, compare: () => Promise<string | null>): HostLink {
  return {
    ...link,
    async signOn() {
      const answer = await link.signOn()
      if (answer.kind !== 'signedOn') return answer
      const why = await compare()
      return why === null ? answer : {kind: 'silent', why}
    },
  }
}

/** What is written beside the loop: a failure is told to the loop at once, which would else learn of it at its next event. */
function suspending(
  journal: MachineJournal,
  offer: (event: Event) => void,
): Pick<MachineJournal, 'append' | 'openIntents'> {
  return {
    openIntents: () => journal.openIntents(),
    append(session, entries) {
      try {
        return journal.append(session, entries)
      } catch (thrown) {
        if (thrown instanceof SystemFault) offer({type: 'journal.failed', why: thrown.message})
        throw thrown
      }
    },
  }
}

/** The open advices of the journal, as the outbox wants them. */
function adviceSource(
  journal: Pick<MachineJournal, 'append' | 'openIntents'>,
  parked: Set<number>,
): AdviceSource {
  return {
    openAdvices: () =>
      journal
        .openIntents()
        .flatMap(({seq, entry: {order}}) =>
          isAdvice(order) ? [{seq, advice: order, isParked: parked.has(seq)}] : [],
        ),
    acknowledge(seq, state) {
      const intent = journal.openIntents().find(open => open.seq === seq)
      journal.append(intent?.session ?? null, [
        {kind: 'event', event: {type: 'host.acknowledged', state}, answers: seqOf(seq)},
      ])
    },
    park(seq, why) {
      const intent = present(
        journal.openIntents().find(open => open.seq === seq),
        `an open advice in row ${seq}`,
      )
      const {order} = intent.entry
      assert(isAdvice(order), `row ${seq} is no advice`)
      const event: Event = {type: 'host.refusedAdvice', key: order.key, row: seq, why}
      journal.append(intent.session, [{kind: 'event', event, answers: null}])
      parked.add(seq)
    },
  }
}
