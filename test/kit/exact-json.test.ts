import fc from 'fast-check'
import {isDeepStrictEqual} from 'node:util'
import t from 'tap'
import {NumberText, readJson, writeJson} from '../../kit/exact-json.ts'
import type {Json} from '../../kit/exact-json.ts'

/** What JSON.parse would have made of the same text. */
function plain(json: Json): unknown {
  if (json instanceof NumberText) return Number(json.source)
  if (isMap(json)) return Object.fromEntries([...json].map(([name, value]) => [name, plain(value)]))
  if (isList(json)) return json.map(plain)
  return json
}

function isMap(json: Json): json is ReadonlyMap<string, Json> {
  return json instanceof Map
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json)
}

t.test('a number keeps its text', async t => {
  for (const source of ['1000.00', '0.1', '-0', '1e3', '12345678901234567890.10', '0.30000000000000004']) {
    const read = readJson(` [ ${source} ] `)
    t.ok(read.kind === 'json', source)
    if (read.kind !== 'json' || !isList(read.json)) return
    t.equal(writeJson([new NumberText(source)]), `[${source}]`)
    const [number] = read.json
    t.ok(number instanceof NumberText && number.source === source, source)
  }
  t.equal(
    writeJson({a: new NumberText('1000.00'), b: undefined, c: [1, null, true, 'x"']}),
    '{"a":1000.00,"c":[1,null,true,"x\\""]}',
  )
  t.throws(() => writeJson({a: 0.1}), /not a safe integer/)
  for (const text of ['1 ', '', '01', '1.', '.5', '+1', 'NaN', '1}']) t.throws(() => new NumberText(text))
})

t.test('what is not exactly JSON is refused, without repeating it', async t => {
  const refusals: readonly (readonly [text: string, why: RegExp])[] = [
    ['', /no JSON value/],
    ['{"amount":1,"amount":2}', /named twice/],
    ['{"a":{"b":1,"b":1}}', /named twice/],
    ['{"a":1,"\\u0061":2}', /named twice/],
    ['{"amount":NaN}', /no JSON value/],
    ['{"amount":Infinity}', /no JSON value/],
    ['{"amount":+1}', /no JSON value/],
    ['{"amount":01}', /does not end/],
    ['{"amount":1.}', /does not end/],
    ['{"amount":0x10}', /does not end/],
    ['{"amount":1 000}', /does not end/],
    ['{"a":1,}', /no string/],
    ['[1,]', /no JSON value/],
    ['{a:1}', /no string/],
    ["{'a':1}", /no string/],
    ['"tab\there"', /no string/],
    ['"\\x41"', /no string/],
    ['1 2', /something follows/],
    ['{}{}', /something follows/],
    ['['.repeat(40) + ']'.repeat(40), /nesting/],
    ['"' + 'x'.repeat(1_100_000) + '"', /longer/],
  ]
  for (const [text, why] of refusals) {
    const read = readJson(text)
    t.equal(read.kind, 'refused', text.slice(0, 40))
    if (read.kind === 'refused') t.match(read.why, why)
  }
})

t.test('reads what JSON.parse reads, as JSON.parse reads it', async t => {
  fc.assert(
    fc.property(fc.jsonValue({maxDepth: 4}), value => {
      const text = JSON.stringify(value, null, 1)
      const read = readJson(text)
      return read.kind === 'json' && isDeepStrictEqual(plain(read.json), JSON.parse(text))
    }),
    {seed: 20_261_122, numRuns: 300},
  )
  t.pass('no counterexample')
})

t.test('never reads what JSON.parse refuses', async t => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"b"',
    '1',
    '-',
    '0',
    '.5',
    'e3',
    'true',
    'nul',
    'null',
    ' ',
    '\\',
  ]
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), {maxLength: 8}), parts => {
      const text = parts.join('')
      let isJson = true
      try {
        JSON.parse(text)
      } catch {
        isJson = false
      }
      const isRead = readJson(text).kind === 'json'
      // The one thing that we refuse and JSON.parse takes is a field named twice.
      return isRead === isJson || (isJson && readJson(text).kind === 'refused' && /"(.)".*"\1"/.test(text))
    }),
    {seed: 20_261_122, numRuns: 20_000},
  )
  t.pass('no counterexample')
})
