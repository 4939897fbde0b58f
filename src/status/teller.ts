/**
 * Tells the bank how the parts of the machine stand, between visits, so that the line is the customer's. What a life could not tell, the next one says anew: each begins with every part.
 */
import type {Clock} from '../../kit/clock.ts'
import type {Log} from '../../kit/log.ts'
import type {HostLink, PartEvent} from '../link/port.ts'
import type {Alarm, Part} from './alarms.ts'

const PARTS: readonly Part[] = ['machine', 'card-reader', 'pin-pad', 'dispenser', 'printer', 'link', 'safe']
const DETAIL_CHARS_MAX = 200
/** Untold; beyond them the oldest go. The newest of each part is what counts. */
const UNTOLD_MAX = 100

type Told = Pick<PartEvent, 'state' | 'detail'>
type Untold = Omit<PartEvent, 'seq'>

export class Teller {
  readonly #bank: Pick<HostLink, 'tellEvents'>
  readonly #clock: Clock
  readonly #log: Log
  readonly #noted = new Map<Part, Told>()
  #untold: Untold[] = []
  /** The highest number that the bank has; null until it said so in this life. */
  #throughSeq: number | null = null
  #isTelling = false

  constructor(bank: Pick<HostLink, 'tellEvents'>, clock: Clock, log: Log) {
    this.#bank = bank
    this.#clock = clock
    this.#log = log
  }

  /** Notes what changed since it was noted last. */
  note(alarms: readonly Alarm[]): void {
    for (const part of PARTS) {
      const now = toldOf(alarms.filter(({rule}) => rule.part === part))
      const before = this.#noted.get(part)
      if (before?.state === now.state && before.detail === now.detail) continue
      this.#noted.set(part, now)
      this.#untold.push({part, atMs: this.#clock.wallMs(), ...now})
      if (this.#untold.length > UNTOLD_MAX) this.#untold.shift()
    }
  }

  /** Tells what was noted; what the bank does not take is told the next time. */
  async tell(): Promise<void> {
    if (this.#isTelling) return
    this.#isTelling = true
    try {
      await this.#tellEvents()
    } finally {
      this.#isTelling = false
    }
  }

  async #tellEvents(): Promise<void> {
    if (this.#untold.length === 0) return
    this.#throughSeq ??= await this.#askThrough()
    if (this.#throughSeq === null) return
    const told = [...this.#untold]
    const first = this.#throughSeq + 1
    const answer = await this.#bank.tellEvents(told.map((event, at) => ({...event, seq: first + at})))
    if (answer.kind === 'silent') return
    // What was noted meanwhile stays. A bank that says no would say it again.
    this.#untold = this.#untold.filter(event => !told.includes(event))
    if (answer.kind === 'taken') this.#throughSeq = Math.max(answer.throughSeq, first + told.length - 1)
    else this.#log.error('the bank does not take what changed at the machine', {code: answer.code})
  }

  /** The numbers go on where they ended, whoever counted them: a life before this one, on a disk that may be gone. */
  async #askThrough(): Promise<number | null> {
    const answer = await this.#bank.tellEvents([])
    return answer.kind === 'taken' ? answer.throughSeq : null
  }
}

/** The worst of a part's alarms says how it stands. */
function toldOf(alarms: readonly Alarm[]): Told {
  const [worst] = alarms
  if (worst === undefined) return {state: 'ok', detail: ''}
  const isOut = alarms.some(({rule}) => rule.customer === 'no service')
  const words = alarms.map(({rule, cause}) => `${rule.title}: ${cause}`).join('; ')
  return {
    state: isOut ? 'out' : 'degraded',
    detail: words.replaceAll(/[^ -~]/g, '?').slice(0, DETAIL_CHARS_MAX),
  }
}
