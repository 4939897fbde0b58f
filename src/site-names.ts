/**
 * Which port leads to which device at this site: the serial ports that are there, and what udev and systemd are told, so
 * that each keeps its name whatever is plugged in first.
 */
import {existsSync, mkdirSync, readdirSync, realpathSync} from 'node:fs'
import {basename, dirname, join} from 'node:path'
import {writeDurably} from '../kit/durable-file.ts'
import {SystemFault, reasonOf} from '../kit/errors.ts'

/** A port that keeps a name below /dev/tellerd. */
export interface Named {
  readonly link: string
  /** Its udev rule. */
  readonly rule: string
  /** Whether the machine waits for it at boot. */
  readonly isAwaited: boolean
}

/** Serial ports on the board: of a PC, and of ARM boards. */
const ON_BOARD = /^tty(S|AMA)[0-9]+$/

/** Names that do not depend on the order of discovery first. @param root of this machine's file system */
export function serialPorts(root: string): readonly string[] {
  const stable = list(join(root, 'dev/serial/by-path')).map(name => `/dev/serial/by-path/${name}`)
  const onBoard = list(join(root, 'dev')).filter(name => ON_BOARD.test(name))
  return [...stable, ...onBoard.map(name => `/dev/${name}`)]
}

/**
 * The udev rule that gives that port its link: by the socket that it hangs on, or by its number on the board. Null for a
 * port that has a link of ours, or is no serial port that udev knows.
 */
export function ruleOf(port: string, link: string, root: string): string | null {
  const path = join(root, port)
  if (dirname(port) === '/dev/tellerd' || !existsSync(path)) return null
  const node = realpathSync(path)
  const socket = list(join(root, 'dev/serial/by-path')).find(
    name => realpathSync(join(root, 'dev/serial/by-path', name)) === node,
  )
  const kernel = basename(node)
  if (socket === undefined && !/^tty[A-Z]+[0-9]+$/.test(kernel)) return null
  const which = socket === undefined ? `KERNEL=="${kernel}"` : bySocket(socket)
  return `SUBSYSTEM=="tty", ${which}, GROUP="tellerd", MODE="0660", SYMLINK+="tellerd/${link}", TAG+="systemd"`
}

/** Of an adapter with several ports on one socket each has a number (60-serial.rules of systemd makes these names). */
function bySocket(name: string): string {
  const [, path = name, number] = /^(.*)-port([0-9]+)$/.exec(name) ?? []
  const onPath = `ENV{ID_PATH}=="${path}"`
  return number === undefined ? onPath : `${onPath}, ATTRS{port_number}=="${number}"`
}

/** Writes the rules of the site, and that the machine starts after its devices. @throws SystemFault */
export function keepNames(root: string, named: readonly Named[], say: (text: string) => void): void {
  if (named.length === 0) return
  const rules = join(root, 'etc/udev/rules.d/61-tellerd-site.rules')
  replaceForAll(
    rules,
    `# Written by 'tellerd setup': which port leads to which device here.\n${named.map(({rule}) => `${rule}\n`).join('')}`,
  )
  const units = named.filter(({isAwaited}) => isAwaited).map(({link}) => `dev-tellerd-${link}.device`)
  const ordering = join(root, 'etc/systemd/system/tellerd.service.d/devices.conf')
  replaceForAll(
    ordering,
    `# Written by 'tellerd setup': the machine starts after its devices, or after five seconds without one.\n[Unit]\nWants=${units.join(' ')}\nAfter=${units.join(' ')}\n`,
  )
  say(`${rules} and ${ordering} are written; for them to count:
  systemctl daemon-reload; udevadm control --reload; udevadm trigger --subsystem-match=tty`)
}

/** For everybody to read. @throws SystemFault */
export function replaceForAll(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), {recursive: true})
  } catch (thrown) {
    throw new SystemFault(`${path} cannot be written: ${reasonOf(thrown)}`, {cause: thrown})
  }
  writeDurably(path, text, 0o644)
}

function list(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).toSorted() : []
}
