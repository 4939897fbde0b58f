/**
 * Every screen that a customer can see: what the machine shows after each step that the sample machines of fsm/samples.ts
 * can take, with every sample desk, and what the samples of this folder's neighbour add. A new state is in here by itself.
 */
import {kindOf} from '../../fsm/draw.ts'
import {EVENT_TYPES, SETUPS, samplesOf} from '../../fsm/samples.ts'
import {STATE_NAMES, begin, step} from '../../fsm/session.ts'
import type {Standing} from '../../fsm/session.ts'
import {deskOffering} from '../../src/screen/desk.ts'
import type {Look} from '../../src/screen/look.ts'
import type {Desk, ViewModel} from '../../src/screen/view-model.ts'
import {view} from '../../src/screen/view.ts'
import {LANGUAGES} from '../../src/screen/words.ts'
import type {Tongue} from '../../src/screen/words.ts'
import {DESKS, SAMPLES} from '../screen/samples.ts'

/** What is the same in each language and look. */
export interface Scene extends Pick<Standing, 'state' | 'context'> {
  /** `presenting-3`: the state, and which of its screens. */
  readonly name: string
  readonly desk: Desk
}

/** In the language, in the look, on a machine that offers every language. */
export function shownAs({state, context, desk}: Scene, language: Tongue, look: Look): ViewModel {
  return view(state, context, {...desk, language, offered: deskOffering(LANGUAGES).offered, look})
}

/** What the samples show in each state: quick to make, and nothing that a customer can see is missing but its mixture. */
export function sampledScenes(): readonly Scene[] {
  return different(STATE_NAMES.flatMap(state => SAMPLES.map(({context, desk}) => ({state, context, desk}))))
}

/** The same, and whatever else the machine can come to; the walk takes a quarter of a minute. */
export function allScenes(): readonly Scene[] {
  const walked = reached().flatMap(({state, context}) => DESKS.map(desk => ({state, context, desk})))
  return different([...walked, ...sampledScenes()])
}

/** Each that looks different from the others in English, in the order of the states. */
function different(all: readonly Omit<Scene, 'name'>[]): readonly Scene[] {
  const found = new Map<string, Omit<Scene, 'name'>>()
  for (const scene of all)
    found.set(JSON.stringify({...shownAs({...scene, name: ''}, 'en', 'plain'), terminal: ''}), scene)
  const scenes = [...found.values()].toSorted(
    (a, b) => STATE_NAMES.indexOf(a.state) - STATE_NAMES.indexOf(b.state),
  )
  const counts = new Map<string, number>()
  return scenes.map(scene => {
    const count = (counts.get(scene.state) ?? 0) + 1
    counts.set(scene.state, count)
    return {...scene, name: `${scene.state}-${count}`}
  })
}

/** Where each event leads from each kind of standing, in each sample machine. */
function reached(): readonly Standing[] {
  const all = new Map<string, Standing>()
  for (const setup of Object.values(SETUPS)) {
    const seen = new Set<string>()
    const waiting = [begin(setup).standing]
    for (let standing = waiting.shift(); standing !== undefined; standing = waiting.shift()) {
      // What the screen does not show need not be told apart.
      all.set(JSON.stringify([standing.state, standing.context.setup, standing.context.visit]), standing)
      const kind = kindOf(standing)
      if (seen.has(kind)) continue
      seen.add(kind)
      for (const type of EVENT_TYPES)
        for (const {event} of samplesOf(type, standing.context)) waiting.push(step(standing, event).standing)
    }
  }
  return [...all.values()]
}
