/**
 * The program behind `npm test`, `npm run check` and `npm run system`. Runs each check in turn, tells failures
 * in full and successes in a line, and ends with the count alone on a line: `412 passed, 0 failed`.
 *
 *   node test/run.ts                 format, lint, types and every suite
 *   node test/run.ts check           format, lint and types alone
 *   node test/run.ts system          the suites with real processes, at length
 *   node test/run.ts system kill     one of these
 *   node test/run.ts test/kit/*.ts   these suites alone
 *
 * Exit status 1 when anything failed; with CI=true also when anything was skipped.
 */
import {spawn} from 'node:child_process'
import {createHash} from 'node:crypto'
import {globSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {dirname, join, relative, resolve} from 'node:path'
import {createInterface} from 'node:readline'
import {realClock} from '../kit/clock.ts'
import {codeOf} from '../kit/errors.ts'
import {TapCount} from './tap-count.ts'
import type {Counts, FileEnd} from './tap-count.ts'
import type {ChildProcess} from 'node:child_process'

const ROOT = dirname(import.meta.dirname)
const clock = realClock()
const children = new Set<ChildProcess>()

/** Settings of the suites: how often something ends or fails in the everyday run, and at length. */
const EVERYDAY = {
  TELLERD_KILL_ROUNDS: '20',
  TELLERD_KILL_CALLS: '60',
  TELLERD_KILL_BANK: '4',
  TELLERD_POWER_IMAGES: '200',
  TELLERD_DISK_ERRORS: '24',
}
const AT_LENGTH = {
  TELLERD_KILL_ROUNDS: '200',
  TELLERD_KILL_CALLS: '1000',
  TELLERD_KILL_BANK: '48',
  TELLERD_POWER_IMAGES: '5000',
  TELLERD_DISK_ERRORS: '3000',
}
const SUITE_TIMEOUT_MS = {everyday: 600_000, atLength: 3_600_000}

interface Check {
  readonly name: string
  readonly command: readonly string[]
}

const CHECKS: readonly Check[] = [
  // Prose is laid out by its writer; everything else by Prettier.
  {name: 'format', command: ['prettier', '--check', '--log-level=warn', '.', '!**/*.md']},
  {name: 'lint', command: ['eslint', '--max-warnings=0', '.']},
  {name: 'types', command: ['tsc', '-p', '.']},
]

/** The browser's own scripts have the browser's types; the compiler refuses a project without a file. */
function pageChecks(): readonly Check[] {
  const hasPages = globSync('{src/screen,src/bench,host}/page/**/*.js', {cwd: ROOT}).length > 0
  return hasPages ? [{name: 'page types', command: ['tsc', '-p', 'tsconfig.page.json']}] : []
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** A program of node_modules/.bin, found there whoever starts us. */
function start(command: readonly string[], settings: Readonly<Record<string, string>> = {}): ChildProcess {
  const [program = '', ...rest] = command
  const bin = join(ROOT, 'node_modules', '.bin')
  const child = spawn(join(bin, program), rest, {
    cwd: ROOT,
    env: {...settings, ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, NO_COLOR: '1'},
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.add(child)
  child.once('close', () => children.delete(child))
  return child
}

/** Resolves with the exit status; a program that could not start or was killed gives 1. */
function ended(child: ChildProcess): Promise<number> {
  return new Promise(resolve => {
    child.once('error', error => {
      say(`${child.spawnfile}: ${error.message}`)
      resolve(1)
    })
    child.once('close', status => {
      resolve(status ?? 1)
    })
  })
}

async function runCheck(check: Check): Promise<Counts> {
  const startMs = clock.monotonicMs()
  const child = start(check.command)
  const chunks: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => chunks.push(chunk))
  const status = await ended(child)
  say(`${status === 0 ? 'ok  ' : 'FAIL'} ${check.name} ${seconds(startMs)}`)
  if (status !== 0) say(Buffer.concat(chunks).toString().trimEnd())
  return {passedCount: status === 0 ? 1 : 0, failedCount: status === 0 ? 0 : 1, skippedCount: 0}
}

/** tap keeps its own class with the plugins of .taprc built in; it is rebuilt when either has changed. */
async function buildTap(): Promise<void> {
  const mark = join(ROOT, '.tap', 'built-for')
  const parts = ['.taprc', 'node_modules/.package-lock.json'].map(name => readFileSync(join(ROOT, name)))
  const wanted = createHash('sha256').update(Buffer.concat(parts)).digest('hex')
  if (readIfThere(mark) === wanted) return
  const status = await ended(start(['tap', 'build']))
  if (status !== 0) return
  mkdirSync(dirname(mark), {recursive: true})
  writeFileSync(mark, wanted)
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

async function runSuites(
  files: readonly string[],
  timeoutMs: number,
  settings: Readonly<Record<string, string>>,
): Promise<Counts> {
  await buildTap()
  const endedFiles = new Set<string>()
  const count = new TapCount(end => {
    endedFiles.add(end.file)
    tellFile(end)
  })
  const child = start(['tap', '--reporter=tap', `--timeout=${timeoutMs / 1000}`, ...files], settings)
  child.stderr?.on('data', (chunk: Buffer) => process.stderr.write(chunk))
  const exit = ended(child)
  if (child.stdout !== null) for await (const line of createInterface({input: child.stdout})) count.line(line)
  const status = await exit
  for (const failure of count.failures) {
    say(`\nFAIL ${failure.path.join(' > ')}`)
    for (const line of failure.lines) say(`     ${line}`)
  }
  for (const skip of count.skips) say(`skip ${skip.path.join(' > ')}: ${skip.reason}`)
  const {counts} = count
  // After a file that took too long tap starts no other.
  const missing = files.filter(file => !endedFiles.has(file))
  for (const file of missing) say(`FAIL ${file} did not run`)
  const failedCount = counts.failedCount + missing.length
  if (status === 0 || failedCount > 0) return {...counts, failedCount}
  say(`FAIL tap ended with status ${status} and named no failing test`)
  return {...counts, failedCount: 1}
}

function tellFile({file, counts, timeMs}: FileEnd): void {
  const skipped = counts.skippedCount > 0 ? `, ${counts.skippedCount} skipped` : ''
  const failed = counts.failedCount > 0 ? `, ${counts.failedCount} failed` : ''
  say(
    `${counts.failedCount > 0 ? 'FAIL' : 'ok  '} ${file} ${counts.passedCount} passed${failed}${skipped} ${took(timeMs ?? 0)}`,
  )
}

function sum(all: readonly Counts[]): Counts {
  return {
    passedCount: all.reduce((total, counts) => total + counts.passedCount, 0),
    failedCount: all.reduce((total, counts) => total + counts.failedCount, 0),
    skippedCount: all.reduce((total, counts) => total + counts.skippedCount, 0),
  }
}

function seconds(startMs: number): string {
  return took(clock.monotonicMs() - startMs)
}

function took(timeMs: number): string {
  return `${(timeMs / 1000).toFixed(1)} s`
}

/** Prettier and the compiler use one core each, so they run beside the linter. */
function checks(): Promise<Counts[]> {
  return Promise.all([...CHECKS, ...pageChecks()].map(runCheck))
}

async function run(what: readonly string[]): Promise<readonly Counts[]> {
  if (what[0] === 'check') return checks()
  if (what[0] === 'system')
    return [
      await runSuites(
        suitesIn(`test/system/${what[1] ?? '*'}.test.ts`),
        SUITE_TIMEOUT_MS.atLength,
        AT_LENGTH,
      ),
    ]
  const files = what.length > 0 ? what.map(inTree) : suitesIn('test/**/*.test.ts')
  const suites = () => runSuites(files, SUITE_TIMEOUT_MS.everyday, EVERYDAY)
  if (what.length > 0) return [await suites()]
  // Suites wait for devices and processes: beside the checks no core stands idle.
  const [checked, suited] = await Promise.all([checks(), suites()])
  return [...checked, suited]
}

function suitesIn(pattern: string): readonly string[] {
  return globSync(pattern, {cwd: ROOT}).toSorted()
}

/** The path from the root, as tap names it. */
function inTree(path: string): string {
  return relative(ROOT, resolve(path))
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    process.exitCode = 1
    for (const child of children) child.kill(signal)
  })
}

const startMs = clock.monotonicMs()
const {passedCount, failedCount, skippedCount} = sum(await run(process.argv.slice(2)))
const mustNotSkip = process.env['CI'] === 'true'
if (failedCount > 0 || (mustNotSkip && skippedCount > 0)) process.exitCode = 1
say(`in ${seconds(startMs)}`)
say(`${passedCount} passed, ${failedCount} failed${skippedCount > 0 ? `, ${skippedCount} skipped` : ''}`)
