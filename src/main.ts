/** The daemon's composition root: settings become ports, ports become a machine; no logic. */
import {readFileSync} from 'node:fs'
import {serialLink} from '../devices/wire/serial.ts'
import {Journal} from '../journal/journal.ts'
import {realClock} from '../kit/clock.ts'
import type {Clock} from '../kit/clock.ts'
import {SystemFault, reasonOf} from '../kit/errors.ts'
import type {Log} from '../kit/log.ts'
import {systemRandom} from '../kit/random.ts'
import {Secret} from '../kit/secret.ts'
import {configHash} from './config.ts'
import type {Config} from './config.ts'
import {DISPENSERS, PIN_PADS, READERS} from './drivers.ts'
import {sealOf, signedTransport} from './link/signing.ts'
import {tlsTransport} from './link/tls.ts'
import type {Transport} from './link/transport.ts'
import {Machine} from './machine.ts'
import {startScreenServer} from './screen/server.ts'

/** The program's version, as the journal and the console name it. */
export const BUILD = 'tellerd 0.1.0'

export interface Daemon {
  readonly machine: Machine
  /** Address of the customer's screen. */
  readonly screenUrl: string
  stop(): Promise<void>
}

/**
 * Starts the machine that the settings describe.
 * @param crash called once with what ended it, should one of our own mistakes surface
 * @throws SystemFault when journal, keys or port cannot be had
 */
export async function startDaemon(
  config: Config,
  log: Log,
  crash: (thrown: unknown) => void,
): Promise<Daemon> {
  const clock = realClock()
  const {cardReader, pinPad, dispenser} = config
  const reader = READERS[cardReader.model]
  const pad = PIN_PADS[pinPad.model]
  const cash = DISPENSERS[dispenser.model]
  const journal = Journal.open(config.journal.path, clock, BUILD, configHash(config))
  const machine = new Machine({
    config,
    reader: reader.on(serialLink(cardReader.port, reader.line, clock, log), clock, log),
    pinPad: pad.on(serialLink(pinPad.port, pad.line, clock, log), clock, log),
    dispenser: cash.on(serialLink(dispenser.port, cash.line, clock, log), clock, log),
    transport: bankLine(config, journal, clock),
    journal,
    clock,
    random: systemRandom(),
    log,
    crash,
  })
  const screen = await startScreenServer(
    machine,
    {host: '127.0.0.1', port: config.screen.port},
    log.named('screen'),
  )
  machine.start()
  return {
    machine,
    screenUrl: screen.url,
    async stop() {
      await screen.close()
      await machine.stop()
    },
  }
}

function bankLine({terminal, host}: Config, journal: Journal, clock: Clock): Transport {
  const {hostname, port} = new URL(host.url)
  const key = new Secret(readText(host.keyPath))
  const line = tlsTransport(
    {
      host: hostname,
      port: Number(port === '' ? '443' : port),
      authority: readText(host.caPath),
      hostPins: host.hostPins,
      certificate: readText(host.certificatePath),
      key,
    },
    clock,
  )
  const seal = sealOf(terminal, key, readText(host.signersPath), () => journal.head.seq)
  return signedTransport(line, seal, clock)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    throw new SystemFault(`${path}: ${reasonOf(thrown)}`, {cause: thrown})
  }
}
