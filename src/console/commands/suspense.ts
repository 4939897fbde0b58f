/** `suspense ...`: what waits for a count or a person. A row of the journal closes it, never a deletion. */
import {formatAmount} from '../../../kit/money.ts'
import type {Minor} from '../../../kit/money.ts'
import {arg, look} from '../command.ts'
import type {Command, Scene} from '../command.ts'
import type {SuspenseItem} from '../../session/suspense.ts'
import {DONE, facts, refused, table} from '../view.ts'
import type {Reply} from '../view.ts'
import {BOOKS, CASH} from './roles.ts'
import {spanText, timeText} from './show.ts'

async function list({machine, clock}: Scene): Promise<Reply> {
  const {suspense} = await machine.books()
  const nowMs = clock.wallMs()
  return table(
    ['reference', 'why', 'at least', 'at most', 'age', 'owner', 'bank'],
    suspense.map(({key, why, sinceMs, leastMinor, mostMinor, owner, isTold}) => [
      key,
      why,
      formatAmount(leastMinor, machine.currency),
      formatAmount(mostMinor, machine.currency),
      spanText(nowMs - sinceMs),
      owner ?? 'nobody',
      bankText(why, isTold),
    ]),
  )
}

function bankText(why: SuspenseItem['why'], isTold: boolean): string {
  if (why === 'refused') return 'refuses'
  return isTold ? 'told' : 'not told yet'
}

/** The item of the reference that was typed, and what to do with it. */
async function withItem(scene: Scene, use: (item: SuspenseItem) => Reply): Promise<Reply> {
  const {suspense} = await scene.machine.books()
  const item = suspense.find(({key}) => key === arg(scene, 'KEY'))
  return item === undefined ? refused('nothing in suspense has that reference') : use(item)
}

function show({machine, clock}: Scene, item: SuspenseItem): Reply {
  const money = (amountMinor: Minor): string =>
    `${formatAmount(amountMinor, machine.currency)} ${machine.currency}`
  return facts(
    ['reference', item.key],
    ['why', item.why],
    ['since', timeText(item.sinceMs)],
    ['age', spanText(clock.wallMs() - item.sinceMs)],
    ['owner', item.owner],
    ['customer has at least', money(item.leastMinor)],
    ['customer has at most', money(item.mostMinor)],
    ['rule', item.rule],
    ['bank', bankText(item.why, item.isTold)],
    ...item.notes.map(({atMs, person, note}) => [`note ${timeText(atMs)}`, `${person}: ${note}`] as const),
  )
}

export const suspenseCommands: readonly Command[] = [
  look('suspense list', 'what waits for a count or a person', BOOKS, list),
  look(
    'suspense show KEY',
    'one of them, with its notes',
    BOOKS,
    scene => withItem(scene, item => show(scene, item)),
    'suspense show ATM1:2026-11-22:000418',
  ),
  {
    words: 'suspense take KEY',
    purpose: 'you look after it from now on',
    example: 'suspense take ATM1:2026-11-22:000418',
    may: BOOKS,
    kind: 'talk',
    dual: 'never',
    when: 'ever',
    run: scene =>
      withItem(scene, ({key}) => {
        scene.machine.journal.note({type: 'suspense.taken', person: scene.person.name, key})
        return DONE
      }),
  },
  {
    words: 'suspense note KEY TEXT',
    purpose: 'what was found out about it',
    example: 'suspense note ATM1:2026-11-22:000418 the camera shows two notes',
    may: BOOKS,
    kind: 'talk',
    dual: 'never',
    when: 'ever',
    run: scene =>
      withItem(scene, ({key}) => {
        const note = arg(scene, 'TEXT')
        scene.machine.journal.note({type: 'suspense.noted', person: scene.person.name, key, note})
        return DONE
      }),
  },
  {
    words: 'suspense close KEY TEXT',
    purpose: 'settled outside this machine, and how; a count closes the others',
    example: 'suspense close ATM1:2026-11-22:000418 paid back at the branch',
    may: CASH,
    kind: 'act',
    dual: 'cash',
    when: 'ever',
    says: 'take it off the list for good; the journal keeps it',
    run: scene =>
      withItem(scene, ({key}) => {
        const because = arg(scene, 'TEXT')
        scene.machine.journal.note({type: 'suspense.closed', person: scene.person.name, key, because})
        return DONE
      }),
  },
]
