/** `show tech`: in one answer all that whoever helps from afar asks for first. No row of it shows a secret. */
import {look} from '../command.ts'
import type {Command, Scene} from '../command.ts'
import {linesOf, text} from '../view.ts'
import type {Reply} from '../view.ts'
import {ENGINEERS} from './roles.ts'

/** In this order; what the machine or the role does not have is left out. */
const PARTS = [
  'show version',
  'show status',
  'show alarms',
  'show clock',
  'show devices',
  'show sensors',
  'show keys',
  'show cash',
  'show errors',
  'show storage',
  'show host',
  'show certs',
  'show timers',
  'show config',
  'show ej chain',
  'show logs',
]

async function everything(scene: Scene): Promise<Reply> {
  const lines: string[] = []
  for (const part of PARTS) {
    const command = scene.commands.find(({words}) => words === part)
    if (command?.may.includes(scene.person.role) !== true) continue
    const reply = await command.run(scene)
    lines.push(`== ${part}`, ...(reply.kind === 'done' ? linesOf(reply.view) : [`refused: ${reply.why}`]), '')
  }
  return text(lines)
}

export const techCommands: readonly Command[] = [
  look('show tech', 'all that whoever helps from afar asks for first', ENGINEERS, everything),
]
