/**
 * People to play the bank with: their passwords are made by chance on first start and lie readable beside
 * the database, so that every later start can let them in again. Never for real money.
 */
import {existsSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {ISSUER} from './guard.ts'
import {newSeed, seedUri} from '../../crypto/one-time.ts'
import type {Role} from './roles.ts'
import {SESSION_MS} from './sign-in.ts'
import {newCode, newToken, tokenHash} from './tokens.ts'
import {list, record, text} from '../api/shape.ts'
import type {Bank} from '../bank.ts'
import {bytesOfHex, hexOf} from '../../crypto/hex.ts'
import {epochMs} from '../../kit/clock.ts'
import {writeDurably} from '../../kit/durable-file.ts'
import {BadInput} from '../../kit/errors.ts'
import {readJson, writeJson} from '../../kit/exact-json.ts'
import {Secret} from '../../kit/secret.ts'

export interface DemoPerson {
  readonly name: string
  readonly role: Role
  readonly password: string
  /** For an authenticator app. */
  readonly totpUri: string
  /** Of a session that is open already. */
  readonly token: string
}

const DEMO_PEOPLE: readonly (readonly [name: string, role: Role])[] = [
  ['tina', 'teller'],
  ['omar', 'operator'],
  ['sofia', 'supervisor'],
  ['andre', 'auditor'],
]

const peopleFile = list(
  record({
    name: text('a name', /^[a-z]{1,32}$/, 32),
    password: text('a password', /^.{12,128}$/, 128),
    seed: text('a seed in hex', /^[0-9A-F]{40}$/, 40),
  }),
  DEMO_PEOPLE.length,
)

/**
 * Lets the demo people in; in a bank that has others they are not made.
 * @param folder of the bank; `demo-people.json` in it holds their passwords, mode 0600
 * @throws BadInput when that file cannot be used
 */
export async function admitDemoPeople(bank: Bank, folder: string): Promise<readonly DemoPerson[]> {
  const path = join(folder, 'demo-people.json')
  if (!existsSync(path)) {
    if ((await bank.store.transact(tx => tx.people.list())).length > 0) return []
    const made = DEMO_PEOPLE.map(([name]) => ({
      name,
      password: newCode(bank.random),
      seed: hexOf(newSeed(bank.random)),
    }))
    // Before the people are: who is in the database can be let in again.
    writeDurably(path, `${writeJson(made)}\n`)
  }
  const read = readJson(readFileSync(path, 'utf8'))
  const file = read.kind === 'json' ? peopleFile.decode(read.json, 'refuse') : read
  if (file.kind === 'refused') throw new BadInput(`${path} ${file.why}`)
  return Promise.all(file.value.map(person => admit(bank, person)))
}

async function admit(
  bank: Bank,
  {name, password, seed}: {readonly name: string; readonly password: string; readonly seed: string},
): Promise<DemoPerson> {
  const role = DEMO_PEOPLE.find(([known]) => known === name)?.[1]
  if (role === undefined) throw new BadInput(`demo-people.json names ${name}, who is none of the demo people`)
  const seedBytes = bytesOfHex(seed)
  const nowMs = bank.clock.wallMs()
  const kept = await bank.guard.passwords.keep(new Secret(password))
  const token = newToken(bank.random)
  await bank.store.transact(async tx => {
    if ((await tx.people.find(name)) === null)
      await tx.people.insert({
        name,
        roles: [role],
        password: kept,
        seed: bank.guard.vault.seal(`seed:${name}`, seedBytes),
        lastStep: 0,
        createdAtMs: nowMs,
      })
    await tx.people.addSession(tokenHash(token), {
      name,
      usedAtMs: nowMs,
      endsAtMs: epochMs(nowMs + SESSION_MS),
    })
  })
  return {name, role, password, totpUri: seedUri(ISSUER, name, new Secret(seedBytes)), token}
}
