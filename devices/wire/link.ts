/** The byte port: everything a driver or an emulator knows of the wire, whether serial, loopback or pseudo-terminal. */

/** Why no bytes flow. The line says nothing of what the device did meanwhile. */
export type LinkLost = 'not-opened' | 'hung-up' | 'write-stalled'

export interface LinkListener {
  /** Bytes as they arrived, in any chunking; the receiver owns the array. */
  bytes(chunk: Uint8Array): void
  /** The link ended by itself; called once per opening. */
  lost(why: LinkLost): void
}

/** One end of a wire. One listener, one owner; opening again after a loss is allowed and expected. */
export interface ByteLink {
  readonly isOpen: boolean
  /** Opens within the link's own deadline. Bytes that were under way before are dropped. */
  open(listener: LinkListener): Promise<'open' | LinkLost>
  /** Resolves when the bytes have left, or within the link's write deadline with why not. */
  write(bytes: Uint8Array): Promise<'written' | LinkLost>
  /** Lets go of the wire; `lost` is not called. Closing twice is harmless. */
  close(): Promise<void>
}
