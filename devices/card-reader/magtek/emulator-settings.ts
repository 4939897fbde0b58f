/** What an emulated MagTek reader remembers without power: its properties, and what they are before anybody sets them. */
import {ALL_TRACKS, INTERFACE, MAGNE_SAFE_PROPERTY, PROPERTY, SURE_SWIPE_PROPERTY} from './bytes.ts'
import type {Family, Result} from './bytes.ts'

/** Longest value of a property (the serial numbers). */
const VALUE_BYTES_MAX = 15

export class Settings {
  readonly #defaults: ReadonlyMap<number, Uint8Array>
  readonly #trackEnable: number
  readonly #set: Map<number, Uint8Array>

  constructor(family: Family, set: ReadonlyMap<number, Uint8Array>) {
    this.#defaults = family === 'sureSwipe' ? SURE_SWIPE_DEFAULTS : MAGNE_SAFE_DEFAULTS
    this.#trackEnable =
      family === 'sureSwipe' ? SURE_SWIPE_PROPERTY.trackEnable : MAGNE_SAFE_PROPERTY.trackEnable
    this.#set = new Map(set)
  }

  /** Those that were set, by number. */
  get all(): ReadonlyMap<number, Uint8Array> {
    return this.#set
  }

  /** Null for a number that the family does not know. */
  get(number: number): Uint8Array | null {
    return this.#set.get(number) ?? this.#defaults.get(number) ?? null
  }

  canSet(number: number, value: Uint8Array): Extract<Result, 'done' | 'badParameter'> {
    const isKnown = number !== PROPERTY.softwareId && this.#defaults.has(number)
    return isKnown && value.length <= VALUE_BYTES_MAX ? 'done' : 'badParameter'
  }

  set(number: number, value: Uint8Array): void {
    this.#set.set(number, value)
  }

  text(number: number): string {
    return Buffer.from(this.get(number) ?? []).toString('latin1')
  }

  /** Set to be a keyboard it comes up as one, and is no device of ours. */
  get isKeyboard(): boolean {
    return this.get(PROPERTY.interface)?.[0] === INTERFACE.keyboard
  }

  /** `required`: an error when nothing is encoded. */
  trackIs(track: 1 | 2 | 3): 'off' | 'on' | 'required' {
    const bits = ((this.get(this.#trackEnable)?.[0] ?? ALL_TRACKS) >> (2 * (track - 1))) & 3
    return bits === 0 ? 'off' : bits === 2 ? 'required' : 'on'
  }
}

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1')

const SURE_SWIPE_DEFAULTS: ReadonlyMap<number, Uint8Array> = new Map([
  // Part number and version, as the manual's example has them.
  [PROPERTY.softwareId, ascii('21042812D01')],
  [PROPERTY.usbSerial, new Uint8Array()],
  [PROPERTY.pollInterval, Uint8Array.of(1)],
  [SURE_SWIPE_PROPERTY.maxPacket, Uint8Array.of(8)],
  [SURE_SWIPE_PROPERTY.trackEnable, Uint8Array.of(ALL_TRACKS)],
  [PROPERTY.interface, Uint8Array.of(INTERFACE.hid)],
])

const MAGNE_SAFE_DEFAULTS: ReadonlyMap<number, Uint8Array> = new Map([
  [PROPERTY.softwareId, ascii('21042840G01')],
  [PROPERTY.usbSerial, new Uint8Array()],
  [PROPERTY.pollInterval, Uint8Array.of(1)],
  [MAGNE_SAFE_PROPERTY.deviceSerial, ascii('B000795')],
  [MAGNE_SAFE_PROPERTY.version, ascii('V05')],
  [MAGNE_SAFE_PROPERTY.trackEnable, Uint8Array.of(ALL_TRACKS)],
  [MAGNE_SAFE_PROPERTY.isoMask, ascii('04040Y')],
  [MAGNE_SAFE_PROPERTY.maxPacket, Uint8Array.of(8)],
  [PROPERTY.interface, Uint8Array.of(INTERFACE.hid)],
  [MAGNE_SAFE_PROPERTY.sureSwipe, Uint8Array.of(0)],
])
