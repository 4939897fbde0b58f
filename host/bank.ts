/** What every part of the bank works with. Constructed once, by the program or a test. */
import {createHash} from 'node:crypto'
import type {Guard} from './guard/guard.ts'
import type {PinModule} from './pin.ts'
import type {Store} from './store/port.ts'
import type {Clock} from '../kit/clock.ts'
import {isoTime} from '../kit/clock.ts'
import type {EpochMs} from '../kit/clock.ts'
import type {Log} from '../kit/log.ts'
import type {Random} from '../kit/random.ts'

export interface Bank {
  readonly store: Store
  readonly pin: PinModule
  readonly guard: Guard
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** The bank's day, `2026-11-22`: the UTC date of its clock. */
export function businessDate(nowMs: EpochMs): string {
  return isoTime(nowMs).slice(0, 10)
}

/** A moment as messages and statements carry it: UTC, whole seconds, `2026-11-22T11:30:00Z`. */
export function isoSeconds(atMs: EpochMs): string {
  return `${isoTime(atMs).slice(0, 19)}Z`
}

/**
 * A fresh id, 24 hexadecimal digits. Those of one owner grow with time; those of all lie in 256 ranges, so that no
 * part of a table takes all the writing.
 * @param owner the account, say; without one each id is on its own
 */
export function newId({clock, random}: Pick<Bank, 'clock' | 'random'>, owner?: string): string {
  const lead =
    owner === undefined ? random.bytes(1) : createHash('sha256').update(owner).digest().subarray(0, 1)
  const time = clock.wallMs().toString(16).padStart(12, '0')
  return `${Buffer.from(lead).toString('hex')}${time}${Buffer.from(random.bytes(5)).toString('hex')}`
}
