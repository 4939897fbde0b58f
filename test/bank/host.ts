/**
 * One host process of the workload: the bank's own program with its own door, seeded from the world's file and with
 * limits so wide that they are counted and never met. It ends when its standard input does, so that none outlives
 * the workload.
 *
 *   node test/bank/host.ts --state DIR --world FILE [--db URL] [--seed]
 */
import {parseArgs} from 'node:util'
import {WIDE_POLICY} from './policy.ts'
import {EXPIRES, CURRENCY, MASTER_KEY_HEX, PIN, readWorld} from './world.ts'
import type {World, WorldCard} from './world.ts'
import {isoSeconds} from '../../host/bank.ts'
import {tokenHash} from '../../host/guard/tokens.ts'
import {openingEntry} from '../../host/ledger/book.ts'
import {shownPan} from '../../host/pan.ts'
import {softPinModule} from '../../host/pin.ts'
import {openBankState, startHost} from '../../host/start.ts'
import type {HostOptions} from '../../host/start.ts'
import {bytesOfHex} from '../../crypto/hex.ts'
import {assert, present} from '../../kit/assert.ts'
import {epochMs, realClock} from '../../kit/clock.ts'
import {SystemFault, reasonOf} from '../../kit/errors.ts'
import {lineLog} from '../../kit/log.ts'
import {minorUnits} from '../../kit/money.ts'
import {systemRandom} from '../../kit/random.ts'
import {Secret} from '../../kit/secret.ts'

const DAY_MS = 86_400_000

const clock = realClock()
const random = systemRandom()
const log = lineLog(clock, line => process.stderr.write(`${line}\n`), 'warn', 'host')

const {values} = parseArgs({
  options: {
    state: {type: 'string'},
    world: {type: 'string'},
    db: {type: 'string'},
    seed: {type: 'boolean'},
  },
})
const world = readWorld(present(values.world, '--world'))
const options: HostOptions = {
  stateFolder: present(values.state, '--state'),
  address: '127.0.0.1',
  port: 0,
  atmIds: [...world.atmIds, world.guessingAtmId],
  policy: WIDE_POLICY,
  seedDemo: false,
  database: values.db,
}
try {
  await (values.seed === true ? seed(world) : serve())
} catch (thrown) {
  if (!(thrown instanceof SystemFault)) throw thrown
  process.stderr.write(`${thrown.message}\n`)
  process.exitCode = 1
}

async function serve(): Promise<void> {
  const host = await startHost(options, clock, random, log)
  const {port, hostPin, signingCertificate} = host
  process.stdout.write(`${JSON.stringify({port, hostPin, signingCertificate})}\n`)
  const stop = () => {
    process.stdin.destroy()
    host.close().catch((thrown: unknown) => {
      log.error('the bank did not stop cleanly', {why: reasonOf(thrown)})
    })
  }
  process.stdin.once('end', stop)
  process.stdin.resume()
}

async function seed({accounts, cards, counters}: World): Promise<void> {
  const {store, keys} = await openBankState(options, clock, random, log)
  const pin = softPinModule(keys, random)
  const verifierOf = ({pan}: WorldCard) => pin.pinVerifier(new Secret(pan), new Secret(PIN))
  const verifiers = new Map(
    await Promise.all(
      cards
        .filter(({use}) => use === 'customer')
        .map(async card => [card.cardId, await verifierOf(card)] as const),
    ),
  )
  // Making one takes a while, and no guess is ever right.
  const guessed = await verifierOf(present(cards[0], 'a card'))
  const nowMs = clock.wallMs()
  await store.transact(async tx => {
    for (const atmId of options.atmIds)
      await tx.atms.put(
        {atmId, location: 'Load hall', status: 'active'},
        pin.keepMasterKey(atmId, new Secret(bytesOfHex(MASTER_KEY_HEX))),
      )
    for (const userId of ['circle', 'counter', 'machine'])
      await tx.accounts.putUser({userId, name: userId, email: '', phoneNumber: '', address: ''})
    for (const {accountId, group, openingMinor} of accounts) {
      const createdAt = isoSeconds(nowMs)
      await tx.accounts.put({
        accountId,
        userId: group,
        accountType: 'checking',
        currency: CURRENCY,
        createdAt,
      })
      const entry = openingEntry(accountId, CURRENCY, minorUnits(openingMinor))
      const posted = await tx.ledger.post(`opening:${accountId}`, entry, nowMs)
      assert(posted.kind === 'posted', 'an opening balance was refused')
    }
    const opened = accounts.filter(({group}) => group === 'machine').map(({accountId}) => accountId)
    for (const {cardId, pan, use} of cards)
      await tx.cards.put(
        {
          cardId,
          panHash: pin.panHash(new Secret(pan)),
          panShown: shownPan(pan),
          expires: EXPIRES,
          status: 'active',
          pinVerifier: verifiers.get(cardId) ?? guessed,
          pinTriesCount: 0,
        },
        use === 'customer' ? opened : [],
      )
    for (const {name, token} of counters)
      await tx.programs.insert({
        name,
        roles: ['teller'],
        tokenHash: tokenHash(token),
        endsAtMs: epochMs(nowMs + DAY_MS),
      })
  })
  await store.close()
}
