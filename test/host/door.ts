/** A bank behind its real door, and machines that knock: real sockets on loopback. */
import {join} from 'node:path'
import {ATM, isRecord} from './bench.ts'
import {demoCertificates} from '../../host/certificates.ts'
import type {DemoCertificates, Identified} from '../../host/certificates.ts'
import type {Role} from '../../host/guard/roles.ts'
import {startHost} from '../../host/start.ts'
import type {RunningHost} from '../../host/start.ts'
import {assert, present} from '../../kit/assert.ts'
import {epochMs, realClock} from '../../kit/clock.ts'
import type {Clock} from '../../kit/clock.ts'
import {silentLog} from '../../kit/log.ts'
import {systemRandom} from '../../kit/random.ts'
import {sealOf, signedTransport} from '../../src/link/signing.ts'
import type {Seal} from '../../src/link/signing.ts'
import {tlsTransport} from '../../src/link/tls.ts'
import type {Transport, TransportAnswer} from '../../src/link/transport.ts'

export const clock = realClock()
export const PROBE = {
  method: 'GET',
  path: `/api/atms/${ATM}/probe`,
  headers: {},
  body: null,
  deadlineMs: 5_000,
} as const

export interface Door {
  readonly host: RunningHost
  readonly certificates: DemoCertificates
  readonly atm: Identified
  knock(options?: {
    /** Null for a machine that has nothing yet. */
    as?: Identified | null
    hostPins?: readonly string[]
    authority?: string
    port?: number
    /** Instead of a line of its own. */
    over?: Transport
    /** How far the machine's clock is from the bank's. */
    offsetMs?: number
    /** Null for a line without a seal. */
    seal?: Partial<Seal> | null
  }): Transport
}

/** One journal for every life of the machine. */
let rowCount = 0

export async function openDoor(folder: string): Promise<Door> {
  const options = {
    stateFolder: folder,
    address: '127.0.0.1',
    port: 0,
    atmIds: [ATM, 'ATM999'],
    seedDemo: true,
  }
  const host = await startHost(options, clock, systemRandom(), silentLog)
  const certificates = await certificatesIn(folder)
  const atm = present(certificates.atms.get(ATM), 'the certificate of the machine')
  return {
    host,
    certificates,
    atm,
    knock: ({
      as = atm,
      hostPins = [host.hostPin],
      authority = certificates.authority,
      port = host.port,
      over,
      offsetMs = 0,
      seal = {},
    } = {}) => {
      const line = over ?? tlsTransport({host: '127.0.0.1', port, authority, hostPins, own: as}, clock)
      if (seal === null || as === null) return line
      const own = sealOf(ATM, as.key, host.signingCertificate, () => ++rowCount)
      return signedTransport(line, {...own, ...seal}, shifted(offsetMs))
    },
  }
}

function certificatesIn(folder: string): Promise<DemoCertificates> {
  return demoCertificates(join(folder, 'certificates'), [ATM, 'ATM999'], clock.wallMs(), systemRandom())
}

/** Sends once and closes. */
export async function once(transport: Transport): Promise<TransportAnswer> {
  const answer = await transport.send(PROBE)
  await transport.close()
  return answer
}

export function summary(answer: TransportAnswer): string {
  const unsigned = answer.kind === 'silent' ? /an answer (\d+) was not the bank’s/.exec(answer.why) : null
  if (unsigned !== null) return `status ${unsigned[1] ?? ''}, unsigned`
  return answer.kind === 'answer'
    ? `status ${answer.status}`
    : `silent, ${answer.sent ? 'perhaps sent' : 'not sent'}`
}

function shifted(offsetMs: number): Clock {
  return {...clock, wallMs: () => epochMs(clock.wallMs() + offsetMs)}
}

/** What one of the demo people asks, over the same door. */
export async function asPerson(
  door: Door,
  role: Role,
  method: 'GET' | 'POST',
  path: string,
  body: object | null = null,
): Promise<{readonly status: number; readonly json: Readonly<Record<string, unknown>>}> {
  const person = present(
    door.host.demoPeople.find(one => one.role === role),
    'a demo person',
  )
  const line = door.knock({as: null})
  const answer = await line.send({
    method,
    path,
    headers: {authorization: `Bearer ${person.token}`, 'content-type': 'application/json'},
    body: body === null ? null : JSON.stringify(body),
    deadlineMs: 5_000,
  })
  await line.close()
  assert(answer.kind === 'answer', 'the bank is silent')
  const json: unknown = JSON.parse(answer.body)
  assert(isRecord(json), 'the bank answered no object')
  return {status: answer.status, json}
}
