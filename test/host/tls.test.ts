/** The door of the bank and the machine that knocks: real sockets on loopback. */
import {createServer as createTlsServer, request as httpsRequest} from 'node:https'
import type {RequestListener} from 'node:http'
import {createServer as createTcpServer} from 'node:net'
import type {AddressInfo, Server} from 'node:net'
import {statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {connect} from 'node:tls'
import type {ConnectionOptions} from 'node:tls'
import t from 'tap'
import {ATM, START_MS} from './bench.ts'
import {PROBE, clock, once, openDoor, summary} from './door.ts'
import {demoCertificates} from '../../host/certificates.ts'
import {spkiPin} from '../../host/tls.ts'
import {assert, present} from '../../kit/assert.ts'
import {epochMs} from '../../kit/clock.ts'
import {silentLog} from '../../kit/log.ts'
import {systemRandom} from '../../kit/random.ts'
import {hostLink} from '../../src/link/client.ts'
import type {TransportAnswer} from '../../src/link/transport.ts'

t.test('who may come in', async t => {
  const door = await openDoor(t.testdir())
  t.teardown(() => door.host.close())
  t.equal(summary(await once(door.knock())), 'status 200', 'the machine itself')

  const stranger = await demoCertificates(
    join(t.testdirName, 'foreign'),
    [ATM],
    clock.wallMs(),
    systemRandom(),
  )
  const foreign = present(stranger.atms.get(ATM), 'a foreign certificate')
  t.equal(
    summary(await once(door.knock({as: foreign}))),
    'status 403, unsigned',
    'a certificate of another authority',
  )

  const other = present(door.certificates.atms.get('ATM999'), 'the other machine')
  const seal = {atmId: 'ATM999'}
  t.equal(summary(await once(door.knock({as: other, seal}))), 'status 403', 'another machine on this path')

  const {store} = door.host.bank
  const atmIds = [ATM, 'ATM000']
  const more = await demoCertificates(
    join(t.testdirName, 'certificates'),
    atmIds,
    clock.wallMs(),
    systemRandom(),
  )
  const unknown = present(more.atms.get('ATM000'), 'a machine without a row')
  t.equal(summary(await once(door.knock({as: unknown}))), 'status 403, unsigned', 'our authority, but no row')
  await store.transact(tx => tx.atms.addPin(ATM, spkiPin(unknown.certificate)))
  t.equal(
    summary(await once(door.knock({as: unknown}))),
    'status 403, unsigned',
    'a row, but the name is of another machine',
  )

  await store.transact(tx => tx.atms.setStatus(ATM, 'inactive'))
  t.equal(summary(await once(door.knock())), 'status 403', 'switched off')
  await store.transact(tx => tx.atms.setStatus(ATM, 'active'))
  t.equal(summary(await once(door.knock())), 'status 200', 'switched on again')
})

t.test('people come without a certificate, nobody with TLS 1.2', async t => {
  const door = await openDoor(t.testdir())
  t.teardown(() => door.host.close())
  const tried = (options: object, path: string = PROBE.path): Promise<string> =>
    new Promise(resolve => {
      const request = httpsRequest(
        {
          host: '127.0.0.1',
          port: door.host.port,
          path,
          ca: door.certificates.authority,
          ...options,
        },
        response => {
          response.resume()
          resolve(`status ${response.statusCode ?? 0}`)
        },
      )
      request.on('error', fault => {
        resolve('code' in fault ? String(fault.code) : fault.message)
      })
      request.end()
    })
  const {certificate: cert, key} = door.atm
  t.equal(await tried({cert, key: key.reveal()}), 'status 401', 'a machine that does not sign')
  const bearer = (token: string) => ({headers: {authorization: `Bearer ${token}`}})
  const token = present(door.host.demoPeople[0], 'the demo teller').token
  const balance = '/api/accounts/12345/balance'
  t.equal(await tried({}), 'status 401', 'a guest on a path of machines')
  t.equal(await tried({}, balance), 'status 401')
  t.equal(await tried(bearer(token), balance), 'status 200', 'a teller')
  t.equal(await tried(bearer(`${token}x`), balance), 'status 401', 'a token of nobody')
  t.equal(await tried({headers: {authorization: 'Basic eDp5'}}, balance), 'status 401')
  t.equal(await tried(bearer(token)), 'status 403', 'a teller is no machine')
  const stranger = await demoCertificates(
    join(t.testdirName, 'foreign'),
    [ATM],
    clock.wallMs(),
    systemRandom(),
  )
  const foreign = present(stranger.atms.get(ATM), 'a foreign certificate')
  const shown = {cert: foreign.certificate, key: foreign.key.reveal()}
  t.equal(
    await tried({...shown, ...bearer(token)}, balance),
    'status 403',
    'a bad certificate outweighs a token',
  )
  t.match(await tried({cert, key: key.reveal(), maxVersion: 'TLSv1.2'}), /EPROTO|PROTOCOL_VERSION/)
})

t.test('a revocation counts on the connection that is open', async t => {
  const door = await openDoor(t.testdir())
  t.teardown(() => door.host.close())
  const transport = door.knock()
  t.teardown(() => transport.close())
  t.equal(summary(await transport.send(PROBE)), 'status 200')
  await door.host.bank.store.transact(tx => tx.atms.revokePin(spkiPin(door.atm.certificate)))
  t.equal(summary(await transport.send(PROBE)), 'status 403, unsigned')
})

t.test('a session seen on the wire resumes nothing', async t => {
  const door = await openDoor(t.testdir())
  t.teardown(() => door.host.close())
  const base = {host: '127.0.0.1', port: door.host.port, ca: door.certificates.authority}
  /** Connects, asks, and tells what happened, with the last session that the server offered. */
  const asked = (options: ConnectionOptions) =>
    new Promise<{end: string; isReused: boolean; session: Buffer | null}>(resolve => {
      let session: Buffer | null = null
      const socket = connect({...base, ...options})
      const end = (what: string) => {
        resolve({end: what, isReused: socket.isSessionReused(), session})
        socket.destroy()
      }
      socket.on('session', next => (session = next))
      socket.on('error', (fault: Error) => {
        end('code' in fault ? String(fault.code) : fault.message)
      })
      // What the server offers for resumption comes before its first answer.
      socket.on('data', (bytes: Buffer) => {
        t.match(bytes.toString(), /Keep-Alive: timeout=72\r\n/, 'kept longer than the machine is silent')
        end(/urn:tellerd:problem:([a-z-]+)/.exec(bytes.toString())?.[1] ?? 'no problem')
      })
      socket.write(`GET ${PROBE.path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    })
  const own = {cert: door.atm.certificate, key: door.atm.key.reveal()}
  const first = await asked(own)
  t.equal(first.end, 'message-unsigned', 'known, were it not for the seal')
  const session = present(first.session, 'a session; without one this test proves nothing')
  t.match(
    await asked({...own, session}),
    {end: 'message-unsigned', isReused: false},
    'its owner starts afresh',
  )
  t.match(
    await asked({session}),
    {end: 'not-signed-in', isReused: false},
    'a thief of the session is a guest',
  )
})

t.test('the machine speaks only to its bank', async t => {
  const door = await openDoor(t.testdir())
  t.teardown(() => door.host.close())
  const wrong = '0'.repeat(64)
  t.equal(summary(await once(door.knock({hostPins: [wrong]}))), 'silent, not sent', 'another key')
  t.equal(
    summary(await once(door.knock({hostPins: [wrong, door.host.hostPin]}))),
    'status 200',
    'one of two keys',
  )
  const stranger = await demoCertificates(join(t.testdirName, 'foreign'), [], clock.wallMs(), systemRandom())
  t.equal(
    summary(await once(door.knock({authority: stranger.authority}))),
    'silent, not sent',
    'the right key under an authority that is not trusted',
  )
})

t.test('what silence means', async t => {
  const door = await openDoor(t.testdir())
  t.teardown(() => door.host.close())
  const {host, authority} = door.certificates
  const servers: Server[] = []
  t.teardown(() => {
    for (const server of servers) server.close()
  })
  const listening = async (server: Server): Promise<number> => {
    servers.push(server)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address: AddressInfo | string | null = server.address()
    assert(address !== null && typeof address === 'object', 'a server without a port')
    return address.port
  }
  const tls = (listener: RequestListener) =>
    listening(
      createTlsServer(
        {cert: host.certificate, key: host.key.reveal(), ca: authority, requestCert: true},
        listener,
      ),
    )
  const asked = async (port: number, deadlineMs = 300): Promise<TransportAnswer> => {
    const transport = door.knock({port, seal: null})
    const answer = await transport.send({...PROBE, deadlineMs})
    await transport.close()
    return answer
  }

  const closed = await listening(createTcpServer())
  await new Promise<void>(resolve => {
    servers.pop()?.close(() => {
      resolve()
    })
  })
  t.equal(summary(await asked(closed)), 'silent, not sent', 'nobody listens')
  t.equal(
    summary(await asked(await listening(createTcpServer(socket => socket.unref())))),
    'silent, not sent',
    'connected, but no handshake',
  )
  t.equal(summary(await asked(await tls(() => undefined))), 'silent, perhaps sent', 'taken, but no answer')
  t.match(
    await asked(
      await tls((_, response) => {
        response.writeHead(200, {'content-length': '100'})
        response.write('half')
        setImmediate(() => response.destroy())
      }),
      2_000,
    ),
    {kind: 'silent', sent: true},
    'half an answer is none',
  )
  t.match(
    await asked(await tls((_, response) => response.end('x'.repeat(100_000))), 2_000),
    {kind: 'silent', why: /too long/},
    'an answer without end',
  )

  let answeredCount = 0
  const once = await tls((request, response) => {
    answeredCount += 1
    if (answeredCount === 1) response.end('{}')
    else request.socket.destroy()
  })
  const transport = door.knock({port: once, seal: null})
  t.equal(summary(await transport.send(PROBE)), 'status 200')
  t.equal(summary(await transport.send(PROBE)), 'silent, perhaps sent', 'a kept connection that dies')
  t.equal(answeredCount, 2, 'and nothing repeated it')
  await transport.close()
})

t.test('a whole visit over the wire', async t => {
  const door = await openDoor(t.testdir())
  t.teardown(() => door.host.close())
  const link = hostLink(door.knock(), clock, silentLog, {
    atmId: ATM,
    currency: 'EUR',
    answerTimeoutMs: 10_000,
  })
  t.teardown(() => link.close())
  t.equal(await link.probe(), true)
  const signedOn = await link.signOn()
  t.equal(signedOn.kind, 'signedOn')
  t.match(await link.balance({accountId: '12345'}), {kind: 'declined', code: '63'}, 'no card was shown')
})

t.test('certificates are kept, renewed, and their keys are private', async t => {
  const folder = t.testdir()
  const make = (nowMs = START_MS) => demoCertificates(folder, [ATM], nowMs, systemRandom())
  const first = await make()
  t.equal((await make()).host.certificate, first.host.certificate, 'the same at the next start')
  for (const name of ['authority.key', 'host.key', `atm-${ATM}.key`])
    t.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  const nextYear = await make(epochMs(START_MS + 350 * 86_400_000))
  t.not(nextYear.host.certificate, first.host.certificate, 'near its end')
  t.equal(nextYear.authority, first.authority, 'the authority lives longer')
  writeFileSync(join(folder, 'host.key'), nextYear.atms.get(ATM)?.key.reveal() ?? '')
  const repaired = await make(epochMs(START_MS + 350 * 86_400_000))
  t.not(repaired.host.certificate, nextYear.host.certificate, 'a key that does not belong to it')
})
