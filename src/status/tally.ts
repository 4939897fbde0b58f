/** What happened since the program started, counted: rows of the journal as they come, and the machine's states. */
import type {Ending} from '../../fsm/context.ts'
import type {Standing} from '../../fsm/session.ts'
import type {Event, NoteTally} from '../../fsm/vocabulary.ts'
import type {Stored} from '../../journal/entry.ts'
import {Samples, answerHistogram, visitHistogram} from './metrics.ts'

type Stood = Pick<Standing, 'state' | 'context'>

export class Tally {
  readonly samples = new Samples()
  readonly #visitSeconds = visitHistogram()
  readonly #answerSeconds = answerHistogram()
  #visitFromMs = 0
  #askedAtMs = 0
  #ending: Ending['kind'] | null = null

  constructor() {
    for (const name of [
      'tellerd_bank_silences',
      'tellerd_suspects',
      'tellerd_dispense_faults',
      'tellerd_retracts',
      'tellerd_cards_retained',
    ] as const)
      this.samples.set(name, 0)
    this.samples.set('tellerd_visit_seconds', this.#visitSeconds)
    this.samples.set('tellerd_authorization_seconds', this.#answerSeconds)
  }

  /** One turn of the machine. @param nowMs monotonic */
  step(before: Stood, after: Stood, nowMs: number): void {
    if (before.state !== 'authorizing' && after.state === 'authorizing') this.#askedAtMs = nowMs
    if (before.state === 'authorizing' && after.state !== 'authorizing')
      this.#answerSeconds.observe((nowMs - this.#askedAtMs) / 1_000)
    if (before.context.visit === null && after.context.visit !== null) {
      this.#visitFromMs = nowMs
      this.#ending = null
    }
    this.#ending = after.context.visit?.ending?.kind ?? this.#ending
    if (before.context.visit === null || after.context.visit !== null) return
    this.#visitSeconds.observe((nowMs - this.#visitFromMs) / 1_000)
    this.samples.add('tellerd_visits', 1, {ending: this.#ending ?? 'goodbye'})
  }

  row({entry}: Stored): void {
    if (entry.kind === 'event') this.#event(entry.event)
    if (entry.kind !== 'intent') return
    if (entry.order.kind === 'host.reverse')
      this.samples.add('tellerd_reversals', 1, {reason: entry.order.because})
    if (entry.order.kind === 'host.suspect') this.samples.add('tellerd_suspects', 1)
  }

  #event(event: Event): void {
    switch (event.type) {
      case 'host.silent':
        this.samples.add('tellerd_bank_silences', 1)
        return
      case 'device.failed':
        this.samples.add('tellerd_device_faults', 1, {device: event.device})
        return
      case 'card.retained':
        this.samples.add('tellerd_cards_retained', 1)
        return
      case 'notes.retracted':
        this.samples.add('tellerd_retracts', 1)
        return
      case 'notes.dispensed':
        this.#notes(event.tallies)
        return
      case 'notes.partial':
      case 'notes.overpaid':
        this.#notes(event.tallies)
        this.samples.add('tellerd_dispense_faults', 1)
        return
      case 'notes.refused':
      case 'notes.unknown':
        this.samples.add('tellerd_dispense_faults', 1)
        return
      default:
    }
  }

  #notes(tallies: readonly NoteTally[]): void {
    for (const {cassette, picked, dispensed, rejected} of tallies)
      for (const [fate, count] of [
        ['dispensed', dispensed],
        ['rejected', rejected],
        ['unknown', Math.max(0, picked - dispensed - rejected)],
      ] as const)
        this.samples.add('tellerd_notes', count, {cassette: `${cassette}`, fate})
  }
}
