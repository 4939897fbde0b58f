/** ABECS pads: what can be arranged to go wrong in the emulated one. */
import {MischiefQueue} from '../mischief.ts'
import type {LineMischief as CommonLineMischief} from '../mischief.ts'
import type {CommandId} from './bytes.ts'

/** Here acknowledgements can go wrong too, and a text for the operator may come before the reply. */
export type LineMischief = CommonLineMischief | 'dropAck' | 'nak' | 'notice'

/** One misbehaviour, consumed by the next command it fits: any command where it names none. */
export type Mischief =
  | {readonly kind: 'line'; readonly do: LineMischief; readonly command?: CommandId; readonly ms?: number}
  /** The command is answered by that status. */
  | {readonly kind: 'refuse'; readonly status: number; readonly command?: CommandId}
  /** The next wish to be let go of is not heard. */
  | {readonly kind: 'cancelLost'}
  /** The power goes when the command arrives. */
  | {readonly kind: 'power'; readonly command: CommandId}

export class Mischiefs extends MischiefQueue<Mischief> {
  /** The first of that kind on the line that fits the command. */
  onLine(what: LineMischief, id: CommandId | null): Extract<Mischief, {kind: 'line'}> | null {
    const struck = this.strike(one => one.kind === 'line' && one.do === what && fits(one.command, id))
    return struck?.kind === 'line' ? struck : null
  }

  /** The status with which the command is to be refused, or null. */
  refusalOf(id: CommandId | null): number | null {
    const struck = this.strike(one => one.kind === 'refuse' && fits(one.command, id))
    return struck?.kind === 'refuse' ? struck.status : null
  }
}

function fits(wanted: CommandId | undefined, id: CommandId | null): boolean {
  return wanted === undefined || wanted === id
}
