/**
 * How somebody becomes one of the bank's people: by a one-time code that says which roles they get. There
 * are no default names or passwords; a bank without anybody invites its first supervisor itself, until
 * there is one, and never again.
 */
import {actorOf, note} from './audit.ts'
import {ISSUER} from './guard.ts'
import {newSeed, seedUri, stepOf} from '../../crypto/one-time.ts'
import {passwordFault} from '../../crypto/passwords.ts'
import type {Role} from './roles.ts'
import {codeHash, newCode} from './tokens.ts'
import {answered, problemOf} from '../api/answer.ts'
import type {Answer} from '../api/answer.ts'
import type {AcceptInvitationRequest, InvitationAnswer, InviteAnswer, InviteRequest} from '../api/schema.ts'
import {isoSeconds} from '../bank.ts'
import type {Bank} from '../bank.ts'
import type {Identity} from '../identity.ts'
import {epochMs} from '../../kit/clock.ts'
import {Secret} from '../../kit/secret.ts'

/** Chosen: an invitation outlives a night, and not a weekend. */
export const INVITATION_MS = 24 * 3_600_000

/** The code for the first supervisor, to be shown once to whoever started the bank; null when somebody is here. */
export async function firstInvitation(bank: Bank): Promise<string | null> {
  const {code, hash, seed, endsAtMs} = freshInvitation(bank)
  return bank.store.transact(async tx => {
    if ((await tx.people.list()).length > 0) return null
    await tx.people.invite(hash, {
      purpose: 'first-supervisor',
      name: null,
      roles: ['supervisor'],
      seed,
      endsAtMs,
    })
    return code
  })
}

/** Invites under a name that nobody has. The caller may. */
export async function invite(bank: Bank, who: Identity, {name, roles}: InviteRequest): Promise<Answer> {
  if (new Set(roles).size !== roles.length || roles.length === 0)
    return problemOf('malformed', 'somebody has one role or more, each once')
  const {code, hash, seed, endsAtMs} = freshInvitation(bank)
  return bank.store.transact(async tx => {
    if ((await tx.people.find(name)) !== null) return problemOf('name-taken', 'somebody has this name')
    await tx.people.invite(hash, {purpose: 'person', name, roles, seed, endsAtMs})
    await note(bank, tx, {
      who: actorOf(who),
      action: 'person.invited',
      subject: name,
      detail: roles.join('+'),
    })
    const body: InviteAnswer = {code, name, roles, ends_at: isoSeconds(endsAtMs)}
    return answered(body)
  })
}

/** What the invited needs for an authenticator app. Asking again shows the same, until it was accepted. */
export async function openInvitation(bank: Bank, code: string): Promise<Answer> {
  const hash = codeHash(code)
  const invitation = await bank.store.read(tx => tx.people.invitation(hash, bank.clock.wallMs()))
  if (invitation === null) return gone()
  const seed = new Secret(bank.guard.vault.open(`seed:${hash}`, invitation.seed))
  const body: InvitationAnswer = {
    ...(invitation.name === null ? {} : {name: invitation.name}),
    roles: invitation.roles,
    totp_uri: seedUri(ISSUER, invitation.name ?? invitation.roles.join('+'), seed),
    ends_at: isoSeconds(invitation.endsAtMs),
  }
  return answered(body)
}

/** Takes a name and a password, and a code that proves the app was set up. */
export async function acceptInvitation(bank: Bank, ask: AcceptInvitationRequest): Promise<Answer> {
  const hash = codeHash(ask.code)
  const nowMs = bank.clock.wallMs()
  const invitation = await bank.store.read(tx => tx.people.invitation(hash, nowMs))
  if (invitation === null) return gone()
  if (invitation.name !== null && invitation.name !== ask.name)
    return problemOf('malformed', 'the invitation is for another name')
  const password = new Secret(ask.password)
  const fault = passwordFault(ask.name, password)
  if (fault !== null) return problemOf('password-weak', fault)
  const seed = bank.guard.vault.open(`seed:${hash}`, invitation.seed)
  const step = stepOf(new Secret(seed), ask.one_time_code, nowMs)
  if (step === null) return problemOf('sign-in-refused', 'the one-time code does not fit')
  const person = {
    name: ask.name,
    roles: invitation.roles,
    // The slow part, outside the transaction.
    password: await bank.guard.passwords.keep(password),
    seed: bank.guard.vault.seal(`seed:${ask.name}`, seed),
    lastStep: step,
    createdAtMs: nowMs,
  }
  return bank.store.transact(async tx => {
    const before = await tx.people.find(ask.name)
    // A salted hash is nobody else's: this very work was here before, and its answer was lost.
    if (before?.password === person.password) return accepted(person)
    if (before !== null) return problemOf('name-taken', 'somebody has this name')
    if (invitation.purpose === 'first-supervisor' && (await tx.people.list()).length > 0) return gone()
    if ((await tx.people.spendInvitation(hash, nowMs)) === 'gone') return gone()
    await tx.people.insert(person)
    await note(bank, tx, {who: ask.name, action: 'person.joined', detail: person.roles.join('+')})
    return accepted(person)
  })
}

/** For good, with all sessions; nobody closes their own account, so that somebody is always left. */
export async function closePerson(bank: Bank, who: Identity, name: string): Promise<Answer> {
  if (actorOf(who) === name) return problemOf('not-you', 'nobody closes their own account')
  return bank.store.transact(async tx => {
    const person = await tx.people.find(name)
    if (person === null) return problemOf('unknown', 'nobody has this name')
    if (!person.isClosed) {
      await tx.people.close(name)
      await note(bank, tx, {who: actorOf(who), action: 'person.closed', subject: name})
    }
    return answered({name, roles: person.roles})
  })
}

function freshInvitation(bank: Bank) {
  const code = newCode(bank.random)
  const hash = codeHash(code)
  return {
    code,
    hash,
    seed: bank.guard.vault.seal(`seed:${hash}`, newSeed(bank.random)),
    endsAtMs: epochMs(bank.clock.wallMs() + INVITATION_MS),
  }
}

function accepted({name, roles}: {readonly name: string; readonly roles: readonly Role[]}): Answer {
  return answered({name, roles})
}

function gone(): Answer {
  return problemOf('code-gone', 'there is no such invitation, or it was used, or it is over')
}
