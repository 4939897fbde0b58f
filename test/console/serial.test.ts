/**
 * A person with a laptop and a serial cable: the daemon's own door on a real serial port of the system, which a
 * pseudo-terminal stands in for, keys typed one by one, and what stands on the glass afterwards.
 */
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import t from 'tap'
import {pseudoTerminal} from '../../devices/wire/pty.ts'
import {serialLink} from '../../devices/wire/serial.ts'
import {realClock} from '../../kit/clock.ts'
import {silentLog} from '../../kit/log.ts'
import {serialDoor} from '../../src/console/doors.ts'
import {ptyAvailable, skipUnless} from '../needs.ts'
import {Bench, PASSWORD, golden} from './bench.ts'
import {Glass} from './screen.ts'

/** Nothing here takes a second; what takes so long never comes. */
const NEVER_MS = 20_000

t.test(
  'log-in, help, completion, pages, pipes, the live log and a pulled cable, over a serial port',
  async t => {
    if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
    const folder = mkdtempSync(join(tmpdir(), 'tellerd-serial-'))
    const clock = realClock()
    const bench = await Bench.open()
    const cable = pseudoTerminal(join(folder, 'console'))
    const glass = new Glass()
    let awake = (): void => undefined
    await cable.far.open({
      bytes: chunk => {
        glass.write(Buffer.from(chunk).toString('latin1'))
        awake()
      },
      lost: () => undefined,
    })
    /** Until the end of the glass looks so. */
    const shown = async (last: RegExp, beyond = 0): Promise<void> => {
      const timer = clock.after(NEVER_MS, () => {
        t.fail(`'${last.source}' never stood at the end of:\n${glass.text}`)
        awake()
      })
      while (!(glass.raw.length > beyond && last.test(glass.lastTwo)) && t.passing())
        await new Promise<void>(resolve => {
          awake = resolve
        })
      timer.cancel()
    }
    /** Types key by key, and waits for something new that ends so. */
    const type = async (keys: string, last: RegExp): Promise<void> => {
      const before = glass.raw.length
      for (const key of keys) await cable.far.write(Buffer.from(key, 'latin1'))
      await shown(last, before)
    }
    const line = {baudRate: 9_600, dataBits: 8, parity: 'none', stopBits: 1, rtscts: false} as const
    // The machine's own time stands still; the port and whoever types live in the real one.
    const house = {...bench.house, clock}
    const door = serialDoor(serialLink(cable.path, line, clock, silentLog), house, thrown => {
      t.fail(String(thrown))
    })
    const prompt = /> $/
    const code = await bench.code('erik')
    await shown(/^login: $/m)
    await type('erik\r', /^password: $/m)
    await type(`${PASSWORD}\r`, /^code: $/m)
    await type(`${code}\r`, prompt)
    await type('show d?', /> show d$/)
    await type('ev\t', /> show device$/)
    await type('s\r', prompt)
    await type('sh stat | inc bank\r', prompt)
    await type('show cash | count\r', prompt)
    await type('show casette\x7f\x7f\x7f\x7f\x7fh\r', prompt)
    await type('help\r', /--More--$/)
    await type('\r', /--More--$/)
    await type('q', prompt)
    await type('terminal monitor on\r', prompt)
    await type('show sta', /show sta$/)
    house.log.log(bench.world.clock).warn('the bank is not there')
    await shown(/not there\n.*show sta$/)
    t.match(glass.text, /% [0-9:]{8} warn tellerd: the bank is not there\n.*show sta$/)
    await type('tus | begin bank\r', prompt)
    await type('\x1b[A\r', prompt)
    const logOuts = (): readonly string[] =>
      bench.world.table.journal
        .rows(1, 1_000)
        .flatMap(({entry}) =>
          entry.kind === 'event' && entry.event.type === 'person.acted' && entry.event.command === 'logout'
            ? [entry.event.outcome]
            : [],
        )
    t.same(logOuts(), [])
    golden(t, 'serial', glass)
    cable.hangUp()
    cable.plug()
    glass.clear()
    await shown(/^login: $/m)
    t.same(logOuts(), ['gone'], 'whoever pulls the cable is logged out, and whoever plugs it in is nobody')
    t.notMatch(glass.raw, PASSWORD)
    t.notMatch(glass.raw, code)
    await door.stop()
    cable.remove()
    await bench.close()
    rmSync(folder, {recursive: true})
  },
)
