/** The end of a visit: the card goes back or stays here, and the customer is told why. */
import {
  base,
  ending,
  failed,
  listenToKeys,
  perform,
  performing,
  stopKeys,
  stopTimer,
  visitTo,
} from '../base.ts'
import {leavesReferenceAlone, owesReceipt, visitOf} from '../context.ts'
import type {RetainReason} from '../vocabulary.ts'
import type {CardFate, Context} from '../context.ts'

export const returningCard = base.createStateConfig({
  entry: performing(context => ({
    kind: 'reader.eject',
    takeWithinMs: context.setup.policy.cardTakeTimeoutMs,
  })),
  on: {
    'card.taken': [
      {
        guard: ({context}) => owesReceipt(context),
        actions: visitTo({cardFate: 'returned'}),
        target: 'showingEnding',
      },
      {actions: visitTo({cardFate: 'returned'}), target: 'resting'},
    ],
    'card.left': [
      {
        guard: ({context}) => context.setup.capabilities.retainCard,
        actions: visitTo({cardFate: 'not-taken'}),
        target: 'retainingCard',
      },
      {actions: visitTo({cardFate: 'leftInMouth'}), target: 'showingEnding'},
    ],
    'card.stuck': {
      actions: [failed('cardReader'), ending({kind: 'outOfService'}), visitTo({cardFate: 'stuck'})],
      target: 'showingEnding',
    },
  },
})

export const retainingCard = base.createStateConfig({
  entry: performing(context => ({kind: 'reader.retain', because: retainReason(visitOf(context).cardFate)})),
  on: {
    'card.retained': 'showingEnding',
    'card.retainFailed': {
      actions: [failed('cardReader'), visitTo({cardFate: 'stuck'})],
      target: 'showingEnding',
    },
  },
})

function retainReason(fate: CardFate): RetainReason {
  return fate === 'pin-tries' || fate === 'bank-says-so' || fate === 'not-taken' ? fate : 'found-at-start'
}

const isPrinted = ({context}: {context: Context}): boolean => !owesReceipt(context)

const startEndingTimer = performing(context => {
  const {endingTimeoutMs, referenceTimeoutMs} = context.setup.policy
  const afterMs = leavesReferenceAlone(context) ? referenceTimeoutMs : endingTimeoutMs
  return {kind: 'timer.start', name: 'ending', afterMs}
})

/**
 * The last word: what was paid, or why not, and the reference. The receipt is printed meanwhile, and the screen stays
 * until something is known of it; then the customer has the time to take it, or to write the reference down.
 */
export const showingEnding = base.createStateConfig({
  entry: [
    listenToKeys,
    base.enqueueActions(({context, enqueue}) => {
      enqueue(owesReceipt(context) ? perform({kind: 'printer.print', slip: 'withdrawal'}) : startEndingTimer)
    }),
  ],
  exit: [stopTimer, stopKeys],
  on: {
    'receipt.printed': {actions: [visitTo({receipt: 'printed'}), startEndingTimer]},
    'receipt.failed': {actions: [failed('printer'), visitTo({receipt: 'failed'}), startEndingTimer]},
    'timer.fired': {guard: isPrinted, target: 'resting'},
    'visit.continued': {guard: isPrinted, target: 'resting'},
  },
})
