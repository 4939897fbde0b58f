/** Every dispenser model against its own emulator: what every one must hold, whatever it can. */
import t from 'tap'
import {conformance, stackerConformance} from './conformance.ts'
import {MODELS, REFERENCE} from './models.ts'

for (const model of MODELS) await conformance(t, model)
await stackerConformance(t, REFERENCE)
