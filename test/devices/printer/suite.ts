/** What every receipt printer must hold against its own emulator: it never says printed of what was not, whatever goes wrong. */
import type {Test} from 'tap'
import {VirtualClock, epochMs} from '../../../kit/clock.ts'
import {silentLog} from '../../../kit/log.ts'
import {loopbackPair} from '../../../devices/wire/loopback.ts'
import type {Cable} from '../../../devices/wire/loopback.ts'
import {EscPosPrinter} from '../../../devices/printer/escpos/driver.ts'
import {EscPosEmulator, FULL} from '../../../devices/printer/escpos/emulator.ts'
import type {Mischief, Remains} from '../../../devices/printer/escpos/emulator.ts'
import {PROFILES} from '../../../devices/printer/escpos/bytes.ts'
import type {ProfileName} from '../../../devices/printer/escpos/bytes.ts'
import type {Receipt} from '../../../devices/printer/port.ts'

export const RECEIPT: Receipt = [
  {kind: 'text', text: 'Bank of Tests', align: 'center', size: 'large', bold: true},
  {kind: 'rule'},
  {kind: 'pair', left: 'Withdrawal', right: 'EUR 60.00'},
  {kind: 'pair', left: 'Card', right: '476173******0010'},
  {kind: 'text', text: 'Reference 2026-11-22 000417', align: 'left', size: 'normal', bold: false},
  {kind: 'feed', linesCount: 1},
  {kind: 'text', text: 'Thank you', align: 'center', size: 'normal', bold: false},
]

export interface Rig {
  readonly clock: VirtualClock
  readonly cable: Cable
  readonly printer: EscPosPrinter
  readonly emulator: EscPosEmulator
  readonly run: <T>(work: Promise<T>) => Promise<T>
}

export async function rigOf(profile: ProfileName, remains: Partial<Remains> = {}): Promise<Rig> {
  const clock = new VirtualClock(epochMs(1_700_000_000_000))
  const {near, far, cable} = loopbackPair(clock)
  const options = {profile: PROFILES[profile], remains: {...FULL, ...remains}}
  const emulator = new EscPosEmulator(far, clock, options)
  await emulator.start()
  const printer = new EscPosPrinter(near, clock, silentLog, PROFILES[profile])
  const run = async <T>(work: Promise<T>): Promise<T> => {
    let isDone = false
    const ended = work.finally(() => {
      isDone = true
    })
    ended.catch(() => undefined)
    const how = await clock.runUntil(() => isDone, 600_000)
    if (how !== 'done') throw new RangeError(`virtual time ended (${how}) before the work did`)
    return ended
  }
  return {clock, cable, printer, emulator, run}
}

/** Whether the last ticket that left the printer is the whole receipt. */
export function cameOut(rig: Rig): boolean {
  const {tickets, inMouth} = rig.emulator.remains
  const ticket = inMouth ?? tickets.at(-1) ?? []
  const text = ticket.join('\n')
  return text.includes('Bank of Tests') && text.includes('EUR 60.00') && text.includes('Thank you')
}

const FAULTS: readonly Mischief[] = [
  {kind: 'cutterSticks'},
  ...[0, 1, 3, 6].flatMap((afterLines): readonly Mischief[] => [
    {kind: 'paperEnds', afterLines},
    {kind: 'coverOpens', afterLines},
    {kind: 'powerCut', afterLines},
    {kind: 'headHot', afterLines, coolMs: 2_000},
  ]),
  {kind: 'headHot', afterLines: 2, coolMs: 60_000},
  ...[1, 2, 4, 6, 40].map((times): Mischief => ({kind: 'answerLost', times})),
  {kind: 'answerLate', ms: 100},
  {kind: 'answerLate', ms: 700},
  {kind: 'answerTwice'},
  {kind: 'garbage', byte: 0x55},
  {kind: 'garbage', byte: 0x13},
]

/** Runs the suite for one profile. */
export async function printerSuite(t: Test, profile: ProfileName): Promise<void> {
  await t.test(`${profile}: opens, identifies, prints and cuts once`, async t => {
    const rig = await rigOf(profile)
    const opened = await rig.run(rig.printer.open())
    t.match(opened, {kind: 'open', identity: {model: 'escpos'}, status: {paper: 'ok', fault: null}})
    t.notMatch(opened, {identity: {firmware: /unknown/}})
    t.same(rig.emulator.remains, FULL, 'opening prints and feeds nothing')
    t.same(await rig.run(rig.printer.print(RECEIPT)), {kind: 'printed', paper: 'ok'})
    t.ok(cameOut(rig))
    const {tickets, inMouth, uncut} = rig.emulator.remains
    t.equal(tickets.length + (inMouth === null ? 0 : 1), 1)
    t.equal(uncut.join(''), '', 'nothing of it is left behind the cutter')
  })

  await t.test(`${profile}: what stops it beforehand is a refusal, and nothing is printed`, async t => {
    for (const [remains, fault] of [
      [{paperLines: 0}, 'paper-out'],
      [{isCoverOpen: true}, 'cover-open'],
    ] as const) {
      const rig = await rigOf(profile, remains)
      t.match(await rig.run(rig.printer.open()), {kind: 'open', status: {fault}})
      t.match(await rig.run(rig.printer.print(RECEIPT)), {kind: 'refused', fault})
      rig.emulator.loadPaper()
      rig.emulator.setCover('closed')
      await rig.run(rig.clock.sleep(1_000))
      t.match(rig.emulator.remains, {tickets: [], uncut: []}, 'nor later')
      t.match(await rig.run(rig.printer.status()), {fault: null})
    }
  })

  await t.test(`${profile}: paper near its end prints, and says so`, async t => {
    const rig = await rigOf(profile, {paperLines: 20})
    await rig.run(rig.printer.open())
    t.same(await rig.run(rig.printer.print(RECEIPT)), {kind: 'printed', paper: 'low'})
  })

  await t.test(`${profile}: under every fault, printed means printed`, async t => {
    for (const fault of FAULTS) {
      const rig = await rigOf(profile)
      await rig.run(rig.printer.open())
      rig.emulator.plan(fault)
      const outcome = await rig.run(rig.printer.print(RECEIPT))
      const what = `${JSON.stringify(fault)}: ${JSON.stringify(outcome)}`
      if (outcome.kind === 'printed') t.ok(cameOut(rig), what)
      else if (outcome.kind === 'refused') t.notOk(cameOut(rig), what)
      else t.pass(what)
      if (fault.kind === 'paperEnds' || fault.kind === 'coverOpens')
        t.match(
          outcome,
          {kind: 'partial', fault: fault.kind === 'paperEnds' ? 'paper-out' : 'cover-open'},
          what,
        )
      if (fault.kind === 'powerCut') t.equal(outcome.kind, 'unknown', what)
    }
  })

  await t.test(`${profile}: a pulled cable is noticed everywhere, and opening again works`, async t => {
    for (const afterMs of [0, 5, 40, 100, 200]) {
      const rig = await rigOf(profile)
      await rig.run(rig.printer.open())
      rig.clock.after(afterMs, () => {
        rig.cable.pull()
      })
      const outcome = await rig.run(rig.printer.print(RECEIPT))
      t.match(outcome, {kind: /unknown|refused|printed/}, `after ${afterMs} ms`)
      if (outcome.kind === 'printed') t.ok(cameOut(rig), 'printed before the cable went')
      await rig.run(rig.clock.sleep(300))
      t.equal((await rig.run(rig.printer.status())).kind, 'failed')
      rig.cable.plug()
      await rig.run(rig.clock.sleep(12_000))
      t.equal((await rig.run(rig.printer.open())).kind, 'open')
    }
  })
}
