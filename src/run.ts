/** `tellerd run`: one life of the machine after another, until somebody ends the program; a new one begins when its settings changed. */
import {realClock} from '../kit/clock.ts'
import type {Clock} from '../kit/clock.ts'
import {BadInput, SystemFault} from '../kit/errors.ts'
import {lineLog} from '../kit/log.ts'
import type {Log} from '../kit/log.ts'
import {readConfig} from './config.ts'
import {RecentLog, bothLogs} from './console/recent-log.ts'
import {enrollAtFirst, startDaemon} from './main.ts'
import type {Daemon} from './main.ts'
import {EXIT_OK, askedToStop, crashProgram, sayError} from './program.ts'
import {Service} from './service/service.ts'
import {credential, surroundings} from './service/surroundings.ts'
import type {Surroundings} from './service/surroundings.ts'
import {systemJournalLog} from './service/system-journal.ts'

/** What somebody who starts it for the first time is told. */
const FIRST_START = [
  'This machine has no settings yet.',
  "  1. 'tellerd setup' asks what only the site knows, finds the devices and writes them.",
  "  2. 'tellerd enroll --config FILE --code CODE' gets the certificate, with a code that the bank made.",
  "  3. 'tellerd run --config FILE' starts the machine; its console says how the first people log in.",
  "Written by hand, 'tellerd config check FILE' says what is wrong in them.",
].join('\n')

interface Life {
  readonly path: string
  readonly clock: Clock
  readonly around: Surroundings
  readonly log: Log
  readonly recent: RecentLog
  /** The signal that ends the program. */
  readonly stopped: Promise<string>
}

/**
 * @param path the settings' file
 * @throws BadInput when the settings cannot be used; SystemFault when a machine cannot start with them
 */
export async function run(path: string | undefined): Promise<number> {
  if (path === undefined) throw new BadInput(`--config FILE is missing\n${FIRST_START}`)
  const clock = realClock()
  const around = surroundings()
  const recent = new RecentLog()
  const log = bothLogs(logIn(around, clock), recent.log(clock))
  const life = {path, clock, around, log, recent, stopped: askedToStop()}
  while ((await lived(life)) === 'reload') log.info('starting anew with the settings as they are now')
  return EXIT_OK
}

/** Settings on trial that do not even start are taken back. */
async function lived(life: Life): Promise<'reload' | 'stop'> {
  const {path, clock, around, log, recent, stopped} = life
  let reload: () => void = () => undefined
  const reloading = new Promise<null>(resolve => {
    reload = () => {
      resolve(null)
    }
  })
  let daemon: Daemon
  try {
    const config = readConfig(path)
    await enrollAtFirst(config, credential(around, 'tellerd.enrolment-code'), clock, log)
    const atConsole = {configPath: path, recent, reload}
    daemon = await startDaemon(config, log, crashProgram('tellerd'), atConsole, around.runtimeFolder)
    log.info('started', {terminal: config.terminal, screen: daemon.screenUrl})
  } catch (thrown) {
    const {endTrial} = await import('./supervisor/settings.ts')
    if (!(thrown instanceof SystemFault) || !endTrial(path)) throw thrown
    log.error('the settings on trial do not start; the ones before are back', {why: thrown.message})
    return 'reload'
  }
  const service = new Service(daemon.machine, around, clock, log)
  service.start()
  const signal = await Promise.race([stopped, reloading])
  if (signal !== null) {
    log.info('stopping', {signal})
    await service.rest()
  }
  service.stop()
  await daemon.stop()
  return signal === null ? 'reload' : 'stop'
}

/** Fields in the system's journal where there is one, lines on standard error otherwise. */
function logIn({toJournal}: Surroundings, clock: Clock): Log {
  const lines = lineLog(clock, sayError)
  return toJournal === null ? lines : systemJournalLog(toJournal, lines)
}
