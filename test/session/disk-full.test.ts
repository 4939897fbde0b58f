/** A disk that really fills up: no visit begins, the one that has begun ends in ink, and with room comes service. */
import {execFileSync} from 'node:child_process'
import {closeSync, existsSync, mkdtempSync, openSync, rmSync, rmdirSync, writeSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import t from 'tap'
import {everyRow} from '../../journal/reader.ts'
import {ENDLESS_ROOM, diskRoom} from '../../journal/room.ts'
import type {Room} from '../../journal/room.ts'
import {codeOf} from '../../kit/errors.ts'
import {seededRandom} from '../../kit/random.ts'
import {mayMount, skipUnless} from '../needs.ts'
import {BUDGET_MS, World} from './world.ts'

const DISK_BYTES = 6_000_000
/** Longer than the machine lets pass between two looks. */
const LOOK_MS = 20_000

type Tap = Pick<typeof t, 'teardown'>

/** A file system of its own in memory, that ends where it says. */
class SmallDisk {
  readonly folder = mkdtempSync(join(tmpdir(), 'tellerd-full-'))

  constructor() {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', this.folder])
  }

  get #other(): string {
    return join(this.folder, 'other')
  }

  /** Somebody else's file takes what there is, but for so much. */
  fill(leftBytes: number): void {
    this.empty()
    const room = diskRoom(this.folder, 0, seededRandom('none'))
    const file = openSync(this.#other, 'w')
    try {
      const chunk = Buffer.alloc(4_096)
      while (room.freeBytes() > leftBytes) writeSync(file, chunk)
    } catch (thrown) {
      if (codeOf(thrown) !== 'ENOSPC') throw thrown
    } finally {
      closeSync(file)
    }
  }

  empty(): void {
    rmSync(this.#other, {force: true})
  }

  remove(): void {
    execFileSync('umount', [this.folder])
    rmdirSync(this.folder)
  }
}

async function opened(t: Tap, hasReserve = true): Promise<{readonly world: World; readonly disk: SmallDisk}> {
  const disk = new SmallDisk()
  const world = await World.open({
    folder: disk.folder,
    room: ({path, reserveBytes}): Room =>
      hasReserve ? diskRoom(path, reserveBytes, seededRandom('reserve')) : ENDLESS_ROOM,
  })
  t.teardown(async () => {
    await world.close()
    disk.remove()
  })
  return {world, disk}
}

function typesOf(world: World): readonly string[] {
  return [...everyRow(world.table.journal)].flatMap(({entry}) =>
    entry.kind === 'event' ? [entry.event.type] : [],
  )
}

const reserveOf = (world: World): string => `${world.table.config.journal.path}.reserve`

t.test('short of room: out of service with the reason in ink, back when there is room', async t => {
  if (!skipUnless(t, mayMount(), 'right to mount')) return
  const {world, disk} = await opened(t)
  world.table.machine.start()
  await world.clock.runUntil(() => world.state === 'idle', BUDGET_MS)
  t.ok(existsSync(reserveOf(world)), 'the reserve is there before the first card')
  disk.fill(1_900_000)
  await world.clock.advance(LOOK_MS)
  t.equal(world.state, 'outOfService')
  t.ok(typesOf(world).includes('disk.filled'))
  disk.fill(2_200_000)
  await world.clock.advance(LOOK_MS)
  t.equal(world.state, 'outOfService', 'a little room is not yet room')
  disk.empty()
  await world.clock.advance(LOOK_MS)
  t.equal(world.state, 'idle')
  t.ok(typesOf(world).includes('disk.freed'))
})

t.test('full at the start: not one visit', async t => {
  if (!skipUnless(t, mayMount(), 'right to mount')) return
  const {world, disk} = await opened(t)
  world.table.machine.start()
  await world.clock.runUntil(() => world.state === 'idle', BUDGET_MS)
  await world.crash(() => {
    disk.fill(1_000_000)
  })
  const states = new Set<string>()
  world.table.machine.onChange(() => {
    states.add(world.state)
  })
  await world.clock.advance(LOOK_MS)
  t.equal(world.state, 'outOfService')
  t.notOk(states.has('idle'))
})

t.test('not a byte left in the middle of a visit: it ends, in ink, out of the reserve', async t => {
  if (!skipUnless(t, mayMount(), 'right to mount')) return
  const {world, disk} = await opened(t)
  world.table.machine.start()
  await world.clock.runUntil(() => world.state === 'idle', BUDGET_MS)
  const customer = world.customer()
  await world.clock.runUntil(() => world.state === 'enteringPin', BUDGET_MS)
  disk.fill(0)
  await world.clock.runUntil(() => customer.isDone, BUDGET_MS)
  await world.clock.advance(LOOK_MS)
  t.equal(world.table.journal.failed, null)
  t.equal(world.state, 'outOfService')
  t.notOk(existsSync(reserveOf(world)), 'the reserve was needed')
  t.strictSame(world.table.journal.openIntents(), [])
  t.strictSame((await world.ledgers()).differences, [])
  t.ok(typesOf(world).includes('notes.dispensed'))
  disk.empty()
  await world.clock.advance(LOOK_MS)
  t.equal(world.state, 'idle')
  t.ok(existsSync(reserveOf(world)), 'and is laid down again')
  t.equal(world.table.journal.verify().kind, 'whole')
})

t.test('without a reserve the same visit stops: that is what it is for', async t => {
  if (!skipUnless(t, mayMount(), 'right to mount')) return
  const {world, disk} = await opened(t, false)
  world.table.machine.start()
  await world.clock.runUntil(() => world.state === 'idle', BUDGET_MS)
  world.customer()
  await world.clock.runUntil(() => world.state === 'enteringPin', BUDGET_MS)
  disk.fill(0)
  await world.clock.runUntil(() => world.state === 'suspended', BUDGET_MS)
  t.equal(world.state, 'suspended')
  t.match(world.table.journal.failed, /full/)
})
