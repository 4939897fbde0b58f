/** The emulated EBDS acceptor's own reading and writing of messages: nothing here is shared with the driver. */

/** One message of the host, checked; what is damaged is passed over in silence. */
export interface HostMessage {
  readonly kind: 'command'
  readonly control: number
  readonly data: readonly number[]
}

/** A message that takes longer than this from its first byte is given up. */
const MESSAGE_TIME_MS = 1_000

export class HostReader {
  #held: number[] = []
  #sinceMs = 0

  push(chunk: Uint8Array, atMs: number): readonly HostMessage[] {
    const said: HostMessage[] = []
    if (atMs - this.#sinceMs > MESSAGE_TIME_MS) this.reset()
    for (const byte of chunk) {
      if (this.#held.length === 0) this.#sinceMs = atMs
      this.#held.push(byte)
      this.#cut(said)
    }
    return said
  }

  reset(): void {
    this.#held = []
  }

  #cut(said: HostMessage[]): void {
    for (;;) {
      const start = this.#held.indexOf(0x02)
      this.#held = start < 0 ? [] : this.#held.slice(start)
      const size = this.#held[1]
      if (size === undefined) return
      if (size >= 5 && size <= 0x7f) {
        if (this.#held.length < size) return
        const message = this.#held.slice(0, size)
        if (isWhole(message)) {
          said.push({kind: 'command', control: message[2] ?? 0, data: message.slice(3, -2)})
          this.#held = this.#held.slice(size)
          continue
        }
      }
      this.#held = this.#held.slice(1)
    }
  }
}

function isWhole(message: readonly number[]): boolean {
  const sum = message.slice(1, -2).reduce((all, byte) => all ^ byte, 0)
  return message.at(-2) === 0x03 && message.at(-1) === sum && message.every(byte => byte < 0x80)
}

/** A whole message of the acceptor. */
export function messageFrom(type: number, ack: number, data: readonly number[]): Uint8Array {
  const inner = [data.length + 5, type * 16 + ack, ...data]
  return Uint8Array.from([0x02, ...inner, 0x03, inner.reduce((all, byte) => all ^ byte, 0)])
}
