/** What may follow a command behind `|`: `include`, `exclude`, `begin` and `count` look at lines, `json` gives the other form. */

export const FILTERS = ['include', 'exclude', 'begin', 'count', 'json'] as const
export type FilterName = (typeof FILTERS)[number]

export interface Filter {
  readonly name: FilterName
  /** Looked for as it stands, whatever its case; empty for `count` and `json`. */
  readonly words: string
}

/** The command before the first bar, and its filters; or why they make no sense. */
export function splitLine(
  line: string,
): {readonly command: string; readonly filters: readonly Filter[]} | {readonly fault: string} {
  const [command = '', ...rest] = line.split('|')
  const filters: Filter[] = []
  for (const part of rest) {
    const [head = '', ...words] = part.trim().split(/ +/)
    const fitting = FILTERS.filter(name => head !== '' && name.startsWith(head))
    const [name] = fitting
    if (name === undefined || fitting.length > 1) return {fault: `after | comes ${FILTERS.join(', ')}`}
    const needsWords = name === 'include' || name === 'exclude' || name === 'begin'
    if (needsWords !== words.length > 0)
      return {fault: needsWords ? `${name} what?` : `${name} takes no words`}
    filters.push({name, words: words.join(' ').toLowerCase()})
  }
  return {command: command.trim(), filters}
}

export function filtered(lines: readonly string[], filters: readonly Filter[]): readonly string[] {
  return filters.reduce(applied, lines)
}

function applied(lines: readonly string[], {name, words}: Filter): readonly string[] {
  const has = (line: string): boolean => line.toLowerCase().includes(words)
  switch (name) {
    case 'include':
      return lines.filter(has)
    case 'exclude':
      return lines.filter(line => !has(line))
    case 'begin': {
      const first = lines.findIndex(has)
      return first < 0 ? [] : lines.slice(first)
    }
    case 'count':
      return [lines.length.toString()]
    case 'json':
      return lines
  }
}
