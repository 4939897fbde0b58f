/**
 * Supervisor mode: a person is at the machine, cards are refused, and what they have it do is an order like
 * any other. It is entered between visits alone, and no operation of a customer's lives in it.
 */
import {present} from '../../kit/assert.ts'
import {canTest} from '../attendance.ts'
import {base, by, failed, performingBy} from '../base.ts'
import type {Context} from '../context.ts'
import {levelsAfter} from '../levels.ts'
import type {CassetteLevel} from '../vocabulary.ts'
import {
  attend,
  closesDay,
  refuseCards,
  strayCard,
  unasked,
  whenLoaded,
  whenRestored,
  withDevice,
} from './service.ts'

function levelOf(context: Context, cassette: number): CassetteLevel | undefined {
  return context.levels.find(level => level.cassette === cassette)
}

/** Waiting for what the person wants. */
export const supervisor = base.createStateConfig({
  entry: refuseCards,
  on: {
    'device.restored': {
      guard: ({event}: {event: {readonly cardInside: boolean}}) => event.cardInside,
      actions: [whenRestored, base.assign({visit: strayCard})],
      target: 'returningCard',
    },
    'cassettes.loaded': {actions: whenLoaded},
    'supervisor.left': {actions: attend, target: 'resting'},
    'machine.locked': {actions: attend, target: 'resting'},
    ...closesDay,
    'exchange.opened': {actions: attend},
    'exchange.advanced': {actions: attend},
    'exchange.closed': {actions: attend},
    'reset.chosen': {
      actions: performingBy('reset.chosen', ({device}) => ({kind: 'operator.reset', device})),
      target: 'servicing',
    },
    'test.chosen': {
      guard: ({context, event}) =>
        canTest(context.attendance) && levelOf(context, event.cassette) !== undefined,
      actions: [
        attend,
        performingBy('test.chosen', ({cassette}, context) => {
          const {noteMinor} = present(levelOf(context, cassette), `cassette ${cassette}`)
          return {kind: 'operator.test', cassette, noteMinor}
        }),
      ],
      target: 'servicing',
    },
    'card.inserted': unasked,
    'card.unreadable': unasked,
  },
})

const countMoved = base.assign(({context, event}) => ({levels: levelsAfter(context.levels, event, [])}))

/** An order of the person's is under way. */
export const servicing = base.createStateConfig({
  on: {
    'reset.done': {actions: countMoved, target: 'resting'},
    'reset.failed': {
      actions: by('reset.failed', (event, context) => withDevice(context, event.device, 'failed')),
      target: 'resting',
    },
    'test.done': {actions: countMoved, target: 'resting'},
    'test.failed': {actions: [countMoved, failed('dispenser')], target: 'resting'},
  },
})
