/** Mistakes of a bank on SQLite, each found by the workload. */
import t from 'tap'
import {plantedSuite} from './planted-suite.ts'

await plantedSuite(t, 'sqlite', null)
