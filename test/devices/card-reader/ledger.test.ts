/**
 * Every act of a reader that moves a card, with every fault on every command that the act sends, once and three times:
 * what the driver says of the card is true of the emulator's hidden ledger, or it said that it does not know; no card
 * is lost or made, and the reader serves again.
 */
import t from 'tap'
import {Crt310} from '../../../devices/card-reader/crt310/driver.ts'
import {
  commandOf as crt310Command,
  decodeFrame as crt310Frame,
} from '../../../devices/card-reader/crt310/codec.ts'
import {Crt310Emulator} from '../../../devices/card-reader/crt310/emulator.ts'
import {
  commandOf as crt571Command,
  decodeCommand as crt571Decode,
  decodeFrame as crt571Frame,
} from '../../../devices/card-reader/crt571/codec.ts'
import {Crt571} from '../../../devices/card-reader/crt571/driver.ts'
import {Crt571Emulator} from '../../../devices/card-reader/crt571/emulator.ts'
import type {Card} from '../../../devices/card-reader/emulator-card.ts'
import type {LineMischief, Mischief} from '../../../devices/card-reader/emulator-mischief.ts'
import {JOURNEYS} from '../../../devices/card-reader/emulator-path.ts'
import type {Remains, World} from '../../../devices/card-reader/emulator-path.ts'
import type {CardReader} from '../../../devices/card-reader/port.ts'
import {loopbackPair} from '../../../devices/wire/loopback.ts'
import type {ByteLink} from '../../../devices/wire/link.ts'
import type {VirtualClock} from '../../../kit/clock.ts'
import {silentLog} from '../../../kit/log.ts'
import {CHIPPED, CRT310, CRT571} from './models.ts'
import {newClock, settled} from './suite.ts'

/** What this test needs of an emulated reader, whatever its commands are called. */
interface Emulated {
  readonly world: World
  readonly transcript: readonly {readonly from: 'host' | 'device'; readonly hex: string}[]
  start(): Promise<void>
  stop(): Promise<void>
  insert(card: Card): 'inserted' | 'refused'
  take(): Card | null
  restorePower(): void
}

interface Model<Name extends string> {
  readonly name: string
  readonly faults: readonly LineMischief[]
  readonly emulator: (
    far: ByteLink,
    clock: VirtualClock,
    remains: Remains,
  ) => Emulated & {plan(mischief: Mischief<Name>): void}
  readonly driver: (near: ByteLink, clock: VirtualClock) => CardReader
  /** The command in a frame of the host, or null. */
  readonly commandIn: (frame: Uint8Array) => Name | null
}

interface Rig {
  readonly reader: CardReader
  readonly emulator: Emulated
  readonly clock: VirtualClock
}

/** What is said when it is done, and what must be true of the card then. */
interface Act {
  readonly name: string
  readonly found: 'inside' | 'nowhere'
  readonly run: (rig: Rig) => Promise<{readonly kind: string}>
  readonly isTrue: (said: string, world: World) => boolean
}

const INSIDE: Remains = {card: CHIPPED, place: 'inside', bin: [], takenCount: 0}
const NOWHERE: Remains = {...INSIDE, card: null}

const ACTS: readonly Act[] = [
  {
    name: 'accept',
    found: 'nowhere',
    run: async ({reader, emulator, clock}) => {
      const accepting = reader.accept()
      // A fault may keep the mouth shut for a while: the customer tries again.
      for (let second = 0; second < 30; second++) {
        await clock.advance(1_000)
        if (emulator.insert(CHIPPED) === 'inserted') break
      }
      if (emulator.world.insertedCount > 0) return settled(clock, accepting)
      await settled(clock, reader.refuse())
      return settled(clock, accepting)
    },
    isTrue: (said, {place}) =>
      said === 'inserted' || said === 'unreadable'
        ? place !== 'none'
        : said !== 'stopped' || place === 'none',
  },
  {
    name: 'eject',
    found: 'inside',
    run: async ({reader, emulator, clock}) => {
      const ejecting = reader.eject(30_000)
      await clock.advance(8_000)
      emulator.take()
      return settled(clock, ejecting)
    },
    isTrue: (said, {takenCount, place}) =>
      said === 'taken' ? takenCount === 1 : said !== 'left' || (takenCount === 0 && place !== 'none'),
  },
  {
    name: 'retain',
    found: 'inside',
    run: ({reader, clock}) => settled(clock, reader.retain()),
    isTrue: (said, {capturedCount}) => said !== 'retained' || capturedCount === 1,
  },
  ...(['stay', 'exit', 'retain'] as const).map((where): Act => ({
    name: `reset, ${where}`,
    found: 'inside',
    run: ({reader, clock}) => settled(clock, reader.reset(where)),
    isTrue: (said, {place, capturedCount}) => {
      if (said !== 'reset') return true
      if (where === 'retain') return capturedCount === 1
      return where === 'stay' ? place === 'inside' || place === 'insideContact' : place.startsWith('front')
    },
  })),
]

async function rigFor<Name extends string>(model: Model<Name>, act: Act) {
  const clock = newClock()
  const {near, far} = loopbackPair(clock, {delayMs: 2})
  const emulator = model.emulator(far, clock, act.found === 'inside' ? INSIDE : NOWHERE)
  await emulator.start()
  const reader = model.driver(near, clock)
  t.equal((await settled(clock, reader.open())).kind, 'open', `${model.name} opens`)
  return {reader, emulator, clock}
}

/** The commands that an act sends while nothing is wrong. */
async function commandsOf<Name extends string>(model: Model<Name>, act: Act): Promise<readonly Name[]> {
  const rig = await rigFor(model, act)
  const from = rig.emulator.transcript.length
  await act.run(rig)
  const names = rig.emulator.transcript.slice(from).flatMap(({from: who, hex}) => {
    const name =
      who === 'host' ? model.commandIn(Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))) : null
    return name === null ? [] : [name]
  })
  return [...new Set(names)]
}

/** Faults that a driver makes good by asking again, until there are too many. */
const STUBBORN: ReadonlySet<LineMischief> = new Set([
  'ignoreFrame',
  'nak',
  'dropAck',
  'dropReply',
  'corruptReply',
])

/** What an act must bear: each fault of the line on each of its commands, the power gone there, and each jam. */
function plansFor<Name extends string>(
  model: Model<Name>,
  names: readonly Name[],
): readonly Mischief<Name>[][] {
  return [
    ...names.flatMap(command => [
      ...model.faults.flatMap(what => {
        const one: Mischief<Name> = {kind: 'line', do: what, command}
        return STUBBORN.has(what) ? [[one], [one, one, one]] : [[one]]
      }),
      [{kind: 'power', command} as const],
    ]),
    ...JOURNEYS.map(journey => [{kind: 'jam', journey} as const]),
  ]
}

async function underPlan<Name extends string>(
  model: Model<Name>,
  act: Act,
  plan: readonly Mischief<Name>[],
): Promise<string | null> {
  const rig = await rigFor(model, act)
  const {reader, emulator, clock} = rig
  for (const mischief of plan) rig.emulator.plan(mischief)
  const said = await act.run(rig)
  await clock.advance(60_000)
  if (!act.isTrue(said.kind, emulator.world))
    return `said ${said.kind}, and the card is ${JSON.stringify(emulator.world)}`
  if (!emulator.world.isPowered) emulator.restorePower()
  const {insertedCount, takenCount, capturedCount, place} = emulator.world
  const insideCount = place === 'none' ? 0 : 1
  if (insertedCount !== takenCount + capturedCount + insideCount)
    return `a card is lost: ${JSON.stringify(emulator.world)}`
  const opened = await settled(clock, reader.open())
  await settled(clock, reader.close())
  await emulator.stop()
  return opened.kind === 'open' ? null : `afterwards: ${opened.fault}, ${opened.detail}`
}

function ledgerSuite<Name extends string>(model: Model<Name>): void {
  for (const act of ACTS)
    t.test(`${model.name}: ${act.name} under every fault`, async t => {
      const names = await commandsOf(model, act)
      t.ok(names.length > 0, names.join(' '))
      let plansCount = 0
      for (const plan of plansFor(model, names)) {
        const wrong = await underPlan(model, act, plan)
        if (wrong !== null) t.fail(`${JSON.stringify(plan)}: ${wrong}`)
        plansCount += 1
      }
      t.ok(plansCount > 3, `${plansCount} plans`)
    })
}

ledgerSuite({
  name: 'crt310',
  faults: CRT310.faults,
  emulator: (far, clock, remains) => new Crt310Emulator(far, clock, {moveMs: 300, remains}),
  driver: (near, clock) => new Crt310(near, clock, silentLog),
  commandIn: frame => {
    const body = crt310Frame(frame)
    return body === null ? null : crt310Command(body)
  },
})

ledgerSuite({
  name: 'crt571',
  faults: CRT571.faults,
  emulator: (far, clock, remains) =>
    new Crt571Emulator(far, clock, {moveMs: 300, remains: {...remains, stackedCount: 20}}),
  driver: (near, clock) => new Crt571(near, clock, silentLog),
  commandIn: frame => {
    const text = crt571Frame(frame)?.text
    const command = text === undefined ? null : crt571Decode(text)
    return command === null ? null : crt571Command(command)
  },
})
