/** The bank of a run: the real one, in this process, on a file of its own; and the people who bank there. */
import {copyFileSync, mkdirSync} from 'node:fs'
import {join} from 'node:path'
import {buildApp} from '../../host/app.ts'
import {isoSeconds} from '../../host/bank.ts'
import type {Bank} from '../../host/bank.ts'
import {DEMO_MASTER_KEY_HEX} from '../../host/demo.ts'
import {openGuard} from '../../host/guard/guard.ts'
import {inProcessAuthenticate, inProcessTransport} from '../../host/in-process.ts'
import {openingEntry} from '../../host/ledger/book.ts'
import {shownPan} from '../../host/pan.ts'
import {bankView} from '../../host/reconcile.ts'
import type {BankView} from '../../host/reconcile.ts'
import {MADE_UP_PIN_COST, newHsmKeys, softPinModule} from '../../host/pin.ts'
import {openSqliteStore} from '../../host/store/sqlite.ts'
import type {Card} from '../../host/store/port.ts'
import {bytesOfHex} from '../../crypto/hex.ts'
import {epochMs} from '../../kit/clock.ts'
import {silentLog} from '../../kit/log.ts'
import type {Log} from '../../kit/log.ts'
import {minorUnits} from '../../kit/money.ts'
import {seededRandom} from '../../kit/random.ts'
import {Secret} from '../../kit/secret.ts'
import type {BankRequest, Transport, TransportAnswer} from '../../src/link/transport.ts'
import {SimClock} from './clock.ts'

export const TERMINAL = 'ATM123'
/** 2026-11-22T09:00:00Z; every run begins there. */
export const START_MS = epochMs(1_795_338_000_000)

/** Somebody with a card. */
export interface Person {
  readonly track2: string
  readonly pan: string
  readonly pin: string
  readonly accountId: string
  readonly status: Card['status']
  readonly openingMinor: number
}

/** Who comes last, to a machine that works: nobody else has used that card. */
export const LAST_PERSON = 7

const RICH_MINOR = 100_000_000

/** A dozen people; PINs are long enough to be found wherever one of them should not be. */
export const PEOPLE: readonly Person[] = Array.from({length: 12}, (_, at) => {
  const pan = `47617390${(50_871_364 + at * 7_919).toString()}`
  return {
    pan,
    track2: `${pan}=${at === 11 ? '2601' : '4912'}20199887766`,
    pin: at % 3 === 0 ? (4_210 + at).toString() : (907_316_428 + at * 104_729).toString(),
    accountId: (71_000 + at).toString(),
    status: at === 9 ? 'stolen' : 'active',
    openingMinor: at === 10 ? 5_000 : RICH_MINOR,
  }
})

async function bankOn(path: string, clock: SimClock, name: string, log: Log): Promise<Bank> {
  const random = seededRandom(name)
  // The same keys for every run: the people's PIN verifiers were made with them.
  const keys = newHsmKeys(seededRandom('sim/bank/keys'))
  return {
    store: openSqliteStore(path),
    pin: softPinModule(keys, random, MADE_UP_PIN_COST),
    guard: openGuard(keys, random),
    clock,
    random,
    log,
  }
}

/** Makes the bank that every run begins with, once a process. @returns the path of its file */
export async function bankTemplate(folder: string): Promise<string> {
  mkdirSync(folder, {recursive: true})
  const path = join(folder, 'bank-template.db')
  const bank = await bankOn(path, new SimClock(START_MS), 'sim/bank/template', silentLog)
  const masterKey = bank.pin.keepMasterKey(TERMINAL, new Secret(bytesOfHex(DEMO_MASTER_KEY_HEX)))
  const verifiers = await Promise.all(
    PEOPLE.map(({pan, pin}) => bank.pin.pinVerifier(new Secret(pan), new Secret(pin))),
  )
  await bank.store.transact(async tx => {
    await tx.atms.put({atmId: TERMINAL, location: 'Simulation', status: 'active'}, masterKey)
    for (const [at, person] of PEOPLE.entries()) {
      const userId = `u${at + 1}`
      const {accountId} = person
      await tx.accounts.putUser({
        userId,
        name: `Person ${at + 1}`,
        email: `${userId}@example.org`,
        phoneNumber: '+49 30 555 0100',
        address: `${at + 1} Demo Street`,
      })
      await tx.accounts.put({
        accountId,
        userId,
        accountType: 'checking',
        currency: 'EUR',
        createdAt: isoSeconds(START_MS),
      })
      await tx.ledger.post(
        `opening:${accountId}`,
        openingEntry(accountId, 'EUR', minorUnits(person.openingMinor)),
        START_MS,
      )
      await tx.cards.put(
        {
          cardId: `c${at + 1}`,
          panHash: bank.pin.panHash(new Secret(person.pan)),
          panShown: shownPan(person.pan),
          expires: person.track2.slice(17, 21),
          status: person.status,
          pinVerifier: verifiers[at] ?? '',
          pinTriesCount: 0,
        },
        [accountId],
      )
    }
  })
  await bank.store.close()
  return path
}

/** The bank's end of the line. Requests are done one after the other, as its one database does them anyway. */
export class BankDoor {
  readonly path: string
  readonly #clock: SimClock
  readonly #name: string
  readonly #log: Log
  readonly #done: (request: BankRequest, answer: TransportAnswer) => void
  #open: {readonly bank: Bank; readonly transport: Transport; readonly close: () => Promise<void>} | null =
    null
  #lives = 0
  #queue: Promise<unknown> = Promise.resolve()

  /** @param done called after each request was done, before anybody hears the answer */
  constructor(
    template: string,
    folder: string,
    name: string,
    clock: SimClock,
    log: Log,
    done: (request: BankRequest, answer: TransportAnswer) => void,
  ) {
    this.path = join(folder, 'bank.db')
    copyFileSync(template, this.path)
    this.#clock = clock
    this.#name = name
    this.#log = log
    this.#done = done
  }

  ask(request: BankRequest): Promise<TransportAnswer> {
    return this.#next(async () => {
      const {transport} = await this.#opened()
      const answer = await transport.send(request)
      this.#done(request, answer)
      return answer
    })
  }

  /** What is in its books now, for whoever looks on; null while its program does not run. */
  view(operationsMax: number): Promise<BankView> | null {
    return this.#open === null ? null : bankView(this.#open.bank, operationsMax)
  }

  /** The bank's program ends and begins again, between two requests. */
  restart(): void {
    void this.#next(() => this.#close())
  }

  close(): Promise<void> {
    return this.#next(() => this.#close())
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(() => this.#clock.outside(work()))
    this.#queue = turn
    return turn
  }

  async #close(): Promise<void> {
    await this.#open?.close()
    this.#open = null
  }

  async #opened(): Promise<{readonly transport: Transport}> {
    if (this.#open !== null) return this.#open
    this.#lives += 1
    const bank = await bankOn(this.path, this.#clock, `${this.#name}/${this.#lives}`, this.#log)
    const app = buildApp(bank, inProcessAuthenticate)
    await app.ready()
    this.#open = {
      bank,
      transport: inProcessTransport(app, {kind: 'atm', atmId: TERMINAL}, this.#clock),
      close: async () => {
        await app.close()
        await bank.store.close()
      },
    }
    return this.#open
  }
}
