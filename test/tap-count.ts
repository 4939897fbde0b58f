/**
 * Counts the tests in TAP 14 text as tap writes it: `# Subtest: name`, four spaces deeper for what is inside,
 * then one line that closes it. A test is an innermost subtest; a failure outside of one (a file that did not
 * start, ended badly or took too long) counts as one failed test.
 */
import {present} from '../kit/assert.ts'

export interface Counts {
  readonly passedCount: number
  readonly failedCount: number
  readonly skippedCount: number
}

/** A check that failed: where it stands, outermost name first, and what tap tells about it. */
export interface Failure {
  readonly path: readonly string[]
  readonly lines: readonly string[]
}

/** A test that was not run, and why. */
export interface Skip {
  readonly path: readonly string[]
  readonly reason: string
}

/** One test file that came to its end. */
export interface FileEnd {
  readonly file: string
  readonly counts: Counts
  /** How long it took, as tap says, or null. */
  readonly timeMs: number | null
}

/** Everything seen at one depth since the enclosing subtest began. */
interface Level {
  passedCount: number
  failedCount: number
  skippedCount: number
  hasSubtest: boolean
  /** The name that the last `# Subtest:` announced and no line has closed yet. */
  announced: string | null
}

interface Point {
  readonly isOk: boolean
  readonly name: string
  readonly skipped: string | null
  readonly timeMs: number | null
}

/** What tap adds to a failure and nobody reads: the source is a click away, the command line is always the same. */
const DULL_KEYS = new Set(['source', 'stdio', 'cwd', 'externalID', 'command', 'args', 'jobId', 'isToplevel'])
const DIAGNOSTIC_LINES_MAX = 60

export class TapCount {
  readonly failures: Failure[] = []
  readonly skips: Skip[] = []
  readonly #levels: Level[] = [newLevel()]
  readonly #onFile: (end: FileEnd) => void
  /** The failure whose diagnostic block may follow, with the indentation of that block once it has begun. */
  #diagnosed: {lines: string[]; indent: string | null; dull: boolean} | null = null

  /** @param onFile called as each outermost subtest, a file, ends */
  constructor(onFile: (end: FileEnd) => void) {
    this.#onFile = onFile
  }

  /** Takes the next line, without its newline. */
  line(text: string): void {
    if (this.#takeDiagnostic(text)) return
    const [, spaces = '', rest = ''] = /^((?: {4})*)(.*)$/.exec(text) ?? []
    const depth = spaces.length / 4
    const announced = /^# Subtest(?:: (.*))?$/.exec(rest)
    if (announced !== null) {
      this.#level(depth).announced = announced[1] ?? ''
      return
    }
    const point = pointOf(rest)
    if (point !== null) this.#point(depth, point)
  }

  /** All tests so far. */
  get counts(): Counts {
    return countsOf(present(this.#levels[0], 'the outermost level'))
  }

  #point(depth: number, point: Point): void {
    const level = this.#level(depth)
    if (level.announced === null) this.#assertion(depth, point)
    else this.#subtest(depth, point)
    level.announced = null
  }

  #assertion(depth: number, point: Point): void {
    const level = this.#level(depth)
    if (point.skipped !== null) {
      level.skippedCount += 1
      this.skips.push({path: this.#path(depth, point.name), reason: point.skipped})
    } else if (!point.isOk) {
      level.failedCount += 1
      this.#fail(depth, point.name)
    }
  }

  #subtest(depth: number, point: Point): void {
    const level = this.#level(depth)
    const inside = this.#levels[depth + 1] ?? newLevel()
    this.#levels.length = depth + 1
    const isInnermost = !inside.hasSubtest
    if (point.skipped !== null) {
      inside.skippedCount += 1
      this.skips.push({path: this.#path(depth, point.name), reason: point.skipped})
    } else if (!point.isOk && inside.failedCount === 0) {
      inside.failedCount = 1
      this.#fail(depth, point.name)
    }
    const counts = isInnermost ? asOneTest(inside) : countsOf(inside)
    level.passedCount += counts.passedCount
    level.failedCount += counts.failedCount
    level.skippedCount += counts.skippedCount
    level.hasSubtest = true
    if (depth === 0) this.#onFile({file: point.name, counts: countsOf(counts), timeMs: point.timeMs})
  }

  #fail(depth: number, name: string): void {
    const lines: string[] = []
    this.failures.push({path: this.#path(depth, name), lines})
    this.#diagnosed = {lines, indent: null, dull: false}
  }

  /** The names of the subtests around a line at that depth, and its own. */
  #path(depth: number, name: string): string[] {
    return [...this.#levels.slice(0, depth).map(level => level.announced ?? ''), name]
  }

  #level(depth: number): Level {
    while (this.#levels.length <= depth) this.#levels.push(newLevel())
    return present(this.#levels[depth], `level ${depth}`)
  }

  /** Whether the line belongs to the diagnostic block of the last failure. */
  #takeDiagnostic(text: string): boolean {
    const block = this.#diagnosed
    if (block === null) return false
    if (block.indent === null) {
      const begin = /^( *)---$/.exec(text)
      if (begin === null) {
        this.#diagnosed = null
        return false
      }
      block.indent = begin[1] ?? ''
      return true
    }
    if (text === `${block.indent}...`) {
      this.#diagnosed = null
      return true
    }
    const inner = text.slice(block.indent.length)
    const key = /^([A-Za-z]+):/.exec(inner)?.[1]
    if (key !== undefined) block.dull = DULL_KEYS.has(key)
    if (!block.dull && block.lines.length < DIAGNOSTIC_LINES_MAX) block.lines.push(inner)
    return true
  }
}

/** An innermost subtest is one test, however many of its assertions failed; one that skipped anything did not pass. */
function asOneTest(inside: Level): Counts {
  if (inside.failedCount > 0) return {passedCount: 0, failedCount: 1, skippedCount: 0}
  if (inside.skippedCount > 0) return {passedCount: 0, failedCount: 0, skippedCount: inside.skippedCount}
  return {passedCount: 1, failedCount: 0, skippedCount: 0}
}

function countsOf({passedCount, failedCount, skippedCount}: Counts): Counts {
  return {passedCount, failedCount, skippedCount}
}

function newLevel(): Level {
  return {passedCount: 0, failedCount: 0, skippedCount: 0, hasSubtest: false, announced: null}
}

function pointOf(text: string): Point | null {
  const match = /^(not )?ok\b(?: \d+)?(?: - )?(.*?)(?:(?<!\\) # (.*?))?$/.exec(text)
  if (match === null) return null
  const [, not, name = '', directive = ''] = match
  const time = /^time=([0-9.]+)ms$/.exec(directive)?.[1]
  const skipped = /^(?:SKIP|TODO)\b\s*(.*)$/i.exec(directive)
  return {
    isOk: not === undefined,
    name: name.replaceAll('\\#', '#'),
    skipped: skipped === null ? null : (skipped[1] ?? ''),
    timeMs: time === undefined ? null : Number(time),
  }
}
