/**
 * How fast the installed program comes into service, and what it weighs there: the real daemon as a process of
 * its own, its three devices at the far ends of pseudo-terminals and its bank on loopback, all in this process.
 */
import {spawn} from 'node:child_process'
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {createInterface} from 'node:readline'
import {pseudoTerminal} from '../../devices/wire/pty.ts'
import {startHost} from '../../host/start.ts'
import {realClock} from '../../kit/clock.ts'
import {SystemFault} from '../../kit/errors.ts'
import {silentLog} from '../../kit/log.ts'
import {systemRandom} from '../../kit/random.ts'
import {TELLERD, bundle} from '../../package/bundle.ts'
import {emulatorsOn, startEmulators, stopEmulators} from '../../src/bench/rig.ts'
import {TERMINAL} from '../../src/bench/table.ts'
import {interleaved, rowOf} from './measure.ts'
import type {Row} from './measure.ts'
import type {ChildProcess} from 'node:child_process'

const ROOT = dirname(dirname(import.meta.dirname))
const ROUNDS = 5
/** Long enough for a slow disk; a start that takes longer has failed. */
const START_MAX_MS = 60_000
/** After coming into service, before it is weighed: garbage of the start is still there, timers have begun. */
const REST_MS = 1_000
/** As fast as the wires: what is measured is the program, not the motors. */
const NO_PACE = {cardMoveMs: 0, noteMs: 0, lineMs: 0}

const clock = realClock()

export async function birthRows(folder: string): Promise<readonly Row[]> {
  const wires = {
    reader: wire(folder, 'reader'),
    pinPad: wire(folder, 'pinPad'),
    dispenser: wire(folder, 'dispenser'),
  }
  const ends = {reader: wires.reader.far, pinPad: wires.pinPad.far, dispenser: wires.dispenser.far}
  const emulators = emulatorsOn(ends, 'lcdm2000', {1: 100, 2: 100}, NO_PACE, clock)
  await startEmulators(emulators)
  const bank = await startHost(
    {stateFolder: join(folder, 'bank'), address: '127.0.0.1', port: 0, atmIds: [TERMINAL], seedDemo: true},
    clock,
    systemRandom(),
    silentLog,
  )
  try {
    const configPath = writeConfig(folder, {url: bank.url, hostPin: bank.hostPin})
    const installed = await install(folder)
    const fromSources = join(ROOT, 'src/cli.ts')
    const weights: {machine: number[]; sources: number[]; bare: number[]} = {
      machine: [],
      sources: [],
      bare: [],
    }
    const values = await interleaved(
      {
        machine: async () => {
          const born = await startMachine(installed, configPath, environmentOfUnit(join(folder, 'cache')))
          weights.machine.push(born.weightMegabytes)
          return born.startMs
        },
        sources: async () => {
          const cache = {NODE_COMPILE_CACHE: join(ROOT, '.cache', 'compiled')}
          return (await startMachine(fromSources, configPath, cache)).startMs
        },
        bare: async () => {
          const startMs = clock.monotonicMs()
          await ended(spawn(process.execPath, ['-e', '0'], {stdio: 'ignore'}))
          return clock.monotonicMs() - startMs
        },
        weightOfBare: async () => {
          weights.bare.push(await bareWeight())
          return 0
        },
      },
      ROUNDS,
    )
    return [
      rowOf(
        {name: 'start to in service', unit: 'ms', against: 'node -e 0', ratioMax: 6},
        values.machine,
        values.bare,
      ),
      rowOf(
        {name: 'start to in service', unit: 'ms', against: 'from the sources', ratioMax: 1},
        values.machine,
        values.sources,
      ),
      rowOf(
        {name: 'resident memory in service', unit: 'MB', against: 'bare Node', ratioMax: 1.9},
        weights.machine,
        weights.bare,
      ),
    ]
  } finally {
    await stopEmulators(emulators)
    for (const each of Object.values(wires)) each.remove()
    await bank.close()
  }
}

function wire(folder: string, name: string): ReturnType<typeof pseudoTerminal> {
  return pseudoTerminal(join(folder, name))
}

/** One machine's settings. All its lives share a journal: the bank takes no messages numbered anew from one that lost its own. */
function writeConfig(folder: string, bank: {readonly url: string; readonly hostPin: string}): string {
  const certificates = join(folder, 'bank', 'certificates')
  const config = {
    terminal: TERMINAL,
    currency: 'EUR',
    journal: {path: join(folder, 'journal.db')},
    host: {
      url: bank.url,
      caPath: join(certificates, 'authority.crt'),
      certificatePath: join(certificates, `atm-${TERMINAL}.crt`),
      keyPath: join(certificates, `atm-${TERMINAL}.key`),
      hostPins: [bank.hostPin],
      signersPath: join(certificates, 'signing.crt'),
    },
    cardReader: {model: 'crt310', port: join(folder, 'reader')},
    pinPad: {model: 'szzt', port: join(folder, 'pinPad')},
    dispenser: {model: 'lcdm2000', port: join(folder, 'dispenser')},
    cassettes: [
      {cassette: 1, note: '20.00', initialCount: 100},
      {cassette: 2, note: '50.00', initialCount: 100},
    ],
    payout: {amountMax: '1000.00'},
    screen: {port: 0},
  }
  const path = join(folder, 'config.json')
  writeFileSync(path, JSON.stringify(config))
  return path
}

/** The program as the package installs it. @returns its main file */
async function install(folder: string): Promise<string> {
  const home = join(folder, 'installed')
  mkdirSync(home)
  const architecture = process.arch === 'arm64' ? 'arm64' : 'x64'
  await bundle(TELLERD, home, architecture)
  return join(home, `${TELLERD.name}.js`)
}

/** What the unit sets, with its cache in this folder; the first round fills it. */
function environmentOfUnit(cache: string): Readonly<Record<string, string>> {
  const unit = readFileSync(join(ROOT, 'systemd/tellerd.service'), 'utf8')
  return Object.fromEntries(
    [...unit.matchAll(/^Environment=(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [
      name,
      value.replace('%C/tellerd', cache),
    ]),
  )
}

/** From the start of the process to its state `idle`; then it is weighed and told to stop. */
async function startMachine(
  program: string,
  configPath: string,
  environment: Readonly<Record<string, string>>,
): Promise<{startMs: number; weightMegabytes: number}> {
  const beforeMs = clock.monotonicMs()
  const child = spawn(process.execPath, [program, 'run', '--config', configPath], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {...process.env, ...environment},
  })
  const deadline = clock.after(START_MAX_MS, () => child.kill('SIGKILL'))
  const heard: string[] = []
  try {
    for await (const line of createInterface({input: child.stderr})) {
      heard.push(line)
      if (!/"state":"idle"/.test(line)) continue
      const startMs = clock.monotonicMs() - beforeMs
      await clock.sleep(REST_MS)
      return {startMs, weightMegabytes: weightOf(child)}
    }
    throw new SystemFault(`the machine did not come into service:\n${heard.slice(-20).join('\n')}`)
  } finally {
    deadline.cancel()
    child.kill('SIGTERM')
    await ended(child)
  }
}

async function bareWeight(): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e9)'], {stdio: 'ignore'})
  try {
    await clock.sleep(REST_MS)
    return weightOf(child)
  } finally {
    child.kill('SIGTERM')
    await ended(child)
  }
}

/** Resident memory in MB, as the kernel counts it. */
function weightOf(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid ?? 'none'}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else
      child.once('exit', () => {
        resolve()
      })
  })
}
