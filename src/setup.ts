/**
 * `tellerd setup`: asks what only the site knows, finds out at each port which device answers there, and writes
 * settings that the machine can start with. Nothing of the present settings changes before the new ones are whole.
 */
import {existsSync} from 'node:fs'
import {basename, dirname, join} from 'node:path'
import {within} from '../devices/wire/deadline.ts'
import type {Clock} from '../kit/clock.ts'
import {BadInput} from '../kit/errors.ts'
import {silentLog} from '../kit/log.ts'
import {BAUD_RATES, configFrom} from './config.ts'
import {DISPENSERS, PIN_PADS, READERS, onPort} from './drivers.ts'
import {PRINTERS} from './printers.ts'
import type {Model} from './drivers.ts'
import type {Device} from './kinds.ts'
import {keepNames, replaceForAll, ruleOf, serialPorts} from './site-names.ts'
import type {Named} from './site-names.ts'

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

/** Who may log in at the console; the first start makes it. */
const PEOPLE_PATH = '/var/lib/tellerd/people.json'

/** Longer than a silent device takes to be given up by any of its drivers' first exchanges. */
const PROBE_MAX_MS = 15_000

interface Kind {
  /** In the settings. */
  readonly name: 'cardReader' | 'pinPad' | 'dispenser' | 'printer'
  readonly words: string
  /** Below /dev/tellerd. */
  readonly link: string
  /** Whether a machine may be without one. */
  readonly isOptional: boolean
  readonly models: Readonly<Record<string, Model<Device>>>
}

const KINDS: readonly Kind[] = [
  {name: 'cardReader', words: 'card reader', link: 'reader', isOptional: false, models: READERS},
  {name: 'pinPad', words: 'PIN pad', link: 'pinpad', isOptional: false, models: PIN_PADS},
  {name: 'dispenser', words: 'dispenser', link: 'dispenser', isOptional: false, models: DISPENSERS},
  {name: 'printer', words: 'receipt printer', link: 'printer', isOptional: true, models: PRINTERS},
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
  const pin = await asked(dialogue, "Pin of the bank's key, 64 hexadecimal digits", null, /^[0-9a-f]{64}$/)
  const chosen: Chosen[] = []
  for (const kind of KINDS) {
    const one = await portOf(kind, site, dialogue, clock, chosen)
    if (one !== null) chosen.push(one)
  }
  const cassettes = await cassettesOf(dialogue)
  const amountMax = await asked(dialogue, 'Largest amount of one withdrawal', '500.00', /^[0-9]+(\.[0-9]+)?$/)
  const service = await consoleOf(site, dialogue, chosen)
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
    console: service.settings,
  }
  const text = `${JSON.stringify(settings, null, 2)}\n`
  // What cannot be used replaces nothing: it is named, and thrown away.
  configFrom(text, 'these answers')
  replaceForAll(site.configPath, text)
  say(`${site.configPath} is written.`)
  const devices = chosen.flatMap(({kind, rule}): Named[] =>
    rule === null ? [] : [{link: kind.link, rule, isAwaited: true}],
  )
  keepNames(site.root, [...devices, ...service.named], say)
  say(`What is still to do:
  put the bank's authority into ${settings.host.caPath} and its signing certificate into ${settings.host.signersPath}
  tellerd enroll --config ${site.configPath} --code CODE   (the bank makes the code)
  systemctl start tellerd
  enrol the first two people at the console, with the code in ${PEOPLE_PATH}.code`)
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

/** The answer for a device that this machine does not have. */
const NO_PORT = 'none'

/** Null for an optional device that is not there. */
async function portOf(
  kind: Kind,
  site: Site,
  dialogue: Dialogue,
  clock: Clock,
  taken: readonly Chosen[],
): Promise<Chosen | null> {
  const {words, models, link, isOptional} = kind
  const free = serialPorts(site.root).filter(port => !taken.some(({told}) => told === port))
  dialogue.say(
    `Serial ports: ${free.length === 0 ? 'none' : free.join(', ')}. A HID device is named by its numbers, 0801:0011.`,
  )
  const port = await asked(dialogue, `Port of the ${words}`, isOptional ? NO_PORT : null, /./)
  if (isOptional && port === NO_PORT) return null
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
  if (heard === null) dialogue.say("No model answers there. The device may be off, or the port another's.")
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

/** The console: always for those who are logged in on the machine, at a serial port where there is one for it. */
async function consoleOf(site: Site, dialogue: Dialogue, chosen: readonly Chosen[]) {
  const free = serialPorts(site.root).filter(port => !chosen.some(({told}) => told === port))
  const told = await asked(
    dialogue,
    `Serial port for a laptop with the console, or none (${free.join(', ')})`,
    'none',
    /./,
  )
  const rate =
    told === 'none'
      ? null
      : await asked(dialogue, `Its speed, one of ${BAUD_RATES.join(', ')}`, '9600', SPEED)
  const isCashDual = await asked(
    dialogue,
    'Do two people handle cash together? (yes/no)',
    'yes',
    /^(yes|no)$/,
  )
  const link = 'console'
  const rule = told === 'none' ? null : ruleOf(told, link, site.root)
  const onBoard = /^\/dev\/(ttyS|ttyAMA)[0-9]+$/.test(told)
  if (onBoard)
    dialogue.say(
      `A log-in of the system at ${told} would answer there as well: systemctl mask --now serial-getty@${basename(told)}`,
    )
  return {
    settings: {
      ...(told === 'none'
        ? {}
        : {port: rule === null ? told : `/dev/tellerd/${link}`, baudRate: Number(rate)}),
      socketPath: '/run/tellerd/console.sock',
      peoplePath: PEOPLE_PATH,
      keyPath: '/var/lib/tellerd/people.key',
      cashDual: isCashDual === 'yes',
    },
    // Nobody waits at boot for a laptop.
    named: rule === null ? [] : [{link, rule, isAwaited: false}],
  }
}

const SPEED = new RegExp(`^(${BAUD_RATES.join('|')})$`)
