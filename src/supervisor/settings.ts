/**
 * The settings' file, and a candidate of it. What is committed was read first as a start would read it, so a
 * file that no machine could start with never replaces the last good one; the one before stays beside it.
 */
import {rmSync} from 'node:fs'
import type {Clock, Timer} from '../../kit/clock.ts'
import {textIn, writeDurably} from '../../kit/durable-file.ts'
import {BadInput, SystemFault} from '../../kit/errors.ts'
import {NumberText, readJson} from '../../kit/exact-json.ts'
import type {Json} from '../../kit/exact-json.ts'
import type {Facts, SettingsDesk} from '../console/port.ts'
import {configFrom} from '../config.ts'

/** The settings before the last commit. */
function beforeOf(path: string): string {
  return `${path}.before`
}

/** Holds the time of a trial, in ms, while one is on. */
function trialOf(path: string): string {
  return `${path}.trial`
}

/** Ends a trial that nobody confirmed: the settings before it are the settings again. @returns whether one was on */
export function endTrial(path: string): boolean {
  const before = textIn(beforeOf(path))
  if (textIn(trialOf(path)) === null || before === null) return false
  writeDurably(path, before)
  rmSync(trialOf(path), {force: true})
  return true
}

export class SettingsFile implements SettingsDesk {
  readonly #path: string
  readonly #reload: () => void
  readonly #running: string
  #candidate: Json
  #trial: Timer | null = null

  /**
   * Reads the file; a trial that is on goes on, with its full time.
   * @param reload starts the machine anew with the file
   * @throws SystemFault when it cannot be read
   */
  constructor(path: string, clock: Clock, reload: () => void) {
    this.#path = path
    this.#reload = reload
    const text = textIn(path)
    if (text === null) throw new SystemFault(`${path} is missing`)
    this.#running = text
    this.#candidate = parsed(text)
    const trialMs = Number(textIn(trialOf(path)) ?? '0')
    if (trialMs > 0)
      this.#trial = clock.after(trialMs, () => {
        if (endTrial(path)) reload()
      })
  }

  running(): Facts {
    return flat(parsed(this.#running))
  }

  candidate(): Facts {
    return flat(this.#candidate)
  }

  set(path: string, value: string): string | null {
    const read = readJson(value)
    const isPlain = read.kind === 'json' && !(read.json instanceof Map) && !Array.isArray(read.json)
    return this.#changed(path, isPlain ? read.json : value)
  }

  remove(path: string): string | null {
    return this.#changed(path, undefined)
  }

  discard(): void {
    this.#candidate = parsed(this.#running)
  }

  diff(): readonly string[] {
    const before = new Map(this.running())
    const after = new Map(this.candidate())
    const paths = [...new Set([...before.keys(), ...after.keys()])].sort()
    return paths.flatMap(path => {
      const [was, is] = [before.get(path), after.get(path)]
      if (was === is) return []
      return [
        ...(was === undefined ? [] : [`- ${path} ${String(was)}`]),
        ...(is === undefined ? [] : [`+ ${path} ${String(is)}`]),
      ]
    })
  }

  commit(confirmWithinMs: number | null): string | null {
    if (this.diff().length === 0) return 'the candidate is what is in force'
    const text = `${pretty(this.#candidate, '')}\n`
    return this.#trying(() => {
      configFrom(text, 'candidate')
      writeDurably(beforeOf(this.#path), this.#running)
      if (confirmWithinMs === null) rmSync(trialOf(this.#path), {force: true})
      else writeDurably(trialOf(this.#path), confirmWithinMs.toString())
      writeDurably(this.#path, text)
      this.#reload()
    })
  }

  confirm(): string | null {
    if (this.#trial === null) return 'nothing is on trial'
    this.#trial.cancel()
    this.#trial = null
    return this.#trying(() => {
      rmSync(trialOf(this.#path), {force: true})
    })
  }

  rollback(): string | null {
    const before = textIn(beforeOf(this.#path))
    if (before === null) return 'there was no commit'
    this.#candidate = parsed(before)
    return null
  }

  reload(): void {
    this.#reload()
  }

  /** Forgets the trial's timer: the next life sets its own. */
  stop(): void {
    this.#trial?.cancel()
  }

  #changed(path: string, value: Json | undefined): string | null {
    const steps = path.match(/[^.[\]]+/g) ?? []
    const next = changedAt(this.#candidate, steps, value)
    if (next === null) return `there is no place ${path}`
    this.#candidate = next
    return null
  }

  #trying(work: () => void): string | null {
    try {
      work()
      return null
    } catch (thrown) {
      if (thrown instanceof BadInput || thrown instanceof SystemFault) return thrown.message
      throw thrown
    }
  }
}

/** The value with that place changed, or null when there is no such place. An undefined value removes. */
function changedAt(at: Json, [step, ...rest]: readonly string[], value: Json | undefined): Json | null {
  if (step === undefined) return value ?? null
  if (isList(at)) {
    const index = Number(step)
    const item = at[index]
    if (item === undefined) return null
    const next = changedAt(item, rest, value)
    return next === null ? null : at.map((one, place) => (place === index ? next : one))
  }
  if (!isFields(at)) return null
  if (rest.length === 0) {
    const fields = new Map(at)
    if (value === undefined) {
      if (!fields.delete(step)) return null
    } else fields.set(step, value)
    return fields
  }
  const next = changedAt(at.get(step) ?? new Map(), rest, value)
  return next === null ? null : new Map(at).set(step, next)
}

function flat(value: Json, path = ''): Facts {
  if (isFields(value))
    return [...value].flatMap(([name, field]) => flat(field, path === '' ? name : `${path}.${name}`))
  if (isList(value)) return value.flatMap((item, at) => flat(item, `${path}[${at}]`))
  return [[path, value instanceof NumberText ? value.source : value]]
}

/** JSON as a person would write it, two spaces a level. */
function pretty(value: Json, indent: string): string {
  const deeper = `${indent}  `
  if (isFields(value)) {
    const fields = [...value].map(
      ([name, field]) => `${deeper}${JSON.stringify(name)}: ${pretty(field, deeper)}`,
    )
    return `{\n${fields.join(',\n')}\n${indent}}`
  }
  if (isList(value)) return `[${value.map(item => pretty(item, deeper)).join(', ')}]`
  return value instanceof NumberText ? value.source : JSON.stringify(value)
}

function isFields(value: Json): value is ReadonlyMap<string, Json> {
  return value instanceof Map
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

function parsed(text: string): Json {
  const read = readJson(text)
  return read.kind === 'json' ? read.json : new Map()
}
