/** Fingers on a PIN pad, for the stands of PIN pads. What was typed may be a PIN: no answer repeats it. */
import type {Key} from '../../../devices/pin-pad/port.ts'
import {BadInput} from '../../../kit/errors.ts'
import type {StandCommand} from '../stand.ts'

/** All keys, as they are typed at the control. */
const KEY_NAMES: readonly Key[] = [
  ...(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '00', 'dot', 'enter', 'clear', 'cancel'] as const),
  ...(['up', 'down', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'] as const),
]

/** What fingers can do to an emulated pad. */
interface Touched {
  press(key: Key): 'pressed' | 'ignored'
  hold(key: Key): 'pressed' | 'ignored'
  release(): void
}

export function keyCommands(pad: Touched): readonly StandCommand[] {
  return [
    {
      words: 'press key KEYS',
      purpose: `one key or several parted by spaces: ${KEY_NAMES.join(' ')}; says how many the pad took`,
      run: ([keys = '']) => {
        const outcomes = keys
          .split(/\s+/)
          .map(keyFrom)
          .map(key => pad.press(key))
        return {pressedCount: outcomes.filter(outcome => outcome === 'pressed').length}
      },
    },
    {
      words: 'hold key KEY',
      purpose: 'a finger that stays: one press, and no other key makes one until release key',
      run: ([key = '']) => ({pressedCount: pad.hold(keyFrom(key)) === 'pressed' ? 1 : 0}),
    },
    {
      words: 'release key',
      purpose: 'takes that finger off again',
      run: () => {
        pad.release()
        return {released: true}
      },
    },
  ]
}

function keyFrom(text: string): Key {
  const key = KEY_NAMES.find(name => name === text)
  if (key === undefined) throw new BadInput(`that is no key; keys are ${KEY_NAMES.join(' ')}`)
  return key
}
