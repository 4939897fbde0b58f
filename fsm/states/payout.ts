/**
 * From the bank's yes to the notes: card first, then one bunch after another. Every way out of here that
 * follows an approval decides the money, from evidence about notes alone, and tells the bank.
 */
import {assert} from '../../kit/assert.ts'
import {base, by, concludeBy, failed, performing, visitBy, visitTo} from '../base.ts'
import {
  afterBunch,
  currentBunch,
  hasAnotherBunch,
  nextKey,
  operationOf,
  stanAfter,
  visitOf,
} from '../context.ts'
import {stackedCount, valueOf} from '../decide.ts'
import {levelsAfter} from '../levels.ts'
import type {Context} from '../context.ts'

const declined = visitBy('host.declined', event => ({
  ending: {kind: 'declined', code: event.code},
  operation: null,
}))

export const authorizing = base.createStateConfig({
  entry: [
    performing(context => {
      const operation = operationOf(context)
      assert(
        operation.key === nextKey(context),
        `operation ${operation.key} is not the next one, ${nextKey(context)}`,
      )
      return {
        kind: 'host.authorize',
        key: operation.key,
        account: operation.account,
        amountMinor: operation.amountMinor,
        feeMinor: operation.feeMinor,
        currency: context.setup.currency,
        mix: operation.approved,
      }
    }),
    base.assign(({context}) => ({nextStan: stanAfter(context.nextStan)})),
  ],
  on: {
    'host.approved': [
      {
        guard: ({context, event}) => event.amountMinor === operationOf(context).amountMinor,
        actions: visitBy('host.approved', (event, context) => ({
          operation: {...operationOf(context), authCode: event.authCode},
        })),
        target: 'returningCardBeforeCash',
      },
      // An approval of another amount is no approval of ours.
      {
        actions: [...concludeBy('host.approved', () => ({kind: 'notMoved', because: 'malfunction'}))],
        target: 'returningCard',
      },
    ],
    'host.declined': [
      {
        guard: ({context, event}) => event.retain && context.setup.capabilities.retainCard,
        actions: [declined, visitTo({cardFate: 'bank-says-so'})],
        target: 'retainingCard',
      },
      {actions: declined, target: 'returningCard'},
    ],
    'host.silent': {
      actions: [...concludeBy('host.silent', () => ({kind: 'notMoved', because: 'no-answer'}))],
      target: 'returningCard',
    },
  },
})

export const returningCardBeforeCash = base.createStateConfig({
  entry: performing(context => ({
    kind: 'reader.eject',
    takeWithinMs: context.setup.policy.cardTakeTimeoutMs,
  })),
  on: {
    'card.taken': {actions: visitTo({cardFate: 'returned'}), target: 'dispensing'},
    'card.left': [
      {
        guard: ({context}) => context.setup.capabilities.retainCard,
        actions: [
          ...concludeBy('card.left', () => ({kind: 'notMoved', because: 'card-not-taken'})),
          visitTo({cardFate: 'not-taken'}),
        ],
        target: 'retainingCard',
      },
      {
        actions: [
          ...concludeBy('card.left', () => ({kind: 'notMoved', because: 'card-not-taken'})),
          visitTo({cardFate: 'leftInMouth'}),
        ],
        target: 'showingEnding',
      },
    ],
    'card.stuck': {
      actions: [
        ...concludeBy('card.stuck', () => ({kind: 'notMoved', because: 'malfunction-card-retained'})),
        failed('cardReader'),
        visitTo({cardFate: 'stuck'}),
      ],
      target: 'showingEnding',
    },
  },
})

const isLastBunch = ({context}: {context: Context}): boolean => !hasAnotherBunch(operationOf(context))
const nextBunch = base.assign(({context}) => ({
  visit: {...visitOf(context), operation: afterBunch(operationOf(context))},
}))

/** The words in which a device's port says that nothing trustworthy came back. */
const NO_ANSWER: readonly string[] = ['not-opened', 'hung-up', 'write-stalled', 'no-answer', 'nonsense']

/** Notes in the path may come out with the next bunch: nobody else is let in before the dispenser has been looked at. */
const lookedAtFirst = by('notes.partial', (event, context) =>
  event.inPath > 0 ? {devices: {...context.devices, dispenser: 'failed'}} : {},
)

export const dispensing = base.createStateConfig({
  entry: performing(context => {
    const operation = operationOf(context)
    assert(operation.decision === null, `operation ${operation.key} is decided, no note may move`)
    assert(valueOf(operation.approved) === operation.amountMinor, 'the mix is not worth what was approved')
    return {
      kind: 'dispenser.dispense',
      key: operation.key,
      bunch: operation.bunch,
      mix: currentBunch(operation),
    }
  }),
  exit: base.assign(({context, event}) => ({
    levels: levelsAfter(context.levels, event, currentBunch(operationOf(context))),
  })),
  on: {
    'notes.dispensed': [
      {
        guard: ({context}) => context.setup.capabilities.stacker,
        actions: visitBy('notes.dispensed', (event, context) => ({
          operation: {...operationOf(context), stacked: stackedCount(event)},
        })),
        target: 'presenting',
      },
      {
        guard: isLastBunch,
        actions: [...concludeBy('notes.dispensed', () => ({kind: 'taken'}))],
        target: 'showingEnding',
      },
      {actions: nextBunch, target: 'dispensing', reenter: true},
    ],
    'notes.refused': {
      actions: [
        ...concludeBy('notes.refused', () => ({kind: 'notMoved', because: 'unable-to-complete'})),
        // It was not there to take the order: nobody else is let in before it has been opened again.
        by('notes.refused', (event, context) =>
          NO_ANSWER.includes(event.fault) ? {devices: {...context.devices, dispenser: 'failed'}} : {},
        ),
      ],
      target: 'showingEnding',
    },
    'notes.partial': [
      {
        guard: ({context}) => context.setup.capabilities.stacker,
        actions: [
          visitBy('notes.partial', (event, context) => ({
            operation: {...operationOf(context), stacked: stackedCount(event)},
          })),
          lookedAtFirst,
        ],
        target: 'rejecting',
      },
      {
        actions: [
          ...concludeBy('notes.partial', event => ({
            kind: 'sprayed',
            tallies: event.tallies,
            inPath: event.inPath,
            path: event.path,
            counts: event.counts,
          })),
          lookedAtFirst,
        ],
        target: 'showingEnding',
      },
    ],
    'notes.overpaid': [
      {
        guard: ({context}) => context.setup.capabilities.stacker,
        actions: visitBy('notes.overpaid', (event, context) => ({
          operation: {...operationOf(context), stacked: stackedCount(event)},
        })),
        target: 'rejecting',
      },
      {
        actions: [...concludeBy('notes.overpaid', event => ({kind: 'overpaid', tallies: event.tallies}))],
        target: 'showingEnding',
      },
    ],
    'notes.unknown': {
      actions: [
        ...concludeBy('notes.unknown', event => ({kind: 'answerLost', path: event.path})),
        by('notes.unknown', (event, context) =>
          event.path === 'unknown' ? {devices: {...context.devices, dispenser: 'failed'}} : {},
        ),
      ],
      target: 'showingEnding',
    },
  },
})

export const presenting = base.createStateConfig({
  entry: performing(context => ({
    kind: 'dispenser.present',
    key: operationOf(context).key,
    bunch: operationOf(context).bunch,
    takeWithinMs: context.setup.policy.notesTakeTimeoutMs,
  })),
  on: {
    'notes.taken': [
      {
        guard: isLastBunch,
        actions: [...concludeBy('notes.taken', () => ({kind: 'taken'}))],
        target: 'showingEnding',
      },
      {actions: nextBunch, target: 'dispensing'},
    ],
    'notes.left': [
      {
        guard: ({context}) =>
          context.setup.capabilities.retractNotes && context.setup.policy.retract !== 'off',
        target: 'retracting',
      },
      {actions: [...concludeBy('notes.left', () => ({kind: 'leftInPlace'}))], target: 'showingEnding'},
    ],
    'notes.notPresented': 'rejecting',
    'notes.presentUnknown': {
      actions: [...concludeBy('notes.presentUnknown', () => ({kind: 'presentUnknown'}))],
      target: 'showingEnding',
    },
  },
})

export const retracting = base.createStateConfig({
  entry: performing(context => ({
    kind: 'dispenser.retract',
    key: operationOf(context).key,
    bunch: operationOf(context).bunch,
  })),
  on: {
    'notes.retracted': {
      actions: [
        ...concludeBy('notes.retracted', event => ({
          kind: 'retracted',
          count: event.count,
          itemsTaken: event.itemsTaken,
        })),
      ],
      target: 'showingEnding',
    },
    'notes.retractUnknown': {
      actions: [...concludeBy('notes.retractUnknown', () => ({kind: 'retractUnknown'}))],
      target: 'showingEnding',
    },
  },
})

export const rejecting = base.createStateConfig({
  entry: performing(context => ({
    kind: 'dispenser.reject',
    key: operationOf(context).key,
    bunch: operationOf(context).bunch,
  })),
  on: {
    'notes.rejected': {
      actions: [
        ...concludeBy('notes.rejected', (event, context) => ({
          kind: 'rejected',
          stacked: operationOf(context).stacked,
          count: event.count,
        })),
      ],
      target: 'showingEnding',
    },
    'notes.rejectUnknown': {
      actions: [...concludeBy('notes.rejectUnknown', () => ({kind: 'rejectUnknown'}))],
      target: 'showingEnding',
    },
  },
})
