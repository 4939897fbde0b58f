/**
 * A HID device of this machine as a HidLink: the `node-hid` package over the kernel's hidraw.
 *
 * The package is loaded when a device is opened, never before: its binary needs libusb-1.0 and libudev (both of
 * its Linux variants do, measured with 3.4.0), and a machine without HID devices need not have them. The report
 * descriptor is read from sysfs, since the package does not offer it. Opening is not exclusive: hidraw lets a
 * second program in, and nothing here can keep it out.
 */
import {existsSync, readFileSync, realpathSync} from 'node:fs'
import {basename} from 'node:path'
import type {devicesAsync, HIDAsync} from 'node-hid'
import {assert} from '../../kit/assert.ts'
import type {Clock} from '../../kit/clock.ts'
import {reasonOf, SystemFault} from '../../kit/errors.ts'
import type {Log} from '../../kit/log.ts'
import {within} from './deadline.ts'
import {judgeReport, rawReport} from './hid.ts'
import type {HidAddress, HidGot, HidIdentity, HidLink, HidListener, HidOpened, HidSent} from './hid.ts'
import {readDescriptor} from './hid-descriptor.ts'
import type {ReportTable} from './hid-descriptor.ts'
import type {LinkLost} from './link.ts'

export interface HidOptions {
  /** Default 3,000 ms. */
  readonly openTimeoutMs?: number
  /** For one report out, or one feature report asked for; default 2,000 ms. */
  readonly transferTimeoutMs?: number
}

const CLOSE_TIMEOUT_MS = 1_000

export interface HidPort extends HidLink {
  /** Why it did not open when that was tried last, for a person; null when it did, or was not tried. */
  readonly refusal: string | null
}

/** The device at that address, not yet open. Named by numbers it is looked for at each opening, so that it may be plugged in elsewhere. */
export function hidLink(address: HidAddress, clock: Clock, log: Log, options: HidOptions = {}): HidPort {
  return new NodeHid(address, clock, log, options)
}

/** One opening of the device; a new one is made for the next. */
interface Opening {
  readonly path: string
  readonly device: HIDAsync
  readonly listener: HidListener
  readonly table: ReportTable
  isEnding: boolean
}

interface Found {
  readonly path: string
  readonly device: HIDAsync
  readonly identity: HidIdentity
  readonly table: ReportTable
}

class NodeHid implements HidPort {
  readonly #address: HidAddress
  readonly #clock: Clock
  readonly #log: Log
  readonly #options: Required<HidOptions>
  #opening: Opening | null = null
  #ending: Promise<void> = Promise.resolve()
  #hasBeenOpen = false
  #refusal: string | null = null

  constructor(address: HidAddress, clock: Clock, log: Log, options: HidOptions) {
    this.#address = address
    this.#clock = clock
    this.#log = log
    this.#options = {openTimeoutMs: 3_000, transferTimeoutMs: 2_000, ...options}
  }

  get isOpen(): boolean {
    return this.#opening !== null
  }

  get refusal(): string | null {
    return this.#refusal
  }

  async open(listener: HidListener): Promise<HidOpened> {
    assert(this.#opening === null, 'the HID device is open already')
    await this.#ending
    this.#refusal = null
    const finding = find(this.#address)
    try {
      const found = await within(this.#clock, this.#options.openTimeoutMs, finding)
      if (found !== 'late') return await this.#begin(found, listener)
      this.#refuse(`not open within ${this.#options.openTimeoutMs} ms`)
      void finding.then(({device}) => device.close()).catch(() => undefined)
    } catch (thrown) {
      this.#refuse(reasonOf(thrown))
    }
    return {kind: 'lost', why: 'not-opened'}
  }

  async send(kind: 'output' | 'feature', id: number, bytes: Uint8Array): Promise<HidSent> {
    const opening = this.#opening
    if (opening === null) return this.#closed()
    const raw = rawReport(opening.table, kind, id, bytes)
    // hidraw wants the ID in front in any case, 0 where reports are not numbered.
    const withId = Buffer.from(opening.table.isNumbered ? raw : [0, ...raw])
    const end = await this.#transfer(
      opening,
      kind === 'feature' ? opening.device.sendFeatureReport(withId) : opening.device.write(withId),
    )
    if (end.kind === 'lost') return end.why
    return end.kind === 'done' ? 'sent' : 'failed'
  }

  async getFeature(id: number): Promise<HidGot> {
    const opening = this.#opening
    if (opening === null) return {kind: 'lost', why: this.#closed()}
    const {table} = opening
    const lengthBytes = table.lengths.feature.get(id)
    assert(lengthBytes !== undefined, `the device has no feature report ${id}`)
    const end = await this.#transfer(opening, opening.device.getFeatureReport(id, 1 + lengthBytes))
    if (end.kind !== 'done') return end
    const raw = Uint8Array.from(table.isNumbered ? end.result : end.result.subarray(1))
    const verdict = judgeReport(table, 'feature', raw)
    if (verdict.kind === 'garbage') return verdict
    return verdict.id === id ? {kind: 'report', bytes: verdict.bytes} : {kind: 'garbage', why: 'id'}
  }

  async close(): Promise<void> {
    const opening = this.#opening
    if (opening !== null) this.#end(opening)
    await this.#ending
  }

  async #begin({path, device, identity, table}: Found, listener: HidListener): Promise<HidOpened> {
    const opening: Opening = {path, device, listener, table, isEnding: false}
    device.on('error', (reason: unknown) => {
      // The package gives the reason as text, not as an error.
      this.#log.warn('HID device hung up', {path, reason: reasonOf(reason)})
      this.#lose(opening, 'hung-up')
    })
    device.on('data', (raw: Buffer) => {
      const bytes = Uint8Array.from(raw)
      // The package would tell whatever is thrown in here as an error of the device.
      queueMicrotask(() => {
        this.#take(opening, bytes)
      })
    })
    // The package begins to listen at the next tick, and throws there at a device that was closed before it.
    await new Promise<void>(resolve => {
      process.nextTick(resolve)
    })
    this.#opening = opening
    this.#hasBeenOpen = true
    return {kind: 'open', identity, reports: table}
  }

  #take(opening: Opening, raw: Uint8Array): void {
    if (opening.isEnding) return
    const verdict = judgeReport(opening.table, 'input', raw)
    if (verdict.kind === 'report') opening.listener.report(verdict.id, verdict.bytes)
    else opening.listener.garbage(verdict.why)
  }

  async #transfer<T>(
    opening: Opening,
    work: Promise<T>,
  ): Promise<
    | {readonly kind: 'done'; readonly result: T}
    | {readonly kind: 'failed'}
    | {readonly kind: 'lost'; readonly why: LinkLost}
  > {
    let end: {readonly result: T} | 'late'
    try {
      end = await within(
        this.#clock,
        this.#options.transferTimeoutMs,
        work.then(result => ({result})),
      )
    } catch (thrown) {
      this.#log.info('HID transfer failed', {path: opening.path, reason: reasonOf(thrown)})
      if (!isEnding(opening) && existsSync(opening.path)) return {kind: 'failed'}
      this.#lose(opening, 'hung-up')
      return {kind: 'lost', why: 'hung-up'}
    }
    if (isEnding(opening)) return {kind: 'lost', why: 'hung-up'}
    if (end !== 'late') return {kind: 'done', ...end}
    // It waits in the kernel and would leave later, after whatever was decided meanwhile.
    this.#lose(opening, 'write-stalled')
    return {kind: 'lost', why: 'write-stalled'}
  }

  #refuse(reason: string): void {
    this.#refusal = reason
    this.#log.info('HID device does not open', {reason})
  }

  #closed(): LinkLost {
    return this.#hasBeenOpen ? 'hung-up' : 'not-opened'
  }

  #lose(opening: Opening, why: LinkLost): void {
    if (opening.isEnding) return
    this.#end(opening)
    opening.listener.lost(why)
  }

  #end(opening: Opening): void {
    opening.isEnding = true
    this.#opening = null
    const closed = opening.device.close().catch((thrown: unknown) => {
      this.#log.warn('HID device did not close', {path: opening.path, reason: reasonOf(thrown)})
    })
    this.#ending = within(this.#clock, CLOSE_TIMEOUT_MS, closed).then(() => undefined)
  }
}

/** Asked anew after every wait, whatever the compiler remembers of before it. */
function isEnding(opening: Opening): boolean {
  return opening.isEnding
}

/** Finds, opens and describes the device. @throws SystemFault, or what the package throws, when it does not */
async function find(address: HidAddress): Promise<Found> {
  const hid = await import('node-hid')
  const path = address.kind === 'path' ? address.path : await pathOf(address, hid.devicesAsync)
  const table = tableOf(path)
  const device = await hid.HIDAsync.open(path)
  try {
    const {vendorId, productId, product, serialNumber} = await device.getDeviceInfo()
    const identity = {vendorId, productId, product: product ?? '', serial: serialNumber ?? ''}
    return {path, device, identity, table}
  } catch (thrown) {
    await device.close()
    throw thrown
  }
}

async function pathOf(
  {vendorId, productId, serial}: Extract<HidAddress, {kind: 'ids'}>,
  list: typeof devicesAsync,
): Promise<string> {
  const devices = await list(vendorId, productId)
  const paths = new Set(
    devices
      .filter(({serialNumber}) => serial === null || serialNumber === serial)
      .flatMap(({path}) => (path === undefined ? [] : [path])),
  )
  const [path] = paths
  if (path === undefined) throw new SystemFault('no such HID device is plugged in')
  if (paths.size > 1)
    throw new SystemFault(`${paths.size} such HID devices are plugged in; name a serial number`)
  return path
}

/** The reports of the device behind `/dev/hidrawN`, as the kernel read them. */
function tableOf(path: string): ReportTable {
  if (!existsSync(path)) throw new SystemFault('there is no such file')
  const described = `/sys/class/hidraw/${basename(realpathSync(path))}/device/report_descriptor`
  if (!existsSync(described)) throw new SystemFault('it is no hidraw device')
  const read = readDescriptor(readFileSync(described))
  if (read.kind === 'refused') throw new SystemFault(`its report descriptor makes no sense: ${read.why}`)
  return read.table
}
