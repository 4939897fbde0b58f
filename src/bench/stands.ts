/** The table of models that can be emulated. Each is loaded when it is asked for, so that one starts at once. */
import type {ModelName, StandModel} from './stand.ts'

export const STANDS: Readonly<Partial<Record<ModelName, () => Promise<StandModel>>>> = {
  lcdm1000: async () => (await import('./stands/lcdm2000.ts')).LCDM1000,
  lcdm2000: async () => (await import('./stands/lcdm2000.ts')).LCDM2000,
  lcdm4000: async () => (await import('./stands/lcdm4000.ts')).LCDM4000,
  f56: async () => (await import('./stands/f56.ts')).F56,
  crt310: async () => (await import('./stands/crt310.ts')).CRT310,
  crt571: async () => (await import('./stands/crt571.ts')).CRT571,
  escpos: async () => (await import('./stands/escpos.ts')).ESCPOS,
  ebds: async () => (await import('./stands/ebds.ts')).EBDS,
  nv200: async () => (await import('./stands/nv200.ts')).NV200,
  abecs: async () => (await import('./stands/abecs.ts')).ABECS,
  dynapro: async () => (await import('./stands/dynapro.ts')).DYNAPRO,
  magtek: async () => (await import('./stands/magtek.ts')).MAGTEK,
  szzt: async () => (await import('./stands/szzt.ts')).SZZT,
}
