/** Reference dispenser: commands to frames and answer frames to values. Envelope and check were judged by the framer before. */
import {assert} from '../../../kit/assert.ts'
import {noteCount} from '../../../kit/money.ts'
import type {Count} from '../../../kit/money.ts'
import {xorOf} from '../../wire/shapes.ts'
import {COMMANDS, errorRow, ETX, SERIAL_MAX, STX} from './bytes.ts'
import type {ErrorRow} from './bytes.ts'

export type Command =
  | {readonly kind: 'identify' | 'status' | 'retract' | 'reject' | 'purge'}
  | {readonly kind: 'announce' | 'recall'; readonly serial: number}
  | {
      readonly kind: 'dispense'
      readonly serial: number
      readonly picks: readonly {readonly cassette: number; readonly count: number}[]
    }
  | {readonly kind: 'present'; readonly takeWithinMs: number}

/** One cassette in one order, as the device counted it. */
export interface Line {
  readonly cassette: number
  readonly asked: Count
  readonly picked: Count
  readonly stacked: Count
  readonly rejected: Count
}

export interface Report {
  readonly error: ErrorRow
  readonly lines: readonly Line[]
}

export type Answer =
  | {readonly kind: 'identify'; readonly model: string; readonly version: string}
  | {
      readonly kind: 'status'
      readonly error: ErrorRow
      readonly isPathBlocked: boolean
      readonly isStacked: boolean
      readonly isAtOutlet: boolean
      readonly isShutterOpen: boolean
      readonly isBinMissing: boolean
      /** By position: `o` enough, `l` low, `e` empty, `m` missing. */
      readonly cassettes: ReadonlyMap<number, 'o' | 'l' | 'e' | 'm'>
    }
  | {readonly kind: 'announce'; readonly serial: number; readonly error: ErrorRow}
  | {readonly kind: 'dispense'; readonly serial: number; readonly report: Report}
  | {readonly kind: 'present'; readonly error: ErrorRow; readonly notes: 'taken' | 'left' | 'none' | 'stuck'}
  | {
      readonly kind: 'retract'
      readonly error: ErrorRow
      readonly count: Count | null
      readonly isSomeTaken: boolean
    }
  | {readonly kind: 'reject'; readonly error: ErrorRow; readonly count: Count | null}
  | {readonly kind: 'recall'; readonly serial: number; readonly memory: 'none' | 'clean' | 'busy' | Report}
  | {readonly kind: 'purge'; readonly error: ErrorRow}
  /** The device did not understand, or is moving; whatever was asked did not run. */
  | {readonly kind: 'declined'; readonly error: ErrorRow}

/** @throws AssertionFailed for a serial the wire cannot carry. */
export function encode(command: Command): Uint8Array {
  const text = Buffer.from(textOf(command), 'latin1')
  const head = [STX, text.length >> 8, text.length & 0xff]
  const frame = Uint8Array.from([...head, ...text, ETX])
  return Uint8Array.from([...frame, xorOf(frame)])
}

function textOf(command: Command): string {
  const {letter} = COMMANDS[command.kind]
  switch (command.kind) {
    case 'announce':
    case 'recall':
      return `${letter};${serialText(command.serial)}`
    case 'dispense': {
      const picks = command.picks.map(({cassette, count}) => `${cassette}=${count}`)
      return [letter, serialText(command.serial), ...picks].join(';')
    }
    case 'present':
      return `${letter};${Math.ceil(command.takeWithinMs)}`
    default:
      return letter
  }
}

function serialText(serial: number): string {
  assert(Number.isSafeInteger(serial) && serial >= 0 && serial <= SERIAL_MAX, `${serial} is not a serial`)
  return serial.toString()
}

/** Whether the frame answers that kind of command: its letter in lower case, or `x` for declined. */
export function answers(frame: Uint8Array, kind: Command['kind']): boolean {
  const letter = String.fromCharCode(frame[3] ?? 0)
  return letter === 'x' || letter === COMMANDS[kind].letter.toLowerCase()
}

/** The answer in a whole, checked frame; null when a field makes no sense. */
export function decode(frame: Uint8Array): Answer | null {
  const [letter, ...fields] = Buffer.from(frame.subarray(3, -2)).toString('latin1').split(';')
  switch (letter) {
    case 'i':
      return decodeIdentity(fields)
    case 's':
      return decodeStatus(fields)
    case 'a':
      return decodeAnnounced(fields)
    case 'd':
      return decodeDispensed(fields)
    case 'p':
      return decodePresented(fields)
    case 'r':
      return decodeRetracted(fields)
    case 'j':
      return decodeRejected(fields)
    case 'q':
      return decodeRecalled(fields)
    case 'c':
      return decodeError('purge', fields)
    case 'x':
      return decodeError('declined', fields)
    default:
      return null
  }
}

function decodeIdentity(fields: readonly string[]): Answer | null {
  const [model, version] = fields
  if (fields.length !== 2 || model === undefined || version === undefined) return null
  return {kind: 'identify', model, version}
}

function decodeStatus(fields: readonly string[]): Answer | null {
  const match = /^([0-9]{2});([01]);([01]);([01]);([co]);([pm])((?:;[1-9]=[olem])+)$/.exec(fields.join(';'))
  if (match === null) return null
  const [, code = '', path, stacker, outlet, shutter, bin, rest = ''] = match
  const error = errorRow(code)
  if (error === null) return null
  const cassettes = new Map(
    [...rest.matchAll(/;([1-9])=([olem])/g)].map(([, position, state]) => [
      Number(position),
      cassetteState(state),
    ]),
  )
  return {
    kind: 'status',
    error,
    isPathBlocked: path === '1',
    isStacked: stacker === '1',
    isAtOutlet: outlet === '1',
    isShutterOpen: shutter === 'o',
    isBinMissing: bin === 'm',
    cassettes,
  }
}

function cassetteState(letter: string | undefined): 'o' | 'l' | 'e' | 'm' {
  return letter === 'l' || letter === 'e' || letter === 'm' ? letter : 'o'
}

function decodeAnnounced(fields: readonly string[]): Answer | null {
  const serial = numberOf(fields[0], 10)
  const error = errorRow(fields[1] ?? '')
  return fields.length === 2 && serial !== null && error !== null ? {kind: 'announce', serial, error} : null
}

function decodeDispensed(fields: readonly string[]): Answer | null {
  const serial = numberOf(fields[0], 10)
  const report = decodeReport(fields.slice(1))
  return serial === null || report === null ? null : {kind: 'dispense', serial, report}
}

function decodeReport(fields: readonly string[]): Report | null {
  const [code = '', ...rest] = fields
  const error = errorRow(code)
  const lines = rest.map(decodeLine)
  if (error === null || lines.some(line => line === null)) return null
  return {error, lines: lines.filter(line => line !== null)}
}

/** `1=3/3/3/0`: cassette, asked, picked, stacked, rejected. */
function decodeLine(field: string): Line | null {
  const match = /^([1-9])=([0-9]{1,3})\/([0-9]{1,3})\/([0-9]{1,3})\/([0-9]{1,3})$/.exec(field)
  if (match === null) return null
  const [cassette = 0, asked = 0, picked = 0, stacked = 0, rejected = 0] = match.slice(1).map(Number)
  return {
    cassette,
    asked: noteCount(asked),
    picked: noteCount(picked),
    stacked: noteCount(stacked),
    rejected: noteCount(rejected),
  }
}

function decodePresented(fields: readonly string[]): Answer | null {
  const error = errorRow(fields[0] ?? '')
  const [, notes] = fields
  if (error === null || fields.length !== 2) return null
  if (notes !== 'taken' && notes !== 'left' && notes !== 'none' && notes !== 'stuck') return null
  return {kind: 'present', error, notes}
}

function decodeRetracted(fields: readonly string[]): Answer | null {
  const error = errorRow(fields[0] ?? '')
  const count = countOf(fields[1])
  const [, , taken] = fields
  if (error === null || count === undefined || fields.length !== 3) return null
  if (taken !== '0' && taken !== '1') return null
  return {kind: 'retract', error, count, isSomeTaken: taken === '1'}
}

function decodeRejected(fields: readonly string[]): Answer | null {
  const error = errorRow(fields[0] ?? '')
  const count = countOf(fields[1])
  if (error === null || count === undefined || fields.length !== 2) return null
  return {kind: 'reject', error, count}
}

function decodeRecalled(fields: readonly string[]): Answer | null {
  const serial = numberOf(fields[0], 10)
  const [, memory, ...rest] = fields
  if (serial === null) return null
  if (memory === 'none' || memory === 'clean' || memory === 'busy')
    return rest.length === 0 ? {kind: 'recall', serial, memory} : null
  const report = memory === 'moved' ? decodeReport(rest) : null
  return report === null ? null : {kind: 'recall', serial, memory: report}
}

function decodeError(kind: 'purge' | 'declined', fields: readonly string[]): Answer | null {
  const error = errorRow(fields[0] ?? '')
  return error === null || fields.length !== 1 ? null : {kind, error}
}

/** A count, null for `-` (not counted), undefined for neither. */
function countOf(field: string | undefined): Count | null | undefined {
  if (field === '-') return null
  const value = numberOf(field, 3)
  return value === null ? undefined : noteCount(value)
}

function numberOf(field: string | undefined, digitsMax: number): number | null {
  if (field === undefined || !/^[0-9]+$/.test(field) || field.length > digitsMax) return null
  return Number(field)
}
