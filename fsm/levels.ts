/**
 * What is in the cassettes, folded from events. The live machine and recovery use this same fold, so a
 * restart cannot come to another count. Where nobody knows how many notes moved, all that were asked for
 * count as gone: the plan may then be too careful, never too bold.
 */
import {noteCount} from '../kit/money.ts'
import type {CassetteLevel, Event, Mix, NoteTally} from './vocabulary.ts'

/**
 * The levels after an event.
 * @param asked the mix of the order that the event answers, of a dispense or of a test; empty for every other event
 */
export function levelsAfter(
  levels: readonly CassetteLevel[],
  event: Event,
  asked: Mix,
): readonly CassetteLevel[] {
  switch (event.type) {
    case 'cassettes.loaded':
      return event.levels
    case 'notes.dispensed':
      return afterTallies(levels, event.tallies, [])
    case 'notes.partial':
      return afterTallies(levels, event.tallies, shortCassettes(event.tallies, asked))
    case 'notes.overpaid':
      return afterTallies(
        levels,
        event.tallies,
        asked.map(part => part.cassette),
      )
    case 'notes.unknown':
      return levels.map(level => lowered(level, countOf(asked, level.cassette), 'ok'))
    case 'test.done':
      return afterTallies(levels, [event.tally], [])
    case 'reset.done':
      return afterTallies(levels, event.tallies ?? [], [])
    case 'test.failed':
      return levels.map(level => lowered(level, level.cassette === event.cassette ? 1 : 0, 'ok'))
    case 'order.abandoned':
      return levels.map(level => lowered(level, countOf(asked, level.cassette), 'ok'))
    case 'notes.refused':
      return event.fault.startsWith('cassette-')
        ? levels.map(level => lowered(level, 0, countOf(asked, level.cassette) > 0 ? 'suspect' : 'ok'))
        : levels
    default:
      return levels
  }
}

function afterTallies(
  levels: readonly CassetteLevel[],
  tallies: readonly NoteTally[],
  suspects: readonly number[],
): readonly CassetteLevel[] {
  return levels.map(level => {
    const picked = tallies
      .filter(tally => tally.cassette === level.cassette)
      .reduce((sum, tally) => sum + tally.picked, 0)
    return lowered(level, picked, suspects.includes(level.cassette) ? 'suspect' : 'ok')
  })
}

/** A cassette that gave less than asked is not planned with until a person has looked. */
function shortCassettes(tallies: readonly NoteTally[], asked: Mix): readonly number[] {
  return asked
    .filter(
      part =>
        part.count >
        tallies
          .filter(tally => tally.cassette === part.cassette)
          .reduce((sum, tally) => sum + tally.dispensed, 0),
    )
    .map(part => part.cassette)
}

function lowered(level: CassetteLevel, by: number, state: 'ok' | 'suspect'): CassetteLevel {
  return {
    ...level,
    count: noteCount(Math.max(0, level.count - by)),
    state: level.state === 'ok' ? state : level.state,
  }
}

function countOf(mix: Mix, cassette: number): number {
  return mix.find(part => part.cassette === cassette)?.count ?? 0
}
