/** A host that knows no driver: bytes in hex to an emulated device, bytes in hex back. */
import {bytesOfHex, hexOf} from '../../../crypto/hex.ts'
import type {ByteLink} from '../../../devices/wire/link.ts'
import {xorOf} from '../../../devices/wire/shapes.ts'
import type {VirtualClock} from '../../../kit/clock.ts'

export interface RawHost {
  /** Writes the bytes, waits, and tells all that came back meanwhile. Spaces in the hex are for reading. */
  readonly say: (hex: string, waitMs?: number) => Promise<string>
}

/** @param link the host's end, not opened yet */
export async function rawHost(link: ByteLink, clock: VirtualClock, patienceMs = 3_000): Promise<RawHost> {
  const heard: string[] = []
  await link.open({bytes: chunk => heard.push(hexOf(chunk)), lost: () => undefined})
  return {
    say: async (hex, waitMs = patienceMs) => {
      heard.length = 0
      await link.write(bytesOfHex(hex.replaceAll(' ', '')))
      await clock.advance(waitMs)
      return heard.join('')
    },
  }
}

/** Those bytes with the exclusive-or of all of them behind. */
export function withXor(hex: string): string {
  const bytes = bytesOfHex(hex.replaceAll(' ', ''))
  return hexOf(Uint8Array.of(...bytes, xorOf(bytes)))
}
