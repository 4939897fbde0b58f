/** A journal whose disk is not its own: everything goes through, but for what becomes of an append. */
import type {Journal} from '../../journal/journal.ts'
import type {MachineJournal} from '../../src/machine.ts'

/** The journal as a machine has it, with appends of the test's own. */
export function inkWith(journal: Journal, append: MachineJournal['append']): MachineJournal {
  return {
    get head() {
      return journal.head
    },
    openIntents: () => journal.openIntents(),
    rows: (fromSeq, countMax) => journal.rows(fromSeq, countMax),
    cutFault: through => journal.cutFault(through),
    cutThrough: through => {
      journal.cutThrough(through)
    },
    close: () => {
      journal.close()
    },
    append,
  }
}
