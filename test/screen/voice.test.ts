/** The screen read aloud: somebody who only hears it, and has only the keypad, completes every service that the menu tells of. */
import {chmodSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import t from 'tap'
import type {Test} from 'tap'
import {bankCard} from '../../devices/card-reader/emulator-card.ts'
import type {Key} from '../../devices/pin-pad/port.ts'
import {isRest} from '../../fsm/context.ts'
import {DEMO_CARDS} from '../../host/demo.ts'
import {present} from '../../kit/assert.ts'
import {realClock} from '../../kit/clock.ts'
import type {Log} from '../../kit/log.ts'
import {silentLog} from '../../kit/log.ts'
import {SpeechEngine, watchHeadset} from '../../src/screen/speech-engine.ts'
import {Voice} from '../../src/screen/voice.ts'
import type {Speaker} from '../../src/screen/voice.ts'
import type {Tongue} from '../../src/screen/words.ts'
import {World} from '../session/world.ts'

const BUDGET_MS = 600_000
const LOOK_MS = 400
const KEY_MS = 150

interface Utterance {
  readonly text: string
  readonly language: Tongue
  readonly loudness: number
}

/** What would be heard in the headset. */
class Headphones implements Speaker {
  readonly heard: Utterance[] = []
  hushes = 0

  say(text: string, language: Tongue, loudness: number): Promise<null> {
    this.heard.push({text, language, loudness})
    return Promise.resolve(null)
  }
  hush(): void {
    this.hushes += 1
  }
  get last(): string {
    return this.heard.at(-1)?.text ?? ''
  }
}

/** `For Withdraw cash, press 1.` */
const OFFER = /For ([^.,]+), press (?:the key beside it, key )?([^.,]+)\./g
const KEYS: Readonly<Record<string, Key>> = {Enter: 'enter', Cancel: 'cancel', Clear: 'clear'}

/** Hears, and presses keys; sees nothing. Hands find card and notes where the voice says that they are. */
class Listener {
  readonly world: World
  readonly ears = new Headphones()
  readonly voice: Voice
  /** What is wanted of the menu, as it is spoken; null to go at once. */
  readonly #wish: string | null
  #understood = 0
  menu: readonly string[] = []

  constructor(world: World, wish: string | null) {
    this.world = world
    this.#wish = wish
    const {machine, drivers, config} = world.table
    this.voice = new Voice({
      heard: machine,
      speaker: this.ears,
      keys: drivers.pinPad.capabilities.keys,
      currency: config.currency,
      log: silentLog,
    })
  }

  /** One whole visit, from the headset's plug in to the machine at rest. */
  async visit(): Promise<void> {
    const {machine, stage} = this.world.table
    const {clock} = this.world
    this.voice.headset(true)
    for (let looks = 0; looks * LOOK_MS < BUDGET_MS; looks++) {
      await clock.sleep(LOOK_MS)
      this.#hands()
      if (this.#understood < this.ears.heard.length) {
        const news = this.ears.heard.slice(this.#understood)
        this.#understood = this.ears.heard.length
        await this.#answer(news.map(({text}) => text).join(' '))
      }
      const isOver = isRest(machine.standing.state) && stage.rig.emulators.reader.world.place === 'none'
      if (isOver && this.ears.heard.some(({text}) => /goodbye|Thank you|ended/i.test(text))) return
    }
  }

  #hands(): void {
    const {reader, dispenser} = this.world.table.stage.rig.emulators
    const {last} = this.ears
    if (/take your card/.test(last)) reader.take()
    if (/notes from the cash slot|take them all/.test(last)) dispenser.takeNotes()
  }

  async #answer(text: string): Promise<void> {
    const {reader} = this.world.table.stage.rig.emulators
    const offers = [...text.matchAll(OFFER)].map(([, choice = '', key = '']) => ({choice, key}))
    const wanted = (...names: readonly string[]): string | undefined =>
      offers.find(({choice}) => names.includes(choice))?.key
    if (text.includes('insert your card')) {
      if (this.menu.length === 0)
        reader.insert(bankCard(present(DEMO_CARDS[0], 'a card').track2.slice(1, -1)))
    } else if (text.includes('Enter your PIN'))
      await this.#press(...keysOf(present(DEMO_CARDS[0], 'a card').pin), 'Enter')
    else if (text.includes('What would you like to do')) {
      this.menu = offers.map(({choice}) => choice)
      await this.#press(present(wanted(this.#wish ?? 'Return my card'), 'a key for the wish'))
    } else if (text.includes('Which account')) await this.#press('1')
    else if (text.includes('Transfer to which')) await this.#press('6', '7', '8', '9', '0', 'Enter')
    else if (text.includes('new PIN') && text.includes('Cover the keypad'))
      await this.#press('8', '2', '0', '3', 'Enter')
    else if (text.includes('anything else')) await this.#press('Cancel')
    else if (text.includes('How much')) await this.#press('6', '0')
    else if (text.includes('balance')) await this.#press(wanted('Return my card') ?? 'Cancel')
    else {
      const enter = offers.find(({key}) => key === 'Enter')?.key
      if (enter !== undefined) await this.#press(enter)
    }
  }

  async #press(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      await this.world.clock.sleep(KEY_MS)
      // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- digits and soft keys are their own names
      this.world.table.stage.rig.emulators.pinPad.press(KEYS[name] ?? (name as Key))
    }
  }
}

async function visited(t: Test, wish: string | null, feeMinor = 0): Promise<Listener> {
  const world = await World.open({feeMinor})
  t.teardown(() => world.close())
  const listener = new Listener(world, wish)
  world.table.machine.start()
  await world.clock.runUntil(() => world.table.machine.standing.state === 'idle', BUDGET_MS)
  await world.clock.finish(listener.visit(), 2 * BUDGET_MS)
  return listener
}

t.test('every service that the menu tells of is completed by ear and keypad alone', async t => {
  const first = await visited(t, null)
  const services = first.menu.filter(name => !['Return my card', 'Deutsch'].includes(name))
  t.ok(services.length >= 2, services.join(', '))
  for (const service of services) {
    const {ears, world} = await visited(t, service, 250)
    const said = ears.heard.map(({text}) => text).join('\n')
    t.equal(world.table.machine.standing.state, 'idle', service)
    t.equal(world.table.journal.openIntents().length, 0, `${service} leaves nothing open`)
    t.notMatch(said, /4761|1234/, 'no card number and no PIN is spoken')
    if (service === 'Withdraw cash') {
      const {customer} = world.table.stage.rig.emulators.dispenser.world
      t.equal((customer[1] ?? 0) * 20 + (customer[2] ?? 0) * 50, 60, 'the notes that were asked for')
      t.match(said, /You have typed 60 euros/)
      t.match(said, /Fee: 2\.50 euros\. Total charged: 62\.50 euros\./, 'what it costs is heard before')
    }
    if (service === 'Transfer money') {
      t.match(said, /Recipient: E\*\*\* N\*\*\*\. Amount: 60 euros\./, 'what it does is heard before')
      t.match(said, /Your transfer is made\./)
    }
    if (service === 'Show my last bookings') t.match(said, /There are no bookings yet\./)
    if (service === 'Change my PIN') t.match(said, /Your PIN is changed\./)
    if (service === 'Show my balance') t.match(said, /Available balance\. [0-9,.]+ euros/)
  }
})

t.test(
  'keys interrupt, repeat, change the loudness and darken the screen; the next customer begins anew',
  async t => {
    const world = await World.open({})
    t.teardown(() => world.close())
    const {machine, stage} = world.table
    const {ears, voice} = new Listener(world, null)
    machine.start()
    const until = (state: string) => world.clock.runUntil(() => machine.standing.state === state, BUDGET_MS)
    const press = async (...keys: readonly Key[]) => {
      for (const key of keys) stage.rig.emulators.pinPad.press(key)
      await world.clock.advance(1_000)
    }
    await until('idle')
    await world.clock.advance(1_000)
    t.same(ears.heard, [], 'nobody listens, nothing is spoken')
    voice.headset(true)
    t.match(ears.last, /^Speech is on\. To hear this again, press dot\. .* Please insert your card\./)
    stage.rig.emulators.reader.insert(bankCard(present(DEMO_CARDS[0], 'a card').track2.slice(1, -1)))
    await until('enteringPin')
    await world.clock.advance(2_000)
    const before = ears.heard.length
    const hushed = ears.hushes
    await press('4', '7')
    t.equal(ears.heard.length, before, 'a digit of a PIN is a tone, not a word')
    t.ok(ears.hushes > hushed, 'and interrupts')
    await press('clear', ...keysOf(present(DEMO_CARDS[0], 'a card').pin), 'enter')
    await until('choosingService')
    const menu = ears.last
    await press('dot')
    t.equal(ears.last, menu, 'again')
    await press('clear')
    t.same(
      ears.heard.slice(-2).map(({loudness}) => loudness),
      [100, 140],
    )
    await press('00', '00', '00')
    t.equal(machine.current().look.now, 'dark')
    t.equal(ears.last, 'The screen is dark.')
    await press('0')
    t.same(ears.heard.at(-1)?.language, 'de', 'another language is spoken as well')
    voice.headset(false)
    t.equal(machine.current().look.now, 'plain', 'nobody else finds a dark screen')
    const silent = ears.heard.length
    await press('1')
    await press('1')
    t.equal(ears.heard.length, silent)
    voice.headset(true)
    t.equal(ears.heard.at(-1)?.loudness, 100, 'the loudness is forgotten')
    await press('clear')
    t.equal(machine.standing.state, 'choosingAmount')
    await world.clock.advance(80_000)
    t.equal(machine.standing.state, 'choosingAmount', 'who listens has three times as long')
    await press('cancel')
    world.bystander()
    await until('idle')
    await world.clock.advance(1_000)
    t.match(ears.last, /Welcome\. Please insert your card\./)
    t.equal(ears.heard.at(-1)?.loudness, 100)
    voice.stop()
  },
)

t.test('the engine gets the text by a pipe; one that is missing is told, and harms nothing', async t => {
  const folder = t.testdir({engine: '#!/bin/sh\nprintf "%s " "$@" > "$0.args"\ncat > "$0.text"\n'})
  const program = join(folder, 'engine')
  chmodSync(program, 0o755)
  const engine = new SpeechEngine(program, realClock())
  t.equal(await engine.say('Ihr Guthaben', 'de', 140), null)
  t.equal(readFileSync(`${program}.text`, 'utf8'), 'Ihr Guthaben')
  const args = readFileSync(`${program}.args`, 'utf8')
  t.match(args, /-v de -a 140 /)
  t.notMatch(args, /Guthaben/, 'a list of processes does not show what is said')
  const endless = new SpeechEngine('sleep', realClock())
  t.match(await endless.say('x', 'en', 100), /sleep ended with status 1/)
  t.match(await new SpeechEngine(join(folder, 'none'), realClock()).say('x', 'en', 100), /ENOENT/)
  const slow = t.testdir({slow: '#!/bin/sh\nexec sleep 60\n'})
  chmodSync(join(slow, 'slow'), 0o755)
  const interrupted = new SpeechEngine(join(slow, 'slow'), realClock())
  const saying = interrupted.say('x', 'en', 100)
  interrupted.hush()
  t.equal(await saying, null, 'to be interrupted is no failure')
})

t.test('the headset is sensed by a program, in its own words or in those of evtest', async t => {
  const lines = [
    'in',
    'something else',
    'out',
    '    Event code 2 (SW_HEADPHONE_INSERT) state 1',
    'Event: time 1.2, type 5 (EV_SW), code 2 (SW_HEADPHONE_INSERT), value 0',
  ]
  const heard: boolean[] = []
  const told: string[] = []
  const log: Log = {...silentLog, warn: message => told.push(message)}
  const stop = await new Promise<() => void>(resolve => {
    const end = watchHeadset(
      ['printf', '%s\\n', ...lines],
      isIn => {
        heard.push(isIn)
        if (heard.length === 5)
          resolve(() => {
            end()
          })
      },
      {...realClock(), after: () => ({cancel: () => undefined})},
      log,
    )
  })
  await realClock().sleep(0)
  stop()
  t.same(heard, [true, false, true, false, false], 'and out when the program ends')
  t.same(told, ['nobody senses the headset'])
})

function keysOf(digits: string): readonly Key[] {
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- a PIN is digits, and they are their own keys' names
  return Array.from(digits) as Key[]
}
