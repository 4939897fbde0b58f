/** The line to the bank, and everything between two programs that can come between two programs. */
import type {BankRequest, Transport, TransportAnswer} from '../../src/link/transport.ts'
import type {BankDoor} from './bank.ts'
import type {Life, SimClock} from './clock.ts'
import type {Draws} from './draws.ts'
import type {Faults} from './faults.ts'

/** Longest that a message is under way. */
const LATE_MAX_MS = 120_000

/** What happens on the line goes here. */
export interface LineWitness {
  say(who: string, what: string): void
  note(name: string): void
  /** The machine's half of the line is about to be used: the power may go. */
  beforeSend(): void
}

/** One life's end of the line. Dead, it never answers and never asks. */
export class SimLine implements Transport {
  readonly #door: BankDoor
  readonly #life: Life
  readonly #clock: SimClock
  readonly #faults: Faults
  readonly #witness: LineWitness

  constructor(door: BankDoor, life: Life, clock: SimClock, faults: Faults, witness: LineWitness) {
    this.#door = door
    this.#life = life
    this.#clock = clock
    this.#faults = faults
    this.#witness = witness
  }

  send(request: BankRequest): Promise<TransportAnswer> {
    return new Promise(resolve => {
      this.#witness.beforeSend()
      if (this.#life.isDead) return
      let hasEnded = false
      const end = (answer: TransportAnswer): void => {
        this.#life.reach(() => {
          if (hasEnded) return
          hasEnded = true
          resolve(answer)
        })
      }
      this.#clock.after(request.deadlineMs, () => {
        end({kind: 'silent', why: 'no answer within the deadline', sent: true})
      })
      this.#carry(request, end)
    })
  }

  async close(): Promise<void> {
    return undefined
  }

  #carry(request: BankRequest, end: (answer: TransportAnswer) => void): void {
    if (this.#faults.strike('bank.unreachable') !== null) {
      end({kind: 'silent', why: 'the line is cut', sent: false})
      return
    }
    if (this.#faults.strike('bank.restarts') !== null) this.#door.restart()
    if (this.#faults.strike('bank.lost', 1, request.path) !== null) return
    const twice = this.#faults.strike('bank.twice', 1, request.path)
    if (twice !== null)
      this.#clock.after(twice.draws.below(LATE_MAX_MS), () => {
        this.#witness.say('line', `delivers ${request.path} once more`)
        this.#witness.note('request delivered twice')
        void this.#door.ask(request)
      })
    const late = this.#faults.strike('bank.late')
    this.#clock.after(late === null ? LINE_MS : lateness(late.draws), () => {
      void this.#door.ask(request).then(answer => {
        this.#back(answer, request, end)
      })
    })
  }

  #back(answer: TransportAnswer, {path}: BankRequest, end: (answer: TransportAnswer) => void): void {
    if (this.#faults.strike('bank.answerLost', 1, path) !== null) return
    const spoiled = this.#spoiled(answer, path)
    const late = this.#faults.strike('bank.answerLate', 1, path)
    this.#clock.after(late === null ? LINE_MS : lateness(late.draws), () => {
      end(spoiled)
    })
  }

  #spoiled(answer: TransportAnswer, path: string): TransportAnswer {
    if (answer.kind !== 'answer') return answer
    const garbled = this.#faults.strike('bank.garbled', 1, path)
    if (garbled !== null) {
      const at = garbled.draws.below(Math.max(1, answer.body.length))
      return {...answer, body: answer.body.slice(0, at)}
    }
    const lies = this.#faults.strike('bank.lies')
    if (lies !== null) return {...answer, body: lie(answer.body, lies.draws)}
    if (this.#faults.strike('bank.trouble') !== null)
      return {...answer, status: 503, body: '{"title":"out of service"}'}
    return answer
  }
}

/** One way, when nothing is wrong. */
const LINE_MS = 15

function lateness(draws: Draws): number {
  // As often short as long: what comes just before or after a deadline is the interesting part.
  return draws.chance(0.5) ? draws.below(2_000) : draws.below(LATE_MAX_MS)
}

/** A well-formed answer that is not of this question: another amount, account, key or result. */
function lie(body: string, draws: Draws): string {
  const lies: readonly ((text: string) => string)[] = [
    text => text.replace(/"amount":\s*([0-9]+)/, (_, units: string) => `"amount":${Number(units) + 10}`),
    text => text.replace(/"amount":\s*([0-9])/, '"amount":9$1'),
    text => text.replace(/"account_id":"[0-9]/, '"account_id":"9'),
    text => text.replace(/"key":"([^"]*)[0-9]"/, '"key":"$1x"'),
    text => text.replace('"EUR"', '"USD"'),
    // Never a no instead of an approval: a bank that said no is believed, and who can forge that can forge all.
    text => (text.includes('"auth_code"') ? text : text.replace('"rc":"00"', '"rc":"05","retain":false')),
  ]
  return draws.one(lies)(body)
}
