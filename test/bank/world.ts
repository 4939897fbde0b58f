/**
 * The bank that the workload plays with: who has accounts, what is in them, which machines and cards there are, and
 * under which tokens the counters work. Plain data, written to a file that the host programs are seeded from, and
 * that the checker reads the opening balances from.
 */
import {readFileSync} from 'node:fs'
import type {Random} from '../../kit/random.ts'

/** All of it is in one currency. */
export const CURRENCY = 'EUR'
/** TDES, 16 bytes: the master key of every machine here. */
export const MASTER_KEY_HEX = '0123456789ABCDEFFEDCBA9876543210'
export const PIN = '2468'
/** Last month of every card, `YYMM`. */
export const EXPIRES = '4912'

export interface WorldAccount {
  readonly accountId: string
  /**
   * - `circle`: money only goes round among these, so their sum never changes
   * - `counter`: tellers alone move it, so every balance is told in some answer
   * - `machine`: machines and tellers move it
   */
  readonly group: 'circle' | 'counter' | 'machine'
  readonly openingMinor: number
}

export interface WorldCard {
  readonly cardId: string
  readonly pan: string
  /** `customer` opens the machine accounts; `guess` is only ever tried with wrong PINs. */
  readonly use: 'customer' | 'guess'
}

export interface World {
  readonly accounts: readonly WorldAccount[]
  readonly atmIds: readonly string[]
  /** The machine at which PINs are guessed. */
  readonly guessingAtmId: string
  readonly cards: readonly WorldCard[]
  readonly counters: readonly {readonly name: string; readonly token: string}[]
}

const CIRCLE_COUNT = 6
const COUNTER_COUNT = 6
const MACHINE_ACCOUNTS_COUNT = 6
/** For a run of minutes: a card has three tries. */
const GUESS_CARDS_COUNT = 200

/** Openings are a few withdrawals' worth, so that accounts are empty every now and then. */
export function worldOf(random: Random, atmsCount: number, countersCount: number): World {
  const accounts = (group: WorldAccount['group'], count: number, openingMinor: number) =>
    Array.from({length: count}, (_, index) => ({accountId: `${group}${index}`, group, openingMinor}))
  const atmIds = Array.from({length: atmsCount}, (_, index) => `ATM${index}`)
  return {
    accounts: [
      ...accounts('circle', CIRCLE_COUNT, 100_00),
      ...accounts('counter', COUNTER_COUNT, 500_00),
      ...accounts('machine', MACHINE_ACCOUNTS_COUNT, 1_000_00),
    ],
    atmIds,
    guessingAtmId: 'GUESS',
    cards: [
      ...Array.from({length: atmsCount}, (_, index) => card('customer', index)),
      ...Array.from({length: GUESS_CARDS_COUNT}, (_, index) => card('guess', index)),
    ],
    counters: Array.from({length: countersCount}, (_, index) => ({
      name: `counter-${index}`,
      token: `tellerd_${Buffer.from(random.bytes(32)).toString('base64url')}`,
    })),
  }
}

export function readWorld(path: string): World {
  const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'))
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- what the workload wrote, and nobody else
  return parsed as World
}

/** `;PAN=YYMM...?` as a reader gives it. */
export function track2Of({pan}: WorldCard): string {
  return `;${pan}=${EXPIRES}2011234567890?`
}

function card(use: WorldCard['use'], index: number): WorldCard {
  const number = `${use === 'customer' ? '47617391' : '47617392'}${index.toString().padStart(7, '0')}`
  return {cardId: `${use}-${index}`, pan: `${number}${luhnDigit(number)}`, use}
}

/** ISO/IEC 7812-1, annex B. */
function luhnDigit(number: string): string {
  const sum = Array.from(number)
    .toReversed()
    .reduce((total, digit, index) => {
      const twice = index % 2 === 0 ? Number(digit) * 2 : Number(digit)
      return total + (twice > 9 ? twice - 9 : twice)
    }, 0)
  return String((10 - (sum % 10)) % 10)
}
