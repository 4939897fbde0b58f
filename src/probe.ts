/**
 * `tellerd probe MODEL --port PATH`: asks one device who it is and how it is, with its own driver, and moves
 * nothing. For whoever has just connected one.
 */
import {parseArgs} from 'node:util'
import {hexOf} from '../crypto/hex.ts'
import {within} from '../devices/wire/deadline.ts'
import type {SerialSettings} from '../devices/wire/serial.ts'
import {assert} from '../kit/assert.ts'
import type {Clock} from '../kit/clock.ts'
import {BadInput, SystemFault, reasonOf} from '../kit/errors.ts'
import {NumberText, readJson} from '../kit/exact-json.ts'
import type {Json} from '../kit/exact-json.ts'
import {silentLog} from '../kit/log.ts'
import {onPort} from './drivers.ts'
import type {Model} from './drivers.ts'
import {KINDS} from './kinds.ts'
import type {Device} from './kinds.ts'
import {EXIT_OK} from './program.ts'

/** Far above what any driver takes to give up on a silent device. */
const ANSWER_TIMEOUT_MS = 60_000

interface Asked {
  readonly name: string
  readonly kind: string
  readonly model: Model<Device>
  readonly port: string
  readonly isJson: boolean
}

/**
 * Prints what the device tells, as text or as one JSON object.
 * @returns the exit code
 * @throws BadInput when there is no such model, or the port cannot be opened
 * @throws SystemFault when nobody answers there, or not as this model does
 */
export async function probe(
  args: readonly string[],
  clock: Clock,
  say: (text: string) => void,
): Promise<number> {
  const {name, kind, model, port, isJson} = asked(args)
  const {device, refusal} = onPort(model, port, clock, silentLog)
  const told = await within(clock, ANSWER_TIMEOUT_MS, tellOf(device))
  await device.close()
  if (told === 'late')
    throw new SystemFault(`${port}: no end of the answers of ${name} in ${ANSWER_TIMEOUT_MS} ms`)
  const {opened, details} = told
  if (opened.kind === 'failed') {
    const {fault, detail} = opened
    if (fault === 'not-opened') throw new BadInput(`--port ${port}: ${refusal() ?? detail}`)
    throw new SystemFault(`${port}: no ${name} answers there: ${fault}, ${detail}`)
  }
  const {identity, status} = opened
  const line = model.line === null ? 'HID' : lineText(model.line)
  const found = {...identity, kind, port, line, capabilities: device.capabilities, status, details}
  const text = JSON.stringify(found, shownField)
  say(isJson ? text : pageOf(text))
  return EXIT_OK
}

async function tellOf(device: Device) {
  const opened = await device.open()
  const details = opened.kind === 'open' ? await device.describe?.() : undefined
  return {opened, details}
}

/** Bytes as hex; that a status is one need not be said. */
function shownField(name: string, value: unknown): unknown {
  if (name === 'kind' && value === 'status') return undefined
  return value instanceof Uint8Array ? hexOf(value) : value
}

function asked(args: readonly string[]): Asked {
  const {values, positionals} = parsed(args)
  const [name = '', ...more] = positionals
  if (more.length > 0) throw new BadInput(`'${more.join(' ')}' is too much for probe`)
  for (const {name: kind, models} of KINDS) {
    const model = Object.hasOwn(models, name) ? models[name] : undefined
    if (model === undefined) continue
    if (values.port === undefined) throw new BadInput('probe needs --port PATH')
    return {name, kind, model, port: values.port, isJson: values.json === true}
  }
  const names = KINDS.flatMap(({models}) => Object.keys(models))
  throw new BadInput(`'${name}' is no model that can be probed; there are ${names.join(', ')}`)
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {port: {type: 'string'}, json: {type: 'boolean'}},
      allowPositionals: true,
    })
  } catch (thrown) {
    throw new BadInput(reasonOf(thrown), {cause: thrown})
  }
}

/** As the trade writes it: `9600 8N1`. */
function lineText({baudRate, dataBits, parity, stopBits, rtscts}: SerialSettings): string {
  const letter = {none: 'N', even: 'E', odd: 'O'}[parity]
  return `${baudRate} ${dataBits}${letter}${stopBits}${rtscts ? ' RTS/CTS' : ''}`
}

/** Name and value in two columns; what is made of several fields has its name on a line of its own. */
function pageOf(text: string): string {
  const read = readJson(text)
  assert(read.kind === 'json' && isFields(read.json), 'what was just written is an object')
  return rowsOf(read.json, '').join('\n')
}

const NAME_WIDTH = 28

function rowsOf(fields: ReadonlyMap<string, Json>, indent: string): readonly string[] {
  return [...fields].flatMap(([name, value]) => {
    const words = indent + name.replaceAll(/(?<=[a-z0-9])[A-Z]/g, letter => ` ${letter.toLowerCase()}`)
    const row = (shown: string): string => words.padEnd(NAME_WIDTH) + shown
    if (isFields(value)) return [words, ...rowsOf(value, `${indent}  `)]
    if (isList(value) && (name === 'details' || value.some(isFields)))
      return value.map(item => row(shownAs(item)))
    return [row(shownAs(value))]
  })
}

function shownAs(value: Json): string {
  if (value === null) return 'none'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string') return value
  if (value instanceof NumberText) return value.source
  if (isList(value)) return value.length === 0 ? 'none' : value.map(shownAs).join(', ')
  return [...value].map(([name, one]) => `${name} ${shownAs(one)}`).join(', ')
}

function isFields(value: Json): value is ReadonlyMap<string, Json> {
  return value instanceof Map
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
