/** `diag capture`, `diag trace`: what passed the wire of a device. Secrets never come so far: devices/wire/trace.ts. */
import type {Passed} from '../../../devices/wire/trace.ts'
import {isoTime} from '../../../kit/clock.ts'
import {arg, look} from '../command.ts'
import type {Command, Scene} from '../command.ts'
import {DONE, table} from '../view.ts'
import type {Cell, Reply} from '../view.ts'
import {ENGINEERS} from './roles.ts'
import {deviceOf} from './show.ts'

/** To the millisecond, UTC, without the date. */
function momentText({atMs}: Passed): string {
  return isoTime(atMs).slice(11, 23)
}

function cells(passed: Passed): readonly Cell[] {
  return [momentText(passed), passed.way, passed.lengthBytes, passed.hex ?? 'not shown']
}

function capture(scene: Scene): Reply {
  const {passed} = scene.machine.trace(deviceOf(scene))
  return table(['time', 'way', 'bytes', 'hexadecimal'], passed.map(cells))
}

function trace(scene: Scene): Reply {
  const {machine, terminal} = scene
  const device = arg(scene, 'DEVICE')
  const wire = machine.trace(deviceOf(scene))
  terminal.setLive(
    device,
    arg(scene, 'SWITCH') === 'on'
      ? tell =>
          wire.onPassed(passed => {
            tell([device, ...cells(passed)].join(' '))
          })
      : null,
  )
  return DONE
}

export const wireCommands: readonly Command[] = [
  look(
    'diag capture DEVICE',
    'what passed the wire of a device lately',
    ENGINEERS,
    capture,
    'diag capture dispenser',
  ),
  look(
    'diag trace DEVICE SWITCH',
    'the same, live, beside what you type',
    ENGINEERS,
    trace,
    'diag trace dispenser on',
  ),
]
