/** The fuzzing of `npm run fuzz`, short: a fixed seed and a few thousand inputs each; and that it finds what is planted. */
import t from 'tap'
import {globSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {Framer} from '../../devices/wire/framer.ts'
import {counted, xorOf} from '../../devices/wire/shapes.ts'
import type {FrameShape} from '../../devices/wire/framer.ts'
import {inputAt, joined} from './input.ts'
import {fuzz} from './run.ts'
import {EMULATED, TARGETS, goldenFrames} from './table.ts'
import {framed, pure, reading} from './targets.ts'
import type {Target} from './targets.ts'

const SEED = 'everyday'
const INPUTS_COUNT = 1_000
const EMULATOR_INPUTS_COUNT = 20

const ROOT = join(import.meta.dirname, '..', '..')

t.test('every decoder holds', async t => {
  for (const target of TARGETS) {
    t.ok(target.good.length > 0, `${target.name} has good frames to begin with`)
    t.equal(await fuzz(target, SEED, INPUTS_COUNT), null, target.name)
  }
})

t.test('every emulator survives any host', async t => {
  for (const target of EMULATED) t.equal(await fuzz(target, SEED, EMULATOR_INPUTS_COUNT), null, target.name)
})

/** What takes bytes from outside apart, by the names that it has in every model's folder. */
const DECODER =
  /^export (?:function|class|const) ((?:decode|conditionsOf|withoutLength|track2Of|readCounts|readPick|readCount|HostReader|frameShape|packetShape|SHAPE|HANDSHAKE)\w*)/gm

t.test('no decoder is missing in the table', t => {
  const table = readFileSync(join(ROOT, 'test/fuzz/table.ts'), 'utf8')
  const files = globSync('devices/*/**/*.ts', {cwd: ROOT}).filter(file => !file.startsWith('devices/wire/'))
  const found = files.flatMap(file =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(DECODER)].map(([, name = '']) => ({file, name})),
  )
  t.ok(found.length > 10, 'they are found by their names')
  for (const {file, name} of found) {
    t.ok(table.includes(`devices/${file.slice('devices/'.length)}'`), `the table imports ${file}`)
    t.ok(new RegExp(`\\b${name}\\b`).test(table), `the table names ${name} of ${file}`)
  }
  t.end()
})

t.test('an input comes again from seed, name and number, and inputs differ', t => {
  const good = goldenFrames('dispenser/lcdm2000', 'device')
  const hex = (index: number, name = 'x'): string =>
    Buffer.from(joined(inputAt(SEED, name, index, good))).toString('hex')
  t.equal(hex(7), hex(7))
  t.not(hex(7), hex(7, 'y'))
  t.ok(new Set(Array.from({length: 500}, (_, index) => hex(index))).size > 450)
  t.end()
})

const SHAPE = counted({stx: 2, etx: 3, controls: [6], frameBytesMax: 32, frameTimeMaxMs: 200})
const FRAMES = ['A', 'ABCDEFGHIJKLMNOPQRST'].map(frameOf)

function frameOf(text: string): Uint8Array {
  const bytes = Uint8Array.of(2, 0, text.length, ...Buffer.from(text, 'latin1'), 3)
  return Uint8Array.of(...bytes, xorOf(bytes))
}

function shapeWith(change: Partial<FrameShape>): FrameShape {
  return {...SHAPE, ...change}
}

const PLANTED: readonly Target[] = [
  pure(
    'throws on some',
    bytes => {
      if (bytes.length > 3 && bytes.at(-1) === 0x41) throw new RangeError('planted')
    },
    FRAMES,
  ),
  pure('changes what it reads', bytes => bytes.length > 3 && bytes.fill(0, 0, 1), FRAMES),
  framed('never gives up', shapeWith({frameTimeMaxMs: Infinity, byteGapMaxMs: Infinity}), FRAMES),
  framed(
    'takes any check byte, and another length',
    shapeWith({
      measure: bytes => (bytes.length < 6 ? {kind: 'more'} : {kind: 'frame', lengthBytes: 5}),
    }),
    [Uint8Array.of(2, 0, 0, 0, 0, 2)],
  ),
  reading(
    'remembers what was there before the silence',
    () => {
      let heard = 0
      return {
        push: chunk => {
          heard += chunk.length
          return [{kind: 'command', wasFirst: heard === chunk.length}]
        },
      }
    },
    FRAMES,
  ),
  reading(
    'keeps all',
    () => {
      const kept: number[] = []
      const framer = new Framer(SHAPE)
      return {
        push: (chunk, atMs) => {
          for (const byte of chunk) kept.push(byte)
          return framer
            .push(chunk, atMs)
            .map(({kind}) => ({kind: kind === 'frame' ? 'command' : 'stray'}))
            .slice(-1)
        },
      }
    },
    FRAMES,
  ),
]

t.test('what is planted is found', async t => {
  for (const target of PLANTED) {
    const finding = await fuzz(target, SEED, INPUTS_COUNT)
    t.match(finding, {target: target.name, seed: SEED, why: /./, input: /./}, target.name)
  }
})
