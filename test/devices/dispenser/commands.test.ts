/** Every command of every dispenser model with every fault, and what the memory of those that have one proves. */
import t from 'tap'
import {everyCommand, recallConformance} from './commands.ts'
import {LCDM4000, LCDM4000_SERIAL, MODELS, REFERENCE} from './models.ts'

for (const model of MODELS) await everyCommand(t, model)
for (const model of [LCDM4000, LCDM4000_SERIAL, REFERENCE]) await recallConformance(t, model)
