/** Groups of roles that rows of the table name together. */
import {ROLES} from '../people.ts'
import type {Role} from '../people.ts'

export const ALL: readonly Role[] = ROLES
export const ENGINEERS: readonly Role[] = ['engineer', 'senior']
export const HANDS: readonly Role[] = ['operator', 'engineer', 'senior']
export const CASH: readonly Role[] = ['operator']
/** Who looks at money and records. */
export const BOOKS: readonly Role[] = ['auditor', 'operator', 'security']
export const SETTINGS: readonly Role[] = ['senior']
export const GUARDS: readonly Role[] = ['security']
