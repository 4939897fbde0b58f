/** The two Creator readers as the matrix of commands and faults wants them. */
import {
  COMMANDS as CRT310_COMMANDS,
  PROFILE as CRT310_PROFILE,
} from '../../../devices/card-reader/crt310/bytes.ts'
import type {CommandName as Crt310Name} from '../../../devices/card-reader/crt310/bytes.ts'
import {Crt310Emulator} from '../../../devices/card-reader/crt310/emulator.ts'
import {Line as Crt310Line} from '../../../devices/card-reader/crt310/line.ts'
import {
  COMMANDS as CRT571_COMMANDS,
  PROFILE as CRT571_PROFILE,
} from '../../../devices/card-reader/crt571/bytes.ts'
import type {CommandName as Crt571Name} from '../../../devices/card-reader/crt571/bytes.ts'
import {Crt571Emulator, WITHOUT} from '../../../devices/card-reader/crt571/emulator.ts'
import {Line as Crt571Line} from '../../../devices/card-reader/crt571/line.ts'
import type {Card} from '../../../devices/card-reader/emulator-card.ts'
import type {LineMischief} from '../../../devices/card-reader/emulator-mischief.ts'
import type {Remains} from '../../../devices/card-reader/emulator-path.ts'
import {namesOf} from '../../../devices/card-reader/names.ts'
import type {LineModel} from './matrix.ts'
import {TRACK2} from './suite.ts'

/** A card with tracks 1 and 2, and a chip that talks T=0. */
export const CHIPPED = {
  track1: 'B4012345678909^NOBODY/ADA^3012',
  track2: TRACK2,
  chip: {protocol: 'T0', track2: TRACK2, holder: 'NOBODY/ADA'},
} as const satisfies Card

const FOUND: Remains = {card: CHIPPED, place: 'insideContact', bin: [], takenCount: 0}

const READ_RECORD = [0x00, 0xb2, 0x01, 0x0c, 0x00]

const FAULTS: readonly LineMischief[] = [
  'ignoreFrame',
  'nak',
  'dropAck',
  'loseEnq',
  'dropReply',
  'corruptReply',
  'splitReply',
  'lateReply',
  'duplicateReply',
  'garbageBeforeReply',
]

const CRT310_PARAMETERS: Readonly<Partial<Record<Crt310Name, readonly number[]>>> = {
  serialWrite: [0x41],
  mouth: [0x31, 0x31],
  stopAt: [0x32],
  baud: [0x33],
  apduT0: [0x00, READ_RECORD.length, ...READ_RECORD],
  apduT1: [0x00, READ_RECORD.length, ...READ_RECORD],
  readTracks: [0x30, 0x32],
  readTracksAgain: [0x30, 0x32],
  led: [0x30],
  blink: [0x30],
}

/** What each CRT-310 command carries after CM, and PM where its row has none. */
export function crt310Parameters(name: Crt310Name): readonly number[] {
  return CRT310_PARAMETERS[name] ?? []
}

export const CRT310: LineModel<Crt310Name> = {
  names: namesOf(CRT310_COMMANDS),
  asks: 'status',
  isMove: name => CRT310_COMMANDS[name].retry === 'never',
  faults: FAULTS,
  // Before ENQ nothing is executed, so what goes wrong there is made good.
  unheard: ['loseEnq', 'dropReply', 'corruptReply', 'lateReply'],
  reader: async (near, far, clock) => {
    const emulator = new Crt310Emulator(far, clock, {moveMs: 100, remains: FOUND})
    await emulator.start()
    const line = new Crt310Line(near, clock, CRT310_PROFILE)
    await line.open()
    return {
      plan: mischief => {
        emulator.plan(mischief)
      },
      restorePower: () => {
        emulator.restorePower()
      },
      ask: async name => {
        const answer = await line.ask(name, crt310Parameters(name))
        return answer.kind === 'silent'
          ? {kind: 'silent', mayHaveRun: answer.executed === 'perhaps'}
          : {kind: 'answer', text: JSON.stringify(answer)}
      },
      close: async () => {
        await line.close()
        await emulator.stop()
      },
    }
  },
}

const CRT571_DATA: Readonly<Partial<Record<Crt571Name, readonly number[]>>> = {
  coldReset: [0x30],
  apduT0: READ_RECORD,
  apduT1: READ_RECORD,
  apduAuto: READ_RECORD,
  samApduT0: READ_RECORD,
  samApduT1: READ_RECORD,
  samApduAuto: READ_RECORD,
  samSelect: [0x30],
  radioOn: [0x41, 0x42],
  counterSet: [0x30, 0x30, 0x30],
}

export const CRT571: LineModel<Crt571Name> = {
  names: namesOf(CRT571_COMMANDS),
  asks: 'status',
  isMove: name => CRT571_COMMANDS[name].retry === 'never',
  faults: FAULTS.filter(fault => !WITHOUT.includes(fault)),
  // The frame is the order: a lost one and a lost answer sound the same. A damaged answer is asked for again.
  unheard: ['ignoreFrame', 'dropReply', 'lateReply'],
  reader: async (near, far, clock) => {
    const emulator = new Crt571Emulator(far, clock, {
      moveMs: 100,
      needsInit: false,
      modules: [CHIPPED.chip],
      remains: {...FOUND, stackedCount: 20},
    })
    await emulator.start()
    const line = new Crt571Line(near, clock, CRT571_PROFILE)
    await line.open()
    return {
      plan: mischief => {
        emulator.plan(mischief)
      },
      restorePower: () => {
        emulator.restorePower()
      },
      ask: async name => {
        const answer = await line.ask(name, Uint8Array.from(CRT571_DATA[name] ?? []))
        return answer.kind === 'silent'
          ? {kind: 'silent', mayHaveRun: answer.mayHaveRun}
          : {kind: 'answer', text: JSON.stringify(answer)}
      },
      close: async () => {
        await line.close()
        await emulator.stop()
      },
    }
  },
}
