/** `user ...`: who may log in. Two people of security, always. */
import {arg} from '../command.ts'
import type {Command, Scene} from '../command.ts'
import {credentials} from '../enrol.ts'
import {isRole} from '../people.ts'
import type {Role} from '../people.ts'
import {DONE, refused} from '../view.ts'
import type {Reply} from '../view.ts'
import {GUARDS} from './roles.ts'

function roleOf(scene: Scene): Role {
  const role = arg(scene, 'ROLE')
  return isRole(role) ? role : 'auditor'
}

async function add(scene: Scene): Promise<Reply> {
  const name = arg(scene, 'NAME')
  const fault = scene.people.nameFault(name)
  if (fault !== null) return refused(fault)
  return credentials(scene, name, roleOf(scene))
}

async function renew(scene: Scene): Promise<Reply> {
  const name = arg(scene, 'NAME')
  const person = scene.people.list().find(one => one.name === name)
  if (person === undefined) return refused(`there is no ${name}`)
  return credentials(scene, name, person.role)
}

function changed(scene: Scene, change: {readonly role: Role} | {readonly isDisabled: true}): Reply {
  const why = scene.people.change(arg(scene, 'NAME'), change)
  return why === null ? DONE : refused(why)
}

const guarded = {may: GUARDS, dual: 'always', when: 'ever'} as const

export const peopleCommands: readonly Command[] = [
  {
    ...guarded,
    words: 'user add NAME ROLE',
    purpose: 'somebody new, who types their password here',
    example: 'user add oona operator',
    kind: 'talk',
    run: add,
  },
  {
    ...guarded,
    words: 'user reset NAME',
    purpose: 'a new password and code for somebody; opens a lock',
    example: 'user reset oona',
    kind: 'talk',
    run: renew,
  },
  {
    ...guarded,
    words: 'user role NAME ROLE',
    purpose: 'another role for somebody',
    example: 'user role oona auditor',
    kind: 'act',
    says: 'give that person another role',
    run: scene => changed(scene, {role: roleOf(scene)}),
  },
  {
    ...guarded,
    words: 'user disable NAME',
    purpose: 'nobody logs in under that name again',
    example: 'user disable oona',
    kind: 'act',
    says: 'shut that person out',
    run: scene => changed(scene, {isDisabled: true}),
  },
]
