/** The table as the bench page sees it: every string ready to be read, every hand a person has. */
import type {BankView} from '../../host/reconcile.ts'
import {bankView} from '../../host/reconcile.ts'
import {bankCard} from '../../devices/card-reader/emulator-card.ts'
import {DEMO_CARDS} from '../../host/demo.ts'
import {isAdvice} from '../../fsm/context.ts'
import type {CassetteLevel, Device} from '../../fsm/vocabulary.ts'
import type {Clock} from '../../kit/clock.ts'
import {BadInput} from '../../kit/errors.ts'
import {noteCount} from '../../kit/money.ts'
import type {Stored} from '../../journal/entry.ts'
import type {ScreenSource} from '../screen/source.ts'
import type {Bench, BenchAction, BenchDevice, BenchState, JournalLine} from './bench-port.ts'
import {FAULTS, isPossible} from './plan.ts'
import type {PlanTarget} from './plan.ts'
import {Sight} from './sight.ts'
import type {Table} from './table.ts'

/** Journal lines kept for a page that opens later. */
const JOURNAL_LINES_MAX = 400
const OPERATIONS_SHOWN = 10
/** What the operator loads. */
const FULL_COUNT = 100

type Done = {readonly ok: true} | {readonly ok: false; readonly why: string}
const DONE: Done = {ok: true}

const TARGETS: Readonly<Record<Device, PlanTarget>> = {
  cardReader: 'reader',
  pinPad: 'pinpad',
  dispenser: 'dispenser',
  printer: 'printer',
}
const DEVICES: readonly Device[] = ['cardReader', 'pinPad', 'dispenser', 'printer']

export class LiveBench implements Bench {
  readonly screen: ScreenSource
  readonly #table: Table
  readonly #sight: Sight
  readonly #clock: Clock
  readonly #crash: (thrown: unknown) => void
  readonly #listeners = new Set<() => void>()
  readonly #planned: Record<Device, string[]> = {
    cardReader: [],
    pinPad: [],
    dispenser: [],
    printer: [],
  }
  readonly #lines: JournalLine[] = []
  #bank: BankView = {accounts: [], operations: []}
  #isReadingBank = false
  #seen: number
  #cardId: string | null = null

  constructor(table: Table, clock: Clock, crash: (thrown: unknown) => void) {
    this.#table = table
    this.#sight = new Sight(table.stage.rig.emulators, table.config)
    this.#crash = crash
    this.#clock = clock
    this.screen = screenOf(table)
    const {stage, journal} = table
    this.#seen = Math.max(0, journal.head.seq - JOURNAL_LINES_MAX)
    this.#readJournal()
    table.onChange(() => {
      if (table.machine.standing.state === 'idle') this.#forgetPlans()
      this.#readJournal()
      this.#tell()
    })
    const {reader, pinPad, dispenser, printer} = stage.rig.emulators
    printer?.watch(() => {
      this.#tell()
    })
    reader.onChange(() => {
      this.#tell()
    })
    pinPad.onChange(() => {
      this.#tell()
    })
    dispenser.watch(() => {
      this.#tell()
    })
    stage.line.onChange(() => {
      this.#tell()
    })
    this.#readBank()
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  journalLines(afterSeq: number): readonly JournalLine[] {
    return this.#lines.filter(({seq}) => seq > afterSeq)
  }

  state(): BenchState {
    return {
      play: null,
      cards: DEMO_CARDS.map(({pan, holder, pin, status}) => ({
        id: pan.slice(-4),
        holder,
        masked: `${pan.slice(0, 4)} ${pan.slice(4, 6)}** **** ${pan.slice(-4)}`,
        pinHint: status === 'active' ? `PIN ${pin}` : `PIN ${pin}, ${status}`,
      })),
      slot: this.#sight.slot(this.#cardId),
      bank: {
        accounts: this.#bank.accounts.map(account => this.#sight.account(account)),
        operations: this.#bank.operations.map(operation => this.#sight.operation(operation)),
      },
      devices: this.#devices.map(device => this.#device(device)),
      link: this.#link(),
    }
  }

  async act(action: BenchAction): Promise<Done> {
    const {machine, stage} = this.#table
    const {reader, pinPad, dispenser} = stage.rig.emulators
    switch (action.kind) {
      case 'insertCard':
        return this.#insert(action.id)
      case 'takeCard':
        if (reader.take() === null) return no('there is no card to take')
        this.#cardId = null
        return DONE
      case 'pressKey':
        pinPad.press(action.key)
        return DONE
      case 'takeNotes':
        dispenser.takeNotes()
        return DONE
      case 'plan':
        return this.#plan(action.device, action.fault, action.argument)
      case 'cable':
        if (action.to === 'pulled') stage.rig.cables[action.device]?.pull()
        else stage.rig.cables[action.device]?.plug()
        this.#tell()
        return DONE
      case 'power':
        this.#power(action.device, action.to)
        return DONE
      case 'reloadCassettes':
        if (!['idle', 'offline', 'outOfService'].includes(machine.standing.state))
          return no('the safe stays shut while a visit is under way')
        this.#reload()
        return DONE
      case 'hostLink':
        if (action.to === 'cut') stage.line.cut()
        else stage.line.restore()
        return DONE
      case 'speed':
        return no('time passes here as it does')
    }
  }

  #insert(id: string): Done {
    const card = DEMO_CARDS.find(({pan}) => pan.endsWith(id))
    if (card === undefined) return no('there is no such card')
    const outcome = this.#table.stage.rig.emulators.reader.insert(bankCard(card.track2.slice(1, -1)))
    if (outcome === 'refused') return no('the card slot is shut')
    this.#cardId = id
    return DONE
  }

  #plan(device: Device, name: string, afterNotes: number | null): Done {
    const fault = FAULTS.find(one => one.target === TARGETS[device] && one.name === name)
    if (fault === undefined) return no('this device knows no such fault')
    try {
      this.#table.plans.add([{fault, afterNotes: afterNotes ?? 0, inState: null}])
    } catch (thrown) {
      if (thrown instanceof BadInput) return no(thrown.message)
      throw thrown
    }
    const after = afterNotes === null ? '' : ` after ${afterNotes}`
    this.#planned[device].push(`${fault.label}${after}`)
    this.#tell()
    return DONE
  }

  #power(device: Device, to: 'cut' | 'on'): void {
    const {reader, pinPad, dispenser, printer} = this.#table.stage.rig.emulators
    switch (device) {
      case 'cardReader':
        if (to === 'cut') reader.cutPower()
        else reader.restorePower()
        return
      case 'pinPad':
        if (to === 'cut') pinPad.cutPower()
        else pinPad.restorePower()
        return
      case 'dispenser':
        if (to === 'cut') dispenser.powerCut()
        else dispenser.powerOn()
        return
      case 'printer':
        if (to === 'cut') printer?.powerCut()
        else printer?.powerOn()
        return
    }
  }

  /** The operator's visit: path and bins emptied, cassettes counted out and filled anew. */
  #reload(): void {
    const {machine, config, stage} = this.#table
    const {operator} = stage.rig.emulators.dispenser
    operator.clearPath()
    operator.emptyBins()
    operator.load(Object.fromEntries(config.cassettes.map(({cassette}) => [cassette, FULL_COUNT])))
    const levels = config.cassettes.map(({cassette, noteMinor}): CassetteLevel => ({
      cassette,
      noteMinor,
      count: noteCount(FULL_COUNT),
      state: 'ok',
    }))
    machine.load(levels)
  }

  /** Those that this machine has. */
  get #devices(): readonly Device[] {
    return DEVICES.filter(device => this.#table.config[device] !== null)
  }

  #device(device: Device): BenchDevice {
    const {machine, stage, config} = this.#table
    return {
      kind: device,
      model: config[device]?.model ?? 'none',
      online: machine.standing.context.devices[device] === 'ok',
      cable: stage.rig.cables[device]?.isPlugged === false ? 'pulled' : 'in',
      power: this.#sight.isPowered(device) ? 'on' : 'cut',
      world: this.#sight.world(device),
      faults: FAULTS.filter(fault => fault.target === TARGETS[device] && isPossible(fault, stage.rig))
        .filter(({name}) => name !== 'cable pulled')
        .map(({name, label, takesNotes}) => ({name, label, argument: takesNotes ? 'notes' : null})),
      planned: this.#planned[device],
    }
  }

  #link(): BenchState['link'] {
    const {stage, journal, machine} = this.#table
    const waiting = journal.openIntents().filter(({entry: {order}}) => isAdvice(order)).length
    const isUp = machine.standing.context.host === 'up'
    return {
      state: stage.line.isCut ? 'cut' : 'up',
      waiting,
      text: stage.line.isCut ? 'the line is cut' : isUp ? 'signed on, mutual TLS' : 'not signed on',
    }
  }

  /** Follows the journal over all lives of the machine. */
  #readJournal(): void {
    const rows = this.#table.journal.rows(this.#seen + 1, JOURNAL_LINES_MAX)
    if (rows.length === 0) return
    for (const row of rows) this.#keep(row)
    this.#seen = rows.at(-1)?.seq ?? this.#seen
    this.#readBank()
  }

  #keep(row: Stored): void {
    this.#lines.push(this.#sight.line(row))
    if (this.#lines.length > JOURNAL_LINES_MAX) this.#lines.shift()
  }

  #forgetPlans(): void {
    for (const device of DEVICES) this.#planned[device].length = 0
  }

  /** The bank answers later; until then the page shows what it said last. */
  #readBank(): void {
    if (this.#isReadingBank) return
    this.#isReadingBank = true
    this.#clock.after(BANK_LOOK_MS, () => {
      bankView(this.#table.bank, OPERATIONS_SHOWN)
        .then(view => {
          this.#bank = view
          this.#tell()
        })
        .catch(this.#crash)
        .finally(() => {
          this.#isReadingBank = false
        })
    })
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** After a change in the journal, so that the bank has had time to act on it. */
const BANK_LOOK_MS = 100

/** The screen of whichever life the machine is in. */
function screenOf(table: Table): ScreenSource {
  return {
    current: () => table.machine.current(),
    onChange: listener => table.onChange(listener),
    choose(id) {
      table.machine.choose(id)
    },
  }
}

function no(why: string): Done {
  return {ok: false, why}
}
