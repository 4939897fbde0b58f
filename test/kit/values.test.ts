// Money, secrets, queues, assertions and errors: the small things that everything stands on.
import {inspect} from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import {AssertionFailed, assert, present, unreachable} from '../../kit/assert.ts'
import {BoundedQueue} from '../../kit/bounded-queue.ts'
import {BadInput, SystemFault, codeOf, reasonOf} from '../../kit/errors.ts'
import {digitsOf, formatAmount, isCurrency, minorUnits, noteCount, parseAmount} from '../../kit/money.ts'
import {Secret} from '../../kit/secret.ts'
import type {Currency} from '../../kit/money.ts'

const CURRENCIES: readonly Currency[] = ['EUR', 'JPY', 'KWD']
const SEED = 417

t.test('what is written comes back as the same amount', t => {
  fc.assert(
    fc.property(fc.constantFrom(...CURRENCIES), fc.nat(999_999_999), fc.nat(999), (currency, whole, rest) => {
      const scale = 10 ** digitsOf(currency)
      const value = whole * scale + (rest % scale)
      const parsed = parseAmount(formatAmount(minorUnits(value), currency), currency)
      return parsed.kind === 'amount' && parsed.amountMinor === value
    }),
    {seed: SEED},
  )
  t.equal(formatAmount(minorUnits(100_000), 'EUR'), '1000.00')
  t.equal(formatAmount(minorUnits(-520), 'EUR'), '-5.20')
  t.equal(formatAmount(minorUnits(-5), 'EUR'), '-0.05')
  t.equal(formatAmount(minorUnits(500), 'JPY'), '500')
  t.equal(formatAmount(minorUnits(1), 'KWD'), '0.001')
  t.end()
})

t.test('an amount is a plain decimal or it is refused', t => {
  const accepted: readonly [string, Currency, number][] = [
    ['60', 'EUR', 6_000],
    ['60.0', 'EUR', 6_000],
    ['60.00', 'EUR', 6_000],
    ['0.01', 'EUR', 1],
    ['0', 'EUR', 0],
    ['1.005', 'KWD', 1_005],
    ['999999999.99', 'EUR', 99_999_999_999],
    // Doubles would make 28 and 114 of the last digits here.
    ['0.29', 'EUR', 29],
    ['1.15', 'EUR', 115],
  ]
  for (const [text, currency, value] of accepted)
    t.same(parseAmount(text, currency), {kind: 'amount', amountMinor: value}, text)
  const refused = [
    '',
    ' 60',
    '60 ',
    '+60',
    '-60',
    '060',
    '6e1',
    '1,000',
    '60.',
    '.5',
    '60.001',
    '1000000000',
    '٦٠',
    '0x10',
    'NaN',
  ]
  for (const text of refused) t.equal(parseAmount(text, 'EUR').kind, 'refused', `'${text}'`)
  t.equal(parseAmount('60.0', 'JPY').kind, 'refused', 'a yen has no digits')
  const long = parseAmount('9'.repeat(10_000), 'EUR')
  t.equal(long.kind === 'refused' && long.why.length < 100, true, 'a refusal does not repeat a flood')
  t.end()
})

t.test('no text is read as two amounts: what parses, parses as the number it shows', t => {
  fc.assert(
    fc.property(fc.string({unit: fc.constantFrom(...Array.from('0123456789.-+e, '))}), text => {
      const parsed = parseAmount(text, 'EUR')
      return parsed.kind === 'refused' || Math.round(Number(text) * 100) === parsed.amountMinor
    }),
    {seed: SEED, numRuns: 2_000},
  )
  t.equal(digitsOf('EUR'), 2)
  t.equal(isCurrency('EUR') && !isCurrency('EURO') && !isCurrency('toString'), true)
  t.end()
})

t.test('a float is no money and half a note no count', t => {
  for (const value of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    t.throws(() => minorUnits(value), AssertionFailed, `${value}`)
    t.throws(() => noteCount(value), AssertionFailed, `${value}`)
  }
  t.throws(() => noteCount(-1), AssertionFailed)
  t.equal(minorUnits(-1), -1, 'a posting may be negative')
  t.end()
})

const PAN = '4761739001010119'

t.test('a secret is nowhere to be read', t => {
  const secret = new Secret(PAN)
  const texts = [
    String(secret),
    `${secret}`, // eslint-disable-line @typescript-eslint/restrict-template-expressions -- the accident under test
    inspect(secret),
    inspect({card: {secret}}, {depth: 9, showHidden: true}),
    JSON.stringify({secret}),
    JSON.stringify([secret]),
    inspect(new SystemFault('no answer', {cause: secret})),
    reasonOf(new SystemFault(`card ${String(secret)}`)),
    JSON.stringify(Object.entries(secret)),
    Object.values(secret).join(),
  ]
  for (const text of texts) t.equal(text.includes(PAN) || text.includes(PAN.slice(-4)), false, text)
  t.equal(secret.reveal(), PAN)
  t.same(texts.slice(0, 3), ['[secret]', '[secret]', '[secret]'])
  t.end()
})

t.test('a queue keeps its order and its bound', t => {
  fc.assert(
    fc.property(fc.integer({min: 1, max: 5}), fc.array(fc.option(fc.nat())), (lengthMax, moves) => {
      const queue = new BoundedQueue<number>(lengthMax)
      const model: number[] = []
      for (const move of moves) {
        if (move === null) {
          if (queue.shift() !== model.shift()) return false
        } else {
          const isFull = model.length === lengthMax
          if (queue.push(move) !== (isFull ? 'full' : 'taken')) return false
          if (!isFull) model.push(move)
        }
        if (queue.length !== model.length) return false
      }
      return true
    }),
    {seed: SEED},
  )
  const queue = new BoundedQueue<string>(2)
  queue.push('a')
  queue.clear()
  t.equal(queue.length, 0)
  t.equal(queue.shift(), undefined)
  for (const bound of [0, -1, 1.5, Number.NaN]) t.throws(() => new BoundedQueue(bound), AssertionFailed)
  t.end()
})

t.test('our own mistakes stop with what went wrong', t => {
  t.throws(() => {
    assert(1 + 1 === 3, 'one and one')
  }, new AssertionFailed('one and one'))
  t.throws(() => present(null, 'card'), /card is missing/)
  t.throws(() => {
    present(undefined, 'card')
  }, AssertionFailed)
  t.equal(present(0, 'count'), 0)
  t.equal(present('', 'text'), '')
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- the types say this cannot be reached, which is the point
  t.throws(() => unreachable({kind: 'new'} as never), /unreachable.*new/)
  t.end()
})

t.test('an error says whose fault it is, and of what', t => {
  t.equal(new BadInput('no such key').name, 'BadInput')
  const cause = Object.assign(new SystemFault('refused'), {code: 'ECONNREFUSED'})
  t.equal(new SystemFault('link', {cause}).cause, cause)
  t.equal(codeOf(cause), 'ECONNREFUSED')
  for (const thrown of [
    new BadInput('x'),
    'text',
    null,
    undefined,
    {code: 'E'},
    Object.assign(new BadInput('x'), {code: 5}),
  ])
    t.equal(codeOf(thrown), null)
  t.equal(reasonOf(new BadInput('x')), 'x')
  t.equal(reasonOf('plain'), 'plain')
  t.equal(reasonOf(undefined), 'undefined')
  t.end()
})
