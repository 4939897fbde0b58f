/** The journal with a stop-watch: how long each append took until it was durable. */
import type {Journal} from '../../journal/journal.ts'
import type {Clock} from '../../kit/clock.ts'
import type {MachineJournal} from '../machine.ts'
import type {Histogram} from './metrics.ts'

export function timedInk(journal: Journal, clock: Clock, seconds: Histogram): MachineJournal {
  return {
    append(session, entries) {
      const fromMs = clock.monotonicMs()
      const rows = journal.append(session, entries)
      seconds.observe((clock.monotonicMs() - fromMs) / 1_000)
      return rows
    },
    openIntents: () => journal.openIntents(),
    cutFault: through => journal.cutFault(through),
    cutThrough: through => {
      journal.cutThrough(through)
    },
    rows: (fromSeq, countMax) => journal.rows(fromSeq, countMax),
    get head() {
      return journal.head
    },
    close() {
      journal.close()
    },
  }
}
