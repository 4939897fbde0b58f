/** `npm run host` as a program: what it says at its start, how curl gets in, and its bad-input lines. */
import {spawn} from 'node:child_process'
import type {ChildProcess} from 'node:child_process'
import {createServer} from 'node:net'
import {statSync} from 'node:fs'
import {join} from 'node:path'
import t from 'tap'
import type {Test} from 'tap'
import {present} from '../../kit/assert.ts'
import {curlPath, skipUnless} from '../needs.ts'

const ROOT = join(import.meta.dirname, '..', '..')

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function started(program: string, args: readonly string[]): ChildProcess {
  return spawn(program, args, {cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe']})
}

function ended(child: ChildProcess): Promise<Ran> {
  let out = ''
  let err = ''
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => {
      resolve({code, out, err})
    })
  })
}

const host = (...args: readonly string[]) => started(process.execPath, ['host/main.ts', ...args])

/** Everything it says until it has said all that a demo says. */
async function welcomed(t: Test, child: ChildProcess): Promise<string> {
  t.teardown(async () => {
    const gone = new Promise(resolve => child.once('close', resolve))
    child.kill('SIGTERM')
    await gone
  })
  let out = ''
  for await (const chunk of present(child.stdout, 'the output of the bank')) {
    out += String(chunk)
    if (/demo-andre\.curl.*\n/.test(out)) return out
  }
  return out
}

t.test('bad arguments are one line, and exit 2', async t => {
  const folder = t.testdir({'bad.json': '{"port":"high"}', 'none.json': 'port: 1'})
  for (const [args, says] of [
    [['--port', 'high'], /^--port is no number from 0 to 65535$/],
    [['--port', '65536'], /^--port is no number/],
    [['--port', '1e3'], /^--port is no number/],
    [['--port', ''], /^--port is no number/],
    [['--atm', 'a machine'], /^--atm is not a terminal id$/],
    [['--no-such-flag'], /--no-such-flag/],
    [['surplus'], /surplus/],
    [['--config', join(folder, 'missing.json')], /^cannot read .*missing\.json/],
    [['--config', join(folder, 'bad.json')], /^.*bad\.json field port is not a whole number/],
    [['--config', join(folder, 'none.json')], /^.*none\.json is no JSON/],
  ] as const) {
    const {code, out, err} = await ended(host(...args))
    t.same([code, out], [2, ''], args.join(' '))
    t.match(err.trimEnd(), says)
    t.equal(err.trimEnd().split('\n').length, 1)
  }
  t.match(await ended(host('--help')), {code: 0, out: /^usage: npm run host/})
})

t.test('what the system refuses is one line, and exit 1', async t => {
  const folder = t.testdir({'not-a-folder': ''})
  const taken = createServer()
  await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
  t.teardown(() => taken.close())
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const busy = await ended(host('--state', join(folder, 'bank'), '--port', port.toString()))
  t.same([busy.code, busy.out], [1, ''])
  t.match(busy.err, /^cannot listen on 127\.0\.0\.1:[0-9]+: .*EADDRINUSE.*\n$/)
  const misplaced = await ended(host('--state', join(folder, 'not-a-folder', 'bank')))
  t.equal(misplaced.code, 1)
  t.match(misplaced.err, /^cannot use the bank's folder .*\n$/)
})

t.test('a demo bank, and the calls of the description with curl', async t => {
  const curl = curlPath()
  if (!skipUnless(t, curl, 'curl')) return
  const state = join(t.testdir(), 'bank')
  const said = await welcomed(t, host('--state', state, '--port', '0', '--seed-demo'))
  const url = present(/^bank listening on (https:\S+), host pin [0-9a-f]{64}$/m.exec(said)?.[1], said)
  t.match(said, `back office ${url}/, API ${url}/api/docs`)
  const ready = present(/curl (-K \S+demo-tina\.curl) (\S+)$/m.exec(said), 'a line to paste')
  const ask = async (...args: readonly string[]) =>
    (await ended(started(curl, ['-sS', ...(ready[1] ?? '').split(' '), ...args]))).out
  const json = ['-H', 'Content-Type: application/json']

  t.equal(
    await ask(ready[2] ?? ''),
    '{"account_id":"12345","balance":1000.00,"currency":"EUR"}',
    'as it is printed',
  )
  t.match(
    await ask(...json, '-d', '{"amount":100.00,"atm_id":"ATM123"}', `${url}/api/accounts/12345/withdraw`),
    /^\{"transaction_id":"\w+","account_id":"12345","amount":100\.00,"balance":900\.00,"transaction_date":"[^"]+Z",/,
  )
  t.match(
    await ask(...json, '-d', '{"amount":200.00,"atm_id":"ATM123"}', `${url}/api/accounts/12345/deposit`),
    '"balance":1100.00',
  )
  t.match(
    await ask(
      ...json,
      '-d',
      '{"target_account_id":"67890","amount":150.00}',
      `${url}/api/accounts/12345/transfer`,
    ),
    /"source_balance":950\.00,"target_balance":1150\.00/,
  )
  t.match(
    await ask('-d', '{"amount":1}', `${url}/api/accounts/12345/withdraw`),
    'a body here is application/json',
  )
  const authority = join(state, 'certificates', 'authority.crt')
  const guest = await ended(
    started(curl, ['-sS', '-i', '--cacert', authority, `${url}/api/accounts/12345/balance`]),
  )
  t.match(guest.out, /^HTTP\/1\.1 401[\s\S]*www-authenticate: Bearer[\s\S]*not-signed-in/)
  const page = await ended(started(curl, ['-sS', '--cacert', authority, `${url}/`]))
  t.match(page.out, '<title>Tellerd back office</title>')
  t.equal(statSync(join(state, 'demo-tina.curl')).mode & 0o777, 0o600)
  for (const secret of [/4761739001010010/, /"pin"/]) t.notMatch(said, secret)
})
