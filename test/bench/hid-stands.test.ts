/** The stands of HID models on a bus in memory: every profile, every command, every fault, and worlds that come back. */
import t from 'tap'
import {hidPair} from '../../devices/wire/hid-pair.ts'
import type {HidLink} from '../../devices/wire/hid.ts'
import type {Cable} from '../../devices/wire/loopback.ts'
import {present} from '../../kit/assert.ts'
import {epochMs, VirtualClock} from '../../kit/clock.ts'
import {BadInput} from '../../kit/errors.ts'
import {readJson, writeJson} from '../../kit/exact-json.ts'
import type {Json} from '../../kit/exact-json.ts'
import {silentLog} from '../../kit/log.ts'
import {seededRandom} from '../../kit/random.ts'
import {StandControl} from '../../src/bench/control.ts'
import type {HidStandModel, ModelName, Stand} from '../../src/bench/stand.ts'
import {STANDS} from '../../src/bench/stands.ts'
import {KINDS} from '../../src/kinds.ts'

const MODELS = ['magtek', 'dynapro'] as const satisfies readonly ModelName[]

async function modelOf(name: (typeof MODELS)[number]): Promise<HidStandModel> {
  const model = await present(STANDS[name], name)()
  if (model.wire !== 'hid') throw new RangeError(`${name} is on no HID`)
  return model
}

interface Met {
  readonly clock: VirtualClock
  readonly near: HidLink
  readonly cable: Cable
  readonly stand: Stand
  readonly ask: (line: string) => Promise<Readonly<Record<string, unknown>>>
}

async function meet(model: HidStandModel, profile: string, world: Json | null = null): Promise<Met> {
  const clock = new VirtualClock(epochMs(0))
  const {near, far, cable} = hidPair(clock)
  const stand = model.make(far, clock, seededRandom('stand'), {profile, world, pace: 'fast'})
  const control = new StandControl(
    model,
    stand,
    cable,
    () => undefined,
    () => undefined,
  )
  await stand.start()
  const ask = async (line: string): Promise<Readonly<Record<string, unknown>>> => {
    const read: unknown = JSON.parse((await control.answer(line)) ?? '{}')
    return typeof read === 'object' && read !== null ? Object.fromEntries(Object.entries(read)) : {}
  }
  return {clock, near, cable, stand, ask}
}

function jsonOf(text: string): Json {
  const read = readJson(text)
  if (read.kind === 'refused') throw new RangeError(read.why)
  return read.json
}

/** The drivers that a profile may need: those whose names begin with the model's. */
function driversOf(name: string) {
  return KINDS.flatMap(({models}) => Object.entries(models)).flatMap(([of, driver]) =>
    of.startsWith(name) && driver.line === null ? [driver] : [],
  )
}

t.test('every profile is met by a driver, or refused for what it is', async t => {
  for (const name of MODELS) {
    const model = await modelOf(name)
    for (const profile of Object.keys(model.profiles)) {
      const {clock, near, stand} = await meet(model, profile)
      const said: string[] = []
      for (const driver of driversOf(name)) {
        const device = driver.on(near, clock, silentLog)
        const opened = await clock.finish(device.open(), 60_000)
        said.push(opened.kind === 'open' ? 'open' : opened.detail)
        await clock.finish(device.close(), 60_000)
      }
      if (profile === 'swipe-encrypting') t.match(said.join('; '), /security level 3/)
      else t.ok(said.includes('open'), `${name} ${profile}: ${said.join('; ')}`)
      await stand.stop()
    }
  }
})

t.test('the world is saved and comes back, and a bad one is named', async t => {
  for (const name of MODELS) {
    const model = await modelOf(name)
    for (const profile of Object.keys(model.profiles)) {
      const {stand} = await meet(model, profile)
      const world = writeJson(stand.world())
      const again = await meet(model, profile, jsonOf(world))
      t.equal(writeJson(again.stand.world()), world, `${name} ${profile}`)
    }
  }
  const bad: readonly (readonly [(typeof MODELS)[number], string, string, RegExp])[] = [
    ['magtek', 'swipe', '{"card": "ada"}', /card cannot be: nothing stays in a swipe reader/],
    ['magtek', 'insert', '{"card": "nobody"}', /card: there is no card 'nobody'/],
    ['magtek', 'swipe', '{"takenCount": -1}', /takenCount must be a whole number/],
    ['magtek', 'swipe', '{"securityLevel": 4}', /securityLevel must be/],
    ['magtek', 'swipe', '{"properties": [{"number": 300, "value": ""}]}', /number must be/],
    ['magtek', 'swipe', '{"properties": [{"number": 1, "value": "XY"}]}', /value must be/],
    ['magtek', 'swipe', '{"notes": 1}', /notes is no part of a card reader/],
    ['dynapro', 'mini', '{"pinKey": "none!"}', /pinKey must be/],
    ['dynapro', 'mini', '{"configuration": "00"}', /configuration must be 8 bytes/],
    ['dynapro', 'mini', '{"cassettes": []}', /cassettes is no part of a PIN pad/],
  ]
  for (const [name, profile, world, message] of bad) {
    const model = await modelOf(name)
    await t.rejects(meet(model, profile, jsonOf(world)), {name: 'BadInput', message}, world)
  }
})

t.test('every fault can be planned, every command answers with one object', async t => {
  for (const name of MODELS) {
    const model = await modelOf(name)
    const [profile = ''] = Object.keys(model.profiles)
    const {ask, stand} = await meet(model, profile)
    for (const fault of model.faults) {
      const text = fault
        .replaceAll(/[[\]]/g, '')
        .replace('CODE', '02')
        .replace(/\bN\b/, '1')
        .replace(' on ORDER', '')
      const answer = await ask(`plan ${text}`)
      const [, order] = /one of ([^,]+)/.exec(String(answer['error'])) ?? []
      if (order !== undefined) t.match(await ask(`plan ${text} on ${order}`), {planned: /./}, fault)
      else t.match(answer, {planned: /./}, fault)
    }
    t.throws(() => {
      stand.plan('juggle')
    }, BadInput)
    for (const {words} of stand.commands) {
      const answer = await ask(words.replaceAll(/\b[A-Z]+\b/g, '~'))
      t.equal('error' in answer, /\b[A-Z]+\b/.test(words), `${name}: ${words}`)
    }
    t.match(await ask('cut power'), {power: 'off'})
    t.match(await ask('restore power'), {power: 'on'})
    t.match(await ask('show state'), {isPowered: true})
    t.match(await ask('show transcript'), {transcript: Array})
  }
})

t.test('cards go in, come out, and stay through a power cut', async t => {
  const model = await modelOf('magtek')
  const {ask, stand, clock, near} = await meet(model, 'insert')
  let changes = 0
  const unwatch = stand.watch(() => {
    changes += 1
  })
  t.same(await ask('take card'), {card: null})
  t.same(await ask('insert card ada'), {card: 'ada', outcome: 'inserted'})
  t.match(await ask('insert card ada'), {outcome: 'refused'})
  t.match(await ask('show world'), {card: 'ada', takenCount: 0, swipeCount: 1})
  const back = await meet(model, 'insert', jsonOf(writeJson(stand.world())))
  t.match(await back.ask('show state'), {place: 'frontFree', insertedCount: 1})
  await ask('cut power')
  await clock.advance(10)
  t.equal(near.isOpen, false)
  t.same(await ask('take card'), {card: 'ada'})
  t.ok(changes >= 3)
  const before = changes
  unwatch()
  await ask('insert card ada')
  t.equal(changes, before)
  t.notMatch(JSON.stringify(await ask('show transcript')), /34 37 36 31 37 33/)
})

t.test('a PIN typed at the stand is repeated by no answer', async t => {
  const {ask, near, clock} = await meet(await modelOf('dynapro'), 'mini')
  await near.open({report: () => undefined, garbage: () => undefined, lost: () => undefined})
  await clock.finish(near.send('feature', 0x04, Uint8Array.of(30, 0, 0x44, 0, 0)), 10_000)
  const answers = [
    await ask('press key 7 3 9 1 enter'),
    await ask('show state'),
    await ask('show world'),
    await ask('show transcript'),
  ]
  t.match(answers[0], {pressedCount: 5})
  t.notMatch(JSON.stringify(answers), /7391|7 3 9 1|37 33 39 31/)
  t.match(await ask('hold key A'), {pressedCount: 0})
  t.match(await ask('press key 1'), {pressedCount: 0})
  t.match(await ask('release key'), {released: true})
})
