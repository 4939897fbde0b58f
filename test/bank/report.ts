/** What a run is told as: one page, and for what failed the story of its operation. */
import type {Line} from './history.ts'
import type {Violation} from './oracle.ts'
import type {Run} from './run.ts'

const VIOLATIONS_SHOWN_MAX = 5
const STORY_LINES_MAX = 60
/** Faults this long before the first question of an operation, and after its last answer, belong to its story. */
const AROUND_MS = 500

/** Why a run proves nothing, each in a line; none when it does. */
export function vacuities({
  options: {db, durationMs},
  done,
  verdict: {tally, checks},
}: Run): readonly string[] {
  const seconds = durationMs / 1_000
  const least: readonly (readonly [what: string, count: number, least: number])[] = [
    ['operations acknowledged', tally.acknowledgedCount, 3 * seconds],
    ['operations of which the outcome stayed unknown', tally.unknownCount, 1],
    ['questions asked again', tally.retriesCount, seconds / 2],
    ['answers given again', tally.repeatedAnswersCount, seconds / 2],
    ['requests that met their tombstone', tally.tombstonesHitCount, 1],
    ['keys tried with another meaning', tally.otherMeaningsCount, 1],
    ['wrong PINs', tally.guessesCount, 3],
    ['looks at the totals', tally.looksCount, seconds / 2],
    ['hosts killed', done.kills, 1],
    ['connections cut before the request arrived', done.cuts.before, 1],
    ['connections cut after the request arrived', done.cuts.after, 1],
    ['connections cut in the middle of an answer', done.cuts.half, 1],
    ['connections stalled', done.cuts.stall, 1],
    ['acknowledged ends', checks.get('every acknowledged end is the end') ?? 0, seconds / 2],
    ...(db === 'sqlite'
      ? []
      : [
          'server killed',
          'standby promoted',
          'stale standby promoted',
          'server paused',
          'standby killed',
        ].map(name => [`database faults "${name}"`, done.database[name] ?? 0, 1] as const)),
  ]
  return least
    .filter(([, count, min]) => count < min)
    .map(([what, count, min]) => `${what}: ${count}, and it takes ${min} to prove anything`)
}

/** More than one deadlock for a hundred operations: each is waited for and then done again. In one order there are none. */
export function isStorm({deadlocksCount, verdict: {tally}}: Run): boolean {
  return deadlocksCount * 100 > tally.acknowledgedCount
}

export function isProof(run: Run): boolean {
  return run.verdict.violations.length === 0 && vacuities(run).length === 0 && !isStorm(run)
}

export function summary(run: Run): string {
  const {options, done, verdict, deadlocksCount} = run
  const {tally, checks, violations} = verdict
  const {cuts} = done
  const checksCount = [...checks.values()].reduce((sum, count) => sum + count, 0)
  const storm = isStorm(run) ? [`FAILED: a storm of ${deadlocksCount} deadlocks`] : []
  const empty = vacuities(run).map(why => `FAILED: the run proves nothing: ${why}`)
  return [
    `bank workload on ${options.db}, ${options.durationMs / 1_000} s, ${options.clientsCount} clients, seed ${options.seed}`,
    '',
    row('operations', tally.operationsCount),
    row('  acknowledged', tally.acknowledgedCount),
    row(
      '  unknown to who asked',
      tally.unknownCount,
      `${tally.unknownPresentCount} of them made, the others not`,
    ),
    row(
      'questions',
      tally.asksCount,
      `${tally.retriesCount} again, ${tally.repeatedAnswersCount} answered again`,
    ),
    row('late for a reversal', tally.tombstonesHitCount),
    row('key with other meaning', tally.otherMeaningsCount),
    row('wrong PINs', tally.guessesCount),
    row('looks at the totals', tally.looksCount),
    row('hosts killed', done.kills, `${done.pauses} paused`),
    row(
      'connections cut',
      cuts.before + cuts.after + cuts.half + cuts.stall,
      `${cuts.before} before, ${cuts.after} after, ${cuts.half} in mid-answer, ${cuts.stall} stalled`,
    ),
    ...Object.entries(done.database).map(([name, count]) => row(name, count)),
    ...(options.db === 'sqlite' ? [] : [row('deadlocks', deadlocksCount)]),
    row('checks made', checksCount),
    ...[...checks]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, count]) => `  ${name}: ${count}`),
    '',
    ...distinct(violations)
      .slice(0, VIOLATIONS_SHOWN_MAX)
      .map(violation => story(violation, run.lines)),
    ...storm,
    ...empty,
    violations.length === 0
      ? storm.length + empty.length === 0
        ? 'held: no violation'
        : 'FAILED'
      : `FAILED: ${violations.length} violations, seed ${options.seed}`,
    '',
  ].join('\n')
}

/** The first of each kind, and then the rest. */
function distinct(violations: readonly Violation[]): readonly Violation[] {
  const firsts = [...new Map(violations.toReversed().map(each => [each.check, each])).values()]
  return [...firsts, ...violations.filter(each => !firsts.includes(each))]
}

function row(name: string, count: number, more = ''): string {
  return `${name.padEnd(24)}${count.toString().padStart(8)}${more === '' ? '' : `   ${more}`}`
}

/** What was asked and answered under the key, and what was done to the bank meanwhile. */
export function story({check, key, says}: Violation, lines: readonly Line[]): string {
  const head = `VIOLATED: ${check}${key === null ? '' : `, ${key}`}\n  ${says}`
  if (key === null) return head
  const own = lines.filter(line => (line.line === 'asked' || line.line === 'heard') && line.key === key)
  const moments = own.flatMap(line => ('ms' in line ? [line.ms] : []))
  const fromMs = Math.min(...moments) - AROUND_MS
  const toMs = Math.max(...moments) + AROUND_MS
  const told = lines.filter(
    line => own.includes(line) || (line.line === 'fault' && line.ms >= fromMs && line.ms <= toMs),
  )
  const shown = told.slice(0, STORY_LINES_MAX).map(line => `  ${textOf(line)}`)
  const left = told.length - shown.length
  return [head, ...shown, ...(left > 0 ? [`  and ${left} lines more in the history`] : [])].join('\n')
}

function textOf(line: Line): string {
  switch (line.line) {
    case 'asked':
      return `${line.at} #${line.ask} asks ${line.to}: ${JSON.stringify(line.question)}`
    case 'heard':
      return `${line.at} #${line.ask} hears ${JSON.stringify(line.answer)}`
    case 'fault':
      return `${line.at} ${line.fault}`
    case 'look':
      return `${line.at} ${line.by} is looked at`
    case 'world':
      return 'the world'
  }
}
