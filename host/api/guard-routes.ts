/** What keeps the bank's door: machines' keys, programs' tokens, the audit. */
import {problemOf} from './answer.ts'
import * as guard from './guard-schema.ts'
import {atmPath} from './office-schema.ts'
import {identified, route} from './route.ts'
import type {Route} from './route.ts'
import * as schema from './schema.ts'
import {record} from './shape.ts'
import {auditFrom, auditVerdict} from '../guard/audit.ts'
import {enrol, openEnrolment, renew, revoke} from '../guard/enrolment.ts'
import {admitProgram, listPrograms, revokeProgram} from '../guard/programs.ts'

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
    run: async ({bank, who, path}) => openEnrolment(bank, identified(who), path.atm_id),
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
    run: async ({bank, who, path}) => revoke(bank, identified(who), path.atm_id),
  }),
  route({
    method: 'POST',
    url: '/api/programs',
    name: 'admitProgram',
    group: 'people',
    summary: 'A token for a program, shown this once',
    callers: ['people.manage'],
    request: guard.admitProgramRequest,
    answers: [guard.programTokenAnswer],
    problems: ['name-taken'],
    run: async ({bank, who, body}) => admitProgram(bank, identified(who), body),
  }),
  route({
    method: 'GET',
    url: '/api/programs',
    name: 'listPrograms',
    group: 'people',
    summary: 'The programs that have, or had, a token',
    callers: ['people.manage', 'audit.read'],
    answers: [guard.programsAnswer],
    run: async ({bank}) => listPrograms(bank),
  }),
  route({
    method: 'POST',
    url: '/api/programs/{name}/revoke',
    name: 'revokeProgram',
    group: 'people',
    summary: 'The program’s token is worthless from now on',
    callers: ['people.manage'],
    path: record({name: guard.programName}),
    request: schema.empty,
    answers: [guard.programAnswer],
    problems: ['unknown-name'],
    run: async ({bank, who, path}) => revokeProgram(bank, identified(who), path.name),
  }),
  route({
    method: 'GET',
    url: '/api/audit',
    name: 'readAudit',
    group: 'office',
    summary: 'Who did what, in order, from an entry on',
    callers: ['audit.read'],
    query: guard.auditQuery,
    answers: [guard.auditAnswer],
    run: async ({bank, query}) => auditFrom(bank, query.from ?? 1),
  }),
  route({
    method: 'GET',
    url: '/api/audit/verify',
    name: 'verifyAudit',
    group: 'office',
    summary: 'Whether every entry of the audit is as it was written',
    callers: ['audit.read'],
    answers: [guard.auditVerdictAnswer],
    run: async ({bank}) => auditVerdict(bank),
  }),
]
