/** Creator CRT-310: what can be arranged to go wrong in the emulated one, and the queue that holds it. */
import type {CommandName} from './bytes.ts'
import type {Journey} from './card-path.ts'

/** What the line does to a command or to its reply. */
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
export type Mischief =
  | {readonly kind: 'line'; readonly do: LineMischief; readonly command?: CommandName; readonly ms?: number}
  /** The error reply of that code instead of the act. */
  | {readonly kind: 'refuse'; readonly code: number; readonly command?: CommandName}
  /** That movement fails and the card stays where it is. */
  | {readonly kind: 'jam'; readonly journey: Journey}
  /** The power goes when the command begins; a card under way stays where it was. */
  | {readonly kind: 'power'; readonly command: CommandName}

/** Misbehaviours that wait for a command they fit; each strikes once. */
export class MischiefQueue {
  #waiting: Mischief[] = []

  plan(mischief: Mischief): void {
    this.#waiting.push(mischief)
  }

  /** Takes out the first that is due, or null. */
  strike(isDue: (mischief: Mischief) => boolean): Mischief | null {
    const struck = this.#waiting.find(isDue) ?? null
    this.#waiting = this.#waiting.filter(mischief => mischief !== struck)
    return struck
  }

  /** The first of that kind on the line that fits the command. */
  onLine(what: LineMischief, name: CommandName | null): Extract<Mischief, {kind: 'line'}> | null {
    const struck = this.strike(
      mischief => mischief.kind === 'line' && mischief.do === what && fits(mischief.command, name),
    )
    return struck?.kind === 'line' ? struck : null
  }

  /** The code with which the command is to be refused, or null. */
  refusalOf(name: CommandName | null): number | null {
    const struck = this.strike(mischief => mischief.kind === 'refuse' && fits(mischief.command, name))
    return struck?.kind === 'refuse' ? struck.code : null
  }
}

function fits(wanted: CommandName | undefined, name: CommandName | null): boolean {
  return wanted === undefined || wanted === name
}
