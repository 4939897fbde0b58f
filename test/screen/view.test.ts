/** Every screen that the machine can show: words for everything, keys that mean one thing, and no secrets. */
import t from 'tap'
import {contextAtStart, isPayable} from '../../fsm/context.ts'
import {STATE_NAMES} from '../../fsm/session.ts'
import {minorUnits, noteCount} from '../../kit/money.ts'
import {EMPTY_DESK} from '../../src/screen/desk.ts'
import {readableReference} from '../../src/screen/ending.ts'
import {sayIn} from '../../src/screen/say.ts'
import {shownView} from '../../src/screen/view-model.ts'
import type {ViewModel} from '../../src/screen/view-model.ts'
import {view} from '../../src/screen/view.ts'
import {CATALOGUES, LANGUAGES, isLanguage} from '../../src/screen/words.ts'
import type {Tongue} from '../../src/screen/words.ts'
import {ENGLISH, ENGLISH_PLURALS} from '../../src/screen/words/english.ts'
import {ENDINGS, FATES, KEY, REASONS, SAMPLES, atRest, during, setupOf} from './samples.ts'

const ALL = STATE_NAMES.flatMap(state =>
  SAMPLES.map(({name, context, desk}) => ({
    name: `${state}, ${name}`,
    state,
    context,
    desk,
    model: view(state, context, desk),
  })),
)

/** Every text of a view that a customer reads or hears. */
function textsOf(model: ViewModel): readonly string[] {
  return [
    model.title,
    model.instruction,
    model.speech,
    model.notice ?? '',
    model.amount ?? '',
    model.card ?? '',
    model.reference?.label ?? '',
    model.reference?.text ?? '',
    ...model.figures.flatMap(({label, text}) => [label, text]),
    ...model.choices.map(({label}) => label),
    ...(model.entry?.kind === 'amount' ? [model.entry.text, model.entry.hint] : []),
  ]
}

t.test('every state has words for every visit', async t => {
  t.equal(STATE_NAMES.length, 44)
  for (const {name, state, model} of ALL) {
    if (model.screen !== state) t.fail(`${name} shows ${model.screen}`)
    if (model.title.trim() === '' || model.instruction.trim() === '') t.fail(`${name} is silent`)
    if (textsOf(model).some(text => /[{}]|undefined|null|NaN|\[object/.test(text)))
      t.fail(`${name} has a hole in its words`, {texts: textsOf(model)})
    if (!model.speech.includes(model.title.replace(/[.?!]$/, ''))) t.fail(`${name} does not say its title`)
    if (model.notice === '' || model.amount === '') t.fail(`${name} has an empty place`)
  }
  t.pass(`${ALL.length} views`)
})

t.test('choices have different keys and ids, and there are at most eight', async t => {
  for (const {name, model} of ALL) {
    const keys = model.choices.flatMap(choice => choice.keys)
    const ids = model.choices.map(choice => choice.id)
    if (new Set(keys).size !== keys.length) t.fail(`${name}: a key leads to two choices`, {keys})
    if (new Set(ids).size !== ids.length) t.fail(`${name}: two choices have one id`, {ids})
    if (model.choices.length > 8) t.fail(`${name} offers ${model.choices.length} choices`)
    if (model.choices.some(({keys: [first]}) => !/^[A-H]$/.test(first)))
      t.fail(`${name}: a choice stands at no soft key`)
    for (const {label} of model.choices)
      if (!model.speech.includes(label.replace(/^[^\d]*/, '')) && !model.speech.includes(label))
        t.fail(`${name} does not speak of ${label}`)
  }
  t.pass(`${ALL.length} views`)
})

t.test('wherever the customer is asked, cancel is one of the choices', async t => {
  for (const state of [
    'choosingService',
    'showingBalance',
    'choosingAmount',
    'amountRefused',
    'confirmingFee',
    'choosingReceipt',
    'choosingAccount',
    'askingAnother',
    'choosingTarget',
    'choosingSum',
    'confirmingTransfer',
    'showingTransfer',
    'showingStatement',
    'showingPinChanged',
  ] as const) {
    const cancel = view(state, during({bunchCount: 1}), EMPTY_DESK).choices.find(({keys}) =>
      keys.includes('cancel'),
    )
    t.same(cancel?.event, {type: 'visit.cancelled'}, state)
  }
})

t.test('the page gets no event, no digit of the PIN and no more than four of the card', async t => {
  for (const {name, model, context} of ALL) {
    const shown = JSON.stringify(shownView(model, 1))
    if (/"event"|"type"/.test(shown)) t.fail(`${name} sends an event`)
    if (context.visit?.card !== undefined && shown.includes('4761'))
      t.fail(`${name} shows the card's first digits`)
  }
  const full = during({})
  const careless = {...full, visit: full.visit && {...full.visit, card: {masked: '4761739001010119'}}}
  for (const state of STATE_NAMES) {
    const shown = JSON.stringify(shownView(view(state, careless, EMPTY_DESK), 1))
    t.notMatch(shown, /47617390/, `${state} with a card that nobody masked`)
  }
  const pin = view('enteringPin', full, {...EMPTY_DESK, pinDigits: 4})
  t.same(pin.entry, {kind: 'pin', digits: 4})
  t.notMatch(pin.speech, /[0-9]/, 'the speech of PIN entry counts nothing')
})

t.test('the question for more time leaves what was typed, and offers nothing else', async t => {
  const typed = {...EMPTY_DESK, amountDigits: '12'}
  const model = view('choosingAmount', during({isAskedForTime: true}), typed)
  t.match(model, {title: 'Do you need more time?', tone: 'ask', entry: {text: '€12'}})
  t.same(
    model.choices.map(({event, keys}) => [event.type, keys]),
    [
      ['time.declined', ['D', 'cancel']],
      ['time.granted', ['H', 'enter']],
    ],
  )
  t.match(model.speech, /Do you need more time\?.*You have typed 12 euros/)
  t.match(view('offeringTime', during({}), EMPTY_DESK).instruction, /PIN again/)
})

t.test('accounts are offered by the names that the bank gave them, each at a key', async t => {
  const {choices} = view('choosingAccount', during({}), EMPTY_DESK)
  t.same(
    choices.map(({label, keys}) => [label, keys]),
    [
      ['Current account', ['A', '1']],
      ['Current account 2', ['B', '2']],
      ['Return my card', ['D', 'cancel']],
    ],
  )
})

t.test('offered amounts are those that can be paid', async t => {
  const context = atRest()
  const model = view('choosingAmount', during({}), EMPTY_DESK)
  t.same(
    model.choices.flatMap(({label, event}) => (event.type === 'amount.chosen' ? [label] : [])),
    ['€20', '€40', '€60', '€100', '€200', '€300'],
  )
  const few = {
    ...context,
    levels: [{cassette: 1, noteMinor: minorUnits(5_000), count: noteCount(3), state: 'ok'}],
  } as const
  const offered = view('choosingAmount', few, EMPTY_DESK).choices.flatMap(({event}) =>
    event.type === 'amount.chosen' ? [event.amountMinor] : [],
  )
  t.same(offered, [5_000, 10_000, 15_000], 'no more than the notes make')
  for (const amountMinor of offered) t.ok(isPayable(few, amountMinor))
  t.match(view('choosingAmount', few, EMPTY_DESK).entry, {hint: 'Multiples of €50, up to €150'})
  const poor = {...few, levels: []}
  t.same(
    view('choosingAmount', poor, EMPTY_DESK).choices.map(({id}) => id),
    ['cancel'],
    'with no notes, only the way out',
  )
})

t.test('a typed amount says whether the notes make it', async t => {
  const typed = (amountDigits: string) =>
    view('choosingAmount', during({}), {...EMPTY_DESK, amountDigits}).entry
  t.match(typed('120'), {text: '€120', valid: true, isEmpty: false})
  t.match(typed('125'), {text: '€125', valid: false, isEmpty: false})
  t.match(typed(''), {text: '€0', valid: false, isEmpty: true})
})

t.test('a refused amount offers what is near', async t => {
  const near = (belowMinor: number | null, aboveMinor: number | null) =>
    view(
      'amountRefused',
      during({
        notice: {
          kind: 'cannotPay',
          belowMinor: belowMinor === null ? null : minorUnits(belowMinor),
          aboveMinor: aboveMinor === null ? null : minorUnits(aboveMinor),
        },
      }),
      EMPTY_DESK,
    ).choices.map(({label}) => label)
  t.same(near(12_000, 13_000), ['€120', '€130', 'Return my card', 'Another amount'])
  t.same(near(null, 1_000), ['€10', 'Return my card', 'Another amount'])
  t.same(near(null, null), ['Return my card', 'Another amount'])
})

t.test('the fee is shown with what it adds up to, before it is accepted', async t => {
  const model = view('confirmingFee', during({bunchCount: 1}), EMPTY_DESK)
  t.same(
    model.figures.map(({text}) => text),
    ['€60', '€2.50', '€62.50'],
  )
  t.same(model.choices.find(({keys}) => keys.includes('enter'))?.event, {type: 'fee.accepted'})
})

t.test('a balance is shown when the bank told one, and never made up', async t => {
  const told = view('showingBalance', during({}), {...EMPTY_DESK, balanceMinor: minorUnits(125_050)})
  t.match(told, {amount: '€1,250.50', instruction: 'Current account', tone: 'calm'})
  const missing = view('showingBalance', during({}), EMPTY_DESK)
  t.match(missing, {amount: null, instruction: /cannot be shown/, tone: 'sorry'})
  t.notMatch(missing.speech, /euro/)
})

t.test('every ending says what happened, and its reference where there is one', async t => {
  for (const ending of ENDINGS) {
    const model = view('showingEnding', during({ending, fate: 'returned'}), EMPTY_DESK)
    if (ending !== null && 'reference' in ending) {
      t.equal(model.reference?.text, '2026-11-22 000418', ending.kind)
      t.match(model.speech, '0 0 0 4 1 8', 'spoken digit by digit')
    } else t.equal(model.reference, null)
  }
  const unknown = view('showingEnding', during({ending: {kind: 'beingChecked', reference: KEY}}), EMPTY_DESK)
  t.match(unknown.instruction, /do not know yet whether you received all the notes/)
  t.match(unknown.instruction, /bank is told and will check/)
  t.notMatch(JSON.stringify(unknown), /not charged|was paid/, 'nothing is promised that nobody knows')
  const part = {
    kind: 'partlyPaid',
    paidMinor: minorUnits(2_000),
    askedMinor: minorUnits(6_000),
    reference: KEY,
  } as const
  t.match(view('showingEnding', during({ending: part}), EMPTY_DESK).instruction, /€20 of €60/)
  const said = new Set(
    REASONS.map(
      because =>
        view('showingEnding', during({ending: {kind: 'notPaid', because, reference: KEY}}), EMPTY_DESK)
          .instruction,
    ),
  )
  t.equal(said.size, REASONS.length, 'every reason has its own words')
})

t.test('a card that is not back is the customer’s to know', async t => {
  const words = FATES.map(
    fate => view('showingEnding', during({fate, ending: {kind: 'goodbye'}}), EMPTY_DESK).notice,
  )
  t.same(words.slice(0, 2), [null, null], 'inside and returned need no word')
  t.equal(new Set(words).size, FATES.length - 1)
  t.equal(view('showingEnding', during({fate: 'leftInMouth'}), EMPTY_DESK).slots.card, 'blink')
  const declined = during({ending: {kind: 'declined', code: '51'}})
  t.match(view('returningCard', declined, EMPTY_DESK), {
    title: 'Please take your card',
    instruction: /not enough money/,
    slots: {card: 'blink', cash: 'off'},
  })
})

t.test('notes are asked to be taken where and when they can be', async t => {
  const paid = {ending: {kind: 'paid', paidMinor: minorUnits(6_000), reference: KEY}, bunchCount: 1} as const
  t.match(view('showingEnding', during(paid, false), EMPTY_DESK), {tone: 'take', slots: {cash: 'blink'}})
  t.match(view('showingEnding', during(paid, true), EMPTY_DESK), {tone: 'good', slots: {cash: 'off'}})
  t.equal(view('dispensing', during({bunchCount: 1}, false), EMPTY_DESK).slots.cash, 'blink')
  t.equal(view('dispensing', during({bunchCount: 1}, true), EMPTY_DESK).slots.cash, 'off')
  const parts = view('presenting', during({bunchCount: 2}, true), EMPTY_DESK)
  t.match(parts, {amount: '€60', notice: /Part 1 of 2/, slots: {cash: 'blink'}})
})

t.test('amounts are written by currency and language, from minor units to the digit', async t => {
  const eye = (amount: number, currency: 'EUR' | 'JPY' | 'KWD' | 'USD') =>
    sayIn('en', currency, 'eye').amount(minorUnits(amount))
  t.equal(eye(6_000, 'EUR'), '€60')
  t.equal(eye(6_050, 'EUR'), '€60.50')
  t.equal(eye(6_000, 'JPY'), '¥6,000')
  t.match(eye(60_005, 'KWD'), /60\.005$/)
  t.equal(eye(-1_005, 'USD'), '-$10.05')
  t.equal(eye(Number.MAX_SAFE_INTEGER, 'EUR'), '€90,071,992,547,409.91', 'no float rounds it')
  t.equal(sayIn('en', 'EUR', 'ear').amount(minorUnits(6_000)), '60 euros')
  t.match(
    view(
      'authorizing',
      {...contextAtStart(setupOf(false, 'JPY')), visit: during({bunchCount: 1}).visit},
      EMPTY_DESK,
    ),
    {amount: '¥6,000'},
  )
})

const TONGUES: readonly Tongue[] = [...LANGUAGES, 'en-XA']
/** How often a text may hold the letters of the English one, beside a few more: what the layout has room for. */
const LONGER_MAX = 1.6
const LONGER_BY_MAX = 16

t.test('every language has every message, with the same places and no longer than fits', async t => {
  const places = (text: string) =>
    [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(([place]) => place))].toSorted()
  t.same(
    [...LANGUAGES, 'en-XA'].toSorted(),
    Object.keys(CATALOGUES).toSorted(),
    'all are offered but the made-up one',
  )
  for (const tongue of TONGUES) {
    const {name, words, plurals} = CATALOGUES[tongue]
    t.not(name, '', tongue)
    t.same(Object.keys(words).toSorted(), Object.keys(ENGLISH).toSorted(), `${tongue} has the same keys`)
    const texts = new Map(Object.entries(words))
    for (const [key, english] of Object.entries(ENGLISH)) {
      const text = texts.get(key) ?? ''
      if (text.trim() === '' || text !== text.trim()) t.fail(`${tongue} ${key} is empty or has loose spaces`)
      t.same(places(text), places(english), `${tongue} ${key}`)
      if (text.length > english.length * LONGER_MAX + LONGER_BY_MAX)
        t.fail(`${tongue} ${key} is too long`, {text})
    }
    const needed =
      tongue === 'en-XA' ? ['one', 'other'] : new Intl.PluralRules(tongue).resolvedOptions().pluralCategories
    t.same(Object.keys(plurals), Object.keys(ENGLISH_PLURALS))
    for (const forms of Object.values(plurals)) {
      t.same(Object.keys(forms).toSorted(), needed.toSorted(), `${tongue} has the forms that it counts by`)
      t.same(places(forms.other), ['{count}'])
    }
  }
})

t.test('a screen in another language leaves nothing in English', async t => {
  const untranslated = /[a-z]{2,}/
  // Names of accounts, of currencies and of languages are not of the catalogue.
  const foreign = /Current account|euros?|English/g
  for (const {name, state, context, desk} of ALL) {
    const model = view(state, context, {...desk, language: 'en-XA'})
    for (const text of textsOf(model))
      for (const word of text.replaceAll(foreign, '').match(/[A-Za-zÀ-ž]+/g) ?? [])
        if (untranslated.test(word) && /[aeiou]/.test(word)) t.fail(`${name}: ${word} is in no catalogue`)
  }
  for (const language of LANGUAGES)
    for (const {name, state, context, desk} of ALL) {
      const model = view(state, context, {...desk, language})
      if (textsOf(model).some(text => /[{}]|undefined|null|NaN|\[object/.test(text)))
        t.fail(`${language} ${name} has a hole in its words`)
    }
})

t.test('amounts, counts and direction are those of the language', async t => {
  const amount = (language: Tongue, sense: 'eye' | 'ear') =>
    sayIn(language, 'EUR', sense).amount(minorUnits(125_050))
  t.equal(amount('de', 'eye'), '1.250,50\u00A0€')
  t.equal(amount('fr', 'eye'), '1\u202F250,50\u00A0€')
  t.match(amount('ar', 'eye'), '1,250.50', 'the digits of the keys')
  t.equal(sayIn('zh', 'EUR', 'ear').amount(minorUnits(6_000)), '60欧元')
  t.equal(
    sayIn('en', 'EUR', 'eye').plural('notice.pinWrong', 1),
    'That PIN was not right. You have 1 try left.',
  )
  t.match(sayIn('en', 'EUR', 'eye').plural('notice.pinWrong', 2), '2 tries left')
  const arabic = [0, 1, 2, 3, 11, 100].map(count =>
    sayIn('ar', 'EUR', 'ear').plural('notice.pinWrong', count),
  )
  t.equal(new Set(arabic.map(text => text.replace(/\d+/, ''))).size, 5, 'many and other are written alike')
  for (const tongue of TONGUES) {
    const model = view('choosingAmount', during({}), {...EMPTY_DESK, language: tongue})
    t.equal(model.direction, tongue === 'ar' ? 'rtl' : 'ltr')
    t.equal(model.language, tongue)
    const hint = model.entry?.kind === 'amount' ? model.entry.hint : ''
    t.equal(/\u2068.*\u2069/.test(hint), tongue === 'ar', 'amounts stand apart in what runs leftwards')
    t.notMatch(model.speech, /[\u2066-\u2069]/)
  }
  t.notOk(isLanguage('en-XA'), 'nobody can be offered the made-up language')
  t.equal(readableReference(KEY), '2026-11-22 000418')
})
