/** The ESC/POS receipt printer as a stand of its own, with a roll to run out and tickets to read. */
import {PROFILES} from '../../../devices/printer/escpos/bytes.ts'
import type {ProfileName} from '../../../devices/printer/escpos/bytes.ts'
import {EscPosEmulator, FULL, FULL_ROLL_LINES, TICKETS_MAX} from '../../../devices/printer/escpos/emulator.ts'
import type {Mischief, Remains} from '../../../devices/printer/escpos/emulator.ts'
import {BadInput} from '../../../kit/errors.ts'
import type {Json} from '../../../kit/exact-json.ts'
import {Section, isIn} from '../../../kit/section.ts'
import {PACES} from '../pace.ts'
import type {Fields, StandModel} from '../stand.ts'
import {faultWords, faultsFrom} from './faults.ts'
import type {FaultRow} from './faults.ts'

const LINE_CHARACTERS_MAX = 500
const TICKET_LINES_MAX = 2_000
const LINE = /^[ -~]{0,500}$/

const ROWS: readonly FaultRow<Mischief, never>[] = [
  {name: 'cutter sticks', on: 'never', make: () => ({kind: 'cutterSticks'})},
  {
    name: 'paper ends',
    takes: 'after',
    on: 'never',
    make: after => ({kind: 'paperEnds', afterLines: after ?? 0}),
  },
  {
    name: 'cover opens',
    takes: 'after',
    on: 'never',
    make: after => ({kind: 'coverOpens', afterLines: after ?? 0}),
  },
  {
    name: 'power cut',
    takes: 'after',
    on: 'never',
    make: after => ({kind: 'powerCut', afterLines: after ?? 0}),
  },
  {
    name: 'head hot',
    takes: 'ms',
    on: 'never',
    make: ms => ({kind: 'headHot', afterLines: 0, coolMs: ms ?? 3_000}),
  },
  {
    name: 'answer lost',
    takes: 'times',
    on: 'never',
    make: times => ({kind: 'answerLost', times: times ?? 1}),
  },
  {name: 'answer late', takes: 'ms', on: 'never', make: ms => ({kind: 'answerLate', ms: ms ?? 1_000})},
  {name: 'answer twice', on: 'never', make: () => ({kind: 'answerTwice'})},
  {
    name: 'garbage before answer',
    takes: 'code',
    on: 'never',
    make: byte => ({kind: 'garbage', byte: byte ?? 0x55}),
  },
]

export const ESCPOS: StandModel<ProfileName> = {
  name: 'escpos',
  wire: 'serial',
  line: PROFILES.desktop.line,
  profiles: {
    desktop: 'status as Epson, Bixolon, Citizen, Sewoo and HPRT have it, with automatic status',
    kiosk: 'Custom KPM and VKP: a status block of its own, and a ticket held in the mouth',
  },
  faults: faultWords(ROWS),
  make: (link, clock, _random, {profile, world, pace}) => {
    const emulator = new EscPosEmulator(link, clock, {
      profile: PROFILES[profile],
      lineMs: PACES[pace].lineMs,
      remains: remainsFrom(world),
    })
    return {
      start: () => emulator.start(),
      stop: () => emulator.stop(),
      world: () => worldOf(emulator.remains),
      watch: listener => emulator.watch(listener),
      plan: text => {
        for (const mischief of faultsFrom(text, ROWS, [])) emulator.plan(mischief)
      },
      commands: [
        {
          words: 'show ticket',
          purpose: 'the last ticket that was cut, line by line; bytes outside ASCII as \\xNN',
          run: () => ({ticket: emulator.remains.inMouth ?? emulator.remains.tickets.at(-1) ?? null}),
        },
        {
          words: 'show state',
          purpose: 'power, drawer, and what the sensors say',
          run: () => ({...emulator.state, conditions: [...emulator.state.conditions]}),
        },
        {
          words: 'take ticket',
          purpose: 'the customer takes the ticket out of the mouth',
          run: () => ({taken: emulator.takeTicket()}),
        },
        ...(['open', 'closed'] as const).map(is => ({
          words: is === 'open' ? 'open cover' : 'close cover',
          purpose: `the cover is ${is}`,
          run: () => {
            emulator.setCover(is)
            return {cover: is}
          },
        })),
        {
          words: 'load paper LINES',
          purpose: `a roll with so many lines; a full one has ${FULL_ROLL_LINES}`,
          run: ([lines = '']) => {
            if (!/^[0-9]{1,5}$/.test(lines)) throw new BadInput('load paper takes a number of lines')
            emulator.loadPaper(Number(lines))
            return {paperLines: Number(lines)}
          },
        },
        {
          words: 'free cutter',
          purpose: 'the operator frees a stuck cutter; the host still has to recover the printer',
          run: () => {
            emulator.freeCutter()
            return {cutter: 'free'}
          },
        },
        ...(['down', 'up'] as const).map(is => ({
          words: is === 'down' ? 'press feed' : 'release feed',
          purpose: `the feed button is ${is}`,
          run: () => {
            emulator.pressFeed(is)
            return {feedButton: is}
          },
        })),
      ],
      powerCut: () => {
        emulator.powerCut()
      },
      powerOn: () => {
        emulator.powerOn()
      },
      get transcript() {
        return emulator.transcript
      },
    }
  },
}

function remainsFrom(world: Json | null): Remains {
  return new Section('', world ?? new Map(), 'part of a printer').closed(s => ({
    paperLines: s.integer('paperLines', 0, 99_999, FULL.paperLines),
    isCoverOpen: s.oneOf('cover', isIn(['closed', 'open'] as const), 'closed or open', 'closed') === 'open',
    isCutterStuck: s.oneOf('cutter', isIn(['free', 'stuck'] as const), 'free or stuck', 'free') === 'stuck',
    uncut: ticketAt(s, 'uncut'),
    inMouth: s.has('inMouth') ? ticketAt(s, 'inMouth') : null,
    tickets: s.list('tickets', 0, TICKETS_MAX, one => one.closed(ticket => ticketAt(ticket, 'lines')), []),
  }))
}

function ticketAt(s: Section, field: string): readonly string[] {
  const hint = `up to ${LINE_CHARACTERS_MAX} characters of ASCII`
  return s.list(field, 0, TICKET_LINES_MAX, line => line.itself(LINE, hint), [])
}

function worldOf({paperLines, isCoverOpen, isCutterStuck, uncut, inMouth, tickets}: Remains): Fields {
  return {
    paperLines,
    cover: isCoverOpen ? 'open' : 'closed',
    cutter: isCutterStuck ? 'stuck' : 'free',
    uncut,
    ...(inMouth === null ? {} : {inMouth}),
    tickets: tickets.map(lines => ({lines})),
  }
}
