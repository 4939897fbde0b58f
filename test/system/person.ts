/** Somebody with a laptop at the far end of a serial cable: reads what comes, types what was meant. */
import {codeAt} from '../../crypto/one-time.ts'
import type {ByteLink} from '../../devices/wire/link.ts'
import {present} from '../../kit/assert.ts'
import type {Secret} from '../../kit/secret.ts'
import {seedIn} from '../console/seed.ts'
import {clock} from './iron.ts'

const PATIENCE_MS = 60_000
/** Of a one-time code (crypto/one-time.ts): the machine takes one of each. */
const STEP_MS = 30_000

/** Everybody's, in this test. */
export const PASSWORD = 'correct horse 42'

/** Before a command is typed. */
const PROMPT = /[#>] $/

export class Person {
  readonly #link: ByteLink
  /** What their authenticator apps hold, and the last step of each that was used. */
  readonly #apps = new Map<string, {readonly seed: Secret<Uint8Array>; step: number}>()
  /** All that came, and since the last line was typed. */
  seen = ''
  #fresh = ''

  private constructor(link: ByteLink) {
    this.#link = link
  }

  /** Sits down at the cable. */
  static async at(link: ByteLink): Promise<Person> {
    const person = new Person(link)
    await link.open({
      bytes: chunk => {
        const text = Buffer.from(chunk).toString('latin1')
        person.seen += text
        person.#fresh += text
      },
      lost: () => undefined,
    })
    return person
  }

  /** @returns what came since the last line, once it fits; all of it when it never did */
  async until(shape: RegExp, patienceMs = PATIENCE_MS): Promise<string> {
    const endMs = clock.monotonicMs() + patienceMs
    while (!shape.test(this.#fresh) && clock.monotonicMs() < endMs) await clock.sleep(50)
    return this.#fresh
  }

  /** Types a line when the machine asks with those words, and forgets what came before. */
  async answer(question: RegExp, line: string): Promise<void> {
    await this.until(question)
    this.#fresh = ''
    await this.#link.write(Buffer.from(`${line}\r`))
  }

  /** Gives a command. @returns what came, once there is a prompt again or another question */
  async give(command: string, next = PROMPT): Promise<string> {
    await this.answer(PROMPT, command)
    return this.until(next)
  }

  /** Gets to the log-in, or to that question: Enter alone leads from one to the other. */
  async hail(question: RegExp): Promise<void> {
    do await this.answer(/$/, '')
    while (!question.test(await this.until(/(enrolment code|login|[#>]):? $/)))
  }

  /** Chooses a password, and puts the seed into an app. @returns what the machine said at last */
  async enrol(name: string, last: RegExp): Promise<string> {
    await this.answer(/characters or more: $/, PASSWORD)
    await this.answer(/once more: $/, PASSWORD)
    const seed = seedIn(await this.until(/secret=[A-Z2-7]+[^]*app shows: $/))
    this.#apps.set(name, {seed, step: 0})
    await this.answer(/app shows: $/, await this.code(name))
    return this.until(last)
  }

  async logIn(name: string): Promise<string> {
    await this.hail(/login: $/)
    // Waited for first: a question that nobody answers in time is asked anew.
    const code = await this.code(name)
    await this.answer(/login: $/, name)
    await this.answer(/password: $/, PASSWORD)
    await this.answer(/code: $/, code)
    return this.until(PROMPT)
  }

  /** The second person, who stands beside. */
  async vouch(name: string): Promise<void> {
    const code = await this.code(name)
    await this.answer(/second person: $/, name)
    await this.answer(/password: $/, PASSWORD)
    await this.answer(/code: $/, code)
  }

  /** Types the number back. @returns what came until then */
  async confirm(last = PROMPT): Promise<string> {
    const said = await this.until(/type [0-9]{4} to go on: $/)
    await this.answer(/$/, /type ([0-9]{4}) to go on: $/.exec(said)?.[1] ?? '')
    return this.until(last)
  }

  /** What the app shows, once it shows one that was not used yet. */
  async code(name: string): Promise<string> {
    const app = present(this.#apps.get(name), `the app of ${name}`)
    const nowMs = clock.wallMs()
    const stepMs = (app.step + 1) * STEP_MS
    if (nowMs < stepMs) await clock.sleep(stepMs - nowMs)
    app.step = Math.floor(clock.wallMs() / STEP_MS)
    return codeAt(app.seed, clock.wallMs())
  }
}
