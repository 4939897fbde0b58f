/** What the machine is at this moment, as figures and as one JSON object. Neither has a card, an account or a secret in it. */
import {STATE_NAMES} from '../../fsm/session.ts'
import {isoTime} from '../../kit/clock.ts'
import type {EpochMs} from '../../kit/clock.ts'
import {ALARM_RULES, isServing} from './alarms.ts'
import type {Alarm, Part, Seen} from './alarms.ts'
import {Samples} from './metrics.ts'
import type {Histogram} from './metrics.ts'

/** What nobody raises an alarm for. */
export interface Besides {
  readonly build: string
  readonly startedMs: EpochMs
  readonly lagMs: number
  readonly rowsCount: number
  readonly advicesCount: number
  readonly commits: Histogram
  readonly residentBytes: number
  readonly journalBytes: {readonly main: number; readonly wal: number}
  readonly certificateToMs: EpochMs
}

export function samplesOf(seen: Seen, alarms: readonly Alarm[], besides: Besides): Samples {
  const {state, context, nowMs, lately} = seen
  const samples = new Samples()
  samples.set('tellerd_build', 1, {version: besides.build})
  for (const name of STATE_NAMES) samples.set('tellerd_state', name === state ? 1 : 0, {tellerd_state: name})
  samples.set('tellerd_in_service', isServing(seen) ? 1 : 0)
  for (const [device, health] of Object.entries(context.devices))
    if (health !== 'absent') samples.set('tellerd_device_ok', health === 'ok' ? 1 : 0, {device})
  samples.set('tellerd_bank_up', context.host === 'up' ? 1 : 0)
  const raised = new Set(alarms.map(({rule}) => rule))
  for (const rule of ALARM_RULES)
    samples.set('tellerd_alarm', raised.has(rule) ? 1 : 0, {alarm: rule.name, severity: rule.severity})
  const [oldest] = lately.suspense
  samples.set('tellerd_suspense_open', lately.suspense.length)
  samples.set(
    'tellerd_suspense_oldest_seconds',
    oldest === undefined ? 0 : Math.max(0, nowMs - oldest.sinceMs) / 1_000,
  )
  samples.set(
    'tellerd_suspense_most_minor',
    lately.suspense.reduce((sum, {mostMinor}) => sum + mostMinor, 0),
    {currency: context.setup.currency},
  )
  samples.set('tellerd_advices_open', besides.advicesCount)
  for (const {cassette, count} of context.levels)
    samples.set('tellerd_cassette_notes', count, {cassette: cassette.toString()})
  samples.set('tellerd_journal_rows', besides.rowsCount)
  samples.set('tellerd_journal_commit_seconds', besides.commits)
  samples.set('tellerd_journal_bytes', besides.journalBytes.main)
  samples.set('tellerd_journal_wal_bytes', besides.journalBytes.wal)
  if (seen.diskFree !== null) samples.set('tellerd_disk_free_ratio', seen.diskFree)
  samples.set('tellerd_certificate_left_seconds', (besides.certificateToMs - nowMs) / 1_000)
  if (seen.clockErrorMs !== null) samples.set('tellerd_clock_error_seconds', seen.clockErrorMs / 1_000)
  samples.set('tellerd_event_loop_lag_seconds', besides.lagMs / 1_000)
  samples.set('process_resident_memory_bytes', besides.residentBytes)
  samples.set('process_start_time_seconds', besides.startedMs / 1_000)
  return samples
}

/** An alarm and since when it is raised. */
export interface Raised {
  readonly alarm: Alarm
  readonly sinceMs: EpochMs
}

/** The status for whoever comes to look: every part that is not well with cause, since when, what customers notice, what to do. */
export interface Status {
  readonly form: 1
  readonly at: string
  readonly terminal: string
  readonly build: string
  readonly state: Seen['state']
  readonly inService: boolean
  readonly bank: 'up' | 'down'
  readonly devices: Seen['context']['devices']
  readonly cassettes: readonly {readonly cassette: number; readonly count: number; readonly state: string}[]
  readonly suspenseCount: number
  readonly alarms: readonly {
    readonly alarm: string
    readonly severity: string
    readonly part: Part
    readonly title: string
    readonly cause: string
    readonly since: string
    readonly customer: string
    readonly action: string
  }[]
}

export function statusOf(
  {terminal, build}: {readonly terminal: string; readonly build: string},
  seen: Seen,
  raised: readonly Raised[],
): Status {
  const {state, context, nowMs, lately} = seen
  return {
    form: 1,
    at: isoTime(nowMs),
    terminal,
    build,
    state,
    inService: isServing(seen),
    bank: context.host,
    devices: context.devices,
    cassettes: context.levels.map(({cassette, count, state}) => ({cassette, count, state})),
    suspenseCount: lately.suspense.length,
    alarms: raised.map(({alarm: {rule, cause}, sinceMs}) => ({
      alarm: rule.name,
      severity: rule.severity,
      part: rule.part,
      title: rule.title,
      cause,
      since: isoTime(sinceMs),
      customer: rule.customer,
      action: rule.action,
    })),
  }
}
