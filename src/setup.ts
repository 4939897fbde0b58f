/**
 * `tellerd setup`: asks what only the site knows, finds out at each port which device answers there, and writes
 * settings that the machine can start with. Nothing of the present settings changes before the new ones are whole.
 */
import {existsSync, mkdirSync, readdirSync, realpathSync} from 'node:fs'
import {basename, dirname, join} from 'node:path'
import {within} from '../devices/wire/deadline.ts'
import type {Clock} from '../kit/clock.ts'
import {writeDurably} from '../kit/durable-file.ts'
import {BadInput, SystemFault, reasonOf} from '../kit/errors.ts'
import {silentLog} from '../kit/log.ts'
import {configFrom} from './config.ts'
import {DISPENSERS, PIN_PADS, READERS, onPort} from './drivers.ts'
import type {Model} from './drivers.ts'
import type {Device} from './kinds.ts'

/** A person at a terminal. */
export interface Dialogue {
  readonly say: (text: string) => void
  /** One line without its newline; null when there will be no more. */
  readonly ask: (question: string) => Promise<string | null>
}

export interface Site {
  readonly configPath: string
  /** The root of this machine's file system; another in tests. */
  readonly root: string
}

/** Longer than a silent device takes to be given up by any of its drivers' first exchanges. */
const PROBE_MAX_MS = 15_000

interface Kind {
  /** In the settings. */
  readonly name: 'cardReader' | 'pinPad' | 'dispenser'
  readonly words: string
  /** Below /dev/tellerd. */
  readonly link: string
  readonly models: Readonly<Record<string, Model<Device>>>
}

const KINDS: readonly Kind[] = [
  {name: 'cardReader', words: 'card reader', link: 'reader', models: READERS},
  {name: 'pinPad', words: 'PIN pad', link: 'pinpad', models: PIN_PADS},
  {name: 'dispenser', words: 'dispenser', link: 'dispenser', models: DISPENSERS},
]

interface Chosen {
  readonly kind: Kind
  readonly model: string
  /** As the person named it. */
  readonly told: string
  /** As the settings name it. */
  readonly port: string
  /** The udev rule that keeps the port's name; null for a device that has one of its own. */
  readonly rule: string | null
}

/**
 * @throws BadInput when the answers end too early or do not make settings
 * @throws SystemFault when a file cannot be written
 */
export async function setup(site: Site, dialogue: Dialogue, clock: Clock): Promise<void> {
  const {say} = dialogue
  if (existsSync(site.configPath)) {
    const answer = await asked(
      dialogue,
      `${site.configPath} is there. Make it anew? (yes/no)`,
      'no',
      /^(yes|no)$/,
    )
    if (answer === 'no') return
  }
  const folder = dirname(site.configPath)
  const terminal = await asked(
    dialogue,
    'Terminal, as the bank knows this machine',
    null,
    /^[A-Za-z0-9-]{1,16}$/,
  )
  const currency = await asked(dialogue, 'Currency', 'EUR', /^[A-Z]{3}$/)
  const url = await asked(dialogue, 'Address of the bank, https://name:port', null, /^https:\/\/[^/]+$/)
  const pin = await asked(dialogue, 'Pin of the bank’s key, 64 hexadecimal digits', null, /^[0-9a-f]{64}$/)
  const chosen: Chosen[] = []
  for (const kind of KINDS) chosen.push(await portOf(kind, site, dialogue, clock, chosen))
  const cassettes = await cassettesOf(dialogue)
  const amountMax = await asked(dialogue, 'Largest amount of one withdrawal', '500.00', /^[0-9]+(\.[0-9]+)?$/)
  const settings = {
    terminal,
    currency,
    journal: {path: '/var/lib/tellerd/journal.db'},
    host: {
      url,
      hostPins: [pin],
      caPath: join(folder, 'bank-ca.pem'),
      signersPath: join(folder, 'bank-signers.pem'),
      certificatePath: '/var/lib/tellerd/identity/machine.crt',
      keyPath: '/var/lib/tellerd/identity/machine.key',
      cutOverAt: '23:00',
    },
    ...Object.fromEntries(chosen.map(({kind, model, port}) => [kind.name, {model, port}])),
    cassettes,
    payout: {amountMax},
  }
  const text = `${JSON.stringify(settings, null, 2)}\n`
  // What cannot be used replaces nothing: it is named, and thrown away.
  configFrom(text, 'these answers')
  replace(site.configPath, text)
  say(`${site.configPath} is written.`)
  keepNames(site, chosen, say)
  say(`What is still to do:
  put the bank's authority into ${settings.host.caPath} and its signing certificate into ${settings.host.signersPath}
  tellerd enroll --config ${site.configPath} --code CODE   (the bank makes the code)
  systemctl start tellerd`)
}

/** Asks until the answer fits. @param otherwise what an empty line stands for, or null */
async function asked(
  {say, ask}: Dialogue,
  question: string,
  otherwise: string | null,
  fits: RegExp,
): Promise<string> {
  for (;;) {
    const line = await ask(`${question}${otherwise === null ? '' : ` [${otherwise}]`}: `)
    if (line === null) throw new BadInput(`setup ended before it was told: ${question}`)
    const answer = line.trim() === '' && otherwise !== null ? otherwise : line.trim()
    if (fits.test(answer)) return answer
    say(`'${answer}' does not fit.`)
  }
}

async function portOf(
  kind: Kind,
  site: Site,
  dialogue: Dialogue,
  clock: Clock,
  taken: readonly Chosen[],
): Promise<Chosen> {
  const {words, models, link} = kind
  const free = serialPorts(site.root).filter(port => !taken.some(({told}) => told === port))
  dialogue.say(
    `Serial ports: ${free.length === 0 ? 'none' : free.join(', ')}. A HID device is named by its numbers, 0801:0011.`,
  )
  const port = await asked(dialogue, `Port of the ${words}`, null, /./)
  const isHid = /^[0-9a-fA-F]{4}:[0-9a-fA-F]{4}/.test(port)
  const candidates = Object.entries(models).filter(([, {line}]) => (line === null) === isHid)
  let heard: string | null = null
  for (const [name, model] of candidates) {
    dialogue.say(`Asking ${port} as ${name} ...`)
    const answer = await whoAnswers(model, port, clock)
    if (answer === null) continue
    dialogue.say(`  ${answer}`)
    heard = name
    break
  }
  if (heard === null) dialogue.say('No model answers there. The device may be off, or the port another’s.')
  const names = candidates.map(([name]) => name)
  const model = await asked(
    dialogue,
    `Model of the ${words}, one of ${names.join(', ')}`,
    heard,
    new RegExp(`^(${names.join('|')})$`),
  )
  const rule = isHid ? null : ruleOf(port, link, site.root)
  return {kind, model, told: port, port: rule === null ? port : `/dev/tellerd/${link}`, rule}
}

/** Who says so; null when nobody of that model answers. Moves nothing. */
async function whoAnswers(model: Model<Device>, port: string, clock: Clock): Promise<string | null> {
  const {device} = onPort(model, port, clock, silentLog)
  const opened = await within(clock, PROBE_MAX_MS, device.open())
  await device.close()
  if (opened === 'late' || opened.kind === 'failed') return null
  return Object.entries(opened.identity)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ')
}

async function cassettesOf(dialogue: Dialogue) {
  const count = Number(await asked(dialogue, 'Cassettes with notes in them', '2', /^[1-8]$/))
  const cassettes = []
  for (let cassette = 1; cassette <= count; cassette += 1)
    cassettes.push({
      cassette,
      note: await asked(
        dialogue,
        `Note in cassette ${cassette}`,
        cassette === 1 ? '20.00' : '50.00',
        /^[0-9]+(\.[0-9]+)?$/,
      ),
      initialCount: Number(
        await asked(dialogue, `Notes in cassette ${cassette} now, counted`, '0', /^[0-9]{1,4}$/),
      ),
    })
  return cassettes
}

/** Names that do not depend on the order of discovery first. */
function serialPorts(root: string): readonly string[] {
  const stable = list(join(root, 'dev/serial/by-path')).map(name => `/dev/serial/by-path/${name}`)
  const onBoard = list(join(root, 'dev')).filter(name => /^ttyS[0-9]+$/.test(name))
  return [...stable, ...onBoard.map(name => `/dev/${name}`)]
}

/**
 * The udev rule that gives that port its link: by the socket that it hangs on, or by its number on the board. Null for a
 * port that has a link of ours, or is no serial port that udev knows.
 */
function ruleOf(port: string, link: string, root: string): string | null {
  const path = join(root, port)
  if (dirname(port) === '/dev/tellerd' || !existsSync(path)) return null
  const node = realpathSync(path)
  const socket = list(join(root, 'dev/serial/by-path')).find(
    name => realpathSync(join(root, 'dev/serial/by-path', name)) === node,
  )
  const kernel = basename(node)
  if (socket === undefined && !/^tty[A-Z]+[0-9]+$/.test(kernel)) return null
  const which =
    socket === undefined ? `KERNEL=="${kernel}"` : `ENV{ID_PATH}=="${socket.replace(/-port[0-9]+$/, '')}"`
  return `SUBSYSTEM=="tty", ${which}, GROUP="tellerd", MODE="0660", SYMLINK+="tellerd/${link}", TAG+="systemd"`
}

/** Writes the rules of the site, and that the machine starts after its devices. */
function keepNames(site: Site, chosen: readonly Chosen[], say: (text: string) => void): void {
  const ruled = chosen.filter(({rule}) => rule !== null)
  if (ruled.length === 0) return
  const rules = join(site.root, 'etc/udev/rules.d/61-tellerd-site.rules')
  replace(
    rules,
    `# Written by 'tellerd setup': which port leads to which device here.\n${ruled.map(({rule}) => `${rule ?? ''}\n`).join('')}`,
  )
  const units = ruled.map(({kind}) => `dev-tellerd-${kind.link}.device`).join(' ')
  const ordering = join(site.root, 'etc/systemd/system/tellerd.service.d/devices.conf')
  replace(
    ordering,
    `# Written by 'tellerd setup': the machine starts after its devices, or after five seconds without one.\n[Unit]\nWants=${units}\nAfter=${units}\n`,
  )
  say(`${rules} and ${ordering} are written; for them to count:
  systemctl daemon-reload; udevadm control --reload; udevadm trigger --subsystem-match=tty`)
}

/** For everybody to read. @throws SystemFault */
function replace(path: string, text: string): void {
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
