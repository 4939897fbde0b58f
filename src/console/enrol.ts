/** How a person gets a password and a one-time code: at the first start, or with two people of security beside them. */
import {seedUri} from '../../crypto/one-time.ts'
import {answer, secretAnswer} from './command.ts'
import type {House, Scene} from './command.ts'
import type {Secret} from '../../kit/secret.ts'
import type {Front} from './front.ts'
import {FOUNDERS} from './people.ts'
import type {Role} from './people.ts'
import type {Reply} from './view.ts'
import {DONE, refused} from './view.ts'

const ENROLMENT_TRY_MS = 2_000
const LEFT = refused('left unfinished; nothing was changed')

/**
 * Asks the person for a password and gives them their seed, once, on this terminal alone; it counts when a code of it
 * comes back.
 */
export async function credentials(
  scene: Pick<Scene, 'front' | 'people' | 'machine'>,
  name: string,
  role: Role,
): Promise<Reply> {
  const {people, front, machine} = scene
  const password = await newPassword(scene, name)
  if (password === null) return LEFT
  const seed = people.newSeed()
  await front.say([
    'Put this into your authenticator app now; it is shown this once:',
    `  ${seedUri(`Tellerd ${machine.terminal}`, name, seed)}`,
  ])
  const code = await answer(scene, 'the code that the app shows')
  const step = code === null ? null : people.stepOf(seed, code)
  if (step === null) return refused('that is not its code; nothing was changed')
  await people.put(name, role, password, seed, step)
  return DONE
}

/** Asks until one fits and is typed twice; null when the person left. */
async function newPassword(
  scene: Pick<Scene, 'front' | 'people'>,
  name: string,
): Promise<Secret<string> | null> {
  const {people, front} = scene
  for (;;) {
    const password = await secretAnswer(scene, `${name}, your new password, 12 characters or more`)
    if (password === null) return null
    const fault = people.passwordFault(name, password)
    if (fault !== null) {
      await front.say([fault])
      continue
    }
    const again = await secretAnswer(scene, 'the same once more')
    if (again === null) return null
    if (again.map(text => text === password.reveal()).reveal()) return password
    await front.say(['the two passwords differ'])
  }
}

/** Asks until one fits; null when the person left. */
async function newName({people, front}: Pick<Scene, 'front' | 'people'>): Promise<string | null> {
  for (;;) {
    const name = await answer({front}, 'your name')
    if (name === null) return null
    const fault = people.nameFault(name)
    if (fault === null) return name
    await front.say([fault])
  }
}

/** The first people of this machine, by the code that its first start made. Closes for good with the last of them. */
export async function enrolFounder(house: House, front: Front): Promise<'enrolled' | 'wrong' | 'left'> {
  const {people, machine, clock} = house
  await front.say([
    'Nobody can log in at this machine yet.',
    `The first ${FOUNDERS} people, both of security, enrol with the code in`,
    `  ${people.codePath}`,
    'Enter alone leads to the log-in and back.',
  ])
  const scene = {...house, front}
  const code = await secretAnswer(scene, 'enrolment code')
  // Enter alone goes on to the log-in: one founder may be there already.
  if (code === null || code.map(text => text === '').reveal()) return 'left'
  if (!people.isEnrolmentCode(code)) {
    machine.journal.note({type: 'person.acted', person: '-', command: 'enrol', outcome: 'wrong code'})
    await clock.sleep(ENROLMENT_TRY_MS)
    await front.say(['that is not the code'])
    return 'wrong'
  }
  const name = await newName(scene)
  if (name === null) return 'left'
  const made = await credentials(scene, name, 'security')
  if (made.kind === 'refused') {
    await front.say([made.why])
    return 'left'
  }
  machine.journal.note({type: 'person.acted', person: name, command: 'enrol', outcome: 'done'})
  await front.say([`${name} is enrolled as security.${people.isEnrolling ? ' One more person.' : ''}`])
  return 'enrolled'
}
