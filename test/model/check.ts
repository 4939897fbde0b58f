/**
 * Runs the protocol model through spin: the design holds and ends, and every planted mistake is found by the promise that
 * it breaks. Each run compiles its own verifier in a folder of its own; spin and gcc come from Debian.
 */
import {execFile} from 'node:child_process'
import {mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {assert} from '../../kit/assert.ts'
import {MODEL_FOLDER} from './tables.ts'

const MODEL_FILE = join(MODEL_FOLDER, 'withdrawal.pml')
const run = promisify(execFile)

/** Longest that one program of a run may take; most take a second. */
const PROGRAM_TIMEOUT_MS = 120_000
/** Steps deep at most; the design stays below 200. */
const DEPTH_MAX = 20_000

const SPRAY = ['-DBUNCHES=2', '-DNOTES=1']
const SPRAY_RECALL = ['-DRECALL', ...SPRAY]
const STACKER = ['-DSTACKER', '-DRECALL']
const STACKER_BUNCHES = [...STACKER, '-DBUNCHES=2', '-DNOTES=1']

/** Machines for which nothing may go wrong. */
export const DESIGNS: readonly (readonly string[])[] = [
  ['-DMAX_CUT=3'],
  SPRAY,
  ['-DRECALL', '-DMAX_CUT=3'],
  [...SPRAY_RECALL, '-DMAX_CUT=3'],
  ['-DSTACKER'],
  STACKER,
  [...STACKER, '-DBUNCHES=2', '-DMAX_CUT=3'],
]

/** Machines that must come to an end, whatever fair world they are in. */
export const ENDING: readonly (readonly string[])[] = [
  ['-DMAX_CUT=1', '-DNOTES=1'],
  [...STACKER, '-DMAX_CUT=1', '-DNOTES=1'],
]

export interface Planted {
  readonly bug: string
  readonly machine: readonly string[]
  /** The promise that it breaks, as the model words it. */
  readonly breaks: string
}

const COMPLETED = 'what was completed is what left'
const REVERSED = 'what was reversed never left'
const ENDED = 'every operation ends'
const IN_HAND = 'nothing is reversed while a note is out or within reach'
const HELD = 'no note moves unless the bank holds the money for it'
const UNREFUSED = 'no suspicion is refused'
const ONCE = 'each bunch moves once'

/** The mistakes that are planted one at a time. */
export const PLANTED: readonly Planted[] = [
  {bug: 'ACT_BEFORE_INK', machine: ['-DRECALL'], breaks: REVERSED},
  {bug: 'ASYNC_STANDBY', machine: SPRAY, breaks: UNREFUSED},
  {bug: 'COUNT_REQUESTED', machine: ['-DRECALL'], breaks: COMPLETED},
  {bug: 'COUNT_TWICE', machine: SPRAY, breaks: COMPLETED},
  {bug: 'DISPENSE_AGAIN', machine: SPRAY, breaks: ONCE},
  {bug: 'DROP_ADVICE', machine: SPRAY, breaks: ENDED},
  {bug: 'FORGET_EARLIER_BUNCH', machine: STACKER_BUNCHES, breaks: IN_HAND},
  {bug: 'FORGOT_IS_NOTHING', machine: SPRAY_RECALL, breaks: REVERSED},
  {bug: 'HOLD_EXPIRES', machine: SPRAY, breaks: UNREFUSED},
  {bug: 'LATE_APPROVAL', machine: STACKER, breaks: HELD},
  {bug: 'MEMORY_OF_ANOTHER', machine: SPRAY_RECALL, breaks: COMPLETED},
  {bug: 'NEW_KEY_AFTER_RESTART', machine: SPRAY, breaks: 'no hold is forgotten'},
  {bug: 'NO_TOMBSTONE', machine: SPRAY, breaks: ENDED},
  {bug: 'RECALL_WHILE_BUSY', machine: STACKER, breaks: HELD},
  {bug: 'RESEND_ON_SILENCE', machine: SPRAY, breaks: ONCE},
  {bug: 'RETRACT_UNCOUNTED', machine: STACKER, breaks: IN_HAND},
  {bug: 'REVERSE_AFTER_INTENT', machine: SPRAY_RECALL, breaks: REVERSED},
  {bug: 'REVERSE_ON_CARD_JAM', machine: ['-DRECALL'], breaks: IN_HAND},
  {bug: 'REVERSE_UNKNOWN', machine: SPRAY, breaks: IN_HAND},
  {bug: 'SUSPECT_RELEASES_HOLD', machine: SPRAY, breaks: UNREFUSED},
  {bug: 'UNSURE_IS_STACKED', machine: STACKER, breaks: REVERSED},
  {bug: 'UNSURE_IS_TAKEN', machine: STACKER, breaks: COMPLETED},
]

/** The names of all mistakes that the model knows. */
export function bugsInModel(): readonly string[] {
  const names = readFileSync(MODEL_FILE, 'utf8').matchAll(/#ifn?def BUG_([A-Z_]+)/g)
  return [...new Set([...names].map(([, name = '']) => name))].toSorted()
}

/** The promise that a run broke, in the model's words, or null when it broke none. */
export async function brokenPromise(flags: readonly string[]): Promise<string | null> {
  return inFolder(async folder => {
    const found = await verify(folder, flags, ['-DSAFETY', '-DNOREDUCE'], [])
    if (found === 'none') return null
    // Walked again step by step, spin says in which line of the model it stopped.
    const walk = ['-k', 'withdrawal.pml.trail', ...flags, MODEL_FILE]
    const {stdout} = await run('spin', walk, {cwd: folder, timeout: PROGRAM_TIMEOUT_MS})
    const line = /withdrawal\.pml:(\d+), Error: assertion violated/.exec(stdout)?.[1]
    if (line === undefined) return stdout.includes('timeout') ? 'it gets stuck' : stdout.trim()
    const source = readFileSync(MODEL_FILE, 'utf8').split('\n')[Number(line) - 1] ?? ''
    return /assert\(.*\/\* (.*) \*\/\);/.exec(source)?.[1] ?? source.trim()
  })
}

/** Whether every fair run of it comes to an end. */
export async function comesToAnEnd(flags: readonly string[]): Promise<boolean> {
  return inFolder(async folder => {
    const found = await verify(
      folder,
      [...flags, '-DENDS'],
      ['-DNOREDUCE', '-DNFAIR=5'],
      ['-a', '-f', '-N', 'ends'],
    )
    return found === 'none'
  })
}

async function verify(
  cwd: string,
  flags: readonly string[],
  compiled: readonly string[],
  asked: readonly string[],
): Promise<'none' | 'some'> {
  const options = {cwd, timeout: PROGRAM_TIMEOUT_MS}
  await run('spin', ['-a', ...flags, MODEL_FILE], options)
  // Compiling takes longer than searching, so nothing is optimized.
  await run('gcc', ['-O0', '-w', ...compiled, '-o', 'pan', 'pan.c'], options)
  const {stdout} = await run('./pan', [`-m${DEPTH_MAX}`, ...asked], options)
  assert(!stdout.includes('max search depth too small'), `the model is deeper than ${DEPTH_MAX} steps`)
  const errors = /errors: (\d+)/.exec(stdout)?.[1]
  assert(errors !== undefined, `the verifier said nothing: ${stdout}`)
  return errors === '0' ? 'none' : 'some'
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'tellerd-model-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, {recursive: true, force: true})
  }
}
