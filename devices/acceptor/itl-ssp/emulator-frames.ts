/** The emulated SSP unit's own reading and writing of packets, in clear and encrypted: nothing here is shared with the driver. */
import type {EsspCipher} from '../../../crypto/essp.ts'
import type {Random} from '../../../kit/random.ts'

/** One packet of the host, checked; what is damaged is passed over in silence, as a real unit does. */
export interface HostPacket {
  readonly kind: 'command'
  /** Sequence bit and address as they came. */
  readonly head: number
  readonly data: readonly number[]
}

/** A packet that takes longer than this from its first byte is given up. */
const PACKET_TIME_MS = 3_000

export class HostReader {
  /** Bytes since the last STX, doubled ones made one; null outside a packet. */
  #held: number[] | null = null
  #hasStx = false
  #sinceMs = 0

  push(chunk: Uint8Array, atMs: number): readonly HostPacket[] {
    const packets: HostPacket[] = []
    if (atMs - this.#sinceMs > PACKET_TIME_MS) this.reset()
    for (const byte of chunk) {
      if (this.#hasStx) {
        this.#hasStx = false
        // Alone it begins a packet anew, and this is the new one's first byte.
        if (byte !== 0x7f) this.#begin(atMs)
        this.#take(byte, packets)
      } else if (byte === 0x7f) this.#hasStx = true
      else this.#take(byte, packets)
    }
    if (this.#held === null) this.#sinceMs = atMs
    return packets
  }

  reset(): void {
    this.#held = null
    this.#hasStx = false
  }

  #begin(atMs: number): void {
    this.#held = []
    this.#sinceMs = atMs
  }

  #take(byte: number, packets: HostPacket[]): void {
    const held = this.#held
    if (held === null) return
    held.push(byte)
    const size = held[1]
    if (size === 0) this.#held = null
    if (size === undefined || size === 0 || held.length < size + 4) return
    this.#held = null
    const [low, high] = held.slice(-2)
    const sum = remainder(held.slice(0, -2))
    if (low === sum % 256 && high === Math.floor(sum / 256))
      packets.push({kind: 'command', head: held[0] ?? 0, data: held.slice(2, -2)})
  }
}

/** A whole packet with that head. */
export function packetFor(head: number, data: readonly number[]): Uint8Array {
  const body = [head, data.length, ...data]
  const sum = remainder(body)
  const wire = [0x7f]
  for (const byte of [...body, sum % 256, Math.floor(sum / 256)])
    wire.push(...(byte === 0x7f ? [0x7f, 0x7f] : [byte]))
  return Uint8Array.from(wire)
}

/** Division by x^16 + x^15 + x^2 + 1 bit by bit, from all ones. */
export function remainder(bytes: readonly number[]): number {
  let rest = 0xffff
  for (const byte of bytes)
    for (let bit = 7; bit >= 0; bit -= 1) {
      const isSet = Math.floor(rest / 0x8000) % 2 !== Math.floor(byte / 2 ** bit) % 2
      rest = (rest * 2) % 0x10000
      if (isSet) rest ^= 0x8005
    }
  return rest
}

/** What an encrypted packet holds, or null for one that is not of this key or not of this count. */
export function unsealed(
  cipher: EsspCipher,
  data: readonly number[],
  count: number,
): readonly number[] | null {
  if (data.length < 17 || data.length % 16 !== 1) return null
  const plain = [...cipher.decrypt(Uint8Array.from(data.slice(1)))]
  const sum = remainder(plain.slice(0, -2))
  const isWhole = plain.at(-2) === sum % 256 && plain.at(-1) === Math.floor(sum / 256)
  const size = plain[0] ?? 0
  const told = plain.slice(1, 5).reduceRight((all, byte) => all * 256 + byte, 0)
  return isWhole && told === count && size >= 1 && size + 7 <= plain.length ? plain.slice(5, 5 + size) : null
}

/** An encrypted packet's data around that text. */
export function sealed(
  cipher: EsspCipher,
  text: readonly number[],
  count: number,
  random: Random,
): readonly number[] {
  const counted = [0, 1, 2, 3].map(at => Math.floor(count / 256 ** at) % 256)
  const head = [text.length, ...counted, ...text]
  const padded = [...head, ...random.bytes((32 - ((head.length + 2) % 16)) % 16)]
  const sum = remainder(padded)
  return [0x7e, ...cipher.encrypt(Uint8Array.from([...padded, sum % 256, Math.floor(sum / 256)]))]
}
