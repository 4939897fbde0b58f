/** The framer under any chunking, noise and damage, for each family of grammar; and its worked examples. */
import t from 'tap'
import fc from 'fast-check'
import {Framer} from '../../../devices/wire/framer.ts'
import type {FrameShape, Verdict} from '../../../devices/wire/framer.ts'
import {closedByEtx, counted, decimalCounted, xorOf} from '../../../devices/wire/shapes.ts'

const SEED = 20_261_122
const RUNS = 1_500

interface Family {
  readonly name: string
  readonly shape: FrameShape
  /** A frame around such a body. */
  readonly frame: (body: readonly number[]) => readonly number[]
  readonly body: fc.Arbitrary<number[]>
}

const puloon = closedByEtx({
  head: [0x01, 0x50, 0x02],
  etx: 0x03,
  isBody: byte => byte >= 0x30,
  controls: [0x06, 0x15],
  notices: new Map([[0x8d, 3]]),
  frameBytesMax: 32,
  frameTimeMaxMs: 200,
})
const creator = counted({
  stx: 0x02,
  etx: 0x03,
  controls: [0x06, 0x15, 0x04],
  frameBytesMax: 64,
  frameTimeMaxMs: 500,
})
const szzt = decimalCounted({stx: 0x02, etx: 0x03, controls: 'any', frameBytesMax: 64, frameTimeMaxMs: 500})

function withBcc(bytes: readonly number[]): readonly number[] {
  return [...bytes, xorOf(Uint8Array.from(bytes))]
}

const FAMILIES: readonly Family[] = [
  {
    name: 'closed by ETX',
    shape: puloon,
    frame: body => withBcc([0x01, 0x50, 0x02, ...body, 0x03]),
    body: fc.array(fc.integer({min: 0x30, max: 0xff}), {minLength: 1, maxLength: 20}),
  },
  {
    name: 'counted',
    shape: creator,
    frame: body => withBcc([0x02, 0, body.length, ...body, 0x03]),
    body: fc.array(fc.integer({min: 0, max: 0xff}), {minLength: 2, maxLength: 40}),
  },
  {
    name: 'counted in decimal digits',
    shape: szzt,
    frame: body => {
      const inner = [...Buffer.from(body.length.toString().padStart(3, '0')), ...body, 0x03]
      const check = xorOf(Uint8Array.from(inner)).toString(16).toUpperCase().padStart(2, '0')
      return [0x02, ...inner, ...Buffer.from(check)]
    },
    body: fc.array(fc.integer({min: 0, max: 0xff}), {minLength: 1, maxLength: 40}),
  },
]

/** Cuts the bytes at those places, and pushes the pieces a millisecond apart. */
function pushAll(
  framer: Framer,
  bytes: readonly number[],
  cuts: readonly number[],
  shape: FrameShape,
): Verdict[] {
  const verdicts: Verdict[] = []
  const places = [...new Set(cuts.map(cut => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  let from = 0
  let atMs = 0
  for (const to of [...places, bytes.length]) {
    verdicts.push(...framer.push(Uint8Array.from(bytes.slice(from, to)), atMs))
    if (framer.heldBytes > shape.frameBytesMax) throw new RangeError(`holds ${framer.heldBytes} bytes`)
    from = to
    atMs += 1
  }
  return [...verdicts, ...framer.idle(atMs + shape.frameTimeMaxMs)]
}

function framesOf(verdicts: readonly Verdict[]): readonly string[] {
  return verdicts.flatMap(verdict =>
    verdict.kind === 'frame' && !isNotice(verdict.bytes) ? [Buffer.from(verdict.bytes).toString('hex')] : [],
  )
}

/** A notice carries no check: noise may well look like one. */
function isNotice(frame: Uint8Array): boolean {
  return frame[0] === 0x01 && frame[1] === 0x8d
}

function hex(frame: readonly number[]): string {
  return Buffer.from(frame).toString('hex')
}

const cuts = fc.array(fc.nat(400), {maxLength: 60})

for (const {name, shape, frame, body} of FAMILIES) {
  const frames = fc.array(body, {minLength: 1, maxLength: 6}).map(bodies => bodies.map(frame))

  t.test(`${name}: any chunking gives the same frames back`, async t => {
    fc.assert(
      fc.property(frames, cuts, (sent, at) => {
        const verdicts = pushAll(new Framer(shape), sent.flat(), at, shape)
        t.equal(
          verdicts.every(({kind}) => kind === 'frame'),
          true,
        )
        t.same(framesOf(verdicts), sent.map(hex))
      }),
      {seed: SEED, numRuns: 300},
    )
  })

  t.test(`${name}: with noise between, the same frames or garbage, never a wrong one`, async t => {
    let lost = 0
    const random = fc.array(fc.integer({min: 0, max: 255}), {maxLength: 12})
    // A frame that broke off is the noise most like a frame. With a count in it and the next frame at once
    // behind it, one in 256 makes a frame that the check byte approves of; only its head protects the first family.
    const brokenOff = fc
      .tuple(body, fc.nat(30))
      .map(([inner, length]) => frame(inner).slice(0, length % (inner.length + 4)))
    const noise = shape === puloon ? fc.oneof(random, brokenOff) : random
    fc.assert(
      fc.property(frames, fc.array(noise, {maxLength: 7}), cuts, (sent, noises, at) => {
        const bytes = sent.flatMap((one, index) => [...(noises[index] ?? []), ...one])
        const verdicts = pushAll(new Framer(shape), bytes, at, shape)
        const got = framesOf(verdicts)
        if (!isSubsequence(got, sent.map(hex))) return false
        lost += sent.length - got.length
        return got.length === sent.length || verdicts.some(({kind}) => kind === 'garbage')
      }),
      {seed: SEED, numRuns: RUNS},
    )
    t.ok(lost < RUNS, `${lost} frames of ${RUNS} runs were lost to noise that looked like a beginning`)
  })

  t.test(
    `${name}: with one bit flipped anywhere, never a wrong frame, and no byte is unaccounted for`,
    async t => {
      fc.assert(
        fc.property(frames, fc.nat(), cuts, (sent, where, at) => {
          const bytes = sent.flat()
          const bit = where % (bytes.length * 8)
          const flipped = bytes.map((byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
          const verdicts = pushAll(new Framer(shape), flipped, at, shape)
          const seen = verdicts.reduce(
            (sum, verdict) => sum + (verdict.kind === 'control' ? 1 : verdict.bytes.length),
            0,
          )
          const got = framesOf(verdicts)
          return got.length < sent.length && isSubsequence(got, sent.map(hex)) && seen === bytes.length
        }),
        {seed: SEED, numRuns: RUNS},
      )
      t.pass('held')
    },
  )

  t.test(`${name}: any bytes whatever are taken in bounded memory`, async t => {
    fc.assert(
      fc.property(fc.array(fc.integer({min: 0, max: 255}), {maxLength: 600}), cuts, (bytes, at) => {
        const verdicts = pushAll(new Framer(shape), bytes, at, shape)
        return (
          verdicts.reduce((sum, one) => sum + (one.kind === 'control' ? 1 : one.bytes.length), 0) ===
          bytes.length
        )
      }),
      {seed: SEED, numRuns: RUNS},
    )
    t.pass('held')
  })

  t.test(
    `${name}: a frame that stops midway is given up after its time, and the next one is found`,
    async t => {
      const good = frame([0x41, 0x42, 0x43])
      for (let length = 1; length < good.length; length += 1) {
        const framer = new Framer(shape)
        framer.push(Uint8Array.from(good.slice(0, length)), 1_000)
        t.equal(framer.stallsAtMs, 1_000 + shape.frameTimeMaxMs)
        t.same(framer.idle(1_000 + shape.frameTimeMaxMs - 1), [], 'not yet')
        const verdicts = framer.push(Uint8Array.from(good), 1_000 + shape.frameTimeMaxMs)
        t.match(verdicts[0], {kind: 'garbage', why: 'stalled'})
        t.same(framesOf(verdicts), [hex(good)], `${length} bytes lost before it`)
        t.equal(framer.stallsAtMs, null)
      }
    },
  )
}

t.test('a check byte may be any control byte', async t => {
  for (const check of [0x03, 0x06, 0x15, 0x01, 0x04]) {
    // 80 to FF are body bytes; two of them make any check byte below 80.
    const bytes = withBcc([0x01, 0x50, 0x02, 0x80, 0xd0 ^ check, 0x03])
    t.equal(bytes.at(-1), check)
    t.same(framesOf(new Framer(puloon).push(Uint8Array.from(bytes), 0)), [hex(bytes)])
  }
})

t.test('control bytes count outside frames only', async t => {
  const controls = (bytes: readonly number[]): readonly number[] => {
    const framer = new Framer(puloon)
    return [...framer.push(Uint8Array.from(bytes), 0), ...framer.idle(300)].flatMap(verdict =>
      verdict.kind === 'control' ? [verdict.byte] : [],
    )
  }
  t.same(controls([0x06, 0x15]), [0x06, 0x15])
  t.same(controls([0x01, 0x50, 0x02, 0x15]), [], 'a damaged frame refuses nothing')
  t.same(controls([0x01, 0x50, 0x02, 0x45, 0x06]), [], 'nor does it accept')
  t.same(controls([0x01, 0x15, 0x02]), [], 'nor does a damaged head')
})

t.test('a length that is too great is garbage at once, and the good frame after it is found', async t => {
  const good = withBcc([0x02, 0, 2, 0x31, 0x30, 0x03])
  const verdicts = new Framer(creator).push(Uint8Array.from([0x02, 0x7f, 0xff, ...good]), 0)
  t.match(verdicts, [{kind: 'garbage', why: 'too-long'}, {kind: 'frame'}])
  const short = [...new Framer(creator).push(Uint8Array.from([0x02, 0x00, 0x05, ...good]), 0)]
  t.match(short, [{kind: 'garbage', why: 'checksum'}, {kind: 'frame'}], 'a length that ends elsewhere')
})

t.test('key presses stand between the frames of a PIN pad', async t => {
  const frame = Buffer.from('023030318003', 'hex')
  const check = xorOf(frame.subarray(1)).toString(16).toUpperCase().padStart(2, '0')
  const bytes = Uint8Array.from([0x2a, ...frame, ...Buffer.from(check), 0x2a, 0x0d])
  t.match(new Framer(szzt).push(bytes, 0), [
    {kind: 'control', byte: 0x2a},
    {kind: 'frame'},
    {kind: 'control', byte: 0x2a},
    {kind: 'control', byte: 0x0d},
  ])
})

t.test('notices are frames without a check', async t => {
  t.match(new Framer(puloon).push(Uint8Array.of(0x01, 0x8d, 0x06, 0x06), 0), [
    {kind: 'frame', bytes: Uint8Array.of(0x01, 0x8d, 0x06)},
    {kind: 'control', byte: 0x06},
  ])
})

function isSubsequence(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0
  for (const one of whole) if (part[at] === one) at += 1
  return at === part.length
}
