/**
 * The ladder of a disk that fills up: first the log says so, then no new visit begins, and only with the reserve gone as
 * well would recording stop. A visit that has begun always ends on paper.
 */
import type {Context} from '../../fsm/context.ts'
import type {Event} from '../../fsm/vocabulary.ts'
import type {Room} from '../../journal/room.ts'
import {SystemFault} from '../../kit/errors.ts'
import type {Log} from '../../kit/log.ts'

export interface DiskParts {
  readonly room: Room
  /** Below this the log warns. */
  readonly warnFreeBytes: number
  /** Below this no visit begins. */
  readonly stopFreeBytes: number
  readonly context: () => Pick<Context, 'disk'>
  readonly offer: (event: Event) => void
  readonly log: Log
}

/** Back in service only with so much more than the least: else each deleted file would open the machine for a moment. */
const BACK_AT = 1.25

export class DiskLadder {
  readonly #with: DiskParts
  #isWarned = false

  constructor(parts: DiskParts) {
    this.#with = parts
  }

  /** Looks once, and offers what changed. */
  look(): void {
    const {room, warnFreeBytes, stopFreeBytes, context, offer, log} = this.#with
    let freeBytes: number
    try {
      freeBytes = room.freeBytes()
    } catch (thrown) {
      if (!(thrown instanceof SystemFault)) throw thrown
      log.error('nobody knows how full the journal’s disk is', {why: thrown.message})
      freeBytes = 0
    }
    if (freeBytes < warnFreeBytes && !this.#isWarned)
      log.warn('the journal’s disk fills up', {freeBytes, warnFreeBytes, stopFreeBytes})
    this.#isWarned = freeBytes < warnFreeBytes
    if (context().disk === 'roomy') {
      if (freeBytes < stopFreeBytes || !room.keepReserve()) offer({type: 'disk.filled', freeBytes})
    } else if (freeBytes >= stopFreeBytes * BACK_AT && room.keepReserve())
      offer({type: 'disk.freed', freeBytes})
  }
}
