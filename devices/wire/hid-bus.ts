/**
 * A HID device of this program's own under a stable path: a cable to pull, and a symbolic link that leads to whatever
 * hidraw the kernel made of it this time. For emulators that stand alone, as a pseudo-terminal is for serial ones.
 */
import {readdirSync, readFileSync, renameSync, rmSync, symlinkSync} from 'node:fs'
import type {Clock} from '../../kit/clock.ts'
import {SystemFault} from '../../kit/errors.ts'
import {silentLog} from '../../kit/log.ts'
import type {HidDevice, HidFarEnd} from './hid.ts'
import {uhidFarEnd, uhidProblem} from './hid-uhid.ts'

export interface HidBus {
  /** The device's end; stays open while the cable is pulled, its reports then go nowhere. */
  readonly far: HidFarEnd
  /** The device vanishes under whoever has it open. */
  pull(): Promise<void>
  /** It comes back under the same path. @throws SystemFault when the kernel takes it no more */
  plug(): Promise<void>
  /** Pulls for good and removes the path. */
  remove(): Promise<void>
}

const SYSFS = '/sys/class/hidraw'
/** How long the kernel may take from a new device to its hidraw. */
const NODE_MAX_MS = 5_000
const LOOK_MS = 10

/**
 * A bus with no device on it and the cable pulled.
 * @param path where the symbolic link goes; its folder must exist
 * @throws SystemFault in one line when this machine cannot make HID devices
 */
export function hidBus(path: string, clock: Clock): HidBus {
  const problem = uhidProblem()
  if (problem !== null) throw new SystemFault(problem)
  return new Bus(path, clock)
}

class Bus implements HidBus {
  readonly far: HidFarEnd
  readonly #path: string
  readonly #clock: Clock
  /** By which the kernel's hidraw is known to be ours. */
  readonly #phys: string
  readonly #kernel: HidFarEnd
  #device: HidDevice | null = null
  #isPlugged = false

  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
    this.#phys = `tellerd/${process.pid}${path}`.slice(0, 63)
    this.#kernel = uhidFarEnd(silentLog, this.#phys)
    const isOpen = (): boolean => this.#device !== null
    this.far = {
      get isOpen() {
        return isOpen()
      },
      open: async device => {
        this.#device = device
        if (this.#isPlugged) await this.#appear(device)
        return 'open'
      },
      report: async (id, bytes) => (this.#kernel.isOpen ? this.#kernel.report(id, bytes) : 'written'),
      close: async () => {
        this.#device = null
        await this.#kernel.close()
      },
    }
  }

  async pull(): Promise<void> {
    this.#isPlugged = false
    await this.#kernel.close()
  }

  async plug(): Promise<void> {
    if (this.#isPlugged) return
    this.#isPlugged = true
    if (this.#device !== null) await this.#appear(this.#device)
  }

  async remove(): Promise<void> {
    await this.pull()
    rmSync(this.#path, {force: true})
  }

  async #appear(device: HidDevice): Promise<void> {
    if ((await this.#kernel.open(device)) !== 'open')
      throw new SystemFault('the kernel takes no HID device: /dev/uhid cannot be used')
    const endMs = this.#clock.monotonicMs() + NODE_MAX_MS
    let name = nodeOf(this.#phys)
    while (name === null) {
      if (this.#clock.monotonicMs() > endMs)
        throw new SystemFault(`the kernel made no hidraw of the device within ${NODE_MAX_MS} ms`)
      await this.#clock.sleep(LOOK_MS)
      name = nodeOf(this.#phys)
    }
    // Renamed into place, so that the path leads somewhere at every moment.
    const fresh = `${this.#path}.new`
    rmSync(fresh, {force: true})
    symlinkSync(`/dev/${name}`, fresh)
    renameSync(fresh, this.#path)
  }
}

/** The hidraw whose device says that it is plugged in there, or null. */
function nodeOf(phys: string): string | null {
  const isOurs = (name: string): boolean =>
    readFileSync(`${SYSFS}/${name}/device/uevent`, 'latin1').split('\n').includes(`HID_PHYS=${phys}`)
  try {
    return readdirSync(SYSFS).find(isOurs) ?? null
  } catch {
    // It may go while it is looked at; it is looked at again.
    return null
  }
}
