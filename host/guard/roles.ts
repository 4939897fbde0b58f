/**
 * Who may do what at the bank: the one table. A route names its callers by what must be allowed, never by
 * role, so that a role's duties are read and changed here alone.
 */

/** Something that only some people may do. */
export type Permission =
  /** Look at customers, accounts, cards and transactions. */
  | 'accounts.read'
  /** Take in customers, open accounts, issue and block cards. */
  | 'customers.manage'
  /** Withdraw, deposit and transfer for a customer at the counter. */
  | 'money.post'
  /** Look at machines, their cash, journals and reconciliation. */
  | 'fleet.read'
  /** Register machines, enrol them, switch them on and off, revoke their keys. */
  | 'fleet.manage'
  /** Look at alerts. */
  | 'alerts.read'
  /** Close alerts and lift holds; settle differences and suspect operations. */
  | 'cases.resolve'
  /** Invite people, close their accounts, issue tokens to programs. */
  | 'people.manage'
  | 'audit.read'

/**
 * - `teller` serves customers at the counter;
 * - `operator` runs the machines;
 * - `supervisor` decides cases and who works here, and moves no money;
 * - `auditor` sees everything and changes nothing.
 */
export const ROLES = {
  teller: ['accounts.read', 'customers.manage', 'money.post'],
  operator: ['fleet.read', 'fleet.manage', 'alerts.read'],
  supervisor: [
    'accounts.read',
    'customers.manage',
    'fleet.read',
    'fleet.manage',
    'alerts.read',
    'cases.resolve',
    'people.manage',
    'audit.read',
  ],
  auditor: ['accounts.read', 'fleet.read', 'alerts.read', 'audit.read'],
} as const satisfies Readonly<Record<string, readonly Permission[]>>

export type Role = keyof typeof ROLES

export function isRole(text: string): text is Role {
  return Object.hasOwn(ROLES, text)
}

/** Whether one of the roles allows it. */
export function allows(roles: readonly Role[], permission: Permission): boolean {
  return roles.some(role => ROLES[role].some(allowed => allowed === permission))
}
