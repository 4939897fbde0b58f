/**
 * A strict reader of OpenMetrics 1.0, written from the specification's grammar and rules and not from our writer. Whatever is
 * not allowed is an error; the whole of a text is read.
 */
import {present} from '../../kit/assert.ts'

export interface Family {
  readonly name: string
  readonly type: string
  readonly unit: string
  readonly help: string
  readonly samples: {
    readonly name: string
    readonly labels: ReadonlyMap<string, string>
    readonly value: number
  }[]
}

const TYPES = ['unknown', 'gauge', 'counter', 'stateset', 'info', 'histogram', 'gaugehistogram', 'summary']
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  gauge: [''],
  stateset: [''],
  counter: ['_total', '_created'],
  info: ['_info'],
  histogram: ['_bucket', '_count', '_sum', '_created'],
}

export class NoOpenMetrics extends Error {
  override readonly name = 'NoOpenMetrics'
}

function need(isSo: boolean, why: string): asserts isSo {
  if (!isSo) throw new NoOpenMetrics(why)
}

/** @throws NoOpenMetrics with the rule that the text breaks */
export function readOpenMetrics(text: string): readonly Family[] {
  need(text.endsWith('# EOF\n'), 'no EOF at the end')
  const lines = text.slice(0, -1).split('\n').slice(0, -1)
  const blocks: string[][] = []
  let name = ''
  for (const line of lines) {
    need(line !== '' && line.trim() === line, `a blank line or blanks around: '${line}'`)
    const [, of = ''] = /^# (?:TYPE|UNIT|HELP) ([a-zA-Z_:][a-zA-Z0-9_:]*) ./.exec(line) ?? []
    need(of !== '' || !line.startsWith('#'), `a comment that is none: ${line}`)
    const isNew = of !== '' && (of !== name || blocks.at(-1)?.at(-1)?.startsWith('#') === false)
    if (isNew) blocks.push([])
    if (of !== '') name = of
    present(blocks.at(-1), 'a family').push(line)
  }
  const families = blocks.map(familyOf)
  const names = families.map(family => family.name)
  need(new Set(names).size === names.length, 'a family comes twice')
  for (const family of families) judge(family)
  return families
}

/** The lines of one family: what it is, then its samples. */
function familyOf(lines: readonly string[]): Family {
  const heads = lines
    .filter(line => line.startsWith('#'))
    .map(line => /^# (\S+) (\S+) (.*)$/.exec(line) ?? [])
  const words = new Map(heads.map(([, word = '', , value = '']) => [word, value]))
  const name = heads[0]?.[2] ?? ''
  need(words.size === heads.length, `a word twice about ${name}`)
  const [type = 'unknown', unit = '', help = ''] = ['TYPE', 'UNIT', 'HELP'].map(word => words.get(word))
  need(TYPES.includes(type), `no type '${type}'`)
  need(unit === '' || name.endsWith(`_${unit}`), `${name} does not end in its unit`)
  need(!/(^|[^\\])(\\\\)*\\[^\\n"]/.test(help), 'a bad escape in a help')
  const samples = lines.filter(line => !line.startsWith('#')).map(sampleOf)
  need(samples.length > 0, `${name} has no sample`)
  return {name, type, unit, help, samples}
}

function sampleOf(line: string): Family['samples'][number] {
  const [, name = '', braces, number = ''] =
    /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[^"}]|"(?:[^"\\\n]|\\[\\n"])*")*)\})? (\S+)$/.exec(line) ?? []
  need(name !== '', `no sample: ${line}`)
  need(/^[-+]?([0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?|Inf)$|^NaN$/i.test(number), `no number: ${number}`)
  const labels = new Map<string, string>()
  let rest = braces ?? ''
  while (rest !== '') {
    const [whole = '', label = '', value = ''] =
      /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,(?=.)|$)/.exec(rest) ?? []
    need(whole !== '', `no labels: ${rest}`)
    need(!labels.has(label), `label ${label} twice`)
    labels.set(label, value)
    rest = rest.slice(whole.length)
  }
  return {name, labels, value: Number(number.replace('+Inf', 'Infinity'))}
}

function judge({name, type, samples}: Family): void {
  const seen = new Set<string>()
  for (const {name: full, labels, value} of samples) {
    need(full.startsWith(name), `${full} is no sample of ${name}`)
    const suffix = full.slice(name.length)
    need((SUFFIXES[type] ?? ['']).includes(suffix), `'${suffix}' does not go with a ${type}`)
    const key = `${full} ${[...labels]
      .map(pair => pair.join('='))
      .toSorted()
      .join()}`
    need(!seen.has(key), `${key} twice`)
    seen.add(key)
    if (type === 'counter') need(value >= 0 && !Number.isNaN(value), `a counter of ${value}`)
    if (type === 'info') need(value === 1, `an info of ${value}`)
    if (type === 'stateset') {
      need(value === 0 || value === 1, `a state of ${value}`)
      need(labels.has(name), `a state set without its label ${name}`)
    }
  }
  if (type === 'histogram') judgeHistogram(name, samples)
}

function judgeHistogram(name: string, samples: Family['samples']): void {
  const buckets = samples.filter(sample => sample.name === `${name}_bucket`)
  const bounds = buckets.map(({labels}) => {
    const bound = present(labels.get('le'), 'le')
    need(/^(\+Inf|[0-9]+\.[0-9]+(e[-+][0-9]+)?)$/.test(bound), `a bound of ${bound}`)
    return Number(bound.replace('+Inf', 'Infinity'))
  })
  need(bounds.at(-1) === Infinity, `${name} has no +Inf`)
  need(
    bounds.every((bound, at) => at === 0 || bound > (bounds[at - 1] ?? 0)),
    `${name} is not in order`,
  )
  need(
    buckets.every(({value}, at) => at === 0 || value >= (buckets[at - 1]?.value ?? 0)),
    `${name} does not cumulate`,
  )
  const count = samples.find(sample => sample.name === `${name}_count`)
  need(count !== undefined && count.value === buckets.at(-1)?.value, `the count of ${name}`)
}
