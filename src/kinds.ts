/** All that can be asked on a wire, kind by kind, whether the settings know it or not. */
import type {Failed, Identity} from '../devices/outcome.ts'
import {LINE as EBDS_LINE} from '../devices/acceptor/ebds/bytes.ts'
import {Ebds} from '../devices/acceptor/ebds/driver.ts'
import {LINE as SSP_LINE} from '../devices/acceptor/itl-ssp/bytes.ts'
import {Nv200} from '../devices/acceptor/itl-ssp/driver.ts'
import type {Acceptor} from '../devices/acceptor/port.ts'
import {systemRandom} from '../kit/random.ts'
import {DISPENSERS, PIN_PADS, READERS} from './drivers.ts'
import type {Model, SerialModel} from './drivers.ts'
import {PRINTERS} from './printers.ts'

/** Acceptors are no part of the settings before deposits are; a probe finds them here. */
export const ACCEPTORS: Readonly<Record<'nv200' | 'ebds', SerialModel<Acceptor>>> = {
  ebds: {line: EBDS_LINE, on: (link, clock, log) => new Ebds(link, clock, log)},
  nv200: {line: SSP_LINE, on: (link, clock, log) => new Nv200(link, clock, log, systemRandom())},
}

/** What the port of every kind has: enough to ask a device who it is and how it is. */
export interface Device {
  readonly capabilities: object
  /** Connects, identifies, reads what there is to read; moves neither card nor note. */
  open(): Promise<
    {readonly kind: 'open'; readonly identity: Identity; readonly status: object} | Failed<string>
  >
  /** What else can be asked without moving anything, in lines for a person; a model that is all in its status has none. */
  describe?(): Promise<readonly string[]>
  close(): Promise<void>
}

/** All models of one kind, by their names. */
export interface Kind {
  readonly name: string
  readonly models: Readonly<Record<string, Model<Device>>>
}

export const KINDS: readonly Kind[] = [
  {name: 'card reader', models: READERS},
  {name: 'PIN pad', models: PIN_PADS},
  {name: 'dispenser', models: DISPENSERS},
  {name: 'receipt printer', models: PRINTERS},
  {name: 'note acceptor', models: ACCEPTORS},
]
