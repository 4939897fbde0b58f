/** Feeds a target its inputs, one after the other. */
import {setFlagsFromString} from 'node:v8'
import {runInNewContext} from 'node:vm'
import {reasonOf} from '../../kit/errors.ts'
import {inputAt, textOf} from './input.ts'
import type {Target} from './targets.ts'

/** What did not hold, with all that it takes to see it again. */
export interface Finding {
  readonly target: string
  readonly seed: string
  readonly index: number
  readonly why: string
  /** The input in hex. */
  readonly input: string
}

/**
 * @param watch called before each input with its number, for whoever looks whether one never ends
 * @returns the first finding, or null
 */
export async function fuzz(
  target: Target,
  seed: string,
  inputsCount: number,
  watch: (index: number) => void = () => undefined,
): Promise<Finding | null> {
  for (let index = 0; index < inputsCount; index += 1) {
    watch(index)
    const why = await verdictOn(target, seed, index)
    if (why !== null) return findingAt(target, seed, index, why)
  }
  const why = floodVerdict(target)
  return why === null ? null : {target: target.name, seed, index: -1, why, input: 'a flood'}
}

/** The finding that an input is, once it is known what did not hold. */
export function findingAt(target: Target, seed: string, index: number, why: string): Finding {
  return {
    target: target.name,
    seed,
    index,
    why,
    input: textOf(inputAt(seed, target.name, index, target.good)),
  }
}

/** What did not hold for that input, or null. */
async function verdictOn(target: Target, seed: string, index: number): Promise<string | null> {
  try {
    const verdict = target.run(inputAt(seed, target.name, index, target.good))
    // Waiting costs more than most inputs do.
    return verdict instanceof Promise ? await verdict : verdict
  } catch (thrown) {
    return `it threw: ${reasonOf(thrown)}`
  }
}

const FLOOD_BYTES = 1_048_576
const FLOOD_CHUNK_BYTES = 16_384
/** A list of so many bytes takes four times this; what the collector has not got to yet takes a fraction. */
const GROWTH_BYTES_MAX = 2 * FLOOD_BYTES

/** Whether the target keeps what never ends: a frame's beginning and then the same byte for ever. */
function floodVerdict({good, flood}: Target): string | null {
  if (flood === undefined) return null
  const [frame = new Uint8Array()] = good
  for (const [headBytes, byte] of [
    [0, 0x00],
    [4, 0x30],
    [frame.length - 1, frame[0] ?? 0],
  ] as const) {
    const take = flood()
    take(frame.slice(0, headBytes))
    const chunk = new Uint8Array(FLOOD_CHUNK_BYTES).fill(byte)
    collect()
    const beforeBytes = process.memoryUsage().heapUsed
    for (let sentBytes = 0; sentBytes < FLOOD_BYTES; sentBytes += chunk.length) take(chunk)
    collect()
    const growthBytes = process.memoryUsage().heapUsed - beforeBytes
    // The decoder must be alive while it is weighed.
    take(chunk)
    if (growthBytes > GROWTH_BYTES_MAX)
      return `after ${headBytes} bytes of a frame and ${FLOOD_BYTES} times ${byte} it holds ${growthBytes} bytes`
  }
  return null
}

setFlagsFromString('--expose-gc')

function collect(): void {
  runInNewContext('gc()')
}
