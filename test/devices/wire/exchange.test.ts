/** The exchange over a loopback in virtual time: what may be sent again, what proves what; and the loopback itself. */
import t from 'tap'
import {VirtualClock, epochMs} from '../../../kit/clock.ts'
import {Exchange} from '../../../devices/wire/exchange.ts'
import type {Ask, Handshake, Reply} from '../../../devices/wire/exchange.ts'
import type {ByteLink, LinkLost} from '../../../devices/wire/link.ts'
import {loopbackPair} from '../../../devices/wire/loopback.ts'
import type {Cable, LineFault} from '../../../devices/wire/loopback.ts'
import {closedByEtx, xorOf} from '../../../devices/wire/shapes.ts'
import {Turns} from '../../../devices/wire/turns.ts'

const ACK = 0x06
const NAK = 0x15
const ENQ = 0x05

const HANDSHAKE: Handshake = {
  shape: closedByEtx({
    head: [0x01, 0x50, 0x02],
    etx: 0x03,
    isBody: byte => byte >= 0x30,
    controls: [ACK, NAK, 0x04],
    notices: new Map([[0x8d, 3]]),
    frameBytesMax: 32,
    frameTimeMaxMs: 200,
  }),
  accepts: {ack: ACK, nak: NAK, timeoutMs: 500, enquiry: null},
  answers: {ack: ACK, nak: NAK, nakMax: 3},
  sendsMax: 3,
  quietMs: 20,
  isNotice: frame => frame.length === 3,
}
const ENQUIRING: Handshake = {
  ...HANDSHAKE,
  accepts: {ack: ACK, nak: NAK, timeoutMs: 300, enquiry: ENQ},
  answers: null,
}
const BARE: Handshake = {...HANDSHAKE, accepts: null, answers: null}

const COMMAND = Uint8Array.of(0x04, 0x50, 0x02, 0x45, 0x03, 0x10)
const ANSWER = answerOf(0x45)
const OTHER = answerOf(0x46)
const DAMAGED = ANSWER.map((byte, at) => (at === 4 ? byte ^ 0x40 : byte))
const NEVER: Ask = {frame: COMMAND, retry: 'never', answerMs: 10_000, isAnswer: frame => frame[3] === 0x45}
const SAFE: Ask = {...NEVER, retry: 'safe'}

function answerOf(code: number): Uint8Array {
  const frame = Uint8Array.of(0x01, 0x50, 0x02, code, 0x31, 0x03)
  return Uint8Array.from([...frame, xorOf(frame)])
}

interface Bench {
  readonly clock: VirtualClock
  readonly exchange: Exchange
  readonly far: ByteLink
  readonly cable: Cable
  /** Host bytes the device heard, as hex, in chunks. */
  readonly heard: string[]
  readonly strays: number[]
  readonly unsolicited: string[]
  readonly losses: LinkLost[]
  readonly ask: (ask: Ask) => Promise<Reply>
}

/** A device that does, at each chunk it hears, the next thing of the script. */
async function bench(
  handshake: Handshake,
  script: readonly ((say: (bytes: Uint8Array | readonly number[], afterMs?: number) => void) => void)[],
): Promise<Bench> {
  const clock = new VirtualClock(epochMs(0))
  const {near, far, cable} = loopbackPair(clock)
  const heard: string[] = []
  const strays: number[] = []
  const unsolicited: string[] = []
  const losses: LinkLost[] = []
  await far.open({
    bytes: chunk => {
      const act = script[heard.length]
      heard.push(Buffer.from(chunk).toString('hex'))
      act?.((bytes, afterMs = 0) => {
        clock.after(afterMs, () => void far.write(Uint8Array.from(bytes)))
      })
    },
    lost: () => undefined,
  })
  const exchange = new Exchange(near, clock, handshake, {
    stray: byte => strays.push(byte),
    unsolicited: frame => unsolicited.push(Buffer.from(frame).toString('hex')),
    lost: why => losses.push(why),
  })
  await exchange.open()
  const ask = async (one: Ask): Promise<Reply> => {
    let isDone = false
    const reply = exchange.ask(one).finally(() => {
      isDone = true
    })
    await clock.runUntil(() => isDone, 1_000_000)
    return reply
  }
  return {clock, exchange, far, cable, heard, strays, unsolicited, losses, ask}
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const COMMAND_HEX = hexOf(COMMAND)

t.test('frame, ACK, answer, ACK', async t => {
  const {ask, heard, clock} = await bench(HANDSHAKE, [
    say => {
      say([ACK])
      say(ANSWER, 9_000)
    },
  ])
  t.match(await ask(NEVER), {kind: 'answer', frame: ANSWER})
  await clock.advance(1_000)
  t.same(heard, [COMMAND_HEX, '06'])
})

t.test(
  'silence: a safe command goes again, one that must not is sent once and listened for to the end',
  async t => {
    const safe = await bench(HANDSHAKE, [])
    t.same(await safe.ask(SAFE), {kind: 'no-answer', mayHaveRun: true})
    t.same(safe.heard, [COMMAND_HEX, COMMAND_HEX, COMMAND_HEX])
    const never = await bench(HANDSHAKE, [])
    t.same(await never.ask(NEVER), {kind: 'no-answer', mayHaveRun: true})
    t.same(never.heard, [COMMAND_HEX])
    t.equal(never.clock.monotonicMs(), 10_500)
    const late = await bench(HANDSHAKE, [
      say => {
        say(ANSWER, 10_000)
      },
    ])
    t.match(await late.ask(NEVER), {kind: 'answer'}, 'an answer without its ACK is an answer')
    const lostAnswer = await bench(HANDSHAKE, [
      say => {
        say([ACK])
      },
    ])
    t.same(await lostAnswer.ask(NEVER), {kind: 'no-answer', mayHaveRun: true})
    t.same(lostAnswer.heard, [COMMAND_HEX])
  },
)

t.test('an explicit NAK proves it was not executed, and only then it goes again', async t => {
  const refuse = (say: (bytes: readonly number[]) => void): void => {
    say([NAK])
  }
  const twice = await bench(HANDSHAKE, [
    refuse,
    refuse,
    say => {
      say([ACK])
      say(ANSWER, 5)
    },
  ])
  t.match(await twice.ask(NEVER), {kind: 'answer'})
  t.same(twice.heard.slice(0, 3), [COMMAND_HEX, COMMAND_HEX, COMMAND_HEX])
  const storm = await bench(HANDSHAKE, [refuse, refuse, refuse, refuse])
  t.same(await storm.ask(NEVER), {kind: 'refused'})
  t.equal(storm.heard.length, 3)
  const doubled = await bench(HANDSHAKE, [
    say => {
      say([NAK])
      say([NAK], 2)
    },
    say => {
      say([ACK])
      say(ANSWER, 5)
    },
  ])
  t.match(await doubled.ask(NEVER), {kind: 'answer'})
  await doubled.clock.advance(1)
  t.same(doubled.heard, [COMMAND_HEX, COMMAND_HEX, '06'], 'two NAKs of one frame count once')
})

t.test('a NAK that cannot be believed is not believed', async t => {
  const afterAck = await bench(HANDSHAKE, [
    say => {
      say([ACK])
      say([NAK], 5)
    },
  ])
  t.same(await afterAck.ask(NEVER), {kind: 'nonsense', mayHaveRun: true})
  const both = await bench(HANDSHAKE, [
    say => {
      say([NAK])
      say([ACK], 5)
    },
  ])
  t.same(await both.ask(NEVER), {kind: 'nonsense', mayHaveRun: true})
  const dirty = await bench(HANDSHAKE, [
    say => {
      say([0x77, NAK])
    },
  ])
  t.same(await dirty.ask(NEVER), {kind: 'nonsense', mayHaveRun: true})
  const late = await bench(HANDSHAKE, [
    say => {
      say([NAK], 600)
    },
  ])
  t.same(await late.ask(NEVER), {kind: 'nonsense', mayHaveRun: true})
  for (const one of [afterAck, both, dirty, late]) t.same(one.heard, [COMMAND_HEX], 'sent once')
})

t.test('a damaged answer is refused once each time, three times at most', async t => {
  const again = (say: (bytes: Uint8Array) => void): void => {
    say(DAMAGED)
  }
  const once = await bench(HANDSHAKE, [
    say => {
      say([ACK])
      say(DAMAGED, 5)
    },
    say => {
      say(ANSWER)
    },
  ])
  t.match(await once.ask(NEVER), {kind: 'answer'})
  t.same(once.heard.slice(0, 2), [COMMAND_HEX, '15'])
  const always = await bench(HANDSHAKE, [
    say => {
      say([ACK])
      say(DAMAGED, 5)
    },
    again,
    again,
    again,
    again,
  ])
  t.same(await always.ask(NEVER), {kind: 'nonsense', mayHaveRun: true})
  t.same(always.heard, [COMMAND_HEX, '15', '15', '15'])
  const broken = await bench(HANDSHAKE, [
    say => {
      say([ACK])
      say(ANSWER.slice(0, 4), 5)
    },
    say => {
      say(ANSWER)
    },
  ])
  t.match(await broken.ask(NEVER), {kind: 'answer'}, 'one that stopped midway')
})

t.test('an earlier answer, repeated, is acknowledged and passed over', async t => {
  const one = await bench(HANDSHAKE, [
    say => {
      say(OTHER)
      say([ACK], 1)
      say(ANSWER, 50)
    },
  ])
  t.match(await one.ask(NEVER), {kind: 'answer', frame: ANSWER})
  await one.clock.advance(10)
  t.same(one.heard, [COMMAND_HEX, '06', '06'])
})

t.test('what came before a command is not its answer; while idle it is acknowledged and told', async t => {
  const one = await bench(HANDSHAKE, [])
  await one.far.write(ANSWER)
  await one.clock.advance(10)
  t.same(one.unsolicited, [hexOf(ANSWER)])
  t.same(one.heard, ['06'])
  await one.far.write(ANSWER.slice(0, 5))
  await one.clock.advance(1)
  t.same(await one.ask({...NEVER, answerMs: 100}), {kind: 'no-answer', mayHaveRun: true})
})

t.test('notices neither answer nor are acknowledged', async t => {
  const one = await bench(HANDSHAKE, [
    say => {
      say([ACK])
      say([0x01, 0x8d, 0x31], 5)
      say(ANSWER, 50)
    },
  ])
  t.match(await one.ask(NEVER), {kind: 'answer'})
  await one.clock.advance(10)
  t.same(one.heard, [COMMAND_HEX, '06'])
})

t.test('where the device waits for an enquiry, silence before it proves that nothing ran', async t => {
  const good = await bench(ENQUIRING, [
    say => {
      say([ACK])
    },
    say => {
      say(ANSWER, 100)
    },
  ])
  t.match(await good.ask(NEVER), {kind: 'answer'})
  t.same(good.heard, [COMMAND_HEX, '05'], 'and it wants no ACK')
  const silent = await bench(ENQUIRING, [])
  t.same(await silent.ask(NEVER), {kind: 'no-answer', mayHaveRun: false})
  t.equal(silent.heard.length, 3)
  const after = await bench(ENQUIRING, [
    say => {
      say([ACK])
    },
  ])
  t.same(await after.ask(NEVER), {kind: 'no-answer', mayHaveRun: true})
  t.same(after.heard, [COMMAND_HEX, '05'])
})

t.test('where the answer alone tells, a safe command goes again after its time', async t => {
  const one = await bench(BARE, [
    () => undefined,
    say => {
      say(ANSWER, 5)
    },
  ])
  t.match(await one.ask({...SAFE, answerMs: 250}), {kind: 'answer'})
  t.same(one.heard, [COMMAND_HEX, COMMAND_HEX])
  const never = await bench(BARE, [])
  t.same(await never.ask({...NEVER, answerMs: 250}), {kind: 'no-answer', mayHaveRun: true})
  t.equal(never.heard.length, 1)
})

t.test('bytes outside frames reach whoever listens, asked or not', async t => {
  const one = await bench(HANDSHAKE, [
    say => {
      say([0x04])
      say([ACK])
      say(ANSWER, 5)
    },
  ])
  await one.far.write(Uint8Array.of(0x04))
  await one.clock.advance(1)
  t.match(await one.ask(NEVER), {kind: 'answer'})
  t.same(one.strays, [0x04, 0x04])
})

t.test('a device that closes the exchange is waited for, and done without', async t => {
  const closing = {byte: 0x04, timeoutMs: 500}
  const closed: Handshake = {...HANDSHAKE, answers: {ack: ACK, nak: NAK, nakMax: 3, closing}}
  const answer = (say: (bytes: Uint8Array | readonly number[], afterMs?: number) => void): void => {
    say([ACK])
    say(ANSWER, 5)
  }
  const said = await bench(closed, [
    answer,
    say => {
      say([0x04], 40)
    },
  ])
  t.match(await said.ask(NEVER), {kind: 'answer', frame: ANSWER})
  t.equal(said.clock.monotonicMs(), 45)
  t.same(said.strays, [], 'it is part of the handshake')
  const unsaid = await bench(closed, [answer])
  t.match(await unsaid.ask(NEVER), {kind: 'answer', frame: ANSWER})
  t.equal(unsaid.clock.monotonicMs(), 505)
  const again = await bench(closed, [
    answer,
    say => {
      say(ANSWER)
    },
    say => {
      say([0x04])
    },
  ])
  t.match(await again.ask(NEVER), {kind: 'answer', frame: ANSWER})
  t.same(again.heard, [COMMAND_HEX, '06', '06'], 'an answer said again is acknowledged again')
  const pulled = await bench(closed, [answer, () => undefined])
  pulled.clock.after(100, () => {
    pulled.cable.pull()
  })
  t.match(await pulled.ask(NEVER), {kind: 'answer', frame: ANSWER}, 'what was heard stands')
  t.equal(pulled.clock.monotonicMs(), 100)
})

t.test('a lost link says whether the command may have run', async t => {
  const closed = await bench(HANDSHAKE, [])
  await closed.exchange.close()
  t.match(await closed.ask(NEVER), {kind: 'lost', why: 'hung-up', mayHaveRun: false})
  const closing = await bench(HANDSHAKE, [])
  closing.clock.after(100, () => void closing.exchange.close())
  t.match(await closing.ask(NEVER), {kind: 'lost', why: 'hung-up', mayHaveRun: true}, 'closed under it')
  const fresh = new Exchange(loopbackPair(closed.clock).near, closed.clock, HANDSHAKE)
  t.match(await fresh.ask(NEVER), {kind: 'lost', why: 'not-opened', mayHaveRun: false})
  const pulled = await bench(HANDSHAKE, [() => undefined])
  pulled.clock.after(200, () => {
    pulled.cable.pull()
  })
  t.same(await pulled.ask(NEVER), {kind: 'lost', why: 'hung-up', mayHaveRun: true})
  t.same(pulled.losses, ['hung-up'])
  t.equal(pulled.exchange.isOpen, false)
  t.equal(await pulled.exchange.open(), 'not-opened')
  pulled.cable.plug()
  t.equal(await pulled.exchange.open(), 'open')
})

t.test('two commands at once are our own mistake', async t => {
  const one = await bench(HANDSHAKE, [])
  const first = one.ask(NEVER)
  await t.rejects(one.exchange.ask(SAFE), {name: 'AssertionFailed'})
  await first
})

t.test('a babbling line ends in its time and in bounded memory', async t => {
  const babble = Uint8Array.from({length: 3_000}, (_, at) => [0x06, 0x77, 0x15, 0x01][at % 4] ?? 0)
  const one = await bench(HANDSHAKE, [
    say => {
      for (let ms = 0; ms < 2_000; ms += 50) say(babble, ms)
    },
  ])
  t.same(await one.ask({...NEVER, answerMs: 1_000}), {kind: 'nonsense', mayHaveRun: true})
  t.ok(one.clock.monotonicMs() <= 1_600)
})

t.test('turns: one after the other, also after a failure', async t => {
  const turns = new Turns()
  const order: string[] = []
  const first = turns.take(async () => {
    await Promise.resolve()
    order.push('first')
    throw new RangeError('fails')
  })
  const second = turns.take(async () => {
    order.push('second')
    return 2
  })
  await t.rejects(first, {message: 'fails'})
  t.equal(await second, 2)
  t.same(order, ['first', 'second'])
})

t.test('loopback: a later turn, in order, copied', async t => {
  const {clock, near, far, got} = await wire()
  const bytes = Uint8Array.of(1, 2)
  await near.write(bytes)
  bytes[0] = 9
  t.same(got, [], 'not in the same turn')
  await near.write(Uint8Array.of(3))
  await clock.advance(0)
  t.same(got, ['0102', '03'])
  t.equal(await far.write(Uint8Array.of(1)), 'written')
})

t.test('loopback: closing, reopening and pulling', async t => {
  const {clock, near, far, cable, got} = await wire()
  const nearGot: string[] = []
  const losses: LinkLost[] = []
  const listener = {
    bytes: (chunk: Uint8Array) => nearGot.push(hexOf(chunk)),
    lost: (why: LinkLost) => losses.push(why),
  }
  await near.close()
  await near.close()
  t.equal(await near.write(Uint8Array.of(1)), 'hung-up')
  await far.write(Uint8Array.of(7))
  t.equal(await near.open(listener), 'open')
  await clock.advance(10)
  t.same(nearGot, [], 'bytes under way before the opening are dropped')
  await near.write(Uint8Array.of(5))
  cable.pull()
  cable.pull()
  t.same(losses, ['hung-up'], 'once')
  t.equal(near.isOpen, false)
  t.equal(far.isOpen, true, 'a device does not notice')
  t.equal(await near.open(listener), 'not-opened')
  t.equal(await far.write(Uint8Array.of(8)), 'written')
  cable.plug()
  t.equal(await near.open(listener), 'open')
  await clock.advance(10)
  t.same([got, nearGot], [[], []], 'what was under way is gone')
  await far.write(Uint8Array.of(9))
  await clock.advance(10)
  t.same(nearGot, ['09'])
  t.equal(await loopbackPair(clock).near.write(Uint8Array.of(1)), 'not-opened')
})

t.test('loopback: each fault does what its name says', async t => {
  const spoilt = async (fault: LineFault, times?: number): Promise<string> => {
    const {clock, near, cable, got} = await wire()
    cable.misbehave('near', fault, times)
    for (const chunk of [
      [0x10, 0x11],
      [0x20, 0x21],
      [0x30, 0x31],
    ])
      await near.write(Uint8Array.from(chunk))
    await clock.advance(1_000)
    cable.behave()
    await near.write(Uint8Array.of(0x40))
    await clock.advance(1_000)
    return got.join(' ')
  }
  t.equal(await spoilt({do: 'drop', unit: 'chunk', everyNth: 2}), '1011 3031 40')
  t.equal(await spoilt({do: 'drop', unit: 'byte', everyNth: 3}), '1011 21 30 40')
  t.equal(await spoilt({do: 'duplicate', unit: 'chunk', everyNth: 3}), '1011 2021 3031 3031 40')
  t.equal(await spoilt({do: 'duplicate', unit: 'byte', everyNth: 4}), '1011 202121 3031 40')
  t.equal(await spoilt({do: 'corrupt', unit: 'chunk', everyNth: 1, bit: 7}, 2), '1091 20a1 3031 40')
  t.equal(await spoilt({do: 'corrupt', unit: 'byte', everyNth: 5, bit: 0}), '1011 2021 3131 40')
  t.equal(await spoilt({do: 'split', everyNth: 2, gapMs: 10}), '1011 20 21 3031 40')
  t.equal(await spoilt({do: 'garbage', bytes: Uint8Array.of(0xff)}), 'ff1011 2021 3031 40')
})

t.test('loopback: split bytes come apart in time and still in order', async t => {
  const {clock, near, cable, got} = await wire()
  cable.misbehave('near', {do: 'split', everyNth: 1, gapMs: 10}, 1)
  await near.write(Uint8Array.of(1, 2, 3))
  await near.write(Uint8Array.of(4))
  await clock.advance(15)
  t.same(got, ['01'])
  await clock.advance(100)
  t.same(got, ['01', '02', '03', '04'])
})

async function wire(): Promise<{
  readonly clock: VirtualClock
  readonly near: ByteLink
  readonly far: ByteLink
  readonly cable: Cable
  readonly got: string[]
}> {
  const clock = new VirtualClock(epochMs(0))
  const {near, far, cable} = loopbackPair(clock)
  const got: string[] = []
  await far.open({bytes: chunk => got.push(hexOf(chunk)), lost: () => undefined})
  await near.open({bytes: () => undefined, lost: () => undefined})
  return {clock, near, far, cable, got}
}
