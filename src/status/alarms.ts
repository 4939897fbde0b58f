/**
 * What needs a hand: one table, each row with when it is raised, what it means for customers and what to do about
 * it. Derived from what is seen now, never kept; it clears when its cause is gone. docs/operations.md draws it.
 */
import type {Context} from '../../fsm/context.ts'
import type {StateName} from '../../fsm/session.ts'
import type {EpochMs} from '../../kit/clock.ts'
import type {Lately} from './chronicle.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MINUTE_MS = 60_000

/** The parts of a machine, as the bank lists them. */
export type Part = 'machine' | 'card-reader' | 'pin-pad' | 'dispenser' | 'printer' | 'link' | 'safe'

/** All that the rules look at. */
export interface Seen {
  readonly state: StateName
  readonly context: Context
  readonly nowMs: EpochMs
  /** How long it has served nobody, and how long the bank has been away; 0 in service. */
  readonly notServingMs: number
  readonly bankAwayMs: number
  /** Age of the oldest outcome that the bank has not acknowledged; 0 without one. */
  readonly oldestAdviceMs: number
  readonly lately: Lately
  /** Of the disk with the journal, 0 to 1; null when the system does not say. */
  readonly diskFree: number | null
  /** Of the certificate's life, 0 to 1. */
  readonly certificateLeft: number | null
  /** How far the clock is from the bank's at least; null before the bank told its time. */
  readonly clockErrorMs: number | null
  /** What the last check of the whole journal found; null before the first. */
  readonly verified: {readonly atMs: number; readonly fault: string | null} | null
  /** Whether the settings' file is another than the machine started with. */
  readonly settingsChanged: boolean
}

export interface AlarmRule {
  /** Never changes and is never used again for something else. */
  readonly name: string
  /** `critical`: money or evidence; somebody comes now. `major`: customers are not served. `minor`: before it gets worse. */
  readonly severity: 'critical' | 'major' | 'minor'
  readonly part: Part
  /** What is wrong, in words that never change. */
  readonly title: string
  readonly customer: 'no service' | 'fewer amounts' | 'no receipts' | 'none'
  readonly action: string
  /** What is the matter this time, or null while all is well. */
  readonly cause: (seen: Seen) => string | null
}

/** Chosen: a busy machine pays a customer every 30 s, 20 in ten minutes. */
const DISPENSES_MAX = 25
/** Notes left in a cassette that are worth a journey. Chosen: a quiet day's withdrawals. */
const LOW_COUNT = 50
/** The usual limits of the trade for a dispenser that wants cleaning: two jams a day, one note in fifty rejected. */
const DISPENSE_FAULTS_MAX = 1
const REJECT_RATE_MAX = 0.02
/** Below so many notes a rate says nothing. */
const RATE_NOTES_MIN = 100
const CARDS_RETAINED_MAX = 2
const TRAPPED_MAX = 1
/** The first start, a person's reload and one fall in an hour are ordinary; new settings are not counted. */
const STARTS_MAX = 3
const DISK_FREE_MIN = 0.2
/** It renews itself after two thirds of its life: here it has failed to for days. */
const CERTIFICATE_LEFT_MIN = 0.25
const CLOCK_ERROR_MAX_MS = 1_000
const VERIFIED_AGE_MAX_MS = 3 * DAY_MS
const NOT_SERVING_MAX_MS = 5 * MINUTE_MS
const BANK_AWAY_MAX_MS = 2 * MINUTE_MS
const ADVICE_AGE_MAX_MS = 5 * MINUTE_MS

/** The worst first. */
export const ALARM_RULES: readonly AlarmRule[] = [
  {
    name: 'journal-failed',
    severity: 'critical',
    part: 'machine',
    title: 'the journal takes no entries',
    customer: 'no service',
    action: 'look at the journal and its disk; with that settled, start the machine anew',
    cause: ({context}) => context.suspendedBecause,
  },
  {
    name: 'journal-broken',
    severity: 'critical',
    part: 'machine',
    title: 'the journal is not as it was written',
    customer: 'none',
    action: 'keep the disk as it is; call who audits the machine',
    cause: ({verified}) => verified?.fault ?? null,
  },
  {
    name: 'notes-unapproved',
    severity: 'critical',
    part: 'safe',
    title: 'notes were ordered that no bank approved',
    customer: 'none',
    action: 'take the machine out of service; count; call who audits it',
    cause: ({lately}) => times(lately.unapproved, 0, 'in 24 h'),
  },
  {
    name: 'notes-overpaid',
    severity: 'critical',
    part: 'safe',
    title: 'more notes left than were ordered',
    customer: 'none',
    action: 'count by replenish; have the dispenser looked at',
    cause: ({lately}) => times(lately.overpaid, 0, 'in 24 h'),
  },
  {
    name: 'dispense-rate',
    severity: 'critical',
    part: 'safe',
    title: 'notes leave faster than customers come',
    customer: 'none',
    action: 'look at the machine; service out when nobody stands there',
    cause: ({lately}) => times(lately.dispenses, DISPENSES_MAX, 'in 10 min'),
  },
  {
    name: 'card-trap',
    severity: 'critical',
    part: 'card-reader',
    title: 'cards and notes stay together, as in reversal fraud',
    customer: 'none',
    action: 'look at reader and shutter for things that were fitted',
    cause: ({lately}) => times(lately.trapped, TRAPPED_MAX, 'in 24 h'),
  },
  {
    name: 'suspense-old',
    severity: 'critical',
    part: 'safe',
    title: 'an operation has waited for a count for more than a day',
    customer: 'none',
    action: 'suspense; count by replenish',
    cause: ({lately, nowMs}) => {
      const [oldest] = lately.suspense
      if (oldest === undefined || nowMs - oldest.sinceMs <= DAY_MS) return null
      return `${oldest.key}, ${Math.floor((nowMs - oldest.sinceMs) / HOUR_MS)} h`
    },
  },
  {
    name: 'advice-refused',
    severity: 'major',
    part: 'link',
    title: 'the bank refuses what became of an operation',
    customer: 'none',
    action: 'suspense; settle it with the bank',
    cause: ({lately}) => lately.suspense.find(({why}) => why === 'refused')?.key ?? null,
  },
  {
    name: 'dispenser-held',
    severity: 'major',
    part: 'dispenser',
    title: 'the dispenser must be counted before it moves again',
    customer: 'no service',
    action: 'count by replenish',
    cause: ({context}) => context.held,
  },
  deviceRule('cardReader', 'card-reader', 'card reader'),
  deviceRule('pinPad', 'pin-pad', 'PIN pad'),
  deviceRule('dispenser', 'dispenser', 'dispenser'),
  {
    name: 'bank-away',
    severity: 'major',
    part: 'link',
    title: 'the bank cannot be reached',
    customer: 'no service',
    action: 'test host; look at the line',
    cause: ({bankAwayMs}) => longer(bankAwayMs, BANK_AWAY_MAX_MS),
  },
  {
    name: 'out-of-service',
    severity: 'major',
    part: 'machine',
    title: 'the machine serves nobody',
    customer: 'no service',
    action: 'show status, and what else is alarmed',
    cause: ({context, notServingMs}) =>
      isAttended(context) ? null : longer(notServingMs, NOT_SERVING_MAX_MS),
  },
  {
    name: 'locked',
    severity: 'major',
    part: 'machine',
    title: 'the machine is locked',
    customer: 'no service',
    action: 'look at what it was locked for; then two people of security unlock it',
    cause: ({context}) => context.attendance.lockedBecause,
  },
  {
    name: 'restarts',
    severity: 'major',
    part: 'machine',
    title: 'the program starts again and again',
    customer: 'none',
    action: 'journalctl -u tellerd; after five in ten minutes it stays down',
    cause: ({lately}) => times(lately.starts, STARTS_MAX, 'in an hour'),
  },
  {
    name: 'cassette-out',
    severity: 'major',
    part: 'safe',
    title: 'a cassette cannot be paid from',
    customer: 'fewer amounts',
    action: 'count it by replenish',
    cause: seen =>
      cassettes(seen, ({state, count}) =>
        state === 'ok' && count > 0 ? null : state === 'ok' ? 'empty' : state,
      ),
  },
  {
    name: 'disk-full',
    severity: 'major',
    part: 'machine',
    title: 'the disk with the journal has no room for another visit',
    customer: 'no service',
    action: 'free the disk: it comes back into service by itself',
    cause: ({context}) => (context.disk === 'full' ? 'less is free than stopFreeMegabytes' : null),
  },
  {
    name: 'printer-failed',
    severity: 'minor',
    part: 'printer',
    title: 'the receipt printer fails',
    customer: 'no receipts',
    action: 'show device printer; paper, cover, cutter; reset device printer',
    cause: ({context}) => (context.devices.printer === 'failed' ? 'it does not print' : null),
  },
  {
    name: 'printer-paper-low',
    severity: 'minor',
    part: 'printer',
    title: 'the roll of the receipt printer is near its end',
    customer: 'none',
    action: 'bring a new roll',
    cause: ({context, lately}) =>
      context.devices.printer === 'ok' && lately.paper !== 'ok' ? 'told with the last slip' : null,
  },
  {
    name: 'dispense-faults',
    severity: 'minor',
    part: 'dispenser',
    title: 'dispenses end in faults',
    customer: 'none',
    action: 'show errors; clean or replace what they name',
    cause: ({lately}) => times(lately.dispenseFaults, DISPENSE_FAULTS_MAX, 'in 24 h'),
  },
  {
    name: 'rejects',
    severity: 'minor',
    part: 'dispenser',
    title: 'many notes are rejected',
    customer: 'none',
    action: 'look at the notes of that cassette, then at its feed',
    cause: ({lately}) => {
      const bad = [...lately.notes].filter(
        ([, {picked, rejected}]) => picked >= RATE_NOTES_MIN && rejected > picked * REJECT_RATE_MAX,
      )
      return listed(
        bad.map(([cassette, {picked, rejected}]) => `cassette ${cassette}: ${rejected} of ${picked} in 24 h`),
      )
    },
  },
  {
    name: 'cards-retained',
    severity: 'minor',
    part: 'card-reader',
    title: 'cards are retained one after the other',
    customer: 'none',
    action: 'look at the reader for things that were fitted; show cards',
    cause: ({lately}) => times(lately.cardsRetained, CARDS_RETAINED_MAX, 'in an hour'),
  },
  {
    name: 'cash-low',
    severity: 'minor',
    part: 'safe',
    title: 'a cassette is low',
    customer: 'fewer amounts',
    action: 'replenish',
    cause: seen =>
      cassettes(seen, ({state, count}) =>
        state === 'ok' && count > 0 && count < LOW_COUNT ? `${count} notes` : null,
      ),
  },
  {
    name: 'cash-forecast',
    severity: 'minor',
    part: 'safe',
    title: 'a cassette will be empty within a day',
    customer: 'none',
    action: 'replenish',
    cause: seen =>
      cassettes(seen, ({cassette, state, count}) => {
        const paid = seen.lately.notes.get(cassette)?.picked ?? 0
        return state === 'ok' && count >= LOW_COUNT && paid >= count
          ? `${count} notes, ${paid} in the last 24 h`
          : null
      }),
  },
  {
    name: 'advices-wait',
    severity: 'minor',
    part: 'link',
    title: 'the bank does not acknowledge what became of an operation',
    customer: 'none',
    action: 'test host; it is told again until acknowledged',
    cause: ({oldestAdviceMs}) => longer(oldestAdviceMs, ADVICE_AGE_MAX_MS),
  },
  {
    name: 'closed',
    severity: 'minor',
    part: 'machine',
    title: 'a person took the machine out of service',
    customer: 'no service',
    action: 'service in',
    cause: ({context}) => context.attendance.closedBecause,
  },
  {
    name: 'certificate',
    severity: 'minor',
    part: 'link',
    title: 'the certificate for the bank was not renewed',
    customer: 'none',
    action: 'ask the bank; tellerd enroll with a new code',
    cause: ({certificateLeft}) =>
      certificateLeft !== null && certificateLeft < CERTIFICATE_LEFT_MIN
        ? `${percent(Math.max(0, certificateLeft))} of its life is left`
        : null,
  },
  {
    name: 'disk',
    severity: 'minor',
    part: 'machine',
    title: 'the disk with the journal fills up',
    customer: 'none',
    action: 'find what fills it; the journal alone takes years',
    cause: ({diskFree}) =>
      diskFree !== null && diskFree < DISK_FREE_MIN ? `${percent(diskFree)} free` : null,
  },
  {
    name: 'clock',
    severity: 'minor',
    part: 'machine',
    title: 'the clock differs from that of the bank',
    customer: 'none',
    action: 'show clock; look at the time server; beyond two minutes the bank refuses every message',
    cause: ({clockErrorMs}) =>
      clockErrorMs !== null && clockErrorMs > CLOCK_ERROR_MAX_MS
        ? `${Math.round(clockErrorMs / 1_000)} s at least`
        : null,
  },
  {
    name: 'verify-late',
    severity: 'minor',
    part: 'machine',
    title: 'the journal has not been checked for days',
    customer: 'none',
    action: 'systemctl status tellerd-verify.timer',
    cause: ({verified, nowMs}) =>
      verified !== null && nowMs - verified.atMs > VERIFIED_AGE_MAX_MS
        ? `${Math.floor((nowMs - verified.atMs) / DAY_MS)} days`
        : null,
  },
  {
    name: 'settings',
    severity: 'minor',
    part: 'machine',
    title: 'the file of settings is not what the machine runs with',
    customer: 'none',
    action: 'config diff; restart the machine or put the file back',
    cause: ({settingsChanged}) => (settingsChanged ? 'it changed since the start' : null),
  },
]

/** An alarm that is raised. */
export interface Alarm {
  readonly rule: AlarmRule
  readonly cause: string
}

/** What is raised now, the worst first. While the machine starts nothing is. */
export function alarmsOf(seen: Seen): readonly Alarm[] {
  if (seen.state === 'starting' || seen.state === 'recovering') return []
  return ALARM_RULES.flatMap(rule => {
    const cause = rule.cause(seen)
    return cause === null ? [] : [{rule, cause}]
  })
}

/** Whether customers can come, or one is there. */
export function isServing({state, context}: Pick<Seen, 'state' | 'context'>): boolean {
  return state === 'idle' || context.visit !== null
}

/** A person knows that it serves nobody. */
function isAttended({attendance}: Context): boolean {
  return [attendance.supervisor, attendance.closedBecause, attendance.lockedBecause].some(why => why !== null)
}

function deviceRule(device: keyof Context['devices'], part: Part, words: string): AlarmRule {
  return {
    name: `${part}-failed`,
    severity: 'major',
    part,
    title: `the ${words} fails`,
    customer: 'no service',
    action: `show device ${part}; test; reset`,
    cause: ({context}) => (context.devices[device] === 'failed' ? 'it does not serve' : null),
  }
}

function cassettes(
  {context}: Seen,
  wrong: (level: Context['levels'][number]) => string | null,
): string | null {
  return listed(
    context.levels.flatMap(level => {
      const what = wrong(level)
      return what === null ? [] : [`cassette ${level.cassette}: ${what}`]
    }),
  )
}

function listed(items: readonly string[]): string | null {
  return items.length === 0 ? null : items.join(', ')
}

function times(count: number, max: number, within: string): string | null {
  return count > max ? `${count} ${within}` : null
}

function longer(ms: number, maxMs: number): string | null {
  // In coarse steps: a cause that changes every second would be news every second.
  return ms > maxMs ? `more than ${Math.round(maxMs / MINUTE_MS)} min` : null
}

function percent(ratio: number): string {
  return `${Math.floor(ratio * 100)} %`
}
