/** The Fujitsu F53/F56 as a stand of its own. */
import {LINE} from '../../../devices/dispenser/f56/bytes.ts'
import type {ProfileName} from '../../../devices/dispenser/f56/bytes.ts'
import {F56Emulator, KINDS} from '../../../devices/dispenser/f56/emulator.ts'
import {PACES} from '../pace.ts'
import type {StandModel} from '../stand.ts'
import {dispenserFaults, dispenserStand, remainsFrom} from './dispenser.ts'

export const F56: StandModel<ProfileName> = {
  name: 'f56',
  wire: 'serial',
  line: LINE,
  profiles: {
    front: 'pays out at the front as it counts',
    pool: 'gathers in a pool, then brings it to the front',
  },
  faults: dispenserFaults(KINDS),
  make: (link, clock, _random, {profile, world, pace}) =>
    dispenserStand(
      new F56Emulator(
        link,
        clock,
        {1: 0, 2: 0, 3: 0, 4: 0},
        {hasPool: profile === 'pool', noteMs: PACES[pace].noteMs, remains: remainsFrom(world, 4)},
      ),
    ),
}
