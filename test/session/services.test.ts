/** What a customer does beside taking cash, on whole machines: what the bank has afterwards, and what was said on the way. */
import t from 'tap'
import {bankCard} from '../../devices/card-reader/emulator-card.ts'
import type {Key} from '../../devices/pin-pad/port.ts'
import type {StateName} from '../../fsm/session.ts'
import {DEMO_CARDS} from '../../host/demo.ts'
import {transferEntry} from '../../host/ledger/book.ts'
import {present} from '../../kit/assert.ts'
import {minorUnits} from '../../kit/money.ts'
import type {BankRequest, TransportAnswer} from '../../src/link/transport.ts'
import {BUDGET_MS, World} from './world.ts'

const ADA = present(DEMO_CARDS[0], 'the first demo card')
const LOST: TransportAnswer = {kind: 'silent', why: 'lost on the way', sent: true}
const NEW_PIN = '8203'

type Tap = Pick<typeof t, 'teardown'>

/** A machine with somebody in front of it who does one thing after another. */
class Hand {
  readonly world: World

  private constructor(world: World) {
    this.world = world
  }

  static async at(t: Tap): Promise<Hand> {
    const world = await World.open({notes: {1: 100, 2: 100}})
    t.teardown(() => world.close())
    world.table.machine.start()
    return new Hand(world)
  }

  async until(state: StateName): Promise<void> {
    await this.world.clock.runUntil(() => this.world.state === state, BUDGET_MS)
    // The pad is told what to listen for right after.
    await this.world.clock.advance(500)
  }

  /** Card and PIN, up to the menu. */
  async arrive(pin = ADA.pin): Promise<void> {
    await this.until('idle')
    this.world.table.stage.rig.emulators.reader.insert(bankCard(ADA.track2.slice(1, -1)))
    await this.until('enteringPin')
    await this.type(pin)
    await this.until('choosingService')
  }

  /** Digits and enter. */
  async type(digits: string): Promise<void> {
    for (const key of Array.from(digits).filter(isDigit)) await this.press(key)
    await this.press('enter')
  }

  async press(key: Key): Promise<void> {
    this.world.table.stage.rig.emulators.pinPad.press(key)
    await this.world.clock.advance(200)
  }

  /** A touch on a choice of the screen. */
  async choose(id: string, then: StateName): Promise<void> {
    this.world.table.machine.choose(id)
    await this.until(then)
  }

  get screen() {
    return this.world.table.machine.current()
  }

  /** Takes the card, and lets the bank hear everything. */
  async leave(): Promise<void> {
    await this.world.clock.runUntil(() => {
      const {reader} = this.world.table.stage.rig.emulators
      if (reader.world.place === 'frontFree' || reader.world.place === 'frontHeld') reader.take()
      return this.world.state === 'idle' && reader.world.place === 'none'
    }, BUDGET_MS)
    await this.world.settle()
  }

  /** Orders and events of the journal that begin so, in their order. */
  said(...kinds: readonly string[]): readonly string[] {
    return this.world.table.journal
      .rows(1, 10_000)
      .flatMap(({entry}) =>
        entry.kind === 'intent' ? [entry.order.kind] : entry.kind === 'event' ? [entry.event.type] : [],
      )
      .filter(kind => kinds.some(start => kind.startsWith(start)))
  }

  /** What answers some requests instead of the bank, which has heard them or has not. */
  between(instead: (request: BankRequest, count: number) => 'unheard' | 'unanswered' | 'late' | null): void {
    const {line} = this.world.table.stage
    const send = line.send.bind(line)
    let count = 0
    line.send = async request => {
      const fault = instead(request, count)
      if (fault !== null) count += 1
      if (fault === 'unheard') return LOST
      const answer = await send(request)
      if (fault === 'late') await this.world.clock.sleep(20_000)
      return fault === null ? answer : LOST
    }
  }

  async balances(): Promise<readonly number[]> {
    return this.world.table.bank.store.read(async tx => {
      const accounts = await Promise.all(['12345', '12346', '67890'].map(id => tx.accounts.find(id)))
      return accounts.map(account => present(account, 'an account').balanceMinor)
    })
  }

  async transfers(): Promise<readonly string[]> {
    const operations = await this.world.table.bank.store.read(tx => tx.operations.all())
    return operations.map(({type, state}) => `${type} ${state}`)
  }
}

function isDigit(text: string): text is Key & `${number}` {
  return /^[0-9]$/.test(text)
}

/** Up to the screen that shows the whole transfer of 50 to somebody else. */
async function toReview(hand: Hand): Promise<void> {
  await hand.arrive()
  await hand.choose('transfer', 'choosingAccount')
  await hand.choose('account-12345', 'choosingTarget')
  await hand.type('67890')
  await hand.until('choosingSum')
  await hand.type('50')
  await hand.until('confirmingTransfer')
}

const BEFORE = [100_000, 250_000, 100_000]

t.test('a transfer is shown whole, confirmed, made once, and the visit goes on', async t => {
  const hand = await Hand.at(t)
  await toReview(hand)
  t.strictSame(
    hand.screen.figures.map(({text}) => text),
    ['Checking ...2345', '67890', 'E*** N***', '€50'],
  )
  t.match(hand.screen.speech, /Nothing has been sent yet.*For Transfer now, press Enter/)
  t.strictSame(hand.said('host.transfer'), [], 'nothing went to the bank')
  await hand.press('enter')
  await hand.until('showingTransfer')
  t.match(hand.screen, {tone: 'good', reference: {text: /^2026-11-22 \d{6}$/}})
  await hand.choose('goOn', 'askingAnother')
  await hand.choose('another', 'choosingService')
  await hand.choose('statement', 'choosingAccount')
  await hand.choose('account-12345', 'showingStatement')
  t.strictSame(
    hand.screen.figures.map(({label, text}) => `${label} ${text}`),
    ['2026-11-22 Transfer sent -€50'],
  )
  t.match(hand.screen.speech, /Transfer sent: -50 euros/)
  await hand.press('cancel')
  await hand.leave()
  t.strictSame(await hand.balances(), [95_000, 250_000, 105_000])
  t.strictSame(await hand.transfers(), ['transfer completed'])
  t.strictSame(hand.said('host.transfer', 'host.complete', 'host.reverse', 'host.approved'), [
    'host.transfer',
    'host.approved',
    'host.completeTransfer',
  ])
  t.strictSame((await hand.world.ledgers()).differences, [])
})

t.test('between own accounts nobody need be named; a transfer that is not confirmed is none', async t => {
  const hand = await Hand.at(t)
  await hand.arrive()
  await hand.choose('transfer', 'choosingAccount')
  await hand.choose('account-12346', 'choosingTarget')
  await hand.choose('target-12345', 'choosingSum')
  await hand.type('20')
  await hand.until('confirmingTransfer')
  t.strictSame(hand.said('host.payee'), [])
  await hand.press('cancel')
  await hand.leave()
  t.strictSame(hand.said('host.transfer', 'host.reverseTransfer'), [])
  t.strictSame(await hand.balances(), BEFORE)
})

t.test('a number that is nobody’s is told at once, and so is what the bank declines', async t => {
  const hand = await Hand.at(t)
  await hand.arrive()
  await hand.choose('transfer', 'choosingAccount')
  await hand.choose('account-12345', 'choosingTarget')
  await hand.type('99999')
  await hand.world.clock.runUntil(() => hand.screen.notice !== null, BUDGET_MS)
  t.match(hand.screen, {screen: 'choosingTarget', notice: /cannot transfer to that account/})
  await hand.world.clock.advance(500)
  await hand.type('67890')
  await hand.until('choosingSum')
  await hand.type('1000')
  await hand.until('confirmingTransfer')
  await hand.world.table.bank.store.move(
    {keys: [], accountIds: ['12345'], atmIds: [], limits: () => []},
    async tx => {
      await tx.ledger.post(
        'spent',
        transferEntry('12345', '12346', 'EUR', minorUnits(100)),
        hand.world.clock.wallMs(),
      )
    },
  )
  await hand.press('enter')
  await hand.until('choosingService')
  t.match(hand.screen.notice, /The transfer was not made. There is not enough money/)
  await hand.press('cancel')
  await hand.leave()
  t.strictSame(hand.said('host.completeTransfer', 'host.reverseTransfer'), [], 'a no is nothing to tell of')
})

for (const [name, fault, state] of [
  ['the bank acted and its answer was lost', 'unanswered', 'transfer reversed'],
  ['the bank never heard', 'unheard', 'withdrawal tombstone'],
] as const)
  t.test(`a transfer without an answer is taken back, once: ${name}`, async t => {
    const hand = await Hand.at(t)
    hand.between(({path}, count) => (path.endsWith('/transfer') && count === 0 ? fault : null))
    await toReview(hand)
    await hand.press('enter')
    await hand.until('returningCard')
    t.match(hand.screen.instruction, /The transfer was not made.*did not answer.*not charged/)
    t.match(hand.screen.reference?.text, /^2026-11-22 /)
    await hand.leave()
    t.strictSame(await hand.balances(), BEFORE)
    t.strictSame(await hand.transfers(), [state])
    t.strictSame(hand.said('host.transfer', 'host.completeTransfer', 'host.reverseTransfer'), [
      'host.transfer',
      'host.reverseTransfer',
    ])
  })

t.test('a transfer under which the computer dies is taken back at the next start', async t => {
  const hand = await Hand.at(t)
  hand.between(({path}, count) => (path.endsWith('/transfer') && count === 0 ? 'late' : null))
  await toReview(hand)
  await hand.press('enter')
  await hand.world.clock.runUntil(() => hand.world.state === 'transferring', BUDGET_MS)
  await hand.world.clock.advance(1_000)
  await hand.world.table.machine.stop()
  await hand.world.crash()
  await hand.leave()
  t.strictSame(hand.said('operation.recovered', 'host.reverseTransfer'), [
    'operation.recovered',
    'host.reverseTransfer',
  ])
  t.strictSame(await hand.balances(), BEFORE)
  t.strictSame(await hand.transfers(), ['transfer reversed'])
})

/** From the menu to the bank's answer. */
async function changePin(hand: Hand, first: string, second = first): Promise<void> {
  await hand.until('enteringNewPin')
  await hand.type(first)
  await hand.until('repeatingNewPin')
  await hand.type(second)
}

t.test('a new PIN is typed twice, judged by the bank, and is the only one from then on', async t => {
  const hand = await Hand.at(t)
  await hand.arrive()
  hand.world.table.machine.choose('pinChange')
  await changePin(hand, NEW_PIN, '8204')
  await hand.until('enteringNewPin')
  t.match(hand.screen.notice, /not the same/)
  await changePin(hand, '3456')
  await hand.until('enteringNewPin')
  t.match(hand.screen.notice, /too easy/)
  await changePin(hand, NEW_PIN)
  await hand.until('showingPinChanged')
  await hand.choose('goOn', 'askingAnother')
  await hand.press('cancel')
  await hand.leave()
  await hand.arrive(NEW_PIN)
  await hand.press('cancel')
  await hand.leave()
  // Without their hashes, which hold any four digits sooner or later.
  const journal = JSON.stringify(hand.world.table.journal.rows(1, 10_000).map(({entry}) => entry))
  t.notMatch(journal, new RegExp(`${NEW_PIN}|block`), 'neither PIN nor block was kept')
})

for (const [name, lost, end] of [
  ['once: asked again, it is told', 1, 'showingPinChanged'],
  ['for good: nobody says that it is changed', 2, 'returningCard'],
] as const)
  t.test(`the answer to a new PIN is lost ${name}`, async t => {
    const hand = await Hand.at(t)
    const keys = new Set<string | undefined>()
    hand.between((request, count) => {
      if (!request.path.endsWith('/change-pin')) return null
      keys.add(request.headers['idempotency-key'])
      return count < lost ? 'unanswered' : null
    })
    await hand.arrive()
    hand.world.table.machine.choose('pinChange')
    await changePin(hand, NEW_PIN)
    await hand.until(end)
    t.equal(keys.size, 1, 'one key')
    t.strictSame(hand.said('host.changePin'), ['host.changePin', 'host.changePin'])
    if (lost === 2) t.match(hand.screen.instruction, /do not know whether your PIN.*try the new PIN first/)
    if (lost === 1) await hand.press('cancel')
    await hand.leave()
    t.equal(hand.said('pin.changed').length, lost === 1 ? 1 : 0)
    await hand.arrive(NEW_PIN)
    await hand.press('cancel')
    await hand.leave()
  })

t.test('silence is asked about first; what was typed stays, and no answer ends the visit', async t => {
  const hand = await Hand.at(t)
  await hand.arrive()
  await hand.choose('withdrawal', 'choosingAccount')
  await hand.choose('account-12345', 'choosingAmount')
  await hand.press('6')
  await hand.world.clock.runUntil(() => /more time/.test(hand.screen.title), BUDGET_MS)
  t.match(hand.screen, {screen: 'choosingAmount', entry: {text: '€6'}})
  await hand.press('enter')
  t.match(hand.screen, {title: 'How much would you like?', entry: {text: '€6'}})
  await hand.until('returningCard')
  t.match(hand.screen.instruction, /no answer/)
  t.strictSame(hand.said('time.'), ['time.granted'])
  await hand.leave()
})

t.test('a PIN that the pad gave up on may be typed anew', async t => {
  const hand = await Hand.at(t)
  await hand.until('idle')
  hand.world.table.stage.rig.emulators.reader.insert(bankCard(ADA.track2.slice(1, -1)))
  await hand.until('offeringTime')
  t.match(hand.screen.instruction, /type your PIN again/)
  await hand.press('enter')
  await hand.until('enteringPin')
  await hand.type(ADA.pin)
  await hand.until('choosingService')
  await hand.press('cancel')
  await hand.leave()
})
