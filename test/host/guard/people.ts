/** Somebody who works at the test bank, with their secrets at hand. */
import {codeAt, newSeed} from '../../../crypto/one-time.ts'
import type {Role} from '../../../host/guard/roles.ts'
import {Secret} from '../../../kit/secret.ts'
import type {Bench} from '../bench.ts'

export const PASSWORD = 'four score and 7 years'

export interface Hired {
  readonly name: string
  /** The one-time code of the bench's present moment. */
  code(): string
}

export async function hire(bench: Bench, name: string, roles: readonly Role[]): Promise<Hired> {
  const {bank, clock} = bench
  const seed = new Secret(newSeed(bank.random))
  const person = {
    name,
    roles,
    password: await bank.guard.passwords.keep(new Secret(PASSWORD)),
    seed: bank.guard.vault.seal(`seed:${name}`, seed.reveal()),
    lastStep: 0,
    createdAtMs: clock.wallMs(),
  }
  await bank.store.transact(tx => tx.people.insert(person))
  return {name, code: () => codeAt(seed, clock.wallMs())}
}
