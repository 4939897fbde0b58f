/** A monitor on a machine in virtual time, with a system that is whatever the test says. */
import {epochMs} from '../../kit/clock.ts'
import {silentLog} from '../../kit/log.ts'
import type {Log} from '../../kit/log.ts'
import {BUILD} from '../../src/main.ts'
import {commitHistogram} from '../../src/status/metrics.ts'
import {Monitor} from '../../src/status/monitor.ts'
import type {MonitorParts} from '../../src/status/monitor.ts'
import type {Sensors} from '../../src/status/sensors.ts'
import type {World} from '../session/world.ts'

/** A system in good order; a test changes it. */
export class System implements Sensors {
  freeBytes = 50e9
  verified: string | null = null
  settings = 'as they were'
  readonly files = new Map<string, string>()

  disk(): {freeBytes: number; sizeBytes: number} {
    return {freeBytes: this.freeBytes, sizeBytes: 100e9}
  }

  journalBytes(): {main: number; wal: number} {
    return {main: 8_192, wal: 4_096}
  }

  residentBytes(): number {
    return 60e6
  }

  verifiedText(): string | null {
    return this.verified
  }

  settingsText(): string {
    return this.settings
  }

  publish(name: string, text: string): void {
    this.files.set(name, text)
  }
}

/** The monitor of the world's present machine, not started. */
export function monitorOf(
  {table, clock}: Pick<World, 'table' | 'clock'>,
  system: Sensors,
  log: Log = silentLog,
  journal: MonitorParts['journal'] = table.journal,
): Monitor {
  const nowMs = clock.wallMs()
  return new Monitor({
    machine: table.machine,
    journal,
    commits: commitHistogram(),
    sensors: system,
    certificate: {fromMs: nowMs, toMs: epochMs(nowMs + 30 * 86_400_000)},
    terminal: table.config.terminal,
    build: BUILD,
    clock,
    log,
    crash: thrown => {
      process.nextTick(() => {
        throw thrown
      })
    },
  })
}
