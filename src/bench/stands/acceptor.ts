/** What the stands of all emulated acceptors share: notes to feed, hands, fault plans, and their world as a file holds it. */
import {NEW_PATH, PLACES} from '../../../devices/acceptor/emulator-path.ts'
import type {
  AcceptorEmulator,
  Manner,
  PathMischief,
  PathRemains,
} from '../../../devices/acceptor/emulator-path.ts'
import type {TalkMischief} from '../../../devices/acceptor/emulator-talk.ts'
import {BadInput} from '../../../kit/errors.ts'
import {isIn} from '../../../kit/section.ts'
import type {Section} from '../../../kit/section.ts'
import type {Fields, Stand, StandCommand} from '../stand.ts'
import {standOf} from './emulated.ts'
import type {FaultRow} from './faults.ts'

const NOTES_MAX = 10_000
const NOTE_NAME = /^n[1-9][0-9]{0,4}$/
const CHANNEL_MAX = 16

export type Mischief = PathMischief | TalkMischief

type Row = FaultRow<Mischief, never>

/** What can go wrong with any acceptor. */
export const ACCEPTOR_FAULTS: readonly Row[] = [
  ...(['reading', 'stacking', 'rejecting'] as const).map((at): Row => ({
    name: `jam at ${at}`,
    on: 'never',
    make: () => ({kind: 'jam', at}),
  })),
  ...(['reading', 'escrow', 'stacking', 'credited', 'rejecting'] as const).map((at): Row => ({
    name: `power cut at ${at}`,
    on: 'never',
    make: () => ({kind: 'powerCut', at}),
  })),
  {name: 'string', on: 'never', make: () => ({kind: 'string'})},
  {name: 'cannot stack', on: 'never', make: () => ({kind: 'cannotStack'})},
  {name: 'left', on: 'never', make: () => ({kind: 'left'})},
  ...(['answerLost', 'answerCorrupt', 'answerShort'] as const).map((kind): Row => ({
    name: kind.replace(/[A-Z]/, letter => ` ${letter.toLowerCase()}`),
    takes: 'times',
    on: 'never',
    make: times => ({kind, times: times ?? 1}),
  })),
  {name: 'answer twice', on: 'never', make: () => ({kind: 'answerTwice'})},
  {name: 'stray bytes', on: 'never', make: () => ({kind: 'strayBytes'})},
  {name: 'answer split', takes: 'ms', on: 'never', make: ms => ({kind: 'answerSplit', gapMs: ms ?? 5})},
  {name: 'answer late', takes: 'ms', on: 'never', make: ms => ({kind: 'answerLate', delayMs: ms ?? 2_000})},
]

/** The paper of a world. @throws BadInput naming the field */
export function pathFrom(s: Section): PathRemains {
  const notes = s.list(
    'notes',
    0,
    NOTES_MAX,
    note =>
      note.closed(n => ({
        name: n.text('name', NOTE_NAME, 'n and a number'),
        channel: n.integer('channel', 0, CHANNEL_MAX),
        at: n.oneOf('at', isIn(PLACES), PLACES.join(', ')),
      })),
    NEW_PATH.notes,
  )
  for (const [at, {name}] of notes.entries())
    if (name !== `n${at + 1}`)
      s.refuse('notes', `must be named n1, n2 and so on in their order; '${name}' is not`)
  return {
    notes,
    isCashboxIn: s.oneOf('cashbox', isIn(['in', 'out'] as const), 'in or out', 'in') === 'in',
    isJammed: s.oneOf('path', isIn(['clear', 'jammed'] as const), 'clear or jammed', 'clear') === 'jammed',
  }
}

export function pathFields({notes, isCashboxIn, isJammed}: PathRemains): Fields {
  return {
    notes: notes.map(note => ({...note})),
    cashbox: isCashboxIn ? 'in' : 'out',
    path: isJammed ? 'jammed' : 'clear',
  }
}

/** The stand of one emulated acceptor. @param values of its notes, channel 1 first */
export function acceptorStand<Remains extends PathRemains>(
  emulator: AcceptorEmulator<Mischief, Remains>,
  values: readonly number[],
  world: () => Fields,
): Stand {
  const feed = (words: string, manner: Manner, purpose: string): StandCommand => ({
    words,
    purpose,
    run: ([what = '']) => {
      if (NOTE_NAME.test(what)) {
        const note = emulator.remains.notes.find(({name}) => name === what)
        if (note === undefined) throw new BadInput(`insert: there is no note '${what}'`)
        return {note: what, outcome: emulator.insertAgain(what, manner)}
      }
      const channel = what === 'fake' ? 0 : values.indexOf(Number(what)) + 1
      if (what !== 'fake' && channel === 0)
        throw new BadInput(`insert: a note is ${values.join(', ')}, fake, or the name of one`)
      const {name, is} = emulator.insert(channel, manner)
      return {note: name, outcome: is}
    },
  })
  return standOf(
    emulator,
    {rows: ACCEPTOR_FAULTS, orders: []},
    {
      world,
      commands: [
        feed(
          'insert NOTE',
          'well',
          `the customer feeds a note: ${values.join(', ')}, fake, or one by name, n1`,
        ),
        feed('insert two NOTE', 'two', 'the same, with a second one on top of it'),
        feed('insert string NOTE', 'string', 'the same, on a string'),
        {
          words: 'take note',
          purpose: 'the customer takes the note that is held out',
          run: () => ({taken: emulator.takeBack()}),
        },
        {
          words: 'show state',
          purpose: 'power, acceptance, and what goes on in the path',
          run: () => emulator.state,
        },
        {
          words: 'clear path',
          purpose: 'the operator takes out what stands between mouth and cashbox',
          run: () => ({removed: emulator.clearPath()}),
        },
        {
          words: 'empty cashbox',
          purpose: 'the operator takes the notes of the cashbox',
          run: () => ({removed: emulator.emptyCashbox()}),
        },
        ...(['out', 'in'] as const).map((is): StandCommand => ({
          words: is === 'out' ? 'pull cashbox' : 'push cashbox',
          purpose: is === 'out' ? 'the operator pulls the cashbox out' : 'the operator puts it back',
          run: () => {
            emulator.setCashbox(is)
            return {cashbox: is}
          },
        })),
      ],
    },
  )
}
