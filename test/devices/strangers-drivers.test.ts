/**
 * Our drivers before devices that others built from the page: each opens its stranger, does its one act, and says what
 * the stranger did; with one that is well-mannered, and with ones whose bytes come singly, late, twice or among noise.
 */
import t from 'tap'
import type {Test} from 'tap'
import {Secret} from '../../kit/secret.ts'
import type {CardReader} from '../../devices/card-reader/port.ts'
import type {Dispenser} from '../../devices/dispenser/port.ts'
import type {PinPad} from '../../devices/pin-pad/port.ts'
import type {Printer} from '../../devices/printer/port.ts'
import {loopbackPair} from '../../devices/wire/loopback.ts'
import {VirtualClock, epochMs} from '../../kit/clock.ts'
import {silentLog} from '../../kit/log.ts'
import {noteCount} from '../../kit/money.ts'
import {DISPENSERS, PIN_PADS, READERS} from '../../src/drivers.ts'
import type {SerialModel} from '../../src/drivers.ts'
import {PRINTERS} from '../../src/printers.ts'
import {abecs, crt310, escpos, f56, lcdm2000, lcdm4000, szzt} from './stranger-devices.ts'
import type {Body, Stranger} from './stranger-devices.ts'

/** How a stranger's bytes come over the wire. `noise`: those bytes before everything that it says. */
interface Manner {
  readonly name: string
  readonly lateMs: number
  readonly gapMs: number
  readonly times: 1 | 2
  readonly isNoisy: boolean
}

const PLAIN: Manner = {name: 'plain', lateMs: 0, gapMs: 0, times: 1, isNoisy: false}
const MANNERS: readonly Manner[] = [
  PLAIN,
  {...PLAIN, name: 'byte by byte', gapMs: 6},
  {...PLAIN, name: 'late', lateMs: 180},
  {...PLAIN, name: 'everything twice', times: 2},
  {...PLAIN, name: 'among noise', isNoisy: true},
]

type Settle = <T>(promise: Promise<T>) => Promise<T>

/** One model: the stranger, what noise is on its line, and our driver's act. */
interface Met {
  readonly name: string
  readonly build: (body: Body) => Stranger
  /** Bytes that mean nothing outside a frame; null where every byte means something. */
  readonly noise: readonly number[] | null
  /** Manners that the page does not let a driver bear. */
  readonly not?: readonly string[]
  /** @returns what the stranger must have given */
  readonly act: (on: Wired) => Promise<number>
}

interface Wired {
  readonly t: Test
  readonly near: ReturnType<typeof loopbackPair>['near']
  readonly clock: VirtualClock
  readonly settle: Settle
  readonly hand: () => void
}

async function pays(model: SerialModel<Dispenser>, {t, near, clock, settle}: Wired): Promise<number> {
  const dispenser = model.on(near, clock, silentLog)
  t.match(await settle(dispenser.open()), {kind: 'open'})
  t.match(await settle(dispenser.status()), {kind: 'status', path: 'clear'})
  const picks = [
    {cassette: 1, count: noteCount(3)},
    {cassette: 2, count: noteCount(2)},
  ]
  t.match(await settle(dispenser.dispense(picks, 1)), {kind: 'dispensed'})
  await settle(dispenser.describe())
  await settle(dispenser.close())
  return 5
}

async function reads(model: SerialModel<CardReader>, {t, near, clock, settle, hand}: Wired): Promise<number> {
  const reader = model.on(near, clock, silentLog)
  t.match(await settle(reader.open()), {kind: 'open', identity: {serial: 'S-77'}})
  const accepting = reader.accept()
  await clock.advance(3_000)
  hand()
  const outcome = await settle(accepting)
  t.match(outcome, {kind: 'inserted', source: 'stripe'})
  t.match(await settle(reader.eject(10_000)), {kind: 'taken'})
  await settle(reader.close())
  return 1
}

async function asks(model: SerialModel<PinPad>, {t, near, clock, settle, hand}: Wired): Promise<number> {
  const pad = model.on(near, clock, silentLog)
  t.match(await settle(pad.open()), {kind: 'open'})
  const key = new Secret(Buffer.from('6EA5FA37FF743D19CC3BAE6D3C273274', 'hex'))
  const loaded = await settle(pad.loadKey({use: 'pin', form: 'underMaster', key}))
  t.ok(loaded.kind === 'loaded' || loaded.kind === 'kept', loaded.kind)
  const entering = pad.enterPin({
    pan: new Secret('4012345678909'),
    lengthMin: 4,
    lengthMax: 12,
    entryTimeoutMs: 30_000,
    onDigits: () => undefined,
  })
  await clock.advance(5_000)
  hand()
  const entered = await settle(entering)
  t.match(entered, {kind: 'entered', ksn: null})
  if (entered.kind === 'entered')
    t.equal(Buffer.from(entered.block.reveal()).toString('hex'), 'f12b8e897d89e69f')
  await settle(pad.close())
  return 1
}

async function prints(model: SerialModel<Printer>, {t, near, clock, settle}: Wired): Promise<number> {
  const printer = model.on(near, clock, silentLog)
  t.match(await settle(printer.open()), {kind: 'open'})
  t.match(await settle(printer.print([{kind: 'pair', left: 'Total', right: '5'}])), {kind: 'printed'})
  await settle(printer.close())
  return 1
}

const MODELS: readonly Met[] = [
  {name: 'lcdm2000', build: lcdm2000, noise: [0xff, 0x00], act: on => pays(DISPENSERS.lcdm2000, on)},
  {name: 'lcdm4000', build: lcdm4000, noise: [0xff, 0xff], act: on => pays(DISPENSERS.lcdm4000, on)},
  {name: 'f56', build: f56, noise: [0x00, 0xff], act: on => pays(DISPENSERS.f56, on)},
  {name: 'crt310', build: crt310, noise: [0x00, 0xff], act: on => reads(READERS.crt310, on)},
  {name: 'szzt', build: szzt, noise: null, act: on => asks(PIN_PADS.szzt, on)},
  {name: 'abecs', build: abecs, noise: [0x00, 0xff], act: on => asks(PIN_PADS.abecs, on)},
  {name: 'escpos', build: escpos, noise: [0x11], act: on => prints(PRINTERS.escpos, on)},
]

for (const {name, build, noise, not = [], act} of MODELS)
  t.test(name, async t => {
    for (const manner of MANNERS) {
      if ((manner.isNoisy && noise === null) || not.includes(manner.name)) continue
      await t.test(manner.name, async t => {
        const clock = new VirtualClock(epochMs(1_700_000_000_000))
        const {near, far} = loopbackPair(clock)
        let freeAtMs = 0
        const stranger = build({
          after: (delayMs, what) => clock.after(delayMs, what),
          say: what => {
            const said = typeof what === 'string' ? [...Buffer.from(what.replaceAll(' ', ''), 'hex')] : what
            const all = [...(manner.isNoisy ? (noise ?? []) : []), ...said]
            for (let turn = 0; turn < manner.times; turn++)
              freeAtMs = sayAt(
                clock,
                far,
                Math.max(freeAtMs, clock.monotonicMs() + manner.lateMs),
                all,
                manner.gapMs,
              )
          },
        })
        await far.open({
          bytes: chunk => {
            for (const byte of chunk) stranger.hear(byte)
          },
          lost: () => undefined,
        })
        const wanted = await act({
          t,
          near,
          clock,
          settle: promise => clock.finish(promise, 600_000),
          hand: () => stranger.hand?.(),
        })
        t.equal(stranger.given(), wanted, 'what left it')
        await far.close()
      })
    }
  })

/** Puts the bytes on the wire, one write or one byte at a time. @returns when the last one is there */
function sayAt(
  clock: VirtualClock,
  far: ReturnType<typeof loopbackPair>['far'],
  atMs: number,
  bytes: readonly number[],
  gapMs: number,
): number {
  const pieces = gapMs === 0 ? [bytes] : bytes.map(byte => [byte])
  for (const [at, piece] of pieces.entries())
    clock.after(Math.max(0, atMs + at * gapMs - clock.monotonicMs()), () => {
      void far.write(Uint8Array.from(piece))
    })
  return atMs + (pieces.length - 1) * gapMs
}
