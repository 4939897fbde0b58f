/** The customer's hand: what keys and touches do, in every state. */
import fc from 'fast-check'
import t from 'tap'
import {STATE_NAMES} from '../../fsm/session.ts'
import {minorUnits} from '../../kit/money.ts'
import type {Key} from '../../devices/pin-pad/port.ts'
import {
  EMPTY_DESK,
  choose,
  deskAfter,
  deskOffering,
  press,
  takesDigits,
  withBalance,
  withListening,
  withPinDigits,
} from '../../src/screen/desk.ts'
import type {Desk} from '../../src/screen/view-model.ts'
import {view} from '../../src/screen/view.ts'
import {LANGUAGES} from '../../src/screen/words.ts'
import {SAMPLES, atRest, during} from './samples.ts'

const KEYS: readonly Key[] = [
  ...(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '00', 'dot', 'enter', 'clear', 'cancel'] as const),
  ...(['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'] as const),
]
const visit = during({})

function typing(keys: readonly Key[], desk: Desk = EMPTY_DESK): Desk {
  return keys.reduce((now, key) => press('choosingAmount', visit, now, key).desk, desk)
}

t.test('digits type an amount in whole units, and enter confirms it', async t => {
  t.equal(typing(['1', '2', '0']).amountDigits, '120')
  t.equal(typing(['1', '00']).amountDigits, '100')
  t.equal(typing(['1', '2', 'clear']).amountDigits, '1')
  t.equal(typing(['clear']).amountDigits, '')
  const pressed = press('choosingAmount', visit, typing(['1', '2', '0']), 'enter')
  t.same(pressed.event, {type: 'amount.chosen', amountMinor: 12_000})
  t.equal(pressed.desk.amountDigits, '', 'what was told is not typed any more')
  t.same(press('choosingAmount', visit, EMPTY_DESK, 'enter').event, null, 'nothing typed, nothing told')
})

t.test('leading zeros, dots and more than the largest withdrawal are not taken', async t => {
  t.equal(typing(['0', '00', '5', '0']).amountDigits, '50')
  t.equal(typing(['5', 'dot', '0']).amountDigits, '50')
  t.equal(typing(['5', '0', '1']).amountDigits, '50', '501 would pass 500')
  t.equal(typing(['5', '0', '0']).amountDigits, '500')
  t.equal(typing(['5', '0', '0', '0']).amountDigits, '500')
  t.equal(typing(['6', '00']).amountDigits, '6', 'two zeros are taken together or not at all')
})

t.test('the question for more time wipes nothing, and typing answers it', t => {
  const asked = during({isAskedForTime: true})
  const desk = typing(['1', '2'])
  t.same(press('choosingAmount', asked, desk, 'enter'), {desk, event: {type: 'time.granted'}})
  t.same(press('choosingAmount', asked, desk, '0'), {
    desk: {...desk, amountDigits: '120'},
    event: {type: 'time.granted'},
  })
  t.same(press('choosingAmount', asked, desk, 'A'), {desk, event: null}, 'what lies under it is not offered')
  t.same(press('choosingAmount', asked, desk, 'cancel').event, {type: 'time.declined'})
  t.end()
})

t.test('keys do what the choice beside them says', async t => {
  for (const state of STATE_NAMES)
    for (const {name, context, desk} of SAMPLES)
      for (const choice of view(state, context, desk).choices) {
        for (const key of choice.keys)
          if (press(state, context, desk, key).event !== choice.event)
            t.same(press(state, context, desk, key).event, choice.event, `${state}, ${name}, ${key}`)
        if (choose(state, context, desk, choice.id).event?.type !== choice.event.type)
          t.fail(`a touch on ${choice.id} in ${state}, ${name}`)
      }
  t.same(press('choosingService', visit, EMPTY_DESK, '1').event, {
    type: 'service.chosen',
    service: 'withdrawal',
  })
  t.same(press('choosingService', visit, EMPTY_DESK, 'cancel').event, {type: 'visit.cancelled'})
  t.same(
    choose('choosingService', visit, EMPTY_DESK, 'acceptFee'),
    {desk: EMPTY_DESK, event: null},
    'a choice of another screen',
  )
})

t.test('a key that means nothing now changes nothing', async t => {
  for (const state of STATE_NAMES) {
    const keys = new Set(view(state, visit, EMPTY_DESK).choices.flatMap(choice => choice.keys))
    for (const key of KEYS) {
      if (keys.has(key) || key === '00' || (takesDigits(state) && /^[0-9]/.test(key))) continue
      t.same(press(state, visit, EMPTY_DESK, key), {desk: EMPTY_DESK, event: null}, `${state} ${key}`)
    }
  }
})

t.test('any keys in any order leave a desk that is an amount within bounds', async t => {
  fc.assert(
    fc.property(
      fc.constantFrom('choosingAmount' as const, 'amountRefused' as const),
      fc.array(fc.constantFrom(...KEYS), {maxLength: 30}),
      (state, keys) => {
        let desk = EMPTY_DESK
        for (const key of keys) {
          const pressed = press(state, visit, desk, key)
          desk = pressed.desk
          const isAmount = /^(?:|[1-9][0-9]*)$/.test(desk.amountDigits) && Number(desk.amountDigits) <= 500
          const {event} = pressed
          const isWhole =
            event?.type !== 'amount.chosen' ||
            (Number.isSafeInteger(event.amountMinor) && event.amountMinor > 0 && event.amountMinor <= 50_000)
          if (!isAmount || !isWhole) return false
        }
        return true
      },
    ),
    {seed: 20261122, numRuns: 2_000},
  )
  t.pass('2000 hands')
})

t.test('what was typed stays while the state does, and goes with it', async t => {
  const desk = withBalance(withPinDigits({...EMPTY_DESK, amountDigits: '12'}, 4), minorUnits(5_000))
  t.equal(deskAfter('choosingAmount', 'choosingAmount', desk), desk, 'no event wipes what is being typed')
  t.same(deskAfter('choosingAmount', 'amountRefused', desk), EMPTY_DESK)
  t.same(deskAfter('askingBalance', 'showingBalance', desk), {...EMPTY_DESK, balanceMinor: 5_000})
  t.equal(deskAfter('showingBalance', 'printingBalance', desk).balanceMinor, 5_000, 'it goes on paper')
  const keep = ['showingBalance', 'askingBalance', 'printingBalance']
  for (const to of STATE_NAMES.filter(name => !keep.includes(name)))
    t.equal(deskAfter('showingBalance', to, desk).balanceMinor, null, `no balance lies about in ${to}`)
})

t.test('a language is chosen on the welcome screen or in the menu, and forgotten with the visit', async t => {
  const [own] = LANGUAGES
  const desk = deskOffering(LANGUAGES)
  const labels = (now: Desk) => view('idle', atRest(), now).choices.map(({label}) => label)
  t.equal(labels(desk).length, LANGUAGES.length - 1)
  const german = choose('idle', atRest(), desk, 'language-de')
  t.equal(german.event, null, 'the machine is told nothing')
  t.equal(view('idle', atRest(), german.desk).title, 'Willkommen')
  t.same(labels(german.desk).slice(0, 2), ['English', labels(desk)[1]], 'the others keep their keys')
  const during = deskAfter('idle', 'enteringPin', german.desk)
  t.equal(during.language, 'de', 'the choice goes into the visit')
  t.equal(deskAfter('returningCard', 'showingEnding', during).language, 'de', 'and to its end')
  for (const to of ['resting', 'idle', 'offline', 'outOfService', 'suspended', 'recovering'] as const)
    t.equal(deskAfter('showingEnding', to, during).language, own, `${to} is the next customer's`)

  const around = LANGUAGES.reduce((now, _, at) => {
    const {desk: next, event} = press('choosingService', visit, now, '0')
    t.equal(event, null)
    t.equal(next.language, LANGUAGES[(at + 1) % LANGUAGES.length])
    return next
  }, desk)
  t.equal(around.language, own, 'one key goes round all of them')
  t.same(labels(EMPTY_DESK), [], 'a machine with one language offers none')
})

t.test(
  'a look is chosen by key or touch wherever nothing is typed, and forgotten with the visit',
  async t => {
    const looks = (from: Desk) => {
      let desk = from
      return ['00', '00', '00', '00'].map(() => {
        desk = press('choosingService', visit, desk, '00').desk
        return desk.look
      })
    }
    t.same(looks(EMPTY_DESK), ['large', 'contrast', 'plain', 'large'])
    const listening = withListening(EMPTY_DESK, true)
    t.same(looks(listening), ['large', 'contrast', 'dark', 'plain'], 'who listens may have it dark')
    t.equal(press('choosingAmount', visit, EMPTY_DESK, '00').desk.look, 'plain', 'there the key types')
    const large = choose('choosingAmount', visit, EMPTY_DESK, 'look').desk
    t.equal(large.look, 'large')
    t.equal(deskAfter('choosingAmount', 'authorizing', large).look, 'large', 'through the whole visit')
    t.equal(deskAfter('returningCard', 'resting', large).look, 'plain')
    const contrast = deskOffering(LANGUAGES, 'contrast')
    t.equal(
      deskAfter('showingEnding', 'idle', {...contrast, look: 'large'}).look,
      'contrast',
      'the operator’s own',
    )
    t.equal(
      withListening({...listening, look: 'dark'}, false).look,
      'plain',
      'nobody who looks finds it dark',
    )
    t.equal(deskAfter('showingEnding', 'idle', listening).listens, true, 'the headset is still in')
  },
)
