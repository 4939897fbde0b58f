/**
 * The bank over mutual TLS: HTTPS with the machine's certificate, kept alive on at most two connections.
 * The bank is known by its pinned public key, whatever certificate it shows, and no authority of the
 * operating system is trusted.
 */
import {X509Certificate} from 'node:crypto'
import {Agent, request as httpsRequest} from 'node:https'
import type {ClientRequest, IncomingMessage} from 'node:http'
import type {Socket} from 'node:net'
import {spkiPin} from '../../crypto/http-signature.ts'
import type {Clock} from '../../kit/clock.ts'
import {SystemFault, codeOf, reasonOf} from '../../kit/errors.ts'
import type {MachineIdentity} from './identity.ts'
import type {BankRequest, Transport, TransportAnswer} from './transport.ts'

/** One financial question and one advice at a time need no more. */
const CONNECTIONS_MAX = 2
/** The longest answer taken; the longest we know has under 2 KiB. */
const ANSWER_BYTES_MAX = 65_536

export interface TlsOptions {
  readonly host: string
  readonly port: number
  /** PEM; the only authorities trusted. */
  readonly authority: string
  /** Hex SHA-256 of the bank's SubjectPublicKeyInfo, one or, while the bank changes keys, two. */
  readonly hostPins: readonly string[]
  /** PEM, of this machine; none while it enrols. */
  readonly own: MachineIdentity | null
}

/** Connects when first asked. */
export function tlsTransport(options: TlsOptions, clock: Clock): Transport {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: CONNECTIONS_MAX,
    // A resumed session would skip the check of the pin.
    maxCachedSessions: 0,
    minVersion: 'TLSv1.3',
    ca: options.authority,
    ...(options.own === null ? {} : {cert: options.own.certificate, key: options.own.key.reveal()}),
    rejectUnauthorized: true,
    checkServerIdentity: (_, {raw}) =>
      options.hostPins.includes(spkiPin(new X509Certificate(raw).publicKey))
        ? undefined
        : new SystemFault('the bank shows an unknown key'),
  })
  const known = new WeakSet<Socket>()
  return {
    send: question => clock.outside(exchanged(agent, options, question, clock, known)),
    close: async () => {
      agent.destroy()
    },
  }
}

/** Never rejects. */
function exchanged(
  agent: Agent,
  {host, port}: TlsOptions,
  question: BankRequest,
  clock: Clock,
  known: WeakSet<Socket>,
): Promise<TransportAnswer> {
  return new Promise(resolve => {
    const {method, path, headers, body, deadlineMs} = question
    const lengthHeader = body === null ? {} : {'content-length': Buffer.byteLength(body).toString()}
    const request = httpsRequest({agent, host, port, method, path, headers: {...headers, ...lengthHeader}})
    const sent = watchSending(request, known)
    const timer = clock.after(deadlineMs, () => {
      end({kind: 'silent', why: `no answer within ${deadlineMs} ms`, sent: sent()})
    })
    const end = (answer: TransportAnswer) => {
      timer.cancel()
      // Harmless after a whole answer; otherwise the connection is of no more use.
      if (answer.kind === 'silent') request.destroy()
      resolve(answer)
    }
    request.on('error', fault => {
      end({kind: 'silent', why: codeOf(fault) ?? reasonOf(fault), sent: sent()})
    })
    request.on('response', response => {
      collect(response, end)
    })
    request.end(body ?? undefined)
  })
}

/**
 * Tells whether a byte of the request may have left. Certainly none has while its connection is new and
 * not secured: Node holds the request back until then. After that we cannot know, and say it has.
 * @param known connections that carried a request before
 */
function watchSending(request: ClientRequest, known: WeakSet<Socket>): () => boolean {
  let sent = false
  request.once('socket', (socket: Socket) => {
    if (known.has(socket)) sent = true
    else
      socket.once('secureConnect', () => {
        sent = true
      })
    known.add(socket)
  })
  return () => sent
}

function collect(response: IncomingMessage, end: (answer: TransportAnswer) => void): void {
  const chunks: Buffer[] = []
  let lengthBytes = 0
  response.on('data', (chunk: Buffer) => {
    lengthBytes += chunk.length
    if (lengthBytes > ANSWER_BYTES_MAX) end({kind: 'silent', why: 'the answer is too long', sent: true})
    else chunks.push(chunk)
  })
  response.on('error', fault => {
    end({kind: 'silent', why: codeOf(fault) ?? reasonOf(fault), sent: true})
  })
  response.on('close', () => {
    if (!response.complete) end({kind: 'silent', why: 'the answer was cut short', sent: true})
  })
  response.on('end', () => {
    end({
      kind: 'answer',
      status: response.statusCode ?? 0,
      headers: onlyTexts(response.headers),
      body: Buffer.concat(chunks).toString('utf8'),
    })
  })
}

/** Headers that came once; the others are none of ours. */
function onlyTexts(headers: IncomingMessage['headers']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  )
}
