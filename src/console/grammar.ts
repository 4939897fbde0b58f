/**
 * From a typed line to one command of the table, and from half a line to what may follow: parsing, unique
 * prefixes, help and completion read the same words.
 */
import type {Role} from './people.ts'

/** The arguments that a command may take, by the capital word that stands for them. */
export const ARGUMENTS = {
  DEVICE: {
    hint: 'card-reader, pin-pad, dispenser or printer',
    words: ['card-reader', 'pin-pad', 'dispenser', 'printer'],
  },
  CASSETTE: {hint: 'its number, from 1', shape: /^[1-8]$/},
  COUNT: {hint: 'a whole number, up to 9999', shape: /^(0|[1-9][0-9]{0,3})$/},
  ROW: {hint: "a row's number", shape: /^[1-9][0-9]{0,12}$/},
  VISIT: {hint: 'a visit, such as visit-17', shape: /^visit-[0-9]{1,13}$/},
  KEY: {
    hint: 'a reference, such as ATM1:2026-11-22:000418',
    shape: /^[A-Za-z0-9-]{1,16}:[0-9-]{10}:[0-9]{6}$/,
  },
  NAME: {hint: 'a name, such as oona', shape: /^[a-z][a-z0-9-]{1,15}$/},
  ROLE: {
    hint: 'auditor, operator, engineer, senior or security',
    words: ['auditor', 'operator', 'engineer', 'senior', 'security'],
  },
  SETTING: {hint: 'a setting, such as timers.customerTimeoutMs', shape: /^[A-Za-z0-9_.[\]-]{1,80}$/},
  MINUTES: {hint: 'minutes, 1 to 60', shape: /^([1-9]|[1-5][0-9]|60)$/},
  LINES: {hint: 'lines, 0 for no pauses', shape: /^(0|[1-9][0-9]?)$/},
  SWITCH: {hint: 'on or off', words: ['on', 'off']},
  CODE: {hint: "the device's code, such as 35", shape: /^[0-9A-Za-z]{1,6}$/},
  /** To the end of the line. Long runs of digits are refused: they could be somebody's card. */
  TEXT: {hint: 'words', shape: /^(?!.*(?:[0-9][ -]?){12})[ -~]{1,120}$/},
  VALUE: {hint: 'a value', shape: /^[!-~][ -~]{0,119}$/},
} as const satisfies Readonly<
  Record<
    string,
    | {readonly hint: string; readonly shape: RegExp}
    | {readonly hint: string; readonly words: readonly string[]}
  >
>

export type ArgumentName = keyof typeof ARGUMENTS
const TO_THE_END: ReadonlySet<string> = new Set(['TEXT', 'VALUE'])

/** What every row of the command table has for the grammar. */
export interface Worded {
  /** `show cassette CASSETTE`: small words as typed, capital ones are arguments. */
  readonly words: string
  readonly purpose: string
  readonly may: readonly Role[]
}

export type Parsed<C extends Worded> =
  | {
      readonly kind: 'command'
      readonly command: C
      readonly args: Readonly<Record<string, string>>
      /** In full, as the journal keeps it. */
      readonly text: string
    }
  /** Some command begins so; these may follow. */
  | {readonly kind: 'incomplete'; readonly next: readonly Next[]}
  | {readonly kind: 'ambiguous'; readonly word: string; readonly among: readonly string[]}
  | {readonly kind: 'unknown'; readonly word: string; readonly instead: readonly Next[]}

/** What may stand next. */
export interface Next {
  readonly word: string
  readonly purpose: string
}

/** Longest line and most words; beyond, nothing is understood. */
export const LINE_MAX = 200

interface Candidate<C extends Worded> {
  readonly command: C
  readonly words: readonly string[]
  readonly args: Readonly<Record<string, string>>
  readonly typed: readonly string[]
}

export function parse<C extends Worded>(line: string, commands: readonly C[]): Parsed<C> {
  let tokens = line
    .trim()
    .split(/ +/)
    .filter(token => token !== '')
  let left: readonly Candidate<C>[] = commands.map((command): Candidate<C> => ({
    command,
    words: command.words.split(' '),
    args: {},
    typed: [],
  }))
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] ?? ''
    const step = narrowed(left, at, token, tokens.slice(at).join(' '))
    if (step.kind !== 'left') return step
    left = step.left
    if (step.isToTheEnd) tokens = tokens.slice(0, at + 1)
  }
  const whole = left.find(({words}) => words.length === tokens.length)
  if (whole === undefined || tokens.length === 0)
    return {kind: 'incomplete', next: nextOf(left, tokens.length)}
  return {kind: 'command', command: whole.command, args: whole.args, text: whole.typed.join(' ')}
}

type Step<C extends Worded> =
  | {readonly kind: 'left'; readonly left: readonly Candidate<C>[]; readonly isToTheEnd: boolean}
  | Extract<Parsed<C>, {kind: 'ambiguous' | 'unknown'}>

function narrowed<C extends Worded>(
  before: readonly Candidate<C>[],
  at: number,
  token: string,
  rest: string,
): Step<C> {
  const fitting = before.flatMap(candidate => {
    const word = candidate.words[at]
    if (word === undefined || isArgument(word) || !word.startsWith(token)) return []
    return [{...candidate, typed: [...candidate.typed, word]}]
  })
  const exact = fitting.filter(({words}) => words[at] === token)
  const kept = exact.length > 0 ? exact : fitting
  const among = [...new Set(kept.flatMap(({words}) => words[at] ?? []))]
  if (among.length > 1) return {kind: 'ambiguous', word: token, among}
  if (kept.length > 0) return {kind: 'left', left: kept, isToTheEnd: false}
  const taking = before.flatMap(candidate => {
    const word = candidate.words[at]
    if (word === undefined || !isArgument(word)) return []
    const isToTheEnd = TO_THE_END.has(word)
    const value = argumentOf(word, isToTheEnd ? rest : token)
    if (value === null) return []
    return [
      {
        ...candidate,
        args: {...candidate.args, [word]: value},
        typed: [...candidate.typed, value],
        isToTheEnd,
      },
    ]
  })
  if (taking.length > 0)
    return {kind: 'left', left: taking, isToTheEnd: taking.some(({isToTheEnd}) => isToTheEnd)}
  return {kind: 'unknown', word: token, instead: nextOf(before, at)}
}

/** What may stand at that place, the words first. */
function nextOf(left: readonly Candidate<Worded>[], at: number): readonly Next[] {
  const found = new Map<string, string>()
  for (const {words, command} of left) {
    const word = words[at]
    if (word === undefined) {
      found.set('<enter>', command.purpose)
      continue
    }
    const others = left.filter(other => other.words[at] === word)
    const purpose = isArgument(word) ? ARGUMENTS[word].hint : others.length === 1 ? command.purpose : '...'
    found.set(word, purpose)
  }
  return [...found].map(([word, purpose]) => ({word, purpose}))
}

/** What may follow half a line: `?` shows it, and the last word may be half typed as well. */
export function helpFor(line: string, commands: readonly Worded[]): readonly Next[] {
  const isNewWord = line === '' || line.endsWith(' ')
  const before = isNewWord ? line : line.slice(0, line.lastIndexOf(' ') + 1)
  const half = isNewWord ? '' : line.slice(before.length)
  const parsed = parse(before, commands)
  const next =
    parsed.kind === 'incomplete'
      ? parsed.next
      : parsed.kind === 'command'
        ? [{word: '<enter>', purpose: parsed.command.purpose}, ...longerThan(before, commands)]
        : []
  return next.flatMap(one => {
    const words = isArgument(one.word) ? choicesOf(one.word) : null
    if (half === '') return [one]
    if (words !== null)
      return words.filter(word => word.startsWith(half)).map(word => ({word, purpose: one.purpose}))
    return one.word.startsWith(half) || isArgument(one.word) ? [one] : []
  })
}

/** `show config` is a command, and `show config diff` another. */
function longerThan(before: string, commands: readonly Worded[]): readonly Next[] {
  const parsed = parse(before, commands)
  if (parsed.kind !== 'command') return []
  const stem = `${parsed.command.words} `
  const longer = commands.filter(({words}) => words.startsWith(stem))
  return longer.flatMap(({words, purpose}) => {
    const word = words.slice(stem.length).split(' ')[0]
    return word === undefined ? [] : [{word, purpose}]
  })
}

/** The line with as much added as has no choice, and the choices when there is one. */
export function completed(
  line: string,
  commands: readonly Worded[],
): {readonly line: string; readonly choices: readonly string[]} {
  const isNewWord = line === '' || line.endsWith(' ')
  const half = isNewWord ? '' : line.slice(line.lastIndexOf(' ') + 1)
  const words = helpFor(line, commands)
    .flatMap(({word}) => (isArgument(word) ? (choicesOf(word) ?? []) : [word]))
    .filter(word => word !== '<enter>' && word.startsWith(half))
  const [first] = words
  if (first === undefined) return {line, choices: []}
  if (words.length === 1) return {line: `${line}${first.slice(half.length)} `, choices: []}
  const common = words.reduce((stem, word) => commonStart(stem, word))
  return {line: line + common.slice(half.length), choices: words}
}

function commonStart(a: string, b: string): string {
  let length = 0
  while (length < a.length && a[length] === b[length]) length += 1
  return a.slice(0, length)
}

function isArgument(word: string): word is ArgumentName {
  return Object.hasOwn(ARGUMENTS, word)
}

function choicesOf(word: ArgumentName): readonly string[] | null {
  const argument = ARGUMENTS[word]
  return 'words' in argument ? argument.words : null
}

function argumentOf(word: ArgumentName, token: string): string | null {
  const argument = ARGUMENTS[word]
  if ('words' in argument) {
    const fitting = argument.words.filter(choice => choice.startsWith(token))
    return (
      argument.words.find(choice => choice === token) ?? (fitting.length === 1 ? (fitting[0] ?? null) : null)
    )
  }
  return argument.shape.test(token) ? token : null
}
