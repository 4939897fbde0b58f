/**
 * Programs that work at the bank without a person: a counter's system, a report. Each has a token of its own
 * with a few roles, made by a supervisor, shown once, kept as a hash, and worthless at a date or at a word.
 */
import type {Role} from './roles.ts'
import {actorOf, note} from './audit.ts'
import {newToken, tokenHash} from './tokens.ts'
import {answered, problemOf} from '../api/answer.ts'
import type {Answer} from '../api/answer.ts'
import type {
  AdmitProgramRequest,
  ProgramAnswer,
  ProgramsAnswer,
  ProgramTokenAnswer,
} from '../api/guard-schema.ts'
import {isoSeconds} from '../bank.ts'
import type {Bank} from '../bank.ts'
import type {Identity} from '../identity.ts'
import type {Program} from '../store/port.ts'
import {epochMs} from '../../kit/clock.ts'

const DAY_MS = 86_400_000
/** Unless the supervisor says otherwise. Chosen: a quarter. */
const DAYS = 90

/** Before the name of a program wherever a person's could stand: no person's name has a colon. */
const PREFIX = 'program:'

/** A token for a new program. Its name is never used again. */
export async function admitProgram(
  bank: Bank,
  who: Identity,
  {name, roles, days = DAYS}: AdmitProgramRequest,
): Promise<Answer> {
  if (new Set(roles).size !== roles.length || roles.length === 0)
    return problemOf('malformed', 'a program has one role or more, each once')
  if (roles.some(role => role === 'supervisor'))
    return problemOf('malformed', 'what a supervisor decides is decided by a person')
  const token = newToken(bank.random)
  const endsAtMs = epochMs(bank.clock.wallMs() + days * DAY_MS)
  const program = {name, roles, tokenHash: tokenHash(token), endsAtMs}
  return bank.store.transact(async tx => {
    const before = await tx.programs.find(name)
    // The same work, run again because its end was not seen.
    if (before?.tokenHash !== program.tokenHash) {
      if (before !== null) return problemOf('name-taken', 'a program has, or had, this name')
      await tx.programs.insert(program)
      await note(bank, tx, {
        who: actorOf(who),
        action: 'program.admitted',
        subject: name,
        detail: `${roles.join('+')}, ${days} days`,
      })
    }
    const body: ProgramTokenAnswer = {token, name, roles, ends_at: isoSeconds(endsAtMs)}
    return answered(body)
  })
}

export async function listPrograms(bank: Bank): Promise<Answer> {
  const programs = await bank.store.read(tx => tx.programs.list())
  const body: ProgramsAnswer = {programs: programs.map(messageOf)}
  return answered(body)
}

/** From the next request on. */
export async function revokeProgram(bank: Bank, who: Identity, name: string): Promise<Answer> {
  return bank.store.transact(async tx => {
    const program = await tx.programs.find(name)
    if (program === null) return problemOf('unknown', 'no program has this name')
    if (!program.isRevoked) {
      await tx.programs.revoke(name)
      await note(bank, tx, {who: actorOf(who), action: 'program.revoked', subject: name})
    }
    return answered(messageOf({...program, isRevoked: true}))
  })
}

/** The caller that a token stands for, or null when it is no program's, or no longer. */
export async function programOf(
  {store, clock}: Pick<Bank, 'store' | 'clock'>,
  hash: string,
): Promise<{readonly name: string; readonly roles: readonly Role[]} | null> {
  const program = await store.read(tx => tx.programs.byToken(hash))
  if (program === null || program.isRevoked || clock.wallMs() >= program.endsAtMs) return null
  return {name: `${PREFIX}${program.name}`, roles: program.roles}
}

function messageOf({name, roles, endsAtMs, isRevoked}: Program): ProgramAnswer {
  return {name, roles, ends_at: isoSeconds(endsAtMs), is_revoked: isRevoked}
}
