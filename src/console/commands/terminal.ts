/** The terminal itself, and help. */
import {arg, look} from '../command.ts'
import type {Command} from '../command.ts'
import {DONE, table} from '../view.ts'
import {ALL, ENGINEERS} from './roles.ts'

const WIDTH_MIN = 40

export const terminalCommands: readonly Command[] = [
  look('help', 'every command that you may give', ALL, ({person, commands}) =>
    table(
      ['command', 'what it does'],
      commands.filter(({may}) => may.includes(person.role)).map(({words, purpose}) => [words, purpose]),
    ),
  ),
  look(
    'terminal length LINES',
    'lines of a page, 0 for no pauses',
    ALL,
    scene => {
      scene.front.setLength(Number(arg(scene, 'LINES')))
      return DONE
    },
    'terminal length 0',
  ),
  look(
    'terminal width COUNT',
    'columns of the terminal, 40 or more',
    ALL,
    scene => {
      scene.front.setWidth(Math.max(WIDTH_MIN, Number(arg(scene, 'COUNT'))))
      return DONE
    },
    'terminal width 132',
  ),
  look(
    'terminal monitor SWITCH',
    'the live log, beside what you type',
    ENGINEERS,
    scene => {
      const {terminal, log} = scene
      terminal.setLive('log', arg(scene, 'SWITCH') === 'on' ? tell => log.onLine(tell) : null)
      return DONE
    },
    'terminal monitor on',
  ),
]
