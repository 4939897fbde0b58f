/**
 * The link layer of the Puloon dispensers seen from the device: host bytes in, answer frames out. Written from the
 * protocol pages alone and sharing nothing with the drivers' codecs, so that a mistake in one of them shows as a
 * disagreement.
 */

/** What the host said. */
export type HostSaid =
  | {readonly kind: 'command'; readonly code: number; readonly argument: readonly number[]}
  /** A whole frame with a wrong check byte. */
  | {readonly kind: 'damaged'}
  | {readonly kind: 'ack' | 'nak'}
  /** Anything else; FF is what some hosts send for NAK by mistake. */
  | {readonly kind: 'stray'; readonly byte: number}

/** Longest argument that is kept; the longest that a known command has is 15 bytes. */
const ARGUMENT_BYTES_MAX = 64
/** Inside one frame, first byte to check byte; the maker's paper of the LCDM-1000. */
const FRAME_TIME_MAX_MS = 200

type Expecting = 'start' | 'address' | 'stx' | 'command' | 'argument' | 'check'

/** Reads `04 ID 02 CMD argument 03 BCC`, in any chunking. */
export class HostReader {
  readonly #id: number
  #expecting: Expecting = 'start'
  #startedAtMs = 0
  #sum = 0
  #code = 0
  #argument: number[] = []

  /** @param id the address byte of the model's family */
  constructor(id: number) {
    this.#id = id
  }

  push(chunk: Uint8Array, atMs: number): readonly HostSaid[] {
    if (this.#expecting !== 'start' && atMs - this.#startedAtMs >= FRAME_TIME_MAX_MS) this.reset()
    const said: HostSaid[] = []
    for (const byte of chunk) {
      const one = this.#take(byte, atMs)
      if (one !== null) said.push(one)
    }
    return said
  }

  reset(): void {
    this.#expecting = 'start'
  }

  #take(byte: number, atMs: number): HostSaid | null {
    switch (this.#expecting) {
      case 'start':
        return this.#takeFirst(byte, atMs)
      case 'address':
        return this.#takeHead(byte, this.#id, 'stx', atMs)
      case 'stx':
        return this.#takeHead(byte, 0x02, 'command', atMs)
      case 'command':
        this.#sum ^= byte
        this.#code = byte
        this.#expecting = 'argument'
        return null
      case 'argument':
        return this.#takeArgument(byte)
      case 'check':
        this.#expecting = 'start'
        return byte === this.#sum
          ? {kind: 'command', code: this.#code, argument: this.#argument}
          : {kind: 'damaged'}
    }
  }

  #takeFirst(byte: number, atMs: number): HostSaid | null {
    if (byte === 0x06) return {kind: 'ack'}
    if (byte === 0x15) return {kind: 'nak'}
    if (byte !== 0x04) return {kind: 'stray', byte}
    this.#expecting = 'address'
    this.#startedAtMs = atMs
    this.#sum = byte
    this.#argument = []
    return null
  }

  /** A stray EOT may stand right before a frame: what does not go on as a frame is looked at again as a beginning. */
  #takeHead(byte: number, wanted: number, next: Expecting, atMs: number): HostSaid | null {
    if (byte !== wanted) {
      this.reset()
      return this.#takeFirst(byte, atMs)
    }
    this.#sum ^= byte
    this.#expecting = next
    return null
  }

  #takeArgument(byte: number): HostSaid | null {
    this.#sum ^= byte
    if (byte === 0x03) {
      this.#expecting = 'check'
      return null
    }
    this.#argument.push(byte)
    if (this.#argument.length <= ARGUMENT_BYTES_MAX) return null
    this.reset()
    return {kind: 'stray', byte}
  }
}

/** `01 ID 02 CMD body 03 BCC`. */
export function answerFrame(id: number, code: number, body: readonly number[]): Uint8Array {
  const bytes = [0x01, id, 0x02, code, ...body, 0x03]
  let check = 0
  for (const byte of bytes) check ^= byte
  return Uint8Array.from([...bytes, check])
}
