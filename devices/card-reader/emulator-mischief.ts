/** What can be arranged to go wrong in an emulated reader on a serial line, and the queue that holds it. */
import type {Journey} from './emulator-path.ts'

/** What the line does to a command or to its reply; each model says which of them it can do. */
export type LineMischief =
  | 'ignoreFrame'
  | 'nak'
  | 'dropAck'
  | 'loseEnq'
  | 'dropReply'
  | 'corruptReply'
  | 'splitReply'
  | 'lateReply'
  | 'duplicateReply'
  | 'garbageBeforeReply'

/** One misbehaviour, consumed by the next command it fits: any command where it names none. */
export type Mischief<Command extends string> =
  | {readonly kind: 'line'; readonly do: LineMischief; readonly command?: Command; readonly ms?: number}
  /** The error reply of that code instead of the act. */
  | {readonly kind: 'refuse'; readonly code: number; readonly command?: Command}
  /** That movement fails and the card stays where it is. */
  | {readonly kind: 'jam'; readonly journey: Journey}
  /** The power goes when the command begins; a card under way stays where it was. */
  | {readonly kind: 'power'; readonly command: Command}

/** Misbehaviours that wait for a command they fit; each strikes once. */
export class MischiefQueue<Command extends string> {
  #waiting: Mischief<Command>[] = []

  plan(mischief: Mischief<Command>): void {
    this.#waiting.push(mischief)
  }

  /** The first of that kind on the line that fits the command. */
  onLine(what: LineMischief, name: Command | null): Extract<Mischief<Command>, {kind: 'line'}> | null {
    const struck = this.#strike(
      mischief => mischief.kind === 'line' && mischief.do === what && fits(mischief.command, name),
    )
    return struck?.kind === 'line' ? struck : null
  }

  /** The code with which the command is to be refused, or null. */
  refusalOf(name: Command | null): number | null {
    const struck = this.#strike(mischief => mischief.kind === 'refuse' && fits(mischief.command, name))
    return struck?.kind === 'refuse' ? struck.code : null
  }

  /** Whether the power goes as that command begins. */
  cutsPower(name: Command | null): boolean {
    return this.#strike(mischief => mischief.kind === 'power' && mischief.command === name) !== null
  }

  /** Takes out the first that is due, or null. */
  #strike(isDue: (mischief: Mischief<Command>) => boolean): Mischief<Command> | null {
    const struck = this.#waiting.find(isDue) ?? null
    this.#waiting = this.#waiting.filter(mischief => mischief !== struck)
    return struck
  }
}

function fits(wanted: string | undefined, name: string | null): boolean {
  return wanted === undefined || wanted === name
}
