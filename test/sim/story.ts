/** Runs as text for people: who did what when, a line each, and the command that plays the same again. */
import type {Played} from './ground.ts'
import type {Line} from './trace.ts'

const WIDTH = 100

/** `0:12:03.250  journal     17 > return the card`; no wider than a screen. */
export function lineText({atMs, who, what}: Line): string {
  const text = `${clockText(atMs)}  ${who.padEnd(11)} ${what.replaceAll('\n', ' ')}`
  return text.length > WIDTH ? `${text.slice(0, WIDTH - 3)}...` : text
}

function clockText(atMs: number): string {
  const whole = Math.floor(atMs)
  const two = (n: number): string => String(n).padStart(2, '0')
  const [h, m, s] = [
    Math.floor(whole / 3_600_000),
    Math.floor(whole / 60_000) % 60,
    Math.floor(whole / 1_000) % 60,
  ]
  return `${h}:${two(m)}:${two(s)}.${String(whole % 1_000).padStart(3, '0')}`
}

/** What plays exactly this again, line by line. */
export function replayCommand({seed, only, customersMax}: Played): string {
  return [
    `npm run sim:watch -- --seed ${seed}`,
    customersMax === undefined ? '' : ` --customers ${customersMax}`,
    only === null || only === undefined ? '' : ` --only '${[...only].join(',')}'`,
  ].join('')
}

/** Layers that a reader of a short story can do without. */
const NOISY: readonly string[] = ['head', 'bank']
const STORY_LINES_MAX = 70

/** Whether a reader of a story wants that line. */
export function isTold({who}: Line): boolean {
  return !NOISY.includes(who) && !who.startsWith('device.')
}

/** The last of it: from the visit in which it began, without what only a debugger wants. */
export function lastVisit(lines: readonly Line[]): readonly Line[] {
  const told = lines.filter(isTold)
  const from = told.findLastIndex(({what}) => what === 'puts a card in')
  return told.slice(Math.max(0, from, told.length - STORY_LINES_MAX))
}
