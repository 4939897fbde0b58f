/** The cards that the stands of card readers bring along, and how a world file writes one of its own. */
import {DEMO_CARDS} from '../../../host/demo.ts'
import type {DemoCard} from '../../../host/demo.ts'
import type {Card, StripeFault} from '../../../devices/card-reader/emulator-card.ts'
import type {ChipSpec} from '../../../devices/card-reader/emulator-chip.ts'
import {BLANK} from '../../../devices/card-reader/emulator-path.ts'
import {isIn} from '../../../kit/section.ts'
import type {Section} from '../../../kit/section.ts'
import type {Fields} from '../stand.ts'

const ADA = demoCard(DEMO_CARDS[0])

/** The demonstration bank's cards by the holder's first name, and cards of which each shows one thing. */
export const PLASTIC: ReadonlyMap<string, Card> = new Map<string, Card>([
  ...DEMO_CARDS.map(card => [firstName(card), demoCard(card)] as const),
  ['ada-t1', {...ADA, chip: {...chipOf(ADA), protocol: 'T1'}}],
  ['stripeOnly', stripeOf(ADA)],
  ['chipOnly', {chip: chipOf(ADA)}],
  ['chipDead', {...ADA, chip: {...chipOf(ADA), state: 'dead'}}],
  ['chipStalls', {...ADA, chip: {...chipOf(ADA), state: 'stalls'}}],
  ['track1Only', stripeOf({...ADA, track2: undefined, track3: undefined})],
  ['track2Only', stripeOf({...ADA, track1: undefined, track3: undefined})],
  ['track3Only', stripeOf({...ADA, track1: undefined, track2: undefined})],
  ['blank', BLANK],
  ['noStart', spoilt('startSentinel')],
  ['noEnd', spoilt('endSentinel')],
  ['parity', spoilt('parity')],
  ['checksum', spoilt('checkCharacter')],
  ['long', {...stripeOf(ADA), length: 'long'}],
  ['short', {...stripeOf(ADA), length: 'short'}],
])

/** As `demo` cards are made: a stripe with all three tracks, and a chip that talks T=0. */
function demoCard(card: DemoCard | undefined): Card {
  const track2 = (card?.track2 ?? '').slice(1, -1)
  const [pan = '', rest = ''] = track2.split('=')
  const [first = '', last = ''] = (card?.holder ?? '').toUpperCase().split(' ')
  const holder = `${last}/${first}`
  return {
    track1: `B${pan}^${holder}^${rest}`,
    track2,
    track3: `01${pan}=${rest}`,
    chip: {protocol: 'T0', track2, holder},
  }
}

function firstName({holder}: DemoCard): string {
  return (holder.split(' ')[0] ?? holder).toLowerCase()
}

function chipOf(card: Card): ChipSpec {
  return card.chip ?? {protocol: 'T0', track2: '', holder: ''}
}

interface Stripe {
  readonly track1?: string | undefined
  readonly track2?: string | undefined
  readonly track3?: string | undefined
}

function stripeOf({track1, track2, track3}: Stripe): Card {
  return {
    ...(track1 === undefined ? {} : {track1}),
    ...(track2 === undefined ? {} : {track2}),
    ...(track3 === undefined ? {} : {track3}),
  }
}

function spoilt(fault: StripeFault): Card {
  return {...stripeOf(ADA), faults: {2: fault}}
}

const FAULTS = ['none', 'startSentinel', 'endSentinel', 'parity', 'checkCharacter'] as const
const CHIPS = ['none', 'T0', 'T1', 'dead', 'stalls'] as const
const LENGTHS = ['normal', 'long', 'short'] as const

/** Characters of each track between its sentinels, and how many (ISO/IEC 7811-2). */
const SHAPES = {
  track1: {shape: /^[ -_]{1,76}$/, hint: 'up to 76 characters from space to underline'},
  track2: {shape: /^[0-9=]{1,37}$/, hint: 'up to 37 digits with one = between'},
  track3: {shape: /^[0-9=]{1,104}$/, hint: 'up to 104 digits and ='},
} as const

/** A card of a world file: tracks, what is wrong with track 2, kind of chip, length. @throws BadInput */
export function cardFrom(s: Section): Card {
  const text = (track: keyof typeof SHAPES): string | undefined =>
    s.has(track) ? s.text(track, SHAPES[track].shape, SHAPES[track].hint) : undefined
  const [track1, track2, track3] = [text('track1'), text('track2'), text('track3')]
  const fault = s.oneOf('fault', isIn(FAULTS), FAULTS.join(', '), 'none')
  const kind = s.oneOf('chip', isIn(CHIPS), CHIPS.join(', '), 'none')
  const holder = s.text('holder', /^[ -~]{2,26}$/, '2 to 26 characters', 'DEMO/CARD')
  const length = s.oneOf('length', isIn(LENGTHS), LENGTHS.join(', '), 'normal')
  if (kind !== 'none' && track2 === undefined) s.refuse('chip', 'needs a track2, whose equivalent it holds')
  const protocol = kind === 'T1' ? 'T1' : 'T0'
  const state = kind === 'dead' || kind === 'stalls' ? kind : 'good'
  return {
    ...stripeOf({track1, track2, track3}),
    ...(fault === 'none' ? {} : {faults: {2: fault}}),
    ...(kind === 'none' ? {} : {chip: {protocol, track2: track2 ?? '', holder, state}}),
    length,
  }
}

/** The fields of such a card, as `cardFrom` reads them. */
export function cardFields({track1, track2, track3, faults, chip, length}: Card): Fields {
  const state = chip?.state ?? 'good'
  return {
    track1,
    track2,
    track3,
    fault: faults?.[2],
    chip: state === 'good' ? chip?.protocol : state,
    holder: chip?.holder,
    length,
  }
}
