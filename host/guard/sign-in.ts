/**
 * Signing in and out. Password and one-time code are judged together, and whoever fails learns only that
 * something was wrong. A try is on disk before anything is checked.
 */
import {actorOf, note} from './audit.ts'
import {stepOf} from '../../crypto/one-time.ts'
import {programOf} from './programs.ts'
import {newToken, tokenHash} from './tokens.ts'
import {answered, problemOf} from '../api/answer.ts'
import type {Answer} from '../api/answer.ts'
import type {SignInAnswer, SignInRequest} from '../api/schema.ts'
import {isoSeconds} from '../bank.ts'
import type {Bank} from '../bank.ts'
import type {Authenticated, Identity} from '../identity.ts'
import type {Person} from '../store/port.ts'
import {epochMs} from '../../kit/clock.ts'
import {Secret} from '../../kit/secret.ts'

/** PCI DSS 4.0.1, 8.3.4 asks for at most 10 tries and at least 30 minutes. */
export const SIGN_IN_TRIES_MAX = 5
export const LOCK_MS = 30 * 60_000
/** PCI DSS 4.0.1, 8.2.8: at most 15 minutes idle. */
export const SESSION_IDLE_MS = 15 * 60_000
/** However busy. Chosen: a working day. */
export const SESSION_MS = 10 * 3_600_000
/** A session's use is written down when the last note of it is this old: not every request is a write. */
const USE_NOTED_MS = 30_000

/** Gives a token for the session, or a no that does not say why. */
export async function signIn(bank: Bank, ask: SignInRequest): Promise<Answer> {
  const {name} = ask
  const person = await admit(bank, name)
  const isRight = await bank.guard.passwords.isRight(new Secret(ask.password), person?.password ?? null)
  const token = person === null || !isRight ? null : await openSession(bank, person, ask.code)
  if (token === null) {
    bank.log.warn('a sign-in was refused', {name})
    // Only tries that counted: whoever guesses names or beats on a locked door fills no disk.
    if (person !== null)
      await bank.store.transact(tx => note(bank, tx, {who: name, action: 'sign-in', outcome: 'refused'}))
    return problemOf('sign-in-refused', 'name, password and code do not fit, or there were too many tries')
  }
  return token
}

/** Counts the try; null when there is nobody to let in, or not now. */
async function admit(bank: Bank, name: string): Promise<Person | null> {
  return bank.store.transact(async tx => {
    const nowMs = bank.clock.wallMs()
    const limit = {nowMs, triesMax: SIGN_IN_TRIES_MAX, lockedUntilMs: epochMs(nowMs + LOCK_MS)}
    return (await tx.people.takeTry(name, limit)) === 'taken' ? tx.people.find(name) : null
  })
}

/** The password was right; null when the code is not, or was used before. */
async function openSession(bank: Bank, person: Person, code: string): Promise<Answer | null> {
  const {name, roles} = person
  const seed = new Secret(bank.guard.vault.open(`seed:${name}`, person.seed))
  const nowMs = bank.clock.wallMs()
  const step = stepOf(seed, code, nowMs)
  if (step === null) return null
  const token = newToken(bank.random)
  const endsAtMs = epochMs(nowMs + SESSION_MS)
  const isIn = await bank.store.transact(async tx => {
    if ((await tx.people.acceptStep(name, step)) === 'replayed') return false
    await tx.people.addSession(tokenHash(token), {name, usedAtMs: nowMs, endsAtMs})
    await note(bank, tx, {who: name, action: 'sign-in'})
    return true
  })
  if (!isIn) return null
  const body: SignInAnswer = {
    token,
    name,
    roles,
    idle_minutes: SESSION_IDLE_MS / 60_000,
    ends_at: isoSeconds(endsAtMs),
  }
  return answered(body)
}

/** Ends the session that asks for it. */
export async function signOut(bank: Bank, who: Identity): Promise<Answer> {
  if (who.kind === 'person' && who.session !== undefined) {
    const {session} = who
    await bank.store.transact(async tx => {
      await tx.people.endSession(session)
      await note(bank, tx, {who: actorOf(who), action: 'sign-out'})
    })
  }
  return answered({})
}

/** Who holds this token, as of now. */
export async function personOf(bank: Pick<Bank, 'store' | 'clock'>, token: string): Promise<Authenticated> {
  const hash = tokenHash(token)
  const session = await bank.store.read(tx => tx.people.session(hash))
  if (session === null) {
    const program = await programOf(bank, hash)
    return program === null
      ? {kind: 'nobody', offered: 'token', why: 'no session and no program has this token'}
      : {kind: 'person', ...program}
  }
  const nowMs = bank.clock.wallMs()
  if (nowMs >= session.endsAtMs || nowMs - session.usedAtMs >= SESSION_IDLE_MS) {
    await bank.store.transact(tx => tx.people.endSession(hash))
    return {kind: 'nobody', offered: 'token', why: `the session of ${session.name} is over`}
  }
  if (nowMs - session.usedAtMs >= USE_NOTED_MS)
    await bank.store.transact(tx => tx.people.useSession(hash, nowMs))
  return {kind: 'person', name: session.name, roles: session.roles, session: hash}
}
