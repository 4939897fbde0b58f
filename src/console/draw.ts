/**
 * Writes the manual of the console, `docs/console.md`, from the table that the console itself goes by:
 * `npm run states` writes it, and a test holds it.
 */
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import type {Command} from './command.ts'
import {COMMANDS} from './commands.ts'
import {IDLE_MS, LETTERS_MIN} from './conversation.ts'
import {FILTERS} from './filter.ts'
import type {FilterName} from './filter.ts'
import {ARGUMENTS} from './grammar.ts'
import {LOCK_MS, ROLES, TRIES_MAX} from './people.ts'
import type {Role} from './people.ts'
import {RIG_WORD} from './rig-word.ts'

export const MANUAL_FILE = join(import.meta.dirname, '..', '..', 'docs', 'console.md')

const MINUTE_MS = 60_000

const ROLE_WORDS: Readonly<Record<Role, string>> = {
  auditor: 'looks at records and changes nothing',
  operator: 'handles cash',
  engineer: 'looks after devices',
  senior: 'is an engineer who may change settings',
  security: 'decides who works here',
}

const FILTER_WORDS: Readonly<Record<FilterName, string>> = {
  include: 'lines with these words, whatever their case',
  exclude: 'lines without them',
  begin: 'from the first line with them on',
  count: 'how many lines',
  json: 'one JSON object instead of lines',
}

const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ['?', 'what may come next, at once; in a password it is a letter'],
  ['TAB', 'completes as far as there is no choice, and lists the choices'],
  ['arrows, ^P ^N ^B ^F', 'earlier and later lines; left and right'],
  ['^R', 'looks for an earlier line'],
  ['Home End, ^A ^E', 'begin and end of the line'],
  ['^U ^K ^W', 'forgets the line, the rest of it, the word'],
  ['^L', 'shows the line anew'],
  ['^C', 'leaves the line or the question'],
  ['^D', 'on an empty line at the log-in: leaves'],
  ['space, Enter, q', 'at `--More--`: a page, a line, enough; any other key begins the next line'],
]

/** The whole page. */
export function manual(commands: readonly Command[]): string {
  const groups = Map.groupBy(commands, ({words}) => words.split(' ')[0] ?? '')
  return [
    '# The console',
    '',
    'Written by `npm run states` from the table of commands; `test/console/table.test.ts` holds this page to it. Do not edit it.',
    '',
    "The machine's own people reach it by a serial cable (`console.port` of the settings, 8 data bits, no parity, no flow control) or, logged in on the computer, by `tellerd console`. Both ask for a name, a password and the one-time code of an authenticator app, which needs no network. It shows 7-bit ASCII and knows carriage return, backspace and bell, so any terminal will do.",
    '',
    `- Words may be shortened as long as one command is left: \`sh stat\`; where something changes, to ${LETTERS_MIN} letters each.`,
    `- Every command is judged by the daemon, for the role of who gives it, and is in the journal with name, words and outcome, refused ones too. Secrets are asked for, never typed into a command.`,
    `- A command that changes something says what it is about to do and wants a number of four digits typed back. A byte that no key sends spoils the whole line.`,
    `- ${TRIES_MAX} wrong tries lock a name for ${LOCK_MS / MINUTE_MS} minutes, over a power cut too. ${IDLE_MS / MINUTE_MS} minutes without typing log out, and so does a pulled cable where the port has carrier detect.`,
    `- A program logs in as \`${RIG_WORD}\` first, then with name, password and code, a line each; every answer is one JSON object on one line.`,
    '',
    '## People',
    '',
    ...grid(
      ['role', 'who'],
      ROLES.map(role => [role, ROLE_WORDS[role]]),
    ),
    '',
    '"Two people" below: a second person, who may give the command as well, vouches with their own password and code. For cash that can be switched off (`console.cashDual`) where a site has one person.',
    '',
    '## Keys',
    '',
    ...grid(['key', 'what it does'], KEYS),
    '',
    '## Behind a bar',
    '',
    'A command may be followed by `|` and one of these, and again.',
    '',
    ...grid(
      ['filter', 'what is shown'],
      FILTERS.map(name => [`\`${name}\``, FILTER_WORDS[name]]),
    ),
    '',
    '## Arguments',
    '',
    ...grid(
      ['word', 'what is typed'],
      Object.entries(ARGUMENTS).map(([word, {hint}]) => [word, hint]),
    ),
    '',
    '## Commands',
    '',
    'Going needs no permission: `exit`, `quit` or `logout`.',
    ...[...groups].flatMap(([group, rows]) => ['', `### ${group}`, '', ...grid(COLUMNS, rows.map(rowOf))]),
    '',
  ].join('\n')
}

const COLUMNS = ['command', 'what it does', 'for', 'when', 'example']

function rowOf(command: Command): readonly string[] {
  const {words, purpose, may, example, kind, says} = command
  const asks = kind === 'act' ? ` Asks before: ${says ?? purpose}.` : ''
  return [`\`${words}\``, `${purpose}.${asks}`, forWhom(may), whenText(command), `\`${example}\``]
}

function forWhom(may: Command['may']): string {
  return may.length === ROLES.length ? 'all' : ROLES.filter(role => may.includes(role)).join(', ')
}

const WHEN_WORDS: Readonly<Record<Command['when'], string>> = {
  ever: '',
  resting: 'between visits',
  supervisor: 'in supervisor mode',
}

const DUAL_WORDS: Readonly<Record<Command['dual'], string>> = {
  never: '',
  always: 'two people',
  cash: 'two people for cash',
}

function whenText({when, dual}: Command): string {
  return [WHEN_WORDS[when], DUAL_WORDS[dual]].filter(word => word !== '').join(', ')
}

function grid(columns: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(columns), `|${columns.map(() => '---').join('|')}|`, ...rows.map(line)]
}

if (import.meta.main) writeFileSync(MANUAL_FILE, manual(COMMANDS))
