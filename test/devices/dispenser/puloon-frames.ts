/**
 * What the frames of every Puloon model must hold, at both ends of the wire: the driver's framer reads what a device
 * says, the emulator's HostReader what a host says. The golden frames come from the model's own vectors.json.
 */
import {readFileSync} from 'node:fs'
import type {Test} from 'tap'
import type {DispenserEmulator} from '../../../devices/dispenser/mischief.ts'
import type {DeviceError} from '../../../devices/dispenser/port.ts'
import {HostReader} from '../../../devices/dispenser/emulator-puloon-frames.ts'
import {Framer} from '../../../devices/wire/framer.ts'
import type {FrameShape} from '../../../devices/wire/framer.ts'
import type {ByteLink} from '../../../devices/wire/link.ts'
import {loopbackPair} from '../../../devices/wire/loopback.ts'
import {VirtualClock, epochMs} from '../../../kit/clock.ts'
import type {Clock} from '../../../kit/clock.ts'
import {seededRandom} from '../../../kit/random.ts'

export interface Vector {
  readonly name: string
  readonly from: 'host' | 'device'
  readonly hex: string
  readonly fields: {readonly kind: string}
  readonly source: string
}

export function readVectors(model: string): readonly Vector[] {
  const url = new URL(`../../../devices/dispenser/${model}/vectors.json`, import.meta.url)
  const read: unknown = JSON.parse(readFileSync(url, 'utf8'))
  return Array.isArray(read) ? read.filter(isVector) : []
}

function isVector(read: unknown): read is Vector {
  return typeof read === 'object' && read !== null && 'hex' in read && 'fields' in read && 'source' in read
}

export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.split(' '), byte => parseInt(byte, 16))
}

export function hexOf(bytes: Iterable<number>): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ')
}

/** Errors of a model that its protocol page does not list as its table has them. */
export function missingOnPage(page: string, errors: readonly DeviceError[]): readonly string[] {
  const url = new URL(`../../../docs/protocols/${page}`, import.meta.url)
  const rows = readFileSync(url, 'utf8')
    .split('\n')
    .map(line => line.split('|').map(cell => cell.trim()))
  return errors
    .filter(
      ({code, meaning, fault, action}) =>
        !rows.some(
          ([, first, second = '', , fourth, fifth]) =>
            first === code && second.startsWith(meaning) && fourth === (fault ?? '') && fifth === action,
        ),
    )
    .map(({code}) => code)
}

/** One end of the wire as this suite needs it: bytes in, whole good frames out, as hex. */
interface End {
  /** Takes bytes of a moment; says which frames are whole now. */
  push(bytes: Uint8Array, atMs: number): readonly string[]
}

export interface Wire {
  /** The address byte. */
  readonly id: number
  readonly shape: FrameShape
}

function endOf(from: Vector['from'], {id, shape}: Wire): End {
  if (from === 'device') {
    const framer = new Framer(shape)
    return {
      push: (bytes, atMs) =>
        [...framer.push(bytes, atMs), ...framer.idle(atMs)].flatMap(verdict =>
          // A notice has no check of its own.
          verdict.kind === 'frame' && verdict.bytes.length > 3 ? [hexOf(verdict.bytes)] : [],
        ),
    }
  }
  const reader = new HostReader(id)
  return {
    push: (bytes, atMs) =>
      reader.push(bytes, atMs).flatMap(said => {
        if (said.kind !== 'command') return []
        const frame = [0x04, id, 0x02, said.code, ...said.argument, 0x03]
        return [hexOf([...frame, frame.reduce((sum, byte) => sum ^ byte, 0)])]
      }),
  }
}

/** Every vector of one direction, whole frames without check of their own left out. */
function framesFrom(vectors: readonly Vector[], from: Vector['from']): readonly Vector[] {
  return vectors.filter(vector => vector.from === from && vector.fields.kind !== 'notice')
}

/** The suite for one model. */
export async function framesHold(t: Test, vectors: readonly Vector[], wire: Wire): Promise<void> {
  for (const from of ['host', 'device'] as const) {
    const frames = framesFrom(vectors, from)

    await t.test(`from ${from}: every one-bit flip of every golden frame is refused`, async t => {
      for (const {name, hex} of frames) {
        const good = bytesOf(hex)
        let taken = 0
        for (let bit = 0; bit < good.length * 8; bit += 1) {
          const flipped = good.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
          const end = endOf(from, wire)
          taken += end.push(flipped, 0).length + end.push(Uint8Array.of(), 10_000).length
        }
        t.equal(taken, 0, `${name}: ${good.length * 8} flips`)
      }
    })

    await t.test(`from ${from}: every split and every merge gives the same frames`, async t => {
      for (const {name, hex} of frames) {
        const bytes = bytesOf(hex)
        let wrong = 0
        for (let at = 0; at <= bytes.length; at += 1) {
          const end = endOf(from, wire)
          const got = [...end.push(bytes.subarray(0, at), 0), ...end.push(bytes.subarray(at), 3)]
          if (got.join() !== hex) wrong += 1
        }
        t.equal(wrong, 0, name)
      }
      const all = frames.map(({hex}) => hex)
      const merged = Uint8Array.from(frames.flatMap(({hex}) => [...bytesOf(hex)]))
      t.same(endOf(from, wire).push(merged, 0), all, 'all in one chunk')
      const single = endOf(from, wire)
      const got = [...merged].flatMap((byte, at) => single.push(Uint8Array.of(byte), at))
      t.same(got, all, 'byte by byte, a millisecond each')
    })

    await t.test(`from ${from}: noise before, between and after frames takes none of them away`, async t => {
      const random = seededRandom(`noise from ${from}`)
      let lost = 0
      for (let round = 0; round < 200; round += 1) {
        const end = endOf(from, wire)
        const got = frames.flatMap(({hex}, index) => {
          const atMs = index * 1_000
          // A beginning of a frame that never went on is given up before the next frame comes.
          return [
            ...end.push(noise(random.bytes(random.below(24)), wire.id), atMs),
            ...end.push(bytesOf(hex), atMs + 500),
          ]
        })
        end.push(noise(random.bytes(24), wire.id), 1_000_000)
        if (got.join() !== frames.map(({hex}) => hex).join()) lost += 1
      }
      t.equal(lost, 0, '200 rounds')
      const glued = frames.filter(({hex}) => {
        const bytes = Uint8Array.from([0xff, 0x00, 0x04, 0x01, 0x7f, ...bytesOf(hex), 0xff, 0x04])
        return endOf(from, wire).push(bytes, 0).join() !== hex
      })
      t.same(glued, [], 'glued to stray bytes')
    })

    await t.test(`from ${from}: a gap inside a frame is borne below 200 ms and ends it above`, async t => {
      for (const {name, hex} of frames) {
        const bytes = bytesOf(hex)
        const slow = endOf(from, wire)
        slow.push(bytes.subarray(0, 4), 0)
        t.same(slow.push(bytes.subarray(4), 199), [hex], name)
        const late = endOf(from, wire)
        late.push(bytes.subarray(0, 4), 0)
        t.same(late.push(bytes.subarray(4), 200), [], name)
        t.same(late.push(bytes, 1_000), [hex], `${name}: the next one is whole again`)
      }
    })
  }
}

/** Bytes that happen to be no frame's head and address. */
function noise(bytes: Uint8Array, id: number): Uint8Array {
  return bytes.map(byte => (byte === id ? byte ^ 1 : byte))
}

/** A host that is not ours: says bytes, hears bytes, and knows nothing. */
export interface BareHost {
  readonly clock: VirtualClock
  readonly emulator: DispenserEmulator
  /** Says bytes, lets so much time pass, and gives what was heard meanwhile, as hex. */
  say(hex: string, forMs?: number): Promise<string>
}

export async function bareHost(make: (link: ByteLink, clock: Clock) => DispenserEmulator): Promise<BareHost> {
  const clock = new VirtualClock(epochMs(0))
  const {near, far} = loopbackPair(clock)
  const emulator = make(far, clock)
  await emulator.start()
  let heard: number[] = []
  await near.open({
    bytes: chunk => {
      heard.push(...chunk)
    },
    lost: () => undefined,
  })
  return {
    clock,
    emulator,
    async say(hex, forMs = 100) {
      heard = []
      if (hex !== '') await near.write(bytesOf(hex))
      await clock.advance(forMs)
      return hexOf(heard)
    },
  }
}
