/** Supervisor mode, and in and out of service. */
import {present} from '../../../kit/assert.ts'
import {arg, look} from '../command.ts'
import type {Command, Scene} from '../command.ts'
import {DONE, facts, refused} from '../view.ts'
import type {Reply} from '../view.ts'
import {ALL, GUARDS, HANDS} from './roles.ts'

/** How long the console waits beside a person for a customer to finish; the machine itself waits for ever. */
const VISIT_WAIT_MS = 300_000

async function enter({machine, person, front}: Scene): Promise<Reply> {
  const {state, context} = machine.standing()
  if (context.attendance.lockedBecause !== null) return refused(`locked: ${context.attendance.lockedBecause}`)
  if (state === 'supervisor')
    return refused(`${context.attendance.supervisor ?? 'somebody'} is in it already`)
  machine.offer({type: 'supervisor.called', person: person.name})
  if (!isIn(machine)) await front.say(['waiting for the visit to end'])
  const isIt = await machine.until(standing => standing.state === 'supervisor', VISIT_WAIT_MS)
  return isIt ? facts(['state', 'supervisor']) : refused('the visit goes on; supervisor mode begins after it')
}

function isIn(machine: Scene['machine']): boolean {
  return machine.standing().state === 'supervisor'
}

async function leave({machine, person}: Scene): Promise<Reply> {
  if (machine.standing().context.attendance.exchange !== null)
    return refused("a replenishment is open: 'replenish' goes on with it")
  // The checks come before customers do.
  if (isIn(machine)) await machine.look()
  machine.offer({type: 'supervisor.left', person: person.name})
  return facts(['state', machine.standing().state])
}

export const modeCommands: readonly Command[] = [
  {
    words: 'supervisor enter',
    purpose: 'supervisor mode, as soon as the visit under way is over',
    example: 'supervisor enter',
    may: HANDS,
    kind: 'talk',
    dual: 'never',
    when: 'ever',
    run: enter,
  },
  {
    words: 'supervisor leave',
    purpose: 'looks at every device, then back to what the machine can do',
    example: 'supervisor leave',
    may: HANDS,
    kind: 'act',
    dual: 'never',
    when: 'ever',
    says: 'check the devices and let customers come',
    run: leave,
  },
  {
    words: 'service out TEXT',
    purpose: 'out of service, with the reason',
    example: 'service out the shop moves house',
    may: HANDS,
    kind: 'act',
    dual: 'never',
    when: 'ever',
    says: 'take the machine out of service when the visit under way is over',
    run: scene => {
      const {machine, person} = scene
      machine.offer({type: 'service.closed', person: person.name, because: arg(scene, 'TEXT')})
      return DONE
    },
  },
  {
    words: 'service in',
    purpose: 'into service again',
    example: 'service in',
    may: HANDS,
    kind: 'act',
    dual: 'never',
    when: 'ever',
    says: 'let customers come',
    run: ({machine, person}) => {
      machine.offer({type: 'service.opened', person: person.name})
      return facts(['state', machine.standing().state])
    },
  },
  {
    words: 'lock TEXT',
    purpose: 'nobody is served and nobody supervises until two people of security unlock it',
    example: 'lock the door was forced',
    may: ALL,
    kind: 'act',
    dual: 'never',
    when: 'ever',
    says: 'lock the machine when the visit under way is over; you may not be able to unlock it',
    run: scene => {
      const {machine, person} = scene
      machine.offer({type: 'machine.locked', person: person.name, because: arg(scene, 'TEXT')})
      return DONE
    },
  },
  {
    words: 'unlock',
    purpose: 'lets people supervise and customers come again',
    example: 'unlock',
    may: GUARDS,
    kind: 'act',
    dual: 'always',
    when: 'ever',
    says: 'unlock the machine',
    run: ({machine, person, second}) => {
      if (machine.standing().context.attendance.lockedBecause === null) return refused('it is not locked')
      const {name} = present(second, 'who vouched')
      machine.offer({type: 'machine.unlocked', person: person.name, second: name})
      return facts(['state', machine.standing().state])
    },
  },
  look('service reason', 'why the machine is closed', HANDS, ({machine}) =>
    facts(['closed', machine.standing().context.attendance.closedBecause]),
  ),
]
