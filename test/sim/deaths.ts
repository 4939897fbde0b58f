/**
 * The computer dies at a call: before each frame to a device and each message to the bank, before, within and after each
 * append; and the disk fails at each append. What a scene's undisturbed run asked for is what can be died at.
 */
import type {Outcome} from './run.ts'
import type {FaultName} from './faults.ts'
import type {Ground, Played} from './ground.ts'
import type {Scene} from './scenes.ts'

/** Faults that end a life, one opportunity a call. */
export const DEATHS = [
  'power.frame',
  'power.bank',
  'power.note',
  'power.beforeAppend',
  'power.withinAppend',
  'power.afterAppend',
  'disk.error',
  'disk.syncError',
] as const satisfies readonly FaultName[]

/** One death: the fault, and at which of its opportunities in the run. */
export interface Death {
  readonly fault: (typeof DEATHS)[number]
  readonly at: number
}

/** The scene with lives that end so. */
export function withDeaths(scene: Scene, deaths: readonly Death[]): Scene {
  const script = new Map(scene.script)
  for (const {fault, at} of deaths) script.set(fault, [...(script.get(fault) ?? []), at])
  const name = [scene.name, ...deaths.map(deathText)].join(', ')
  return {...scene, script, name}
}

/** Every death that an undisturbed run had an opportunity for. */
export function deathsIn({opportunities}: Outcome): readonly Death[] {
  return deathsBetween(new Map(), opportunities)
}

/** Every death that a run with one had an opportunity for after it: in the recovery, and all that followed. */
export function deathsAfter({atFirstDeath, opportunities}: Outcome): readonly Death[] {
  return atFirstDeath === null ? [] : deathsBetween(atFirstDeath, opportunities)
}

function deathsBetween(
  from: ReadonlyMap<FaultName, number>,
  to: ReadonlyMap<FaultName, number>,
): readonly Death[] {
  return DEATHS.flatMap(fault => {
    const before = from.get(fault) ?? 0
    return Array.from({length: (to.get(fault) ?? 0) - before}, (_, index) => ({
      fault,
      at: before + index + 1,
    }))
  })
}

/** Plays a scene with those deaths. */
export function playDeaths(
  ground: Ground,
  scene: Scene,
  deaths: readonly Death[],
  watch: Played['watch'] = null,
): Promise<Outcome> {
  return ground.play({seed: 1, scene: withDeaths(scene, deaths), watch})
}

/** `power.frame#17`, as a replay takes it. */
export function deathText({fault, at}: Death): string {
  return `${fault}#${at}`
}

/** @returns null when the text names no death */
export function parseDeath(text: string): Death | null {
  const [, name, at] = /^(.+)#([1-9][0-9]*)$/.exec(text) ?? []
  const fault = DEATHS.find(known => known === name)
  return fault === undefined ? null : {fault, at: Number(at)}
}
