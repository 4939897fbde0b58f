/** `key ...`: the PIN pad's master key, by two people of whom each has half of it. */
import {answer, secretAnswer} from '../command.ts'
import type {HalfTaken} from '../ceremony.ts'
import type {Command, Scene} from '../command.ts'
import {DONE, facts, refused, text} from '../view.ts'
import type {Reply} from '../view.ts'
import {GUARDS} from './roles.ts'

const LEFT = refused('left unfinished; nothing was loaded')

async function half(scene: Scene): Promise<Reply> {
  const {machine, ceremony, person, front} = scene
  if (!machine.canLoadMasterKey)
    return refused('this PIN pad gets its master key where it is made or serviced')
  await front.say([
    ceremony.waitingFor === null
      ? 'The first half of the master key.'
      : `The second half of the master key; ${ceremony.waitingFor} brought the first.`,
  ])
  const typed = await secretAnswer(scene, 'your half, 32 or 48 hexadecimal digits')
  if (typed === null) return LEFT
  const checkValue = await answer(scene, 'its check value, 6 digits')
  if (checkValue === null) return LEFT
  const taken = ceremony.take(
    person.name,
    typed.map(digits => digits.replaceAll(' ', '')),
    checkValue,
  )
  switch (taken.kind) {
    case 'refused':
      return refused(taken.why)
    case 'first':
      return text(['kept in memory; another person brings the second half in a log-in of their own'])
    case 'whole':
      try {
        return await wholeLoaded(scene, taken)
      } finally {
        taken.key.map(bytes => bytes.fill(0))
      }
  }
}

async function wholeLoaded(scene: Scene, whole: Extract<HalfTaken, {kind: 'whole'}>): Promise<Reply> {
  const {machine, person} = scene
  const {key, checkValue, first} = whole
  const expected = await answer(scene, "the whole key's check value, as the bank says")
  if (expected?.toUpperCase() !== checkValue)
    return refused(
      `the halves make a key with check value ${checkValue}; nothing was loaded, both are forgotten`,
    )
  const loaded = await machine.loadMasterKey(key)
  if (loaded.kind === 'silent') return refused(loaded.why)
  const isRight = loaded.checkValue === checkValue
  machine.journal.note({
    type: 'person.acted',
    person: person.name,
    command: `master key, with ${first}`,
    outcome: `the pad has check value ${loaded.checkValue}`,
  })
  // What the pad makes of the bank's PIN key from now on is looked at at once.
  await machine.look()
  return isRight
    ? facts(['master key', 'loaded'], ['check value', checkValue], ['first half by', first])
    : refused(`the pad has a key with check value ${loaded.checkValue}: load it again`)
}

export const keyCommands: readonly Command[] = [
  {
    words: 'key half',
    purpose: 'your half of the master key; with the second it goes into the PIN pad',
    example: 'key half',
    may: GUARDS,
    kind: 'talk',
    dual: 'never',
    when: 'supervisor',
    run: half,
  },
  {
    words: 'key forget',
    purpose: 'forgets the half that waits for the other',
    example: 'key forget',
    may: GUARDS,
    kind: 'talk',
    dual: 'never',
    when: 'ever',
    run: ({ceremony}) => {
      ceremony.forget()
      return DONE
    },
  },
]
