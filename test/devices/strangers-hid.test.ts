/**
 * The emulated HID devices as a stranger's host meets them, who read the same papers and none of our code: feature
 * reports in and out, input reports as they come, over a default world. See strangers.test.ts for the serial ones.
 */
import t from 'tap'
import {bytesOfHex, spacedHexOf} from '../../crypto/hex.ts'
import {hidPair} from '../../devices/wire/hid-pair.ts'
import {VirtualClock, epochMs} from '../../kit/clock.ts'
import {seededRandom} from '../../kit/random.ts'
import {StandControl} from '../../src/bench/control.ts'
import type {ModelName} from '../../src/bench/stand.ts'
import {STANDS} from '../../src/bench/stands.ts'

/**
 * A feature report as the host sets it (with its ID where reports are numbered), what it gets then from the report
 * that answers, and the input reports that came meanwhile, each from its beginning; or a line of the stand's control
 * and those reports; or a time to wait in ms.
 */
type Step =
  | readonly [set: string, got: string, ...heard: readonly string[]]
  | {readonly hand: string; readonly heard: readonly string[]}
  | {readonly waitMs: number; readonly heard: readonly string[]}

interface Dialogue {
  readonly name: string
  readonly model: ModelName
  readonly profile?: string
  readonly identity: {readonly vendorId: number; readonly productId: number}
  readonly steps: readonly Step[]
}

const MINI = {vendorId: 0x0801, productId: 0x3009}
const V5_SWIPE = {vendorId: 0x0801, productId: 0x0011}
const NUMBER = '34 30 31 32 33 34 35 36 37 38 39 30 39'
const TRACK_2 = '3b 34 37 36 31 37 33 39 30 30 31 30 31 30 30 31 30 3d 34 39 31 32 32 30 31 31'

const DIALOGUES: readonly Dialogue[] = [
  {
    name: 'makes the published block for a card of another reader',
    model: 'dynapro',
    identity: MINI,
    steps: [
      ['08 00', '00 08 00 00', '20 00 80 40 47 07 00'],
      ['02 00', '00 02 00 00', '20 00 00 40 47 07 00'],
      [`0d 01 0d ${NUMBER}`, '00 0d', '20 01 02'],
      [`0d 01 0d ${NUMBER}`, '84 0d'],
      ['04 3c 00 c4 01 00', '00 04', '20 03'],
      ['04 3c 00 c4 01 00', '81 04'],
      [`0d 01 0d ${NUMBER}`, '81 0d'],
      {
        hand: 'press key 1 2 3 4 enter',
        heard: ['24 00 ff ff 98 76 54 32 10 e0 00 01 1b 9c 18 45 eb 99 3a 7a', '20 01'],
      },
      ['04 3c 00 c4 01 00', '00 04', '20 03'],
      {hand: 'press key cancel', heard: ['24 01 00 00 00 00 00 00 00 00 00 00 00 00', '20 01']},
      ['04 3c 00 c4 01 00', '00 04', '20 03'],
      ['05 00', '00 05', '24 03 00', '20 01'],
      ['04 02 00 c4 01 00', '00 04', '20 03'],
      {waitMs: 2_000, heard: ['24 02 00', '20 01']},
      ['04 3c 04 c4 01 00', '00 04', '20 03'],
      {hand: 'press key 1 2 3 4 enter', heard: []},
      {hand: 'press key 1 2 3 5 enter', heard: ['24 04 00', '20 01']},
      ['02 00', '00 02', '20 00 00'],
    ],
  },
  {
    name: 'refuses by its table',
    model: 'dynapro',
    identity: MINI,
    steps: [
      ['02 09', '82 02'],
      ['04 05 09 c4 01 00', '82 04'],
      ['04 3c 01 c4 01 00', '8b 04'],
      ['0a 00', '8a 0a'],
      ['0b 01', '8a 0b'],
      ['0d 00 05 43 31 32 33 34 35', '00 0d', '20 01 81'],
      ['04 3c 01 c4 01 00', '00 04', '20 03 81'],
      ['05 00', '00 05', '24 03', '20 01'],
    ],
  },
  {
    name: 'asks for a key, shows a message, and reads a card of its own slot',
    model: 'dynapro',
    identity: MINI,
    steps: [
      ['02 00', '00 02', '20 00 00'],
      ['06 1e 00 0f 01', '00 06', '20 04'],
      {hand: 'press key A', heard: ['25 00 71', '20 00']},
      ['06 1e 00 0f 01', '00 06', '20 04'],
      {hand: 'press key B', heard: ['25 00 72', '20 00']},
      ['06 1e 00 08 01', '00 06', '20 04'],
      {hand: 'press key C', heard: []},
      {hand: 'press key enter', heard: ['25 00 78', '20 00']},
      ['07 01 01', '00 07', '20 05'],
      {waitMs: 1_000, heard: ['27 00', '20 00']},
      ['03 20 00 01', '00 03', '20 02'],
      {hand: 'swipe card ada', heard: ['22 00 00 01', '20 01 0c']},
      [
        '0a 00',
        '00 0a',
        ...['23 01 00', '23 02 00 24 3b', '23 03 00', '23 04 00', '23 05 00', '23 06 00', '23 07 00'],
        '23 63 00 0e ff ff 98 76',
      ],
      ['04 1e 00 44 01 01', '00 04', '20 03'],
      {hand: 'press key 1 2 3 4 enter', heard: ['24 00 ff ff 98 76 54 32 10 e0 00 01', '20 01']},
      ['ff 00', '00 ff'],
    ],
  },
  {
    name: 'names no key where its key is fixed',
    model: 'dynapro',
    profile: 'fixed-key',
    identity: MINI,
    steps: [
      ['04 3c 00 c4 01 00', '00 04', '20 03'],
      {hand: 'press key 1 2 3 4 enter', heard: ['24 00 00 00 00 00 00 00 00 00 00 00', '20 00']},
    ],
  },
  {
    name: 'asks for no PIN without a key',
    model: 'dynapro',
    profile: 'no-key',
    identity: MINI,
    steps: [
      ['04 3c 00 c4 01 00', '85 04'],
      ['08 00', '00 08', '20 00 80 42 47 07 00'],
    ],
  },
  {
    name: 'tells five bytes of state as of 2014',
    model: 'dynapro',
    profile: 'mini-2014',
    identity: MINI,
    steps: [['08 00', '00 08', '20 00 80 40 47 07']],
  },
  {
    name: 'answers each property, and reports a swipe',
    model: 'magtek',
    identity: V5_SWIPE,
    steps: [
      ['00 01 10', '00 01 00'],
      ['00 01 00', '00 0b 32 31'],
      ['00 01 05', '00 01 95'],
      ['00 01 38', '00 01 00'],
      ['00 01 55', '02 00'],
      ['01 02 02 05', '00 00'],
      ['00 01 02', '00 01 05'],
      ['09 00', '00 0a ff ff 98 76 54 32 10 e0 00 01'],
      ['0a 08 01 02 03 04 05 06 07 08', '00 00'],
      ['0a 07 01 02 03 04 05 06 07', '02 00'],
      ['14 00', '00 02'],
      ['15 00', '00 01 02'],
      ['1c 00', '00 13'],
      ['77 00', '02 00'],
      ['00 ff 10', '02 00'],
      {hand: 'insert card ada', heard: [`00 00 00 00 2e 24 26 00 25 42 *${TRACK_2}`]},
      ['02 00', '00 00'],
    ],
  },
  {
    name: 'tells in from out where the card is pushed in',
    model: 'magtek',
    profile: 'insert',
    identity: {vendorId: 0x0801, productId: 0x0013},
    steps: [
      {hand: 'insert card ada', heard: ['00 00 00 00 2e 24 26 00 25 42 *{334}01']},
      {hand: 'take card', heard: ['00 00 00 00 2e 24 26 00 25 42 *{334}00']},
    ],
  },
  {
    name: 'has tracks of 110 bytes and 24 bytes of command',
    model: 'magtek',
    profile: 'sureswipe',
    identity: {vendorId: 0x0801, productId: 0x0002},
    steps: [
      ['00 01 10', '00 01 00'],
      ['15 00', '02 00'],
      {hand: 'insert card ada', heard: [`00 00 00 00 2e 24 26 00 25 42 *{108}${TRACK_2}`]},
    ],
  },
  {
    name: 'sends no track in clear at level 3, and counts its keys',
    model: 'magtek',
    profile: 'swipe-encrypting',
    identity: V5_SWIPE,
    steps: [
      ['15 00', '00 01 03'],
      {hand: 'insert card ada', heard: ['00 00 00 00 30 28 28 00 4e c6']},
      ['09 00', '00 0a ff ff 98 76 54 32 10 e0 00 02'],
    ],
  },
]

for (const {name, model, profile, identity, steps} of DIALOGUES)
  t.test(`${model} ${name}`, async t => {
    const made = await STANDS[model]?.()
    if (made?.wire !== 'hid') throw new RangeError(`${model} is no HID model`)
    const clock = new VirtualClock(epochMs(1_700_000_000_000))
    const {near, far} = hidPair(clock)
    const first = Object.keys(made.profiles)[0] ?? ''
    const stand = made.make(far, clock, seededRandom(name), {
      profile: profile ?? first,
      world: null,
      pace: 'fast',
    })
    await stand.start()
    const control = new StandControl(made, stand, {pull: nothing, plug: nothing}, nothing, nothing)
    let heard: string[] = []
    const opened = await clock.finish(
      near.open({
        report: (id, bytes) => heard.push(spacedHexOf(Uint8Array.of(id, ...bytes))),
        garbage: why => heard.push(`garbage: ${why}`),
        lost: () => undefined,
      }),
      60_000,
    )
    if (opened.kind !== 'open') throw new RangeError(`${model} is not on the bus`)
    t.match(opened.identity, identity)
    const {isNumbered} = opened.reports
    await clock.advance(SOON_MS)
    for (const step of steps) {
      heard = []
      if ('hand' in step) {
        const told = await clock.finish(control.answer(step.hand), 60_000)
        t.notMatch(told, /error/, `${step.hand} -> ${told}`)
      } else if ('waitMs' in step) await clock.advance(step.waitMs)
      else {
        const bytes = bytesOfHex(step[0].replaceAll(' ', ''))
        const [id = 0] = isNumbered ? bytes : []
        await clock.finish(near.send('feature', id, isNumbered ? bytes.slice(1) : bytes), 60_000)
        const got = await clock.finish(near.getFeature(isNumbered ? ACK_ID : 0), 60_000)
        t.match(got.kind === 'report' ? spacedHexOf(got.bytes) : got.kind, beginsWith(step[1]), step[0])
      }
      await clock.advance(SOON_MS)
      const wanted = 'heard' in step ? step.heard : step.slice(2)
      const of = 'hand' in step ? step.hand : 'waitMs' in step ? `${step.waitMs} ms` : step[0]
      t.equal(heard.length, wanted.length, `${of} -> ${heard.join(' | ').slice(0, 300)}`)
      for (const [at, report] of heard.entries()) t.match(report, beginsWith(wanted[at] ?? ''), of)
    }
    await near.close()
    await clock.finish(stand.stop(), 60_000)
  })

const SOON_MS = 100
/** The report that says how a command was taken. */
const ACK_ID = 0x01

/** `*` stands for any bytes, `*{n}` for n of them. */
function beginsWith(hex: string): RegExp {
  return new RegExp(
    `^${hex.replaceAll(/\*\{([0-9]+)\}/g, '(?:[0-9a-f]{2} ){$1}').replaceAll(/\*(?!\{)/g, '(?:[0-9a-f]{2} )*')}`,
    'i',
  )
}

function nothing(): void {
  // A bus in memory is never pulled here, and its stand never quits by itself.
}
