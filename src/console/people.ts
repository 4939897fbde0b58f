/**
 * Who may log in at this machine: names, roles, passwords and one-time codes, in one file that only the daemon
 * writes. A try is on disk before anything is checked, so a power cut gives nobody a fresh one.
 */
import {createHash, timingSafeEqual} from 'node:crypto'
import {rmSync} from 'node:fs'
import {newSeed, stepOf} from '../../crypto/one-time.ts'
import {passwordFault, passwords} from '../../crypto/passwords.ts'
import type {PasswordCost, Passwords} from '../../crypto/passwords.ts'
import {STORAGE_KEY_BYTES, softVault} from '../../crypto/vault.ts'
import type {Vault} from '../../crypto/vault.ts'
import type {Clock} from '../../kit/clock.ts'
import {textIn, writeDurably} from '../../kit/durable-file.ts'
import {SystemFault} from '../../kit/errors.ts'
import {readJson} from '../../kit/exact-json.ts'
import {Section, isIn} from '../../kit/section.ts'
import type {Random} from '../../kit/random.ts'
import {Secret} from '../../kit/secret.ts'

/**
 * - `auditor` looks at records and changes nothing;
 * - `operator` handles cash;
 * - `engineer` looks after devices;
 * - `senior` is an engineer who may change settings;
 * - `security` decides who works here.
 */
export const ROLES = ['auditor', 'operator', 'engineer', 'senior', 'security'] as const
export type Role = (typeof ROLES)[number]
export const isRole = isIn(ROLES)

/** PCI DSS 4.0.1, 8.3.4: at most 10 tries, at least 30 minutes. */
export const TRIES_MAX = 5
export const LOCK_MS = 30 * 60_000
/** Nobody can be let in by one person alone, so the first two come in by the enrolment code. */
export const FOUNDERS = 2
const PEOPLE_MAX = 64
const NAME = /^[a-z][a-z0-9-]{1,15}$/
/** Without letters that a person could misread: 24 of 31 are 118 bits. */
const CODE_LETTERS = '23456789abcdefghjkmnpqrstuvwxyz'
const CODE_LENGTH = 24

export interface Person {
  readonly name: string
  readonly role: Role
  /** As `crypto/passwords.ts` keeps it. */
  readonly password: string
  /** Sealed under the people's key. */
  readonly seed: string
  /** The step of the last one-time code that was accepted. */
  readonly step: number
  /** Tries since the last that was right. */
  readonly triesCount: number
  readonly lockedUntilMs: number
  readonly lastLoginMs: number
  readonly isDisabled: boolean
}

/** What anybody may see of a person. */
export type Shown = Pick<
  Person,
  'name' | 'role' | 'triesCount' | 'lockedUntilMs' | 'lastLoginMs' | 'isDisabled'
>

interface Kept {
  /** SHA-256 of the enrolment code, hexadecimal; empty when enrolment is closed, for good. */
  readonly codeHash: string
  readonly people: readonly Person[]
}

export interface PeopleFiles {
  readonly peoplePath: string
  /** 32 bytes that seal the seeds and salt the passwords; made at the first start. */
  readonly keyPath: string
}

export class People {
  readonly #files: PeopleFiles
  readonly #clock: Clock
  readonly #random: Random
  readonly #passwords: Passwords
  readonly #vault: Vault
  #kept: Kept

  private constructor(
    files: PeopleFiles,
    kept: Kept,
    key: Secret<Uint8Array>,
    clock: Clock,
    random: Random,
    cost: PasswordCost,
  ) {
    this.#files = files
    this.#kept = kept
    this.#clock = clock
    this.#random = random
    this.#passwords = passwords(key, random, cost)
    this.#vault = softVault(key, random)
  }

  /**
   * Reads the file, or makes it with an enrolment code in a file beside it.
   * @param wasEnrolled whether the journal knows that people were enrolled here: then a missing file is no first start
   * @throws SystemFault when a file cannot be read or written, or is missing though people were enrolled
   */
  static open(
    files: PeopleFiles,
    clock: Clock,
    random: Random,
    cost: PasswordCost,
    wasEnrolled: () => boolean,
  ): People {
    const text = textIn(files.peoplePath)
    if (text === null && wasEnrolled())
      throw new SystemFault(`${files.peoplePath} is missing, and enrolment was closed for good: restore it`)
    const key = new Secret(keyIn(files.keyPath, random, text === null))
    if (text !== null) return new People(files, keptIn(text, files.peoplePath), key, clock, random, cost)
    const code = Array.from({length: CODE_LENGTH}, () => CODE_LETTERS[random.below(CODE_LETTERS.length)])
    const people = new People(files, {codeHash: hashOf(code.join('')), people: []}, key, clock, random, cost)
    writeDurably(people.codePath, `${code.join('')}\n`)
    people.#keep(people.#kept)
    return people
  }

  /** Where the enrolment code stands while enrolment is open. */
  get codePath(): string {
    return `${this.#files.peoplePath}.code`
  }

  get isEnrolling(): boolean {
    return this.#kept.codeHash !== ''
  }

  isEnrolmentCode(code: Secret<string>): boolean {
    const {codeHash} = this.#kept
    const given = hashOf(code.reveal().trim().toLowerCase())
    return codeHash !== '' && timingSafeEqual(Buffer.from(given), Buffer.from(codeHash))
  }

  list(): readonly Shown[] {
    return this.#kept.people
  }

  /** Why nobody can be added under that name, or null. */
  nameFault(name: string): string | null {
    if (!NAME.test(name))
      return 'a name has 2 to 16 small letters, digits and dashes, and begins with a letter'
    if (this.#find(name) !== null) return `there is a ${name} already`
    return this.#kept.people.length >= PEOPLE_MAX ? `there are ${PEOPLE_MAX} people already` : null
  }

  passwordFault(name: string, password: Secret<string>): string | null {
    return passwordFault(name, password)
  }

  newSeed(): Secret<Uint8Array> {
    return new Secret(newSeed(this.#random))
  }

  /** The step of a code of that seed, or null: whoever takes a seed proves that their app has it. */
  stepOf(seed: Secret<Uint8Array>, code: string): number | null {
    return stepOf(seed, code, this.#clock.wallMs())
  }

  /** Adds somebody, or gives them a new password and seed. The last founder closes enrolment. */
  async put(
    name: string,
    role: Role,
    password: Secret<string>,
    seed: Secret<Uint8Array>,
    step: number,
  ): Promise<void> {
    const kept = await this.#clock.outside(this.#passwords.keep(password))
    const person: Person = {
      name,
      role,
      password: kept,
      seed: this.#vault.seal(purposeOf(name), seed.reveal()),
      step,
      triesCount: 0,
      lockedUntilMs: 0,
      lastLoginMs: 0,
      isDisabled: false,
    }
    const people = [...this.#kept.people.filter(one => one.name !== name), person]
    const isClosing = this.isEnrolling && people.length >= FOUNDERS
    this.#keep({codeHash: isClosing ? '' : this.#kept.codeHash, people})
    if (isClosing) rmSync(this.codePath, {force: true})
  }

  /** Why that cannot be, or null when it is done: two people of security always remain. */
  change(name: string, change: {readonly role: Role} | {readonly isDisabled: true}): string | null {
    const person = this.#find(name)
    if (person === null) return `there is no ${name}`
    const people = this.#kept.people.map(one => (one === person ? {...one, ...change} : one))
    const guards = people.filter(one => one.role === 'security' && !one.isDisabled)
    if (guards.length < FOUNDERS) return `${FOUNDERS} people of security must remain`
    this.#keep({...this.#kept, people})
    return null
  }

  /** The person, or null without saying why: wrong name, password or code, too many tries, or disabled. */
  async logIn(name: string, password: Secret<string>, code: string): Promise<Shown | null> {
    const person = this.#find(name)
    const nowMs = this.#clock.wallMs()
    const isOpen = person !== null && !person.isDisabled && nowMs >= person.lockedUntilMs
    if (isOpen) this.#takeTry(person, nowMs)
    const judging = this.#passwords.isRight(password, isOpen ? person.password : null)
    const isRight = await this.#clock.outside(judging)
    if (!isOpen || !isRight) return null
    const seed = new Secret(this.#vault.open(purposeOf(name), person.seed))
    const step = stepOf(seed, code, nowMs)
    const now = this.#find(name)
    if (step === null || now === null || step <= now.step || now.isDisabled) return null
    this.#change({...now, step, triesCount: 0, lockedUntilMs: 0, lastLoginMs: nowMs})
    return {...person, triesCount: person.triesCount}
  }

  #takeTry(person: Person, nowMs: number): void {
    const triesCount = person.triesCount + 1
    const isLast = triesCount >= TRIES_MAX
    this.#change({
      ...person,
      triesCount: isLast ? 0 : triesCount,
      lockedUntilMs: isLast ? nowMs + LOCK_MS : 0,
    })
  }

  #change(person: Person): void {
    this.#keep({
      ...this.#kept,
      people: this.#kept.people.map(one => (one.name === person.name ? person : one)),
    })
  }

  #find(name: string): Person | null {
    return this.#kept.people.find(one => one.name === name) ?? null
  }

  #keep(kept: Kept): void {
    writeDurably(this.#files.peoplePath, `${JSON.stringify(kept, null, 2)}\n`)
    this.#kept = kept
  }
}

function purposeOf(name: string): string {
  return `totp:${name}`
}

function hashOf(code: string): string {
  return createHash('sha256').update(code).digest('hex')
}

function keptIn(text: string, path: string): Kept {
  const read = readJson(text)
  if (read.kind !== 'json') throw new SystemFault(`${path}: ${read.why}`)
  return new Section(path, read.json, 'field of it').closed(s => ({
    codeHash: s.text('codeHash', /^([0-9a-f]{64})?$/, 'a hash or nothing'),
    people: s.list('people', 0, PEOPLE_MAX, p => p.closed(personIn)),
  }))
}

const LATEST_MS = 10 ** 14

function personIn(p: Section): Person {
  return {
    name: p.text('name', NAME, 'a name'),
    role: p.oneOf('role', isRole, ROLES.join(', ')),
    password: p.text('password', /^argon2id\$/, 'a kept password'),
    seed: p.text('seed', /^[0-9A-F]+$/, 'a sealed seed'),
    step: p.integer('step', 0, LATEST_MS),
    triesCount: p.integer('triesCount', 0, TRIES_MAX),
    lockedUntilMs: p.integer('lockedUntilMs', 0, LATEST_MS),
    lastLoginMs: p.integer('lastLoginMs', 0, LATEST_MS),
    isDisabled: p.flag('isDisabled'),
  }
}

/** @param mayMake only at a first start: a new key would open nothing that the old one sealed */
function keyIn(path: string, random: Random, mayMake: boolean): Uint8Array {
  const text = textIn(path)
  if (text === null) {
    if (!mayMake) throw new SystemFault(`${path} is missing: without it nobody can log in`)
    const key = random.bytes(STORAGE_KEY_BYTES)
    writeDurably(path, `${Buffer.from(key).toString('hex')}\n`)
    return key
  }
  const key = Buffer.from(text.trim(), 'hex')
  if (key.length !== STORAGE_KEY_BYTES)
    throw new SystemFault(`${path} does not hold ${STORAGE_KEY_BYTES} bytes in hexadecimal`)
  return key
}
