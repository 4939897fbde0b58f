/** All planted mistakes. */
import {DECISIONS} from './decisions.ts'
import {ENDS} from './ends.ts'
import {MACHINE} from './machine.ts'
import type {Planted} from './planted.ts'

export const PLANTED: readonly Planted[] = [...DECISIONS, ...MACHINE, ...ENDS]
