/** Signing in and out, and who works here. */
import {identified, route} from './route.ts'
import type {Route} from './route.ts'
import * as schema from './schema.ts'
import {record} from './shape.ts'
import {acceptInvitation, closePerson, invite, openInvitation} from '../guard/invitations.ts'
import {signIn, signOut} from '../guard/sign-in.ts'

export const peopleRoutes: readonly Route[] = [
  route({
    method: 'POST',
    url: '/api/sign-in',
    name: 'signIn',
    group: 'people',
    summary: 'A token for a session, by password and one-time code',
    callers: ['anyone'],
    request: schema.signInRequest,
    answers: [schema.signInAnswer],
    problems: ['sign-in-refused'],
    run: async ({bank, body}) => signIn(bank, body),
  }),
  route({
    method: 'POST',
    url: '/api/sign-out',
    name: 'signOut',
    group: 'people',
    summary: 'End the session that asks',
    callers: ['person'],
    request: schema.empty,
    answers: [schema.empty],
    run: async ({bank, who}) => signOut(bank, identified(who)),
  }),
  route({
    method: 'POST',
    url: '/api/people/invite',
    name: 'invite',
    group: 'people',
    summary: 'A one-time code by which somebody becomes one of the bank’s people',
    callers: ['people.manage'],
    request: schema.inviteRequest,
    answers: [schema.inviteAnswer],
    problems: ['name-taken'],
    run: async ({bank, who, body}) => invite(bank, identified(who), body),
  }),
  route({
    method: 'POST',
    url: '/api/people/{name}/close',
    name: 'closePerson',
    group: 'people',
    summary: 'Somebody works here no longer, from this moment on',
    callers: ['people.manage'],
    path: record({name: schema.personName}),
    request: schema.empty,
    answers: [schema.personAnswer],
    problems: ['unknown'],
    run: async ({bank, who, path}) => closePerson(bank, identified(who), path.name),
  }),
  route({
    method: 'POST',
    url: '/api/invitations/open',
    name: 'openInvitation',
    group: 'people',
    summary: 'What an invitation is for, and the seed for an authenticator app',
    callers: ['anyone'],
    request: schema.openInvitationRequest,
    answers: [schema.invitationAnswer],
    problems: ['code-gone'],
    run: async ({bank, body}) => openInvitation(bank, body.code),
  }),
  route({
    method: 'POST',
    url: '/api/invitations/accept',
    name: 'acceptInvitation',
    group: 'people',
    summary: 'Take a name and a password; the code is spent',
    callers: ['anyone'],
    request: schema.acceptInvitationRequest,
    answers: [schema.personAnswer],
    problems: ['code-gone', 'name-taken', 'password-weak', 'sign-in-refused'],
    run: async ({bank, body}) => acceptInvitation(bank, body),
  }),
]
