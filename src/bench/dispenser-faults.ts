/** What can go wrong with an emulated dispenser, by the names that a person plans it with. */
import type {Mischief} from '../../devices/dispenser/mischief.ts'

export interface DispenserFault {
  readonly name: string
  readonly label: string
  /** Takes a number of notes. */
  readonly takesNotes: boolean
  readonly make: (notesCount: number) => Mischief
}

export const DISPENSER_FAULTS: readonly DispenserFault[] = [
  {
    name: 'jam',
    label: 'Jam inside',
    takesNotes: true,
    make: afterNotes => ({kind: 'jam', at: 'diverter', afterNotes}),
  },
  {
    name: 'jam at mouth',
    label: 'Jam at the mouth',
    takesNotes: true,
    make: afterNotes => ({kind: 'jam', at: 'mouth', afterNotes}),
  },
  {
    name: 'pick fails',
    label: 'Pick fails',
    takesNotes: true,
    make: afterNotes => ({kind: 'pickFails', afterNotes}),
  },
  {
    name: 'double pick',
    label: 'Double pick',
    takesNotes: true,
    make: afterNotes => ({kind: 'doublePick', afterNotes, times: 1}),
  },
  {
    name: 'count mismatch',
    label: 'Note passes uncounted',
    takesNotes: true,
    make: afterNotes => ({kind: 'countMismatch', afterNotes}),
  },
  {name: 'overpay', label: 'One note too many', takesNotes: false, make: () => ({kind: 'overflow'})},
  {
    name: 'answer lost',
    label: 'Answer lost after moving',
    takesNotes: false,
    make: () => ({kind: 'answerLost', when: 'after-moving'}),
  },
  {
    name: 'command lost',
    label: 'Command lost before moving',
    takesNotes: false,
    make: () => ({kind: 'answerLost', when: 'before-moving'}),
  },
  {
    name: 'power cut',
    label: 'Power cut',
    takesNotes: true,
    make: afterNotes => ({kind: 'powerCut', afterNotes}),
  },
  {
    name: 'shutter blocked',
    label: 'Shutter does not open',
    takesNotes: false,
    make: () => ({kind: 'shutterBlocked'}),
  },
  {
    name: 'reject jam',
    label: 'Jam on the way to the bin',
    takesNotes: true,
    make: afterNotes => ({kind: 'rejectJam', afterNotes}),
  },
  {
    name: 'some taken',
    label: 'Some notes pulled out before the retract',
    takesNotes: true,
    make: count => ({kind: 'someTaken', count}),
  },
]
