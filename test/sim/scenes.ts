/** Visits that are laid down, one for each story and dispenser: the stage on which the computer dies at every call. */
import type {Mischief} from '../../devices/dispenser/mischief.ts'
import type {Habits} from './customer.ts'
import type {Models} from './devices.ts'
import type {Script} from './faults.ts'

export interface Scene {
  readonly name: string
  readonly models: Models
  readonly script: Script
  /** What the dispenser does wrong, once. */
  readonly mischief: Mischief | null
  readonly habits: Partial<Habits>
}

type Story = Omit<Scene, 'models'>

/** 110.00: several notes, of more than one cassette, whatever cassettes there are. */
const GOOD: Partial<Habits> = {amountUnits: 110, balanceFirst: false, touches: false, paceMs: [100, 200]}
/** How the paths of the two messages about money end. */
const AUTHORIZATION = '/withdraw'
const COMPLETION = '/complete'

/** A story's name, and what differs from a good visit. */
function story(name: string, differs: Partial<Omit<Story, 'name'>>): Story {
  return {name, script: new Map(), mischief: null, ...differs, habits: {...GOOD, ...differs.habits}}
}

const PLAIN_NAME = 'all goes well'

const STORIES: readonly Story[] = [
  story(PLAIN_NAME, {}),
  story('the balance first, and by touch', {habits: {balanceFirst: true, touches: true}}),
  story('the card is left', {habits: {leavesCard: true}}),
  story('the PIN is wrong once', {habits: {wrongPins: 1}}),
  story('the PIN is wrong three times', {habits: {wrongPins: 3}}),
  story('cancelled at the amount', {habits: {cancelsIn: 'choosingAmount'}}),
  story('nobody there at the PIN', {habits: {walksOffIn: 'enteringPin'}}),
  story('too much is wished for', {habits: {amountUnits: 700}}),
  story('a note jams', {mischief: {kind: 'jam', at: 'eject', afterNotes: 1}}),
  story('a cassette runs empty', {mischief: {kind: 'pickFails', afterNotes: 1}}),
  story('two notes at once', {mischief: {kind: 'doublePick', afterNotes: 1, times: 1}}),
  story('the dispenser loses its power', {mischief: {kind: 'powerCut', afterNotes: 1}}),
  story('the dispenser moves and its answer is lost', {
    mischief: {kind: 'answerLost', when: 'after-moving', on: 'dispense'},
  }),
  story('the approval is lost', {script: new Map([['bank.answerLost', [AUTHORIZATION]]])}),
  story('the approval is garbled', {script: new Map([['bank.garbled', [AUTHORIZATION]]])}),
  story('the question is heard twice', {script: new Map([['bank.twice', [AUTHORIZATION]]])}),
  story('the completion is not heard', {script: new Map([['bank.lost', [COMPLETION]]])}),
]

/** Only a machine that presents notes sees that they are left. */
const LEFT = story('the notes are left', {habits: {leavesNotes: true}})
const NOT_MOVED = story('the dispenser does not hear its order', {
  mischief: {kind: 'answerLost', when: 'before-moving', on: 'dispense'},
})

/** With pads that have digits in the clear: on one without, a customer can only take an amount that the screen offers. */
const MACHINES: readonly Models[] = [
  {dispenser: 'lcdm2000', reader: 'crt310', pad: 'szzt'},
  {dispenser: 'lcdm4000', reader: 'crt571', pad: 'szzt-zt598'},
  {dispenser: 'f56', reader: 'crt310', pad: 'szzt'},
  {dispenser: 'reference', reader: 'crt571', pad: 'szzt'},
]

function storiesOf({dispenser}: Models): readonly Story[] {
  return [...STORIES, dispenser === 'reference' ? LEFT : NOT_MOVED]
}

/** Every story on every machine, machine by machine. */
export const SCENES: readonly Scene[] = MACHINES.flatMap(models =>
  storiesOf(models).map(each => ({...each, models, name: `${models.dispenser}: ${each.name}`})),
)

/** The withdrawal in which all goes well, on every machine. */
export const PLAIN: readonly Scene[] = SCENES.filter(({name}) => name.endsWith(PLAIN_NAME))
