/**
 * The wire: how fast each framer takes bytes apart, against the parser of the `serialport` family that comes nearest
 * to its grammar, on the same bytes; and what an order costs over a pseudo-terminal, against an echo over one.
 */
import {join} from 'node:path'
import {ByteLengthParser} from '@serialport/parser-byte-length'
import {DelimiterParser} from '@serialport/parser-delimiter'
import {PacketLengthParser} from '@serialport/parser-packet-length'
import type {Transform} from 'node:stream'
import {frameShape as crt310Shape} from '../../devices/card-reader/crt310/codec.ts'
import {HANDSHAKE as LCDM2000, LINE as LCDM2000_LINE} from '../../devices/dispenser/lcdm2000/bytes.ts'
import {Lcdm2000} from '../../devices/dispenser/lcdm2000/driver.ts'
import {SHAPE as F56} from '../../devices/dispenser/f56/codec.ts'
import {HANDSHAKE as REFERENCE} from '../../devices/dispenser/reference/bytes.ts'
import {frameShape as szztShape} from '../../devices/pin-pad/szzt/codec.ts'
import {Framer} from '../../devices/wire/framer.ts'
import type {FrameShape} from '../../devices/wire/framer.ts'
import {pseudoTerminal} from '../../devices/wire/pty.ts'
import {serialLink} from '../../devices/wire/serial.ts'
import {present} from '../../kit/assert.ts'
import {realClock} from '../../kit/clock.ts'
import {silentLog} from '../../kit/log.ts'
import {seededRandom} from '../../kit/random.ts'
import {STANDS} from '../../src/bench/stands.ts'
import {goldenFrames} from '../fuzz/table.ts'
import {interleaved, median, timed} from './measure.ts'
import type {Row} from './measure.ts'

const ROUNDS = 7
const FRAMES_COUNT = 20_000
/** As a serial port delivers them at most. */
const CHUNK_BYTES = 64
const TRIPS_COUNT = 100
/** Of all models, at 115,200 baud and ten bits a byte. */
const FASTEST_LINE_BYTES_PER_S = 11_520
/** A framer must be no part of what a wire costs: as fast as so many of the fastest lines together. */
const LINES_COUNT = 100

const clock = realClock()

interface Candidate {
  readonly name: string
  readonly shape: FrameShape
  readonly frame: Uint8Array
  /** The nearest grammar; it checks no check byte and finds no frame again after noise. */
  readonly nearest: {readonly name: string; readonly make: (frame: Uint8Array) => Transform}
}

const delimiter = {
  name: 'parser-delimiter',
  make: () => new DelimiterParser({delimiter: [0x03], includeDelimiter: true}),
}

const CANDIDATES: readonly Candidate[] = [
  {
    name: 'lcdm2000',
    shape: LCDM2000.shape,
    frame: longest('dispenser/lcdm2000'),
    nearest: delimiter,
  },
  {name: 'reference', shape: REFERENCE.shape, frame: longest('dispenser/reference'), nearest: counted(2, 5)},
  {
    name: 'crt310',
    shape: crt310Shape([0x06, 0x15], 'ofReader'),
    frame: longest('card-reader/crt310'),
    nearest: counted(2, 5),
  },
  {name: 'f56', shape: F56, frame: longest('dispenser/f56'), nearest: counted(3, 8)},
  {
    name: 'szzt',
    shape: szztShape('host', false),
    frame: longest('pin-pad/szzt'),
    // Decimal digits for a length, which none of them reads.
    nearest: {name: 'parser-byte-length', make: frame => new ByteLengthParser({length: frame.length})},
  },
]

/** A length byte there, and so many bytes around what it counts. */
function counted(lengthOffset: number, packetOverhead: number): Candidate['nearest'] {
  return {
    name: 'parser-packet-length',
    make: frame =>
      new PacketLengthParser({
        delimiter: frame[0] ?? 0,
        lengthOffset,
        packetOverhead,
        lengthBytes: 1,
        maxLen: 255,
      }),
  }
}

function longest(folder: string): Uint8Array {
  const [first, ...more] = goldenFrames(folder, 'device').filter(({length}) => length < 120)
  return more.reduce((a, b) => (b.length > a.length ? b : a), present(first, `a frame of ${folder}`))
}

export async function wireRows(folder: string): Promise<readonly Row[]> {
  const framers: Row[] = []
  for (const candidate of CANDIDATES) framers.push(...(await framerRows(candidate)))
  return [...framers, await tripRow(folder)]
}

/** Bytes and frames each second; the ratio says how many times as fast as the nearest parser. */
async function framerRows({name, shape, frame, nearest}: Candidate): Promise<readonly Row[]> {
  const stream = Buffer.concat(Array.from({length: FRAMES_COUNT}, () => frame))
  const chunks = Array.from({length: Math.ceil(stream.length / CHUNK_BYTES)}, (_, at) =>
    stream.subarray(at * CHUNK_BYTES, (at + 1) * CHUNK_BYTES),
  )
  const perSecond = (timeMs: number): number => (stream.length / timeMs) * 1_000
  const values = await interleaved(
    {
      framer: async () => {
        const framer = new Framer(shape)
        let foundCount = 0
        const timeMs = await timed(() => {
          for (const chunk of chunks)
            for (const verdict of framer.push(chunk, 0)) if (verdict.kind === 'frame') foundCount += 1
        })
        if (foundCount !== FRAMES_COUNT)
          throw new RangeError(`${name}: ${foundCount} frames of ${FRAMES_COUNT}`)
        return perSecond(timeMs)
      },
      parser: async () => {
        const parser = nearest.make(frame)
        parser.on('data', () => undefined)
        const ended = new Promise(resolve => parser.once('end', resolve))
        return perSecond(
          await timed(async () => {
            for (const chunk of chunks) parser.write(chunk)
            parser.end()
            await ended
          }),
        )
      },
    },
    ROUNDS,
  )
  const ratio = median(values.framer.map((value, round) => value / (values.parser[round] ?? Number.NaN)))
  return (['kB/s', 'frames/s'] as const).map(unit => {
    const per = unit === 'kB/s' ? 1_000 : frame.length
    return {
      name: `framer of ${name}`,
      unit,
      value: median(values.framer) / per,
      baseline: {name: nearest.name, value: median(values.parser) / per, ratio},
      aim: `${LINES_COUNT} lines`,
      isReached: median(values.framer) >= LINES_COUNT * FASTEST_LINE_BYTES_PER_S,
    }
  })
}

/** A dispenser's status through driver, serial port and emulator, against as many bytes echoed through two ports. */
async function tripRow(folder: string): Promise<Row> {
  const model = await present(STANDS.lcdm2000, 'the LCDM-2000')()
  if (model.wire !== 'serial') throw new RangeError('the LCDM-2000 is on no serial line')
  const terminal = pseudoTerminal(join(folder, 'dispenser-port'))
  const stand = model.make(terminal.far, clock, seededRandom('perf'), {
    profile: 'rom20',
    world: null,
    pace: 'fast',
  })
  await stand.start()
  const device = new Lcdm2000(serialLink(terminal.path, LCDM2000_LINE, clock, silentLog), clock, silentLog)
  await device.open()

  const echo = pseudoTerminal(join(folder, 'echo-port'))
  await echo.far.open({bytes: chunk => void echo.far.write(chunk), lost: () => undefined})
  const port = serialLink(echo.path, LCDM2000_LINE, clock, silentLog)
  let arrived = (): void => undefined
  await port.open({
    bytes: () => {
      arrived()
    },
    lost: () => undefined,
  })
  const values = await interleaved(
    {
      status: async () =>
        (await timed(async () => {
          for (let trip = 0; trip < TRIPS_COUNT; trip += 1) await device.status()
        })) / TRIPS_COUNT,
      echo: async () =>
        (await timed(async () => {
          for (let trip = 0; trip < TRIPS_COUNT; trip += 1) {
            const back = new Promise<void>(resolve => {
              arrived = resolve
            })
            await port.write(Uint8Array.of(0x05))
            await back
          }
        })) / TRIPS_COUNT,
    },
    ROUNDS,
  )
  await port.close()
  await device.close()
  await stand.stop()
  echo.remove()
  terminal.remove()
  const ratio = median(values.status.map((value, round) => value / (values.echo[round] ?? Number.NaN)))
  return {
    name: 'status of a dispenser over a PTY',
    unit: 'ms',
    value: median(values.status),
    baseline: {name: 'echo of a byte', value: median(values.echo), ratio},
    aim: '4 x',
    isReached: ratio <= 4,
  }
}
