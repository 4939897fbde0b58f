/** Mistakes of a bank on PostgreSQL, each found by the workload. */
import t from 'tap'
import {plantedSuite} from './planted-suite.ts'
import {postgresFolder, skipUnless} from '../needs.ts'

const programs = postgresFolder()
if (skipUnless(t, programs, 'postgresql')) await plantedSuite(t, 'postgres', programs)
