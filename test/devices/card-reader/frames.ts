/** What every model's frames must survive: flips, cuts, splits, merges, and noise round them. */
import type {Test} from 'tap'
import {Framer} from '../../../devices/wire/framer.ts'
import type {FrameShape} from '../../../devices/wire/framer.ts'
import {hexOf} from '../../../crypto/hex.ts'
import {seededRandom} from '../../../kit/random.ts'

export interface Golden {
  readonly name: string
  readonly bytes: Uint8Array
}

/** @param decode what takes exactly one whole frame, or null */
export function framesSuite(
  t: Test,
  golden: readonly Golden[],
  shape: FrameShape,
  decode: (bytes: Uint8Array) => unknown,
): void {
  t.test('every one-bit flip and every cut of every vector is refused', t => {
    let refused = 0
    for (const {bytes, name} of golden) {
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
        if (decode(flipped) === null) refused += 1
        else t.fail(`${name} with bit ${bit} flipped was taken`)
      }
      for (let length = 0; length < bytes.length; length++)
        if (decode(bytes.slice(0, length)) !== null) t.fail(`${name} cut to ${length} was taken`)
      if (decode(Uint8Array.of(...bytes, 0)) !== null) t.fail(`${name} with a byte more was taken`)
    }
    t.ok(refused > 1_000)
    t.end()
  })

  t.test('every split of every vector, and all of them glued together', t => {
    for (const {name, bytes} of golden)
      for (let at = 1; at < bytes.length; at++) {
        const found = framesIn(shape, [bytes.slice(0, at), bytes.slice(at)])
        if (found.length !== 1 || found[0] !== hexOf(bytes)) t.fail(`${name} split at ${at}`)
      }
    const all = golden.map(({bytes}) => hexOf(bytes))
    const stream = Uint8Array.from(golden.flatMap(({bytes}) => [...bytes]))
    t.same(framesIn(shape, [stream]), all, 'glued')
    t.same(
      framesIn(
        shape,
        [...stream].map(byte => Uint8Array.of(byte)),
      ),
      all,
      'byte by byte',
    )
    t.end()
  })

  t.test('noise before, between and after frames', t => {
    const all = golden.map(({bytes}) => hexOf(bytes))
    for (let round = 0; round < 50; round++) {
      const random = seededRandom(`noise/${round}`)
      // Noise that holds the first byte of a frame may swallow one; without it, none may be lost.
      const noise = (): Uint8Array =>
        random.bytes(random.below(6)).filter(byte => !shape.starts(byte) && !shape.isControl(byte))
      const chunks = golden.flatMap(({bytes}) => [noise(), bytes])
      t.same(framesIn(shape, [...chunks, noise()]), all, `noise/${round}`)
    }
    t.end()
  })
}

function framesIn(shape: FrameShape, chunks: readonly Uint8Array[]): readonly string[] {
  const framer = new Framer(shape)
  return chunks
    .flatMap(chunk => framer.push(chunk, 0))
    .flatMap(verdict => (verdict.kind === 'frame' ? [hexOf(verdict.bytes)] : []))
}
