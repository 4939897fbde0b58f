/** What a machine tells to those who look after it, at one moment: status, figures, and the paper of an auditor. */
import {exportJsonLines, exportText} from '../../journal/export.ts'
import type {Journal} from '../../journal/journal.ts'
import {everyRow} from '../../journal/reader.ts'
import {epochMs} from '../../kit/clock.ts'
import {silentLog} from '../../kit/log.ts'
import type {Config} from '../../src/config.ts'
import type {Machine} from '../../src/machine.ts'
import {BUILD} from '../../src/main.ts'
import {commitHistogram} from '../../src/status/metrics.ts'
import {Monitor} from '../../src/status/monitor.ts'
import {System} from '../status/bench.ts'
import type {SimClock} from './clock.ts'

const DAY_MS = 86_400_000
/** Long enough for the monitor to read the journal back and look more than once. */
const WATCHED_MS = 60_000

/** Texts by where they are read. Time passes meanwhile. */
export async function toldBy(
  machine: Machine,
  journal: Journal,
  config: Config,
  clock: SimClock,
): Promise<ReadonlyMap<string, string>> {
  const sensors = new System()
  const nowMs = clock.wallMs()
  const monitor = new Monitor({
    machine,
    journal,
    commits: commitHistogram(),
    sensors,
    certificate: {fromMs: nowMs, toMs: epochMs(nowMs + DAY_MS)},
    terminal: config.terminal,
    build: BUILD,
    clock,
    log: silentLog,
    crash: thrown => {
      throw thrown
    },
  })
  monitor.start()
  await clock.runUntil(() => false, WATCHED_MS)
  monitor.stop()
  const rows = [...everyRow(journal)]
  const {terminal, currency} = config
  return new Map([
    ...sensors.files,
    ['the export', exportText(rows, {terminal, currency})],
    ['the lines of the export', exportJsonLines(rows)],
    ['the screen', JSON.stringify(machine.current())],
  ])
}
