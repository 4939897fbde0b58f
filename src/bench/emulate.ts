/**
 * `tellerd emulate MODEL --link PATH`: one emulated device alone on a pseudo-terminal or as a HID device, for a rig, for drivers of
 * somebody else's, or for a person. It speaks until it is stopped, and needs no command to do so.
 */
import {pseudoTerminal} from '../../devices/wire/pty.ts'
import {hidBus} from '../../devices/wire/hid-bus.ts'
import {realClock} from '../../kit/clock.ts'
import type {Clock} from '../../kit/clock.ts'
import {BadInput} from '../../kit/errors.ts'
import {writeJson} from '../../kit/exact-json.ts'
import {systemRandom} from '../../kit/random.ts'
import {EXIT_OK, askedToStop} from '../program.ts'
import {StandControl, serveControl} from './control.ts'
import type {StandCable, TextSource} from './control.ts'
import {listenAt} from './control-socket.ts'
import {emulateHelp, emulateOptions} from './emulate-options.ts'
import type {EmulateOptions} from './emulate-options.ts'
import {pacedLink} from './paced-link.ts'
import type {Stand, StandOptions} from './stand.ts'
import {TranscriptFile} from './transcript-file.ts'
import {readWorld, worldSaver} from './world-file.ts'

/** What the command has of the process around it. */
export interface Surroundings {
  readonly input: TextSource
  /** One line on standard output. */
  readonly say: (line: string) => void
  /** For a mistake of ours: the program ends at once. */
  readonly crash: (thrown: unknown) => void
}

/**
 * Runs until a signal or `quit`.
 * @returns the exit code
 * @throws BadInput when an argument or a file cannot be used; no link has been touched then
 * @throws SystemFault when there is no pseudo-terminal to be had, or this kernel makes no HID devices
 */
export async function emulate(args: readonly string[], around: Surroundings): Promise<number> {
  const options = await emulateOptions(args)
  if (options === 'help') {
    around.say(await emulateHelp())
    return EXIT_OK
  }
  const clock = realClock()
  const wire = wireOf(options, clock)
  const {stand, keep} = standOn(wire, clock, options)
  const quitting = signal()
  const control = new StandControl(options.model, stand, wire.cable, quitting.give, keep)
  const hangUp = options.control === null ? null : await listenAt(options.control, control, around.crash)
  try {
    keep()
    await stand.start()
    await wire.cable.plug()
    around.say(readyLine(options))
    serveControl(control, around.input, around.say, around.crash)
    await Promise.race([askedToStop(), quitting.given])
    return EXIT_OK
  } finally {
    await stand.stop()
    keep()
    await wire.remove()
    await hangUp?.()
  }
}

function readyLine({model, profile, link, control}: EmulateOptions): string {
  return writeJson({ready: true, model: model.name, profile, link, control: control ?? undefined})
}

interface Standing {
  readonly stand: Stand
  /** Puts world and transcript into their files, as far as they are new. */
  readonly keep: () => void
}

/** What stands between the device and its host, whose end is at the path given. */
interface Wire {
  readonly cable: StandCable
  /** Puts the device at its end. */
  make(options: StandOptions<string>, transcript: TranscriptFile | null): Stand
  /** Pulls the cable for good and removes the path. */
  remove(): Promise<void> | void
}

/** @throws SystemFault when this machine has no such wire to give */
function wireOf({model, link, isPaced}: EmulateOptions, clock: Clock): Wire {
  if (model.wire === 'serial') {
    const terminal = pseudoTerminal(link, 'unplugged')
    const line = isPaced ? pacedLink(terminal.far, model.line, clock) : terminal.far
    return {
      cable: {
        pull: () => {
          terminal.hangUp()
        },
        plug: () => {
          terminal.plug()
        },
      },
      make: (options, transcript) =>
        model.make(transcript?.tapped(line) ?? line, clock, systemRandom(), options),
      remove: () => {
        terminal.remove()
      },
    }
  }
  const bus = hidBus(link, clock)
  return {
    cable: {pull: () => bus.pull(), plug: () => bus.plug()},
    make: (options, transcript) =>
      model.make(transcript?.tappedHid(bus.far) ?? bus.far, clock, systemRandom(), options),
    remove: () => bus.remove(),
  }
}

/** The device as the command line wants it, not started yet. */
function standOn(wire: Wire, clock: Clock, options: EmulateOptions): Standing {
  const {profile, isPaced} = options
  const found = options.world === null ? null : readWorld(options.world)
  const transcript = options.transcript === null ? null : new TranscriptFile(options.transcript, clock)
  const stand = named(`--world ${options.world ?? ''}`, () =>
    wire.make({profile, world: found, pace: isPaced ? 'iron' : 'fast'}, transcript),
  )
  transcript?.follow(stand)
  if (options.plan !== null) stand.plan(options.plan)
  const save = options.world === null ? null : worldSaver(options.world)
  const keep = (): void => {
    save?.(stand.world())
    transcript?.catchUp()
  }
  stand.watch(keep)
  return {stand, keep}
}

/** Puts the name of what was read before the line that says what is wrong with it. */
function named<T>(name: string, work: () => T): T {
  try {
    return work()
  } catch (thrown) {
    if (!(thrown instanceof BadInput)) throw thrown
    throw new BadInput(`${name}: ${thrown.message}`, {cause: thrown})
  }
}

function signal(): {readonly give: () => void; readonly given: Promise<void>} {
  let give = (): void => undefined
  const given = new Promise<void>(resolve => {
    give = resolve
  })
  return {
    give: () => {
      give()
    },
    given,
  }
}
