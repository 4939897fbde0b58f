/**
 * The emulated devices as a stranger's host meets them, who read the same papers and none of our code: bytes in, bytes
 * out, over a default world with no command given before. Held against the papers' rules about what a host may do
 * wrong: no acknowledgement, damaged frames, stray bytes, unknown commands, orders in a wrong state.
 */
import t from 'tap'
import {loopbackPair} from '../../devices/wire/loopback.ts'
import {VirtualClock, epochMs} from '../../kit/clock.ts'
import {seededRandom} from '../../kit/random.ts'
import {STANDS} from '../../src/bench/stands.ts'
import type {ModelName} from '../../src/bench/stand.ts'
import {rawHost} from './card-reader/wire.ts'

/** What the host writes, and all that comes back within the time given. `*` in the hex stands for any bytes. */
type Line = readonly [says: string, hears: string, waitMs?: number]

interface Dialogue {
  readonly name: string
  readonly model: ModelName
  readonly profile?: string
  readonly lines: readonly Line[]
}

const STATUS_2000 = '01 50 02 46 30 30 80 80 03 16'
const STATUS_4000 = '01 30 02 50 20 20 24 31 *'
const STATUS_F56 = '10 02 00 28 e0 01 24 *'
const STATUS_310 = '02 00 05 31 30 4e 4a 4a 03 4b'
const STATUS_571 = 'f2 00 00 06 50 31 30 30 32 30 03 94'

/** Acknowledged, and told three times to a host that says nothing. */
function thrice(answer: string): string {
  return `06 ${answer} ${answer} ${answer}`
}

const DIALOGUES: readonly Dialogue[] = [
  {
    name: 'pays from both cassettes for a host that acknowledges',
    model: 'lcdm2000',
    lines: [
      ['04 50 02 46 03 13', `06 ${STATUS_2000}`, 100],
      ['06', ''],
      ['04 50 02 47 03 12', '06 01 50 02 47 54 32 30 54 35 36 32 34 03 10', 100],
      // The acknowledgement and the next command in one write.
      [
        '06 04 50 02 56 30 33 30 32 03 02',
        thrice('01 50 02 56 30 33 30 33 30 32 30 32 30 30 30 30 30 30 30 03 36'),
        10_000,
      ],
      // ETX, and a check byte that is 03 too.
      ['04 50 02 55 31 32 03 03', thrice('01 50 02 55 31 32 31 32 30 30 30 30 03 05'), 10_000],
    ],
  },
  {
    name: 'refuses counts and codes, and moves nothing for it',
    model: 'lcdm2000',
    lines: [
      ['04 50 02 45 36 31 03 17', '06 01 50 02 45 30 30 30 30 3b 30 30 30 03 1e', 100],
      ['06', ''],
      ['04 50 02 5a 03 0f', '06 01 50 02 5a 37 03 3d', 100],
      ['06', ''],
    ],
  },
  {
    name: 'repeats for a host that is mute, and for NAK; FF is nothing',
    model: 'lcdm2000',
    lines: [
      ['04 50 02 46 03 14', '15'],
      ['04 50 02 46 03 13', `06 ${STATUS_2000} ${STATUS_2000} ${STATUS_2000}`, 60_000],
      ['ff 00 ff 04 50 02 46 03 13', `06 ${STATUS_2000}`, 100],
      ['ff', '', 100],
      ['15', STATUS_2000, 100],
      ['06', ''],
      ['15', ''],
      // Half a frame, and silence longer than a frame may take.
      ['04 50 02', '', 300],
      ['46 03 13', '', 300],
      ['04 50 02 46 03 13', `06 ${STATUS_2000}`, 100],
    ],
  },
  {
    name: 'knows no lower cassette',
    model: 'lcdm1000',
    lines: [
      ['04 50 02 55 31 32 03 03', '06 01 50 02 55 37 03 32', 100],
      ['06 04 50 02 47 03 12', '06 01 50 02 47 4f 31 36 54 41 44 32 43 03 7f', 100],
    ],
  },
  {
    name: 'closes each exchange, tells its last order, and takes a serial once',
    model: 'lcdm4000',
    lines: [
      ['04 30 02 50 03 65', `06 ${STATUS_4000}`, 100],
      ['06', '04'],
      [
        '04 30 02 52 23 22 20 20 20 20 20 20 20 20 20 20 20 20 20 03 46',
        thrice('01 30 02 52 20 30 23 20 31 22 20 32 20 20 33 20 20 34 20 20 20 20 20 20 20 20 20 03 57'),
        10_000,
      ],
      ['06', ''],
      ['04 30 02 55 03 60', '06 01 30 02 55 52 20 30 23 20 31 22 20 32 20 20 33 20 20 34 03 22', 100],
      ['06', '04'],
      ['04 30 02 52 21 20 20 20 20 20 21 03 47', '06 01 30 02 52 20 30 21 20 *', 400],
    ],
  },
  {
    name: 'is bid for, bids itself, and doubles no DLE',
    model: 'f56',
    lines: [
      ['10 05', '10 06', 100],
      // A damaged text, then the same undamaged.
      ['10 02 00 03 00 01 1c 10 03 fa 98', '10 15', 100],
      ['10 02 00 03 00 01 1c 10 03 fa 97', '10 06 10 05', 100],
      ['10 06', STATUS_F56, 100],
      ['10 15', STATUS_F56, 100],
      ['10 06', '', 100],
      // Text that nobody bid for.
      ['10 02 00 03 00 01 1c 10 03 fa 97', '', 100],
      ['10 05', '10 06', 100],
      ['10 02 00 03 00 10 1c 10 03 e0 48', '10 06 10 05', 100],
      ['10 06', '10 02 00 28 e0 10 24 *', 100],
    ],
  },
  {
    name: 'does nothing before ENQ',
    model: 'crt310',
    lines: [
      ['02 00 02 31 30 03 03', '15'],
      ['05', ''],
      ['02 00 02 31 30 03 02', '06'],
      ['04', '04'],
      ['05', ''],
      ['ff aa 02 00 02 31 30 03 02', '06'],
      ['05', STATUS_310],
      // Frame and ENQ in one write.
      ['02 00 02 31 30 03 02 05', `06 ${STATUS_310}`],
      ['02 00 02 7a 30 03 49 05', '06 02 00 03 4e 7a 00 03 36'],
      ['02 00 02 32 30 03 01 05', '06 02 00 03 32 30 45 03 45'],
    ],
  },
  {
    name: 'wants to be initialised, and repeats on NAK',
    model: 'crt571',
    lines: [
      ['f2 00 00 03 43 31 30 03 b0', '06 f2 00 00 05 4e 31 30 42 30 03 c9'],
      [
        'f2 00 00 03 43 30 33 03 b2',
        '06 f2 00 00 12 50 30 33 30 32 30 43 52 54 2d 35 39 31 2d 4d 30 30 31 03 86',
      ],
      ['f2 00 00 03 43 31 30 03 b1', '15'],
      ['f2 00 00 03 43 31 30 03 b0', `06 ${STATUS_571}`],
      ['15', STATUS_571],
      ['06', ''],
    ],
  },
  {
    name: 'loads a key under its master and refuses what it does not have',
    model: 'szzt',
    lines: [
      ['02 30 30 34 35 30 33 44 03 34 35', '02 30 30 31 80 03 42 32'],
      ['02 30 30 34 35 30 33 44 03 34 36', ''],
      [
        '02 30 33 39 32 32 30 33 30 33 32 36 45 41 35 46 41 33 37 46 46 37 34 33 44 31 39 43 43 33 42 41 45 36 44 33 43 32 37 33 32 37 34 03 30 33',
        '02 30 30 37 80 32 44 41 46 30 33 03 43 36',
      ],
    ],
  },
  {
    name: 'answers CAN at any time, stuffs, and names what it does not know',
    model: 'abecs',
    lines: [
      ['18', '04'],
      ['16 4f 50 4e 17 a8 a9', '06 16 4f 50 4e 30 30 30 17 77 5e'],
      ['16 4f 50 4e 17 a8 aa', '15'],
    ],
  },
  {
    name: 'answers in real time, and takes what stands in an image for its data as well',
    model: 'escpos',
    lines: [
      ['10 04 01', '12'],
      ['10', ''],
      ['04', ''],
      ['04', '12'],
      ['1d 76 30 00 01 00 04 00 10 04 01 00 1d 72 01', '12 00'],
      ['1d 61 ff', '10 00 00 0f'],
    ],
  },
  {
    name: 'tells the block of the kiosk family',
    model: 'escpos',
    profile: 'kiosk',
    lines: [['10 04 14', '10 0f 00 00 00 00']],
  },
]

for (const {name, model, profile, lines} of DIALOGUES)
  t.test(`${model} ${name}`, async t => {
    const made = await STANDS[model]?.()
    if (made?.wire !== 'serial') throw new RangeError(`${model} is no serial model`)
    const clock = new VirtualClock(epochMs(1_700_000_000_000))
    const {near, far} = loopbackPair(clock)
    const first = Object.keys(made.profiles)[0] ?? ''
    const stand = made.make(far, clock, seededRandom(name), {
      profile: profile ?? first,
      world: null,
      pace: 'fast',
    })
    await stand.start()
    const host = await rawHost(near, clock)
    for (const [says, hears, waitMs] of lines) {
      const heard = await host.say(says, waitMs)
      const wanted = hears.replaceAll(' ', '').replace('*', '([0-9a-f]{2})*')
      t.match(heard.toLowerCase(), new RegExp(`^${wanted}$`), `${says} -> ${heard}`)
    }
    await near.close()
    await clock.finish(stand.stop(), 60_000)
  })
