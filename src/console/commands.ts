/**
 * The table of all commands. Parsing, help, completion, authorisation and the record come from it; what the machine
 * cannot do yet has no row.
 */
import type {Command} from './command.ts'
import {cashCommands} from './commands/cash.ts'
import {deviceCommands} from './commands/devices.ts'
import {journalCommands} from './commands/journal.ts'
import {keyCommands} from './commands/keys.ts'
import {modeCommands} from './commands/mode.ts'
import {peopleCommands} from './commands/people.ts'
import {settingsCommands} from './commands/settings.ts'
import {showCommands} from './commands/show.ts'
import {suspenseCommands} from './commands/suspense.ts'
import {techCommands} from './commands/tech.ts'
import {terminalCommands} from './commands/terminal.ts'
import {wireCommands} from './commands/wires.ts'

export const COMMANDS: readonly Command[] = [
  ...showCommands,
  ...techCommands,
  ...journalCommands,
  ...suspenseCommands,
  ...deviceCommands,
  ...wireCommands,
  ...cashCommands,
  ...keyCommands,
  ...modeCommands,
  ...settingsCommands,
  ...peopleCommands,
  ...terminalCommands,
]
