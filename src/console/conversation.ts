/**
 * One conversation at one front, from the first prompt to the hang-up: who it is, what they may, what they did.
 * Every command is judged here, whatever the terminal shows, and every one is in the journal.
 */
import {SystemFault} from '../../kit/errors.ts'
import {isoTime, epochMs} from '../../kit/clock.ts'
import {answer, isConfirmed, secretAnswer} from './command.ts'
import type {Command, House, Scene} from './command.ts'
import {COMMANDS} from './commands.ts'
import {enrolFounder} from './enrol.ts'
import {splitLine} from './filter.ts'
import type {Filter} from './filter.ts'
import type {Front, Helper} from './front.ts'
import {completed, helpFor, parse} from './grammar.ts'
import type {Shown} from './people.ts'
import {RIG_WORD} from './rig-word.ts'
import {refused} from './view.ts'
import type {Reply} from './view.ts'

/** Without typing for so long, a person is logged out. PCI DSS 4.0.1, 8.2.8 asks for at most 15 minutes. */
export const IDLE_MS = 5 * 60_000
/** After a log-in that failed, nothing is asked for so long. */
const FAILED_WAIT_MS = 2_000

/** Words of leaving. They are no rows of the table: nothing forbids going. */
const LEAVING = ['exit', 'quit', 'logout']

/** @returns `lines` when a rig asks for the other front; `left` when somebody left at the log-in, `gone` with the far end */
export async function converse(house: House, front: Front): Promise<'lines' | 'left' | 'gone'> {
  const {machine, people} = house
  for (;;) {
    // Whoever typed a wrong code, or is not the last, is asked again; whoever left is led to the log-in.
    if (people.isEnrolling && (await enrolFounder(house, front)) !== 'left') continue
    await front.say([`${machine.build}, ${machine.terminal}. What is done here is recorded.`])
    const named = await front.ask('login', false)
    if (named.kind !== 'said') {
      if (named.kind === 'idle') continue
      return named.kind === 'ended' ? 'left' : 'gone'
    }
    const name = named.text.trim()
    if (name === RIG_WORD) return 'lines'
    if (name === '') continue
    const person = await loggedIn(house, front, name)
    if (person === null) continue
    front.forget()
    await new Conversation(house, front, person).serve()
    front.forget()
  }
}

/** Password and code, judged together; whoever fails learns only that something was wrong. */
async function loggedIn(house: House, front: Front, name: string): Promise<Shown | null> {
  const {people, machine, clock} = house
  const password = await secretAnswer({front}, 'password')
  if (password === null) return null
  const code = await secretAnswer({front}, 'code')
  if (code === null) return null
  const person = await people.logIn(name, password, code.map(text => text.trim()).reveal())
  // A name that nobody has may be a password typed too early, and is not kept.
  const known = people.list().some(one => one.name === name) ? name : '-'
  note(machine, known, 'login', person === null ? 'refused' : 'done')
  if (person !== null) return person
  await clock.sleep(FAILED_WAIT_MS)
  await front.say(['name, password and code do not fit, or there were too many tries'])
  return null
}

/** @returns whether it is on disk */
function note(machine: House['machine'], person: string, command: string, outcome: string): boolean {
  try {
    machine.journal.note({type: 'person.acted', person, command, outcome})
    return true
  } catch (thrown) {
    if (thrown instanceof SystemFault) return false
    throw thrown
  }
}

class Conversation implements Helper {
  readonly #house: House
  readonly #front: Front
  readonly #person: Shown
  readonly #mine: readonly Command[]
  readonly #typed: string[] = []
  /** Ends each of the live tellings. */
  readonly #live = new Map<string, () => void>()

  constructor(house: House, front: Front, person: Shown) {
    this.#house = house
    this.#front = front
    this.#person = person
    this.#mine = COMMANDS.filter(({may}) => may.includes(person.role))
  }

  /** Until the person leaves, is idle, or is gone. */
  async serve(): Promise<void> {
    const {machine} = this.#house
    await this.#front.say(this.#welcome())
    let why: string
    for (;;) {
      const said = await this.#front.command(this.#prompt(), this)
      if (said.kind === 'ended') continue
      why = said.kind
      if (said.kind !== 'said') break
      const line = said.text.trim()
      if (LEAVING.includes(line)) break
      if (line !== '') await this.#carryOut(line)
      if (this.#front.isIdle) {
        why = 'idle'
        break
      }
      if (!this.#isStillIn()) {
        why = 'disabled'
        break
      }
    }
    for (const stop of this.#live.values()) stop()
    note(machine, this.#person.name, 'logout', why === 'said' ? 'done' : why)
    await this.#front.say(why === 'idle' ? ['logged out: nothing was typed for too long'] : ['logged out'])
  }

  help(line: string): ReturnType<Helper['help']> {
    return helpFor(line, this.#mine)
  }

  complete(line: string): ReturnType<Helper['complete']> {
    return completed(line, this.#mine)
  }

  #prompt(): string {
    const {machine} = this.#house
    return machine.standing().state === 'supervisor' ? `${machine.terminal}# ` : `${machine.terminal}> `
  }

  #welcome(): readonly string[] {
    const {lastLoginMs, triesCount, name, role} = this.#person
    const last = lastLoginMs === 0 ? 'never' : isoTime(epochMs(lastLoginMs)).slice(0, 19)
    return [`${name}, ${role}. Last log-in ${last}, ${triesCount} failed tries since. ? helps.`]
  }

  /** Somebody may have been disabled, or given another role, while logged in. */
  #isStillIn(): boolean {
    const now = this.#house.people.list().find(({name}) => name === this.#person.name)
    return now !== undefined && !now.isDisabled && now.role === this.#person.role
  }

  async #carryOut(line: string): Promise<void> {
    const split = splitLine(line)
    if ('fault' in split) {
      await this.#front.reply('', refused(split.fault), [])
      return
    }
    const parsed = parse(split.command, this.#mine)
    if (parsed.kind === 'command') {
      if (parsed.command.kind !== 'look' && isTooShort(split.command, parsed.text)) {
        await this.#front.reply('', refused(`type more of each word: ${parsed.text}`), [])
        return
      }
      this.#typed.push(parsed.text)
      await this.#run(parsed.command, parsed.args, parsed.text, split.filters)
      return
    }
    const foreign = parse(split.command, COMMANDS)
    if (foreign.kind === 'command') {
      note(this.#house.machine, this.#person.name, foreign.text, 'refused: not for this role')
      const {may} = foreign.command
      await this.#front.reply(foreign.text, refused(`that is for ${may.join(', ')}`), split.filters)
      return
    }
    await this.#front.reply('', refused(whyNot(parsed)), [])
  }

  async #run(command: Command, args: Scene['args'], text: string, filters: readonly Filter[]): Promise<void> {
    const reply = await this.#judged(command, args, text)
    const {name} = this.#person
    const outcome = reply.kind === 'done' ? 'done' : `refused: ${reply.why}`
    if (!note(this.#house.machine, name, text, outcome))
      await this.#front.say(['the journal takes no entries: this command is not recorded'])
    await this.#front.reply(text, reply, filters)
  }

  async #judged(command: Command, args: Scene['args'], text: string): Promise<Reply> {
    const {machine, isCashDual} = this.#house
    const early = untimely(command, machine)
    if (early !== null) return refused(early)
    let second: Shown | null = null
    if (command.dual === 'always' || (command.dual === 'cash' && isCashDual)) {
      second = await this.#vouched(command)
      if (second === null) return refused('a second person must vouch for this, and did not')
    }
    const scene = this.#scene(command, args, second)
    if (
      command.kind === 'act' &&
      !(await isConfirmed(scene, [`About to: ${command.says ?? command.purpose}`]))
    )
      return refused('not confirmed')
    // Asked again: a customer may have come while the person read.
    const late = untimely(command, machine)
    if (late !== null) return refused(late)
    const intent = second === null ? '' : `vouched for by ${second.name}`
    if (command.kind !== 'look' && !note(machine, this.#person.name, text, intent))
      return refused('the journal takes no entries, so nothing is done')
    return command.run(scene)
  }

  /** Another person who may do the same, by their own password and code. */
  async #vouched(command: Command): Promise<Shown | null> {
    const {people, machine, clock} = this.#house
    const name = await answer({front: this.#front}, 'second person')
    if (name === null) return null
    const password = await secretAnswer({front: this.#front}, `${name}, password`)
    if (password === null) return null
    const code = await secretAnswer({front: this.#front}, `${name}, code`)
    if (code === null) return null
    const person = await people.logIn(name, password, code.map(text => text.trim()).reveal())
    const isFit = person !== null && name !== this.#person.name && command.may.includes(person.role)
    const known = people.list().some(one => one.name === name) ? name : '-'
    note(machine, known, `vouch: ${command.words}`, isFit ? 'done' : 'refused')
    if (!isFit) await clock.sleep(FAILED_WAIT_MS)
    return isFit ? person : null
  }

  #scene(command: Command, args: Scene['args'], second: Shown | null): Scene {
    return {
      ...this.#house,
      person: this.#person,
      second,
      front: this.#front,
      args,
      typed: this.#typed,
      commands: COMMANDS,
      vouch: () => this.#vouched(command),
      terminal: {
        setLive: (name, listen) => {
          this.#live.get(name)?.()
          this.#live.delete(name)
          if (listen !== null)
            this.#live.set(
              name,
              listen(line => {
                this.#front.live(line)
              }),
            )
        },
      },
    }
  }
}

/** Why the command does not fit this moment, or null. */
function untimely({when}: Command, machine: House['machine']): string | null {
  switch (when) {
    case 'ever':
      return null
    case 'resting':
      return machine.isResting() ? null : 'a visit is under way'
    case 'supervisor':
      return machine.standing().state === 'supervisor' ? null : "only in supervisor mode: 'supervisor enter'"
  }
}

/** Of a word that changes something so many letters are typed, at least: a bad cable makes up fewer all day. */
export const LETTERS_MIN = 3

function isTooShort(line: string, text: string): boolean {
  const typed = line.trim().split(/ +/)
  return text.split(' ').some((word, at) => (typed[at] ?? '').length < Math.min(LETTERS_MIN, word.length))
}

function whyNot(parsed: Exclude<ReturnType<typeof parse<Command>>, {kind: 'command'}>): string {
  switch (parsed.kind) {
    case 'incomplete':
      return `what comes next? ${parsed.next.map(({word}) => word).join(', ')}`
    case 'ambiguous':
      return `'${parsed.word}' may be ${parsed.among.join(' or ')}`
    case 'unknown':
      return `no command has that word there; there may stand ${parsed.instead.map(({word}) => word).join(', ')}`
  }
}
