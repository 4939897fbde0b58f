/** Settings: a good file becomes a Config with its defaults; each broken one gets one line that names the setting. */
import t from 'tap'
import {BadInput} from '../kit/errors.ts'
import {configFrom} from '../src/config.ts'

const GOOD = {
  terminal: 'ATM123',
  currency: 'EUR',
  journal: {path: 'journal.db'},
  host: {
    url: 'https://127.0.0.1:8443',
    caPath: 'ca.pem',
    certificatePath: 'atm.pem',
    keyPath: 'atm.key',
    hostPins: ['ab'.repeat(32)],
    signersPath: 'signers.pem',
  },
  cardReader: {model: 'crt310', port: '/dev/reader'},
  pinPad: {model: 'szzt', port: '/dev/pin-pad'},
  dispenser: {model: 'lcdm2000', port: '/dev/dispenser'},
  cassettes: [{cassette: 1, note: '20.00', initialCount: 100}],
  payout: {amountMax: '500.00'},
}

function read(change: Record<string, unknown>): ReturnType<typeof configFrom> {
  return configFrom(JSON.stringify({...GOOD, ...change}), 'config.json')
}

t.test('defaults stand beside what is given', async t => {
  const config = read({})
  t.equal(config.payout.amountMaxMinor, 50_000)
  t.equal(config.payout.retract, 'onIfCounted')
  t.equal(config.timers.cardTakeTimeoutMs, 30_000)
  t.equal(config.cassettes[0]?.noteMinor, 2_000)
  t.same(config.screen.languages, ['en'])
  t.same(read({screen: {languages: ['ar', 'en']}}).screen.languages, ['ar', 'en'])
  t.ok(Object.isFrozen(config))
})

t.test('an amount may be a number, and never passes through a float', async t => {
  const text = JSON.stringify(GOOD).replace('"500.00"', '500.10')
  t.equal(configFrom(text, 'config.json').payout.amountMaxMinor, 50_010)
  t.throws(() => configFrom(text.replace('500.10', '5e2'), 'config.json'), /amountMax must be an amount/)
})

const BROKEN: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  ['no terminal', {terminal: undefined}, /^config\.json: terminal must be/],
  ['a terminal with a colon', {terminal: 'A:1'}, /terminal must be/],
  [
    'a language that nobody translated',
    {screen: {languages: ['en', 'xx']}},
    /languages\[1\].*must be one of en, de/,
  ],
  ['a language twice', {screen: {languages: ['de', 'de']}}, /screen: languages names a language twice/],
  ['no language', {screen: {languages: []}}, /languages must be a list of 1 to 9/],
  ['an unknown currency', {currency: 'XXX'}, /currency must be/],
  ['an unknown setting', {colour: 'red'}, /colour is no setting/],
  [
    'an unknown setting further in',
    {payout: {amountMax: '500.00', retrct: 'on'}},
    /payout: retrct is no setting/,
  ],
  [
    'an unknown model',
    {dispenser: {model: 'f57', port: 'x'}},
    /dispenser: model must be lcdm1000 or .* or reference/,
  ],
  [
    'a timer out of range',
    {timers: {cardTakeTimeoutMs: 1}},
    /cardTakeTimeoutMs must be a whole number from 15000 to 60000/,
  ],
  [
    'a timer that is no integer',
    {timers: {cardTakeTimeoutMs: 20000.5}},
    /cardTakeTimeoutMs must be a whole number/,
  ],
  [
    'a note with too many digits',
    {cassettes: [{cassette: 1, note: '20.001'}]},
    /cassettes\[0\]: note must be an amount in EUR: .*digits/,
  ],
  ['no cassette', {cassettes: []}, /cassettes must be a list of 1 to 8/],
  [
    'a cassette twice',
    {
      cassettes: [
        {cassette: 1, note: '20'},
        {cassette: 1, note: '50'},
      ],
    },
    /names a cassette twice/,
  ],
  [
    'a cassette that the model does not have',
    {cassettes: [{cassette: 3, note: '20'}]},
    /cassettes names cassette 3, which lcdm2000 does not have/,
  ],
  [
    'a largest amount below every note',
    {payout: {amountMax: '10.00'}},
    /amountMax is less than one note of 20\.00/,
  ],
  ['a plain-text bank', {host: {...GOOD.host, url: 'http://bank'}}, /host: url must be/],
  ['a bad pin', {host: {...GOOD.host, hostPins: ['zz']}}, /hostPins\[0\]: must be 64/],
  ['a section that is none', {host: 'bank'}, /host: must be an object/],
]

for (const [name, change, line] of BROKEN)
  t.test(name, async t => {
    const thrown = caught(() => read(change))
    t.type(thrown, BadInput)
    t.match(thrown?.message, line)
    t.notMatch(thrown?.message, /\n/, 'one line')
  })

t.test('text that is no JSON, and a field given twice', async t => {
  t.throws(() => configFrom('{', 'config.json'), /^config\.json: /)
  t.throws(
    () => configFrom('{"terminal":"A","terminal":"B"}', 'config.json'),
    /config\.json: .*terminal|twice/,
  )
})

function caught(work: () => unknown): Error | null {
  try {
    work()
    return null
  } catch (thrown) {
    return thrown instanceof Error ? thrown : null
  }
}
