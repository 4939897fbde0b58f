/** An EBDS acceptor as a stand of its own. */
import {LINE} from '../../../devices/acceptor/ebds/bytes.ts'
import {EbdsEmulator, NOTES} from '../../../devices/acceptor/ebds/emulator.ts'
import {Section} from '../../../kit/section.ts'
import {PACES} from '../pace.ts'
import type {StandModel} from '../stand.ts'
import {ACCEPTOR_FAULTS, acceptorStand, pathFields, pathFrom} from './acceptor.ts'
import {faultWords} from './faults.ts'

export const EBDS: StandModel<'standard'> = {
  name: 'ebds',
  wire: 'serial',
  line: LINE,
  profiles: {standard: 'US dollars; notes by index or in full, escrow or not, as the host asks'},
  faults: faultWords(ACCEPTOR_FAULTS),
  make: (link, clock, _random, {world, pace}) => {
    const emulator = new EbdsEmulator(link, clock, {
      moveMs: PACES[pace].noteMs * 5,
      remains: new Section('', world ?? new Map(), 'part of an acceptor').closed(pathFrom),
    })
    return acceptorStand(emulator, NOTES, () => pathFields(emulator.remains))
  },
}
