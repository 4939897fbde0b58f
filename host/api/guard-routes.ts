/** What keeps the bank's door: machines' keys. */
import {problemOf} from './answer.ts'
import {atmPath} from './office-schema.ts'
import {route} from './route.ts'
import type {Route} from './route.ts'
import * as schema from './schema.ts'
import {enrol, openEnrolment, renew, revoke} from '../guard/enrolment.ts'

export const guardRoutes: readonly Route[] = [
  route({
    method: 'POST',
    url: '/api/enrol',
    name: 'enrolMachine',
    group: 'machine',
    summary: 'A certificate for a new machine’s key, by one-time code',
    callers: ['anyone'],
    request: schema.enrolRequest,
    answers: [schema.certificateAnswer],
    problems: ['key-unproved', 'code-gone', 'key-used-otherwise', 'no-authority'],
    run: async ({bank, body}) => enrol(bank, body),
  }),
  route({
    method: 'POST',
    url: '/api/atms/{atm_id}/renew',
    name: 'renewCertificate',
    group: 'machine',
    summary: 'A certificate for the machine’s next key',
    callers: ['atm'],
    machine: 'itself',
    path: atmPath,
    request: schema.renewRequest,
    answers: [schema.certificateAnswer],
    problems: ['key-unproved', 'key-used-otherwise', 'no-authority'],
    run: async ({bank, who, path, body}) =>
      who.kind === 'atm' && who.certified !== undefined
        ? renew(bank, {atmId: path.atm_id, certified: who.certified}, body)
        : problemOf('no-authority', 'a machine in process has no key'),
  }),
  route({
    method: 'POST',
    url: '/api/atms/{atm_id}/enrolment',
    name: 'openEnrolment',
    group: 'office',
    summary: 'A one-time code with which this machine gets its certificate',
    callers: ['fleet.manage'],
    path: atmPath,
    request: schema.empty,
    answers: [schema.enrolmentCodeAnswer],
    problems: ['unknown-atm'],
    run: async ({bank, path}) => openEnrolment(bank, path.atm_id),
  }),
  route({
    method: 'POST',
    url: '/api/atms/{atm_id}/revoke',
    name: 'revokeMachine',
    group: 'office',
    summary: 'Every key of the machine is worthless from now on',
    callers: ['fleet.manage'],
    path: atmPath,
    request: schema.empty,
    answers: [schema.empty],
    problems: ['unknown-atm'],
    run: async ({bank, path}) => revoke(bank, path.atm_id),
  }),
]
