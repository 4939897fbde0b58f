/**
 * The console under a bad cable: whatever bytes come, no order is given, nobody is let in and nothing is changed, and
 * what is carried out at all stood between two ends of lines with nothing in it but letters and keys of a terminal.
 * Somebody who may change settings is logged in, in supervisor mode, at the time.
 */
import {present} from '../../kit/assert.ts'
import {VirtualClock, epochMs} from '../../kit/clock.ts'
import {COMMANDS} from '../../src/console/commands.ts'
import {IDLE_MS} from '../../src/console/conversation.ts'
import {Line} from '../../src/console/line.ts'
import {RIG_WORD} from '../../src/console/rig-word.ts'
import {RigFront} from '../../src/console/rig.ts'
import {Terminal} from '../../src/console/terminal.ts'
import {joined} from '../fuzz/input.ts'
import type {Input} from '../fuzz/input.ts'
import type {Target} from '../fuzz/targets.ts'
import {Bench, PASSWORD} from './bench.ts'

/**
 * Lines as people type them, of commands that look or that ask before they do something: noise may spell one of these.
 * What talks without asking is left out, since whoever spells it means it.
 */
const LINES = [
  ...COMMANDS.filter(({kind, may}) => kind !== 'talk' && may.includes('senior')).map(
    ({example}) => `${example}\r`,
  ),
  'sh st\t\r',
  'show status | include ok\r',
  '\x1b[A\r',
  '\x12show\r',
  'service out?\x15\r',
]

const ENTER = 0x0d
const LINE_FEED = 0x0a
const CTRL_C = 0x03

/** What a door takes for what. */
interface Bytes {
  /** Ends of lines. */
  readonly ends: readonly number[]
  /** Keys that begin the line anew: what came before them counts no more. */
  readonly afresh: readonly number[]
  /** Keys within a line. */
  readonly keys: readonly number[]
}

const BYTES: Readonly<Record<Door, Bytes>> = {
  terminal: {
    ends: [ENTER, LINE_FEED],
    afresh: [CTRL_C, 0x04, 0x15],
    keys: [0x01, 0x02, 0x05, 0x06, 0x08, 0x09, 0x0b, 0x0c, 0x0e, 0x10, 0x12, 0x17, 0x1b, 0x7f],
  },
  rig: {ends: [LINE_FEED], afresh: [], keys: [ENTER]},
}

/** Lines in which every byte is a letter or a key: the most that can have been meant. */
function meantCount(bytes: Uint8Array, {ends, afresh, keys}: Bytes): number {
  let isSpoiled = false
  let count = 0
  for (const byte of bytes) {
    if (ends.includes(byte)) {
      if (!isSpoiled) count += 1
      isSpoiled = false
    } else if (afresh.includes(byte)) isSpoiled = false
    else if ((byte < 0x20 || byte > 0x7e) && !keys.includes(byte)) isSpoiled = true
  }
  return count
}

type Door = 'terminal' | 'rig'
/** Longer than any answer takes. */
const ANSWER_MAX_MS = 60_000

/** A console that somebody is logged in at, and what was done there since. */
class Listener {
  readonly bench: Bench
  readonly line: Line
  readonly #door: Door
  #out = ''
  #saidCount = 0
  /** Commands that were carried out, or refused as commands. */
  judged: string[] = []
  /** What must not come about. */
  moved: string[] = []

  private constructor(bench: Bench, door: Door) {
    this.bench = bench
    this.#door = door
    const {house} = bench
    const {machine, people} = house
    const told = (what: string): string => {
      this.moved.push(what)
      return what
    }
    const watched = {
      ...house,
      machine: {
        ...machine,
        offer: ({type}: {readonly type: string}) => {
          told(type)
        },
        journal: {
          ...machine.journal,
          note: (event: Parameters<typeof machine.journal.note>[0]) => {
            if (event.type !== 'person.acted') told(event.type)
            else if (event.command === 'login' && event.outcome === 'done') told(event.person)
            else if (event.outcome !== '') this.judged.push(event.command)
          },
        },
      },
      settings: {
        ...house.settings,
        set: told,
        remove: told,
        commit: () => told('commit'),
        confirm: () => told('confirm'),
        rollback: () => told('rollback'),
        reload: () => {
          told('reload')
        },
        discard: () => {
          told('discard')
        },
      },
      people,
    }
    this.line = new Line(
      watched,
      text => {
        this.#out = (this.#out + text).slice(-200)
        this.#saidCount += 1
        return Promise.resolve(true)
      },
      () => told('left'),
      thrown => {
        this.moved.push(String(thrown))
      },
    )
    this.line.start()
  }

  static async at(door: Door): Promise<Listener> {
    const bench = await Bench.open({}, {siri: 'senior', sven: 'senior'})
    const {world} = bench
    world.table.machine.operate({type: 'supervisor.called', person: 'siri'})
    await world.clock.runUntil(() => world.state === 'supervisor', 60_000)
    const listener = new Listener(bench, door)
    if (door === 'rig') {
      await listener.feed(Buffer.from(`${RIG_WORD}\r`))
      await world.clock.runUntil(() => listener.#out.includes('"ask":"login"'), ANSWER_MAX_MS)
    }
    for (const word of ['siri', PASSWORD, await bench.code('siri')])
      await listener.feed(Buffer.from(`${word}\n`))
    present(
      listener.moved.find(person => person === 'siri'),
      `a log-in; the screen says ${listener.#out}`,
    )
    listener.moved = []
    return listener
  }

  /** A line at a time, so that none is lost while the one before is carried out. */
  async feed(bytes: Uint8Array): Promise<void> {
    const {clock} = this.bench.world
    const {ends, afresh} = BYTES[this.#door]
    const stops = [...ends, ...afresh.filter(byte => byte === CTRL_C)]
    for (let at = 0; at < bytes.length;) {
      const end = bytes.findIndex((byte, index) => index >= at && stops.includes(byte))
      const next = end < 0 ? bytes.length : end + 1
      const saidCount = this.#saidCount
      this.line.feed(bytes.subarray(at, next))
      // A rig is told nothing about an empty line, and a line feed behind Enter is the same Enter.
      const isSilent =
        (this.#door === 'rig' && next - at < 2) || (bytes[at] === LINE_FEED && bytes[at - 1] === ENTER)
      if (end >= 0 && !isSilent)
        await clock.runUntil(() => this.#saidCount > saidCount && this.isReady, ANSWER_MAX_MS)
      at = next
    }
  }

  /** It waits for somebody to type. */
  get isReady(): boolean {
    return this.#door === 'rig' ? this.#out.endsWith('\n') : /[>#:] $|--More--$/.test(this.#out)
  }
}

/** A target for the fuzzer; its console lives on from input to input. */
export function noisy(door: Door): Target {
  let listener: Promise<Listener> | null = null
  return {
    name: `console, ${door}`,
    good: LINES.map(line =>
      Uint8Array.from(Buffer.from(door === 'rig' ? line.replace('\r', '\r\n') : line, 'latin1')),
    ),
    run: async input => {
      listener ??= Listener.at(door)
      return verdictOn(await listener, input, door)
    },
    flood: () => {
      const clock = new VirtualClock(epochMs(1_700_000_000_000))
      const quiet = (): Promise<boolean> => Promise.resolve(true)
      const front = door === 'rig' ? new RigFront(quiet, clock, IDLE_MS) : new Terminal(quiet, clock, IDLE_MS)
      const open = (): void => {
        front
          .command('> ', {help: () => [], complete: line => ({line, choices: []})})
          .then(open, () => undefined)
      }
      open()
      return bytes => {
        front.feed(bytes)
      }
    },
  }
}

async function verdictOn(listener: Listener, input: Input, door: Door): Promise<string | null> {
  // Whatever was left open is left, and whatever comes is ended.
  const bytes = Buffer.concat([
    Buffer.from(door === 'rig' ? '\n\n\n\n' : '\x03\x03\x03\x03\r'),
    joined(input),
    Uint8Array.of(door === 'rig' ? LINE_FEED : ENTER),
  ])
  listener.judged = []
  await listener.feed(bytes)
  if (!listener.isReady) return 'it answers no more'
  if (listener.moved.length > 0) return `it came to ${listener.moved.join(', ')}`
  const meant = meantCount(bytes, BYTES[door])
  const {judged} = listener
  return judged.length <= meant ? null : `${meant} lines were whole, and ${judged.join('; ')} came of them`
}
