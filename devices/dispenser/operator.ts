/** The operator's hand in an emulated dispenser: what the safe's door gives access to, counted. */
import {assert} from '../../kit/assert.ts'
import type {Mechanism} from './mechanism.ts'
import type {OperatorHand} from './mischief.ts'
import {addNotes} from './world.ts'
import type {NoteLedger, Place} from './world.ts'

const PATH: readonly Place[] = ['path', 'mouth', 'stacker', 'outlet']
const BINS: readonly Place[] = ['reject', 'retract']

/**
 * @param cleared called after the path was cleared: a shutter can close again
 * @param changed called after a part was pulled out or put back
 */
export function operatorHand(
  ledger: NoteLedger,
  mechanism: Mechanism,
  cleared: () => void,
  changed: () => void,
): OperatorHand {
  return {
    clearPath: () => {
      const notes = PATH.map(place => ledger.moveAll(place, 'removed')).reduce(addNotes)
      cleared()
      return notes
    },
    load: counts => {
      const left = ledger.moveAll('cassette', 'removed')
      ledger.introduce(counts)
      return left
    },
    emptyBins: () => BINS.map(place => ledger.moveAll(place, 'removed')).reduce(addNotes),
    setCassette: (position, is) => {
      assert(ledger.positions.includes(position), `there is no cassette ${position}`)
      mechanism.setMissing(position, is === 'out')
      changed()
    },
    setRejectBin: is => {
      mechanism.isRejectBinMissing = is === 'out'
      changed()
    },
  }
}
