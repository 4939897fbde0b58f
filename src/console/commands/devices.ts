/** `test ...`, `reset ...`, `diag ...`: whether the devices work. Notes move to the reject bin at most, in supervisor mode. */
import type {Event} from '../../../fsm/vocabulary.ts'
import {arg, look} from '../command.ts'
import type {Command, Scene} from '../command.ts'
import {facts, refused, table} from '../view.ts'
import type {Cell, Reply} from '../view.ts'
import {CASH, ENGINEERS, HANDS} from './roles.ts'
import {deviceOf} from './show.ts'

/** Far longer than a mechanism takes to come home. */
const ORDER_TIMEOUT_MS = 180_000

type Answer = Extract<Event, {type: 'reset.done' | 'reset.failed' | 'test.done' | 'test.failed'}>

/** Offers what the person wants and waits for the machine's own answer to it; null when none came. */
export async function ordered({machine}: Scene, event: Event): Promise<Answer | null> {
  const from = machine.journal.head.seq + 1
  machine.offer(event)
  if (machine.standing().state !== 'servicing') return null
  await machine.until(({state}) => state !== 'servicing', ORDER_TIMEOUT_MS)
  for (const {entry} of machine.journal.rows(from, 100)) {
    if (entry.kind !== 'event') continue
    const {event: happened} = entry
    switch (happened.type) {
      case 'reset.done':
      case 'reset.failed':
      case 'test.done':
      case 'test.failed':
        return happened
      default:
    }
  }
  return null
}

async function reset(scene: Scene): Promise<Reply> {
  const device = deviceOf(scene)
  const answered = await ordered(scene, {type: 'reset.chosen', person: scene.person.name, device})
  if (answered === null) return refused('the machine did not take it')
  if (answered.type !== 'reset.done') return refused('fault' in answered ? answered.fault : 'no answer')
  await scene.machine.look()
  return facts(
    ['reset', device],
    ...(answered.tallies ?? []).map(({cassette, picked, rejected}): [string, Cell] => [
      `cassette ${cassette}`,
      `${picked} picked, ${rejected} rejected`,
    ]),
    ['health now', scene.machine.standing().context.devices[device]],
  )
}

/** One note of a cassette to the reject bin. */
export async function testCassette(scene: Scene, cassette: number): Promise<Reply> {
  if (!scene.machine.canTest) return refused('this dispenser has no test to the reject bin')
  const answered = await ordered(scene, {type: 'test.chosen', person: scene.person.name, cassette})
  if (answered === null) return refused('no such cassette, or enough tests in this supervision')
  if (answered.type === 'test.failed') return refused(answered.fault)
  if (answered.type !== 'test.done') return refused('no answer')
  const {picked, rejected, dispensed} = answered.tally
  return facts(
    ['cassette', cassette],
    ['picked', picked],
    ['to the reject bin', rejected],
    ['out', dispensed],
  )
}

async function report(scene: Scene, device: 'cardReader' | 'pinPad' | 'printer'): Promise<Reply> {
  const told = await scene.machine.report(device)
  return told.kind === 'told' ? facts(...told.facts) : refused(told.why)
}

async function selfTest({machine}: Scene): Promise<Reply> {
  const told = await machine.selfTest()
  return told.kind === 'told' ? facts(...told.facts) : refused(told.why)
}

/** Looks at everything once, and the machine goes by what it finds. */
async function all({machine}: Scene): Promise<Reply> {
  await machine.look()
  const {devices, host} = machine.standing().context
  return table(['what', 'health'], [...Object.entries(devices), ['bank', host]])
}

export const deviceCommands: readonly Command[] = [
  {
    ...look('test reader', 'asks the card reader; moves no card', HANDS, scene =>
      report(scene, 'cardReader'),
    ),
    when: 'resting',
  },
  {
    ...look('test printer', 'asks the receipt printer; prints nothing', HANDS, scene =>
      report(scene, 'printer'),
    ),
    when: 'resting',
  },
  {...look('test epp', 'has the PIN pad prove itself', ENGINEERS, selfTest), when: 'supervisor'},
  look('test host', 'asks the bank for a sign of life', HANDS, async ({machine}) =>
    (await machine.probeBank()) ? facts(['bank', 'answers']) : refused('the bank does not answer'),
  ),
  {...look('test all', 'looks at every device and the bank', HANDS, all), when: 'resting'},
  {...look('diag selftest', 'looks at every device and the bank', ENGINEERS, all), when: 'resting'},
  {
    words: 'test dispenser to-reject CASSETTE',
    purpose: 'one note of a cassette to the reject bin',
    example: 'test dispenser to-reject 1',
    may: [...CASH, ...ENGINEERS],
    kind: 'act',
    dual: 'cash',
    when: 'supervisor',
    says: 'pick one note of that cassette and put it into the reject bin',
    run: scene => testCassette(scene, Number(arg(scene, 'CASSETTE'))),
  },
  {
    words: 'reset device DEVICE',
    purpose: 'brings a device home; a dispenser clears its path into the reject bin',
    example: 'reset device dispenser',
    may: ENGINEERS,
    kind: 'act',
    dual: 'cash',
    when: 'supervisor',
    says: 'reset the device: a dispenser moves what is in its path, which was evidence, into the reject bin',
    run: reset,
  },
]
