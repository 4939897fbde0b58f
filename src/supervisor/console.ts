/** The console put together: who may log in, the settings' file, the doors. Loaded by a machine that has one. */
import {PASSWORD_COST} from '../../crypto/passwords.ts'
import {serialLink} from '../../devices/wire/serial.ts'
import type {Journal} from '../../journal/journal.ts'
import {everyRow} from '../../journal/reader.ts'
import type {Log} from '../../kit/log.ts'
import type {Random} from '../../kit/random.ts'
import {Ceremony} from '../console/ceremony.ts'
import type {House} from '../console/command.ts'
import {serialDoor, socketDoor} from '../console/doors.ts'
import type {Door} from '../console/doors.ts'
import {People} from '../console/people.ts'
import type {RecentLog} from '../console/recent-log.ts'
import type {ConsoleConfig} from '../config.ts'
import {machineDesk} from './desk.ts'
import type {DeskParts} from './desk.ts'
import {SettingsFile} from './settings.ts'

/** An answer gets so long to leave before the machine starts anew. */
const RELOAD_AFTER_MS = 500
/** As good as for ever: a machine is started anew between visits alone. */
const REST_WAIT_MS = 2 ** 31 - 1

/** What the program offers the console beside the machine. */
export interface AtConsole {
  /** The settings' file, that the console may change. */
  readonly configPath: string
  readonly recent: RecentLog
  /** Asks for a new life with what the file says then. */
  readonly reload: () => void
}

export interface Around {
  readonly random: Random
  readonly log: Log
  readonly crash: (thrown: unknown) => void
  readonly atConsole: AtConsole
}

/** @throws SystemFault when a file, the socket or the journal cannot be had */
export async function openConsole(
  config: ConsoleConfig,
  parts: DeskParts,
  {random, log, crash, atConsole}: Around,
): Promise<Door> {
  const {clock, journal} = parts
  const machine = machineDesk(parts)
  const reload = (): void => {
    const atRest = machine.until(
      ({state, context}) => context.visit === null && state !== 'servicing',
      REST_WAIT_MS,
    )
    atRest
      .then(() => clock.sleep(RELOAD_AFTER_MS))
      .then(atConsole.reload)
      .catch(crash)
  }
  const settings = new SettingsFile(atConsole.configPath, clock, reload)
  const people = People.open(config, clock, random, PASSWORD_COST, () => wasEnrolled(journal))
  const house: House = {
    machine,
    settings,
    people,
    log: atConsole.recent,
    ceremony: new Ceremony(clock),
    clock,
    random,
    isCashDual: config.cashDual,
  }
  const doors: Door[] = [await socketDoor(config.socketPath, house, crash)]
  if (config.port !== null) {
    const line = {baudRate: config.baudRate, dataBits: 8, parity: 'none', stopBits: 1, rtscts: false} as const
    doors.push(serialDoor(serialLink(config.port, line, clock, log), house, crash))
  }
  return {
    async stop() {
      settings.stop()
      await Promise.all(doors.map(door => door.stop()))
    },
  }
}

/** Asked only when the people's file is missing: at a first start, when the journal is short. */
function wasEnrolled(journal: Journal): boolean {
  for (const {entry} of everyRow(journal))
    if (
      entry.kind === 'event' &&
      entry.event.type === 'person.acted' &&
      entry.event.command === 'enrol' &&
      entry.event.outcome === 'done'
    )
      return true
  return false
}
