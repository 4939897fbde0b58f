/**
 * `tellerd config check FILE`: every mistake of a file of settings, with its line and its field. The settings are
 * read as a start reads them; a mistake found is mended from a sample, and they are read again for the next.
 */
import {BadInput} from '../kit/errors.ts'
import {NumberText, readJson} from '../kit/exact-json.ts'
import type {Json} from '../kit/exact-json.ts'
import {configFrom, textOf} from './config.ts'

const MISTAKES_MAX = 50

/** A right value for every setting that has no default. */
const SAMPLE = readJson(
  JSON.stringify({
    terminal: 'ATM1',
    currency: 'EUR',
    journal: {path: 'journal.db'},
    host: {
      url: 'https://bank:443',
      caPath: 'ca.pem',
      certificatePath: 'atm.pem',
      keyPath: 'atm.key',
      hostPins: ['0'.repeat(64)],
      signersPath: 'signers.pem',
    },
    cardReader: {model: 'crt310', port: '/dev/reader'},
    pinPad: {model: 'szzt', port: '/dev/pin-pad'},
    dispenser: {model: 'lcdm4000', port: '/dev/dispenser'},
    printer: {model: 'escpos', port: '/dev/printer'},
    cassettes: [{cassette: 1, note: '20.00'}],
    payout: {amountMax: '500.00'},
    console: {socketPath: 'console', peoplePath: 'people', keyPath: 'people.key'},
  }),
)

/** `FILE: timers: customerTimeoutMs must be ...` after the file's name. */
const MESSAGE = /^((?:[A-Za-z]+(?:\[[0-9]+\])?: )*)([A-Za-z]+(?:[.[][A-Za-z0-9]+\]?)*) (.+)$/

/** One line a mistake, `FILE:LINE: FIELD WHY`; empty when a machine can start with it. @throws BadInput when it cannot be read */
export function mistakesIn(path: string): readonly string[] {
  const text = textOf(path)
  const read = readJson(text)
  if (read.kind !== 'json') return [`${path}:${lineAt(text, read.why)}: ${read.why}`]
  const lines = linesByPath(text)
  const mistakes: string[] = []
  let settings = read.json
  while (mistakes.length < MISTAKES_MAX) {
    const why = mistakeOf(settings)
    if (why === null) break
    const [, sections = '', field = '', what = ''] = MESSAGE.exec(why) ?? []
    const steps = `${sections.replaceAll(': ', '.')}${field}`.match(/[^.[\]]+/g) ?? []
    mistakes.push(`${path}:${lineOf(lines, steps)}: ${steps.length === 0 ? why : `${shown(steps)} ${what}`}`)
    const mended = mendedAt(settings, SAMPLE.kind === 'json' ? SAMPLE.json : null, steps)
    // What only the fields together get wrong cannot be mended one by one.
    if (mended === null || mistakeOf(mended) === why) break
    settings = mended
  }
  return mistakes
}

function mistakeOf(settings: Json): string | null {
  try {
    configFrom(written(settings), '')
    return null
  } catch (thrown) {
    if (thrown instanceof BadInput) return thrown.message
    throw thrown
  }
}

/** The settings with that place taken from the sample, or left out where the sample has nothing. */
function mendedAt(at: Json, sample: Json, [step, ...rest]: readonly string[]): Json | null {
  if (step === undefined) return null
  if (isList(at)) {
    const index = Number(step)
    if (!(index < at.length)) return null
    const like = isList(sample) ? (sample[0] ?? null) : null
    const mended = rest.length === 0 ? like : mendedAt(at[index] ?? null, like, rest)
    return mended === null ? null : at.map((item, place) => (place === index ? mended : item))
  }
  const fields = new Map(isFields(at) ? at : [])
  const like = isFields(sample) ? sample.get(step) : undefined
  const mended = rest.length === 0 ? like : mendedAt(fields.get(step) ?? null, like ?? null, rest)
  if (mended === undefined) fields.delete(step)
  else if (mended === null) return null
  else fields.set(step, mended)
  return fields
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|\n|[^\s{}[\],:"]+/g

/** The line on which each field's value begins, by its path. */
function linesByPath(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>()
  const path: (string | number)[] = []
  let line = 1
  let name: string | null = null
  for (const [token] of text.matchAll(TOKEN)) {
    const isInList = typeof path.at(-1) === 'number'
    if (token === '\n') line += 1
    else if (token === '{' || token === '[') {
      if (!isInList && name !== null) path.push(name)
      lines.set(path.join('.'), lines.get(path.join('.')) ?? line)
      // The list's own place stays below its first item's.
      if (token === '[') path.push(0)
      name = null
    } else if (token === ',') {
      const at = path.at(-1)
      if (typeof at === 'number') path[path.length - 1] = at + 1
      name = null
    } else if (token === '}' || token === ']') {
      if (token === ']') path.pop()
      if (typeof path.at(-1) !== 'number') path.pop()
      name = null
    } else if (token.startsWith('"') && name === null && !isInList) {
      name = token.slice(1, -1)
      lines.set([...path, name].join('.'), line)
    }
  }
  return lines
}

/** Of the place, or of the nearest one around it. */
function lineOf(lines: ReadonlyMap<string, number>, steps: readonly string[]): number {
  for (let length = steps.length; length > 0; length--) {
    const line = lines.get(steps.slice(0, length).join('.'))
    if (line !== undefined) return line
  }
  return 1
}

/** The reader names a character; a person's editor names lines. */
function lineAt(text: string, why: string): number {
  const at = Number(/at character ([0-9]+)$/.exec(why)?.[1] ?? '0')
  return text.slice(0, at).split('\n').length
}

function shown(steps: readonly string[]): string {
  return steps
    .map((step, at) => (/^[0-9]+$/.test(step) ? `[${step}]` : at === 0 ? step : `.${step}`))
    .join('')
}

function written(value: Json): string {
  if (isFields(value))
    return `{${[...value].map(([name, field]) => `${JSON.stringify(name)}:${written(field)}`).join(',')}}`
  if (isList(value)) return `[${value.map(written).join(',')}]`
  return value instanceof NumberText ? value.source : JSON.stringify(value)
}

function isFields(value: Json): value is ReadonlyMap<string, Json> {
  return value instanceof Map
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
