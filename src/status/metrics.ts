/**
 * Every figure that the machine gives out, in one table, and the text that carries them: OpenMetrics 1.0
 * (https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md). Labels have few values: none is a
 * card, an account, an operation or a person.
 */
import {assert, present} from '../../kit/assert.ts'

export interface Metric {
  readonly type: 'counter' | 'gauge' | 'histogram' | 'info' | 'stateset'
  /** A base unit, also the end of the name; empty for what is counted. */
  readonly unit: 'seconds' | 'bytes' | 'ratio' | ''
  readonly help: string
  readonly labels: readonly string[]
}

function counter(help: string, ...labels: readonly string[]): Metric {
  return {type: 'counter', unit: '', help, labels}
}

function gauge(help: string, unit: Metric['unit'] = '', ...labels: readonly string[]): Metric {
  return {type: 'gauge', unit, help, labels}
}

function seconds(help: string): Metric {
  return {type: 'histogram', unit: 'seconds', help, labels: []}
}

/** By name, in the order of the text. Counters count from the start of the program. */
export const METRICS = {
  tellerd_build: {type: 'info', unit: '', help: 'The program.', labels: ['version']},
  tellerd_state: {type: 'stateset', unit: '', help: 'The state of the machine.', labels: ['tellerd_state']},
  tellerd_in_service: gauge('1 while a customer can be served or is being served.'),
  tellerd_device_ok: gauge('1 while the device serves.', '', 'device'),
  tellerd_bank_up: gauge('1 while the bank answers.'),
  tellerd_alarm: gauge('1 while the alarm is raised.', '', 'alarm', 'severity'),
  tellerd_visits: counter('Visits, by how they ended for the customer.', 'ending'),
  tellerd_visit_seconds: seconds('From the card to the end of the visit.'),
  tellerd_authorization_seconds: seconds('What a customer waited for the bank’s answer to a withdrawal.'),
  tellerd_bank_silences: counter('Questions to the bank without a trustworthy answer in time.'),
  tellerd_reversals: counter('Operations that were reversed, by reason.', 'reason'),
  tellerd_suspects: counter('Operations of which nobody knows what the customer got.'),
  tellerd_suspense_open: gauge('Operations that wait for a count or a person.'),
  tellerd_suspense_oldest_seconds: gauge('Age of the oldest of them; 0 without one.', 'seconds'),
  tellerd_suspense_most_minor: gauge(
    'What all of them may be worth at most, in minor units.',
    '',
    'currency',
  ),
  tellerd_advices_open: gauge('Outcomes that the bank has not acknowledged.'),
  tellerd_cassette_notes: gauge('Notes in the cassette, by the journal.', '', 'cassette'),
  tellerd_notes: counter('Notes that were moved, by where they went.', 'cassette', 'fate'),
  tellerd_dispense_faults: counter('Dispenses that did not end as ordered.'),
  tellerd_retracts: counter('Bunches that nobody took and the dispenser drew back.'),
  tellerd_cards_retained: counter('Cards that were retained.'),
  tellerd_device_faults: counter('Failures of devices.', 'device'),
  tellerd_journal_rows: gauge('Rows of the journal.'),
  tellerd_journal_commit_seconds: seconds('From an append to the disk’s word that it is durable.'),
  tellerd_journal_bytes: gauge('Size of the journal.', 'bytes'),
  tellerd_journal_wal_bytes: gauge('Size of what is not folded into it yet.', 'bytes'),
  tellerd_disk_free_ratio: gauge('Free part of the disk with the journal.', 'ratio'),
  tellerd_certificate_left_seconds: gauge('Until the certificate for the bank ends.', 'seconds'),
  tellerd_clock_error_seconds: gauge('How far the clock is from the bank’s at least.', 'seconds'),
  tellerd_event_loop_lag_seconds: gauge('How late the latest of the last timers came.', 'seconds'),
  process_resident_memory_bytes: gauge('Resident memory.', 'bytes'),
  process_start_time_seconds: gauge('Start of the program, since 1970.', 'seconds'),
} as const satisfies Readonly<Record<string, Metric>>

export type MetricName = keyof typeof METRICS
export type Labels = Readonly<Record<string, string>>

/** Upper bounds in seconds. Chosen: from a disk in battery-backed memory to one that dies; from a fast bank to no bank. */
const COMMIT_BOUNDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1] as const
const ANSWER_BOUNDS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60] as const
const VISIT_BOUNDS = [10, 20, 30, 45, 60, 90, 120, 180, 300, 600] as const

/** Counts of observed seconds, by upper bound. */
export class Histogram {
  readonly bounds: readonly number[]
  readonly counts: number[]
  sum = 0
  count = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = bounds.map(() => 0)
  }

  observe(seconds: number): void {
    this.sum += seconds
    this.count += 1
    for (const [at, bound] of this.bounds.entries())
      if (seconds <= bound) this.counts[at] = present(this.counts[at], 'a bucket') + 1
  }
}

export function commitHistogram(): Histogram {
  return new Histogram(COMMIT_BOUNDS)
}

export function answerHistogram(): Histogram {
  return new Histogram(ANSWER_BOUNDS)
}

export function visitHistogram(): Histogram {
  return new Histogram(VISIT_BOUNDS)
}

/** Values by metric and labels, each there once. */
export class Samples {
  readonly #values = new Map<MetricName, Map<string, {readonly labels: Labels; value: number | Histogram}>>()

  set(name: MetricName, value: number | Histogram, labels: Labels = {}): void {
    this.#row(name, labels).value = value
  }

  add(name: MetricName, by: number, labels: Labels = {}): void {
    const row = this.#row(name, labels)
    assert(typeof row.value === 'number', `${name} does not add up`)
    row.value += by
  }

  /** Every value of the other as well; what both have is the other's. */
  with(other: Samples): Samples {
    const all = new Samples()
    for (const samples of [this, other])
      for (const [name, rows] of samples.#values)
        for (const {labels, value} of rows.values()) all.set(name, value, labels)
    return all
  }

  of(name: MetricName): readonly {readonly labels: Labels; readonly value: number | Histogram}[] {
    return [...(this.#values.get(name)?.values() ?? [])]
  }

  #row(name: MetricName, labels: Labels): {readonly labels: Labels; value: number | Histogram} {
    const expected: readonly string[] = METRICS[name].labels
    assert(Object.keys(labels).join() === expected.join(), `the labels of ${name} are ${expected.join()}`)
    const rows = this.#values.get(name) ?? new Map<string, {labels: Labels; value: number | Histogram}>()
    this.#values.set(name, rows)
    const key = Object.values(labels).join('\0')
    const row = rows.get(key) ?? {labels, value: 0}
    rows.set(key, row)
    return row
  }
}

/** The text of all samples; a metric without a sample is left out. */
export function exposition(samples: Samples): string {
  const lines: string[] = []
  for (const [name, metric] of Object.entries(METRICS)) {
    const rows = isMetricName(name) ? samples.of(name) : []
    if (rows.length === 0) continue
    lines.push(`# TYPE ${name} ${metric.type}`)
    if (metric.unit !== '') lines.push(`# UNIT ${name} ${metric.unit}`)
    lines.push(`# HELP ${name} ${escaped(metric.help)}`)
    for (const {labels, value} of rows)
      lines.push(
        ...(value instanceof Histogram ? bucketLines(name, value) : [line(name, metric, labels, value)]),
      )
  }
  return [...lines, '# EOF', ''].join('\n')
}

function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(METRICS, name)
}

const SUFFIX: Readonly<Record<Metric['type'], string>> = {
  counter: '_total',
  gauge: '',
  histogram: '',
  info: '_info',
  stateset: '',
}

function line(name: string, {type}: Metric, labels: Labels, value: number): string {
  return `${name}${SUFFIX[type]}${labelText(labels)} ${value}`
}

function bucketLines(name: string, {bounds, counts, sum, count}: Histogram): readonly string[] {
  const buckets = bounds.map((bound, at) => `${name}_bucket{le="${floatText(bound)}"} ${counts[at] ?? 0}`)
  return [...buckets, `${name}_bucket{le="+Inf"} ${count}`, `${name}_count ${count}`, `${name}_sum ${sum}`]
}

/** The specification's canonical form has a point in every bound. */
function floatText(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : bound.toString()
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join()}}`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
