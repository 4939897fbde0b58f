/** Somebody with a laptop at the far end of a serial cable: reads what comes, types what was meant. */
import type {ByteLink} from '../../devices/wire/link.ts'
import {clock} from './iron.ts'

const PATIENCE_MS = 60_000

export class Person {
  readonly #link: ByteLink
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
  async until(shape: RegExp): Promise<string> {
    const endMs = clock.monotonicMs() + PATIENCE_MS
    while (!shape.test(this.#fresh) && clock.monotonicMs() < endMs) await clock.sleep(50)
    return this.#fresh
  }

  /** Types a line when the machine asks with those words, and forgets what came before. */
  async answer(question: RegExp, line: string): Promise<void> {
    await this.until(question)
    this.#fresh = ''
    await this.#link.write(Buffer.from(`${line}\r`))
  }
}
