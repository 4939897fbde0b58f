/** What one row of the command table is, and what a command has at hand while it runs. */
import {present} from '../../kit/assert.ts'
import type {Clock} from '../../kit/clock.ts'
import type {Random} from '../../kit/random.ts'
import {Secret} from '../../kit/secret.ts'
import type {Ceremony} from './ceremony.ts'
import type {Front} from './front.ts'
import type {ArgumentName, Worded} from './grammar.ts'
import type {People, Shown} from './people.ts'
import type {ConsoleMachine, SettingsDesk} from './port.ts'
import type {RecentLog} from './recent-log.ts'
import type {Reply} from './view.ts'

/** All that the console stands on. */
export interface House {
  readonly machine: ConsoleMachine
  readonly settings: SettingsDesk
  readonly people: People
  readonly log: RecentLog
  readonly ceremony: Ceremony
  readonly clock: Clock
  readonly random: Random
  /** Whether cash is handled by two people. */
  readonly isCashDual: boolean
}

/** One command being carried out. */
export interface Scene extends House {
  readonly person: Shown
  /** Who vouched for it as well; null where one person is enough. */
  readonly second: Shown | null
  readonly front: Front
  readonly args: Readonly<Record<string, string>>
  /** What was typed in this log-in, the oldest first. */
  readonly typed: readonly string[]
  /** The whole table. */
  readonly commands: readonly Command[]
  readonly terminal: TerminalSwitches
  /** Has another person, who may do the same, vouch here and now; null when nobody did. */
  readonly vouch: () => Promise<Shown | null>
}

/** What lasts for one log-in. */
export interface TerminalSwitches {
  /**
   * Lines that come by themselves, beside what is typed.
   * @param name of what tells them; one of each
   * @param listen begins the telling and gives what ends it; null ends it
   */
  setLive(name: string, listen: ((tell: (line: string) => void) => () => void) | null): void
}

export interface Command extends Worded {
  /** A line that a person could type. */
  readonly example: string
  /**
   * `look` changes nothing. `act` changes something: what it is about to do is said, and a number must be typed back.
   * `talk` changes something as well, and asks its own questions on the way.
   */
  readonly kind: 'look' | 'act' | 'talk'
  /** Whether a second person must vouch for it. */
  readonly dual: 'never' | 'always' | 'cash'
  /** What is going to happen, for an `act`. */
  readonly says?: string
  /** `resting`: between visits; `supervisor`: in supervisor mode. */
  readonly when: 'ever' | 'resting' | 'supervisor'
  readonly run: (scene: Scene) => Reply | Promise<Reply>
}

/** A row that only looks. */
export function look(
  words: string,
  purpose: string,
  may: Command['may'],
  run: Command['run'],
  example = words,
): Command {
  return {words, purpose, may, run, example, kind: 'look', dual: 'never', when: 'ever'}
}

/** An argument of the command, which its words say is there. */
export function arg({args}: Scene, name: ArgumentName): string {
  return present(args[name], `argument ${name}`)
}

/** What a person answered, or null when they left the question. */
export async function answer({front}: Pick<Scene, 'front'>, question: string): Promise<string | null> {
  const said = await front.ask(question, false)
  return said.kind === 'said' ? said.text.trim() : null
}

/** An answer that nobody sees and nothing keeps. */
export async function secretAnswer(
  {front}: Pick<Scene, 'front'>,
  question: string,
): Promise<Secret<string> | null> {
  const said = await front.ask(question, true)
  return said.kind === 'said' ? new Secret(said.text) : null
}

const NONCE_BELOW = 10_000

/** Whether the person typed the four digits back: no line noise and no hasty finger does. */
export async function isConfirmed(
  scene: Pick<Scene, 'front' | 'random'>,
  what: readonly string[],
): Promise<boolean> {
  const nonce = scene.random.below(NONCE_BELOW).toString().padStart(4, '0')
  await scene.front.say(what)
  return (await answer(scene, `type ${nonce} to go on`)) === nonce
}
