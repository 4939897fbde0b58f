/** Between visits: starting, recovering, and the modes in which the machine waits. */
import {base, by, perform, performingBy} from '../base.ts'
import {attendanceAfter} from '../attendance.ts'
import {newVisit, restOf} from '../context.ts'
import type {Context} from '../context.ts'
import type {Device} from '../vocabulary.ts'

export const refuseCards = perform({kind: 'reader.refuse'})

/** A card that nobody asked for goes back before anything else. */
export const strayCard = newVisit(null, '', {kind: 'outOfService'})

export function withDevice(
  context: Context,
  device: Device,
  health: 'ok' | 'failed',
): Pick<Context, 'devices'> {
  return {devices: {...context.devices, [device]: health}}
}

const whenFailed = by('device.failed', (event, context) => withDevice(context, event.device, 'failed'))
export const whenRestored = by('device.restored', (event, context) => withDevice(context, event.device, 'ok'))
export const whenLoaded = by('cassettes.loaded', event => ({levels: event.levels, held: null}))

/** Who is at the machine, whatever it does meanwhile. */
export const attend = base.assign(({context, event}) => ({
  attendance: attendanceAfter(context.attendance, event),
}))

/** Facts about the machine that count in every state; the modes add that they look again at once. */
export const facts = {
  'device.failed': {actions: whenFailed},
  'device.restored': {actions: whenRestored},
  'host.lost': {actions: base.assign({host: 'down'})},
  'host.restored': {actions: base.assign({host: 'up'})},
  'disk.filled': {actions: base.assign({disk: 'full'})},
  'disk.freed': {actions: base.assign({disk: 'roomy'})},
  'journal.failed': {
    actions: by('journal.failed', event => ({suspendedBecause: event.why})),
    target: '.suspended',
  },
  'supervisor.called': {actions: attend},
  'supervisor.left': {actions: attend},
  'service.closed': {actions: attend},
  'service.opened': {actions: attend},
  'machine.locked': {actions: attend},
  'machine.unlocked': {actions: attend},
} as const

const looksAgain = {
  'device.failed': {actions: whenFailed, target: 'resting'},
  'device.restored': [
    {
      guard: ({event}: {event: {readonly cardInside: boolean}}) => event.cardInside,
      actions: [whenRestored, base.assign({visit: strayCard})],
      target: 'returningCard',
    },
    {actions: whenRestored, target: 'resting'},
  ],
  'host.lost': {actions: base.assign({host: 'down'}), target: 'resting'},
  'host.restored': {actions: base.assign({host: 'up'}), target: 'resting'},
  'disk.filled': {actions: base.assign({disk: 'full'}), target: 'resting'},
  'disk.freed': {actions: base.assign({disk: 'roomy'}), target: 'resting'},
  'cassettes.loaded': {actions: whenLoaded, target: 'resting'},
  'supervisor.called': {actions: attend, target: 'resting'},
  'service.closed': {actions: attend, target: 'resting'},
  'service.opened': {actions: attend, target: 'resting'},
  'machine.locked': {actions: attend, target: 'resting'},
  'machine.unlocked': {actions: attend, target: 'resting'},
} as const

/** Nobody's visit is under way: the date can end here. */
export const closesDay = {
  'day.due': {
    actions: performingBy('day.due', ({businessDate, totals, cash}, {setup}) => ({
      kind: 'host.cutOver',
      businessDate,
      currency: setup.currency,
      totals,
      cash,
    })),
    target: 'closingDay',
  },
} as const

export const unasked = {actions: base.assign({visit: strayCard}), target: 'returningCard'} as const

export const starting = base.createStateConfig({
  entry: perform({kind: 'devices.open'}),
  on: {
    'devices.opened': {
      actions: by('devices.opened', (event, {setup}) => ({
        devices: {
          cardReader: event.failed.includes('cardReader') ? 'failed' : 'ok',
          pinPad: event.failed.includes('pinPad') ? 'failed' : 'ok',
          dispenser: event.failed.includes('dispenser') ? 'failed' : 'ok',
          printer: !setup.capabilities.printer
            ? 'absent'
            : event.failed.includes('printer')
              ? 'failed'
              : 'ok',
        },
        host: event.businessDate === null ? 'down' : 'up',
      })),
      target: 'recovering',
    },
  },
})

const whenRecovered = by('recovery.finished', event => ({
  levels: event.levels,
  nextStan: event.nextStan,
  held: event.dispenserHeld,
  attendance: event.attendance,
}))

export const recovering = base.createStateConfig({
  entry: perform({kind: 'recovery.run'}),
  on: {
    'recovery.finished': [
      {
        guard: ({event}) => event.cardInside,
        actions: [whenRecovered, base.assign({visit: strayCard})],
        target: 'returningCard',
      },
      {actions: whenRecovered, target: 'resting'},
    ],
  },
})

/** Passed through, never stayed in: forgets the visit and picks the mode. */
export const resting = base.createStateConfig({
  entry: [perform({kind: 'pocket.empty'}), base.assign({visit: null})],
  always: [
    {guard: ({context}) => restOf(context) === 'suspended', target: 'suspended'},
    {guard: ({context}) => restOf(context) === 'supervisor', target: 'supervisor'},
    {guard: ({context}) => restOf(context) === 'outOfService', target: 'outOfService'},
    {guard: ({context}) => restOf(context) === 'offline', target: 'offline'},
    {target: 'idle'},
  ],
})

/** In service, waiting for a card. */
export const idle = base.createStateConfig({
  entry: perform({kind: 'reader.accept'}),
  on: {
    ...looksAgain,
    ...closesDay,
    'card.inserted': {
      actions: by('card.inserted', event => ({visit: newVisit(event.card, event.businessDate)})),
      target: 'enteringPin',
    },
    'card.unreadable': {
      actions: base.assign({visit: newVisit(null, '', {kind: 'cardUnreadable'})}),
      target: 'returningCard',
    },
  },
})

/** The bank cannot be asked; the machine itself is well. */
export const offline = base.createStateConfig({
  entry: refuseCards,
  on: {...looksAgain, 'card.inserted': unasked, 'card.unreadable': unasked},
})

/** A device fails, the cassettes are empty, the dispenser waits to be counted, or the journal's disk is full. */
export const outOfService = base.createStateConfig({
  entry: refuseCards,
  on: {...looksAgain, ...closesDay, 'card.inserted': unasked, 'card.unreadable': unasked},
})

/** Nothing can be put in ink, so nothing moves; only a new start by somebody who has looked ends it. */
export const suspended = base.createStateConfig({entry: refuseCards})

const dayIsOver = [
  {guard: ({context}: {context: Context}) => context.visit !== null, target: 'returningCard'},
  {target: 'resting'},
] as const

/** The bank is told the sums of the date and answers with the next; a visit would belong to neither, so none begins. */
export const closingDay = base.createStateConfig({
  entry: refuseCards,
  on: {
    'day.closed': dayIsOver,
    'day.refused': dayIsOver,
    'host.silent': dayIsOver,
    // It waits for the answer: nothing else may begin while the date is neither open nor closed.
    'card.inserted': {actions: base.assign({visit: strayCard})},
    'card.unreadable': {actions: base.assign({visit: strayCard})},
  },
})
