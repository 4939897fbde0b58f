/** One life on the bench's page: what happens is drawn from the seed, and whoever looks on says how fast. */
import type {Device} from '../../fsm/vocabulary.ts'
import type {BankView} from '../../host/reconcile.ts'
import {realClock} from '../../kit/clock.ts'
import type {Bench, BenchAction, BenchDevice, BenchState, JournalLine} from '../../src/bench/bench-port.ts'
import {Sight} from '../../src/bench/sight.ts'
import type {ScreenSource} from '../../src/screen/source.ts'
import type {ViewModel} from '../../src/screen/view-model.ts'
import {TERMINAL} from './bank.ts'
import type {Ground, Played} from './ground.ts'
import type {Outcome} from './run.ts'
import {isTold, lineText} from './story.ts'
import type {Line} from './trace.ts'
import type {World} from './world.ts'

const SPEEDS = [0, 1, 5, 20, 100] as const
const SPEED_FIRST = 5
/** How often somebody may change their mind about the speed. */
const STEP_MS = 100
/** Longest that a page waits for what comes next, however far ahead it lies: between visits nothing is to be seen. */
const WAIT_MAX_MS = 3_000
/** Less than this is waited for together with what follows. */
const WAIT_LEAST_MS = 10
const LINES_MAX = 400
const OPERATIONS_SHOWN = 10

const HANDS_OFF = {ok: false, why: 'this life is played from a seed: only its speed is yours'} as const

/** What is on the screen of a computer without power. */
const DARK: ViewModel = {
  screen: 'starting',
  language: 'en',
  direction: 'ltr',
  tone: 'calm',
  title: '',
  instruction: '',
  notice: null,
  amount: null,
  figures: [],
  entry: null,
  choices: [],
  reference: null,
  slots: {card: 'off', cash: 'off'},
  card: null,
  terminal: TERMINAL,
  look: {now: 'plain', label: '', key: null},
  speech: '',
}

interface Stage {
  readonly world: World
  readonly sight: Sight
}

export class PlayedBench implements Bench {
  readonly screen: ScreenSource = {
    current: () => this.#stage?.world.machine?.current() ?? DARK,
    onChange: listener => this.onChange(listener),
    choose: () => undefined,
  }
  readonly #ground: Ground
  readonly #played: Played
  readonly #clock = realClock()
  readonly #listeners = new Set<() => void>()
  readonly #lines: JournalLine[] = []
  #linesCount = 0
  #speed: number = SPEED_FIRST
  #stage: Stage | null = null
  #bank: BankView | null = null
  #ending: string | null = null
  /** Virtual time that the page is behind. */
  #aheadMs = 0

  constructor(ground: Ground, played: Played) {
    this.#ground = ground
    this.#played = played
  }

  /** Plays it once, to its end. */
  async play(): Promise<Outcome> {
    const outcome = await this.#ground.play({
      ...this.#played,
      pace: aheadMs => this.#pace(aheadMs),
      begun: world => {
        this.#begin(world)
      },
      watch: line => {
        this.#hear(line)
      },
    })
    const {violation, visitsCount, livesCount} = outcome
    const held =
      violation === null ? 'every promise held' : `BROKEN ${violation.promise}: ${violation.detail}`
    this.#ending = `over: ${visitsCount} visits, ${livesCount} lives, ${held}`
    this.#tell()
    return outcome
  }

  state(): BenchState {
    const stage = this.#stage
    return {
      play: {text: this.#text(), speed: this.#speed, speeds: SPEEDS},
      cards: [],
      slot: stage?.sight.slot(null) ?? {card: 'empty', cardId: null, cash: {notes: [], total: ''}},
      bank: {
        accounts: this.#bank?.accounts.flatMap(account => stage?.sight.account(account) ?? []) ?? [],
        operations:
          this.#bank?.operations.flatMap(operation => stage?.sight.operation(operation) ?? []) ?? [],
      },
      devices: stage === null ? [] : DEVICES.map(([device, at]) => deviceOf(stage, device, at)),
      link: linkOf(stage?.world ?? null),
    }
  }

  async act(action: BenchAction): Promise<{readonly ok: true} | {readonly ok: false; readonly why: string}> {
    if (action.kind !== 'speed') return HANDS_OFF
    this.#speed = action.speed
    this.#tell()
    return {ok: true}
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  journalLines(afterSeq: number): readonly JournalLine[] {
    return this.#lines.filter(({seq}) => seq > afterSeq)
  }

  #begin(world: World): void {
    const {reader, pad, dispenser} = world.devices
    this.#stage = {world, sight: new Sight({reader, pinPad: pad, dispenser, printer: null}, world.config)}
    world.onChange(() => {
      this.#tell()
    })
  }

  #hear(line: Line): void {
    if (!isTold(line)) return
    this.#linesCount += 1
    this.#lines.push({seq: this.#linesCount, text: lineText(line)})
    if (this.#lines.length > LINES_MAX) this.#lines.shift()
    this.#tell()
  }

  async #pace(aheadMs: number): Promise<void> {
    this.#aheadMs += aheadMs
    if (this.#bank === null) await this.#readBank()
    let waitedMs = 0
    while (this.#speed === 0 || this.#aheadMs / this.#speed >= WAIT_LEAST_MS) {
      if (waitedMs === 0) await this.#readBank()
      const stepMs = this.#speed === 0 ? STEP_MS : Math.min(STEP_MS, this.#aheadMs / this.#speed)
      await this.#clock.sleep(stepMs)
      this.#aheadMs -= stepMs * this.#speed
      waitedMs += this.#speed === 0 ? 0 : stepMs
      if (waitedMs >= WAIT_MAX_MS) this.#aheadMs = 0
    }
  }

  async #readBank(): Promise<void> {
    this.#bank = (await this.#stage?.world.bank.view(OPERATIONS_SHOWN)) ?? this.#bank
  }

  #text(): string {
    const {seed} = this.#played
    const world = this.#stage?.world
    if (world === undefined) return `seed ${seed}`
    const at = new Date(world.clock.monotonicMs()).toISOString().slice(11, 19)
    return `seed ${seed} at ${at}, life ${world.lives}${this.#ending === null ? '' : `, ${this.#ending}`}`
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** With the places of their cables. */
const DEVICES = [
  ['cardReader', 0],
  ['pinPad', 1],
  ['dispenser', 2],
] as const satisfies readonly (readonly [Device, number])[]

function deviceOf({world, sight}: Stage, device: Device, at: number): BenchDevice {
  return {
    kind: device,
    model: world.config[device]?.model ?? 'none',
    online: world.machine?.standing.context.devices[device] === 'ok',
    cable: world.devices.cables[at]?.isPlugged === true ? 'in' : 'pulled',
    power: sight.isPowered(device) ? 'on' : 'cut',
    world: sight.world(device),
    faults: [],
    planned: [],
  }
}

function linkOf(world: World | null): BenchState['link'] {
  const isUp = world?.machine?.standing.context.host === 'up'
  return {
    state: isUp ? 'up' : 'cut',
    waiting: world?.openCount ?? 0,
    text: isUp ? 'signed on' : 'not signed on',
  }
}
