/**
 * From a run that failed to the shortest that still fails in the same way: fewer customers, fewer faults. Leaving one
 * fault out changes all that follows, so what remains is not always least; it is short enough to be read.
 */
import type {Ground, Played} from './ground.ts'
import type {Outcome} from './run.ts'

/** Replays at most, so that a failure is told soon. */
const TRIES_MAX = 80

export async function shrunk(ground: Ground, failed: Outcome): Promise<Played> {
  const promise = failed.violation?.promise
  let tries = 0
  let best: Played = {seed: failed.seed, only: new Set(failed.struck), customersMax: failed.visitsCount}
  let strikes = failed.struck
  const stillFails = async (candidate: readonly string[]): Promise<boolean> => {
    if (tries >= TRIES_MAX) return false
    tries += 1
    const played: Played = {...best, only: new Set(candidate)}
    const outcome = await ground.play(played)
    if (outcome.violation?.promise !== promise) return false
    // What was allowed and did not strike is not part of the story.
    strikes = outcome.struck
    best = {seed: failed.seed, only: new Set(strikes), customersMax: outcome.visitsCount}
    return true
  }
  for (let parts = 2; strikes.length > 0 && tries < TRIES_MAX;) {
    const size = Math.ceil(strikes.length / parts)
    let hasShrunk = false
    for (let from = 0; from < strikes.length; from += size) {
      const rest = [...strikes.slice(0, from), ...strikes.slice(from + size)]
      if (await stillFails(rest)) {
        hasShrunk = true
        break
      }
    }
    if (hasShrunk) parts = Math.max(2, parts - 1)
    else if (size === 1) break
    else parts = Math.min(strikes.length, parts * 2)
  }
  return best
}
