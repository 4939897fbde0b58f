/** The end of a visit: the card goes back or stays here, and the customer is told why. */
import {base, ending, failed, listenToKeys, performing, stopKeys, stopTimer, visitTo} from '../base.ts'
import {visitOf} from '../context.ts'
import type {RetainReason} from '../vocabulary.ts'
import type {CardFate} from '../context.ts'

export const returningCard = base.createStateConfig({
  entry: performing(context => ({
    kind: 'reader.eject',
    takeWithinMs: context.setup.policy.cardTakeTimeoutMs,
  })),
  on: {
    'card.taken': {actions: visitTo({cardFate: 'returned'}), target: 'resting'},
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

/** The last word: what was paid, or why not, and the reference. */
export const showingEnding = base.createStateConfig({
  entry: [
    listenToKeys,
    performing(context => ({
      kind: 'timer.start',
      name: 'ending',
      afterMs: context.setup.policy.endingTimeoutMs,
    })),
  ],
  exit: [stopTimer, stopKeys],
  on: {'timer.fired': 'resting', 'visit.continued': 'resting'},
})
