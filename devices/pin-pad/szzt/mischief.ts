/** SZZT pads: what can be arranged to go wrong in the emulated one. */
import {MischiefQueue} from '../mischief.ts'
import type {LineMischief as CommonLineMischief} from '../mischief.ts'
import type {CommandName} from './bytes.ts'

/** Here a key can also be pressed between two bytes of a reply. */
export type LineMischief = CommonLineMischief | 'keyInsideReply'

/** One misbehaviour, consumed by the next command it fits: any command where it names none. */
export type Mischief =
  | {readonly kind: 'line'; readonly do: LineMischief; readonly command?: CommandName; readonly ms?: number}
  | {readonly kind: 'refuse'; readonly code: number; readonly command?: CommandName}
  /** The key is loaded, and its check value told wrong. */
  | {readonly kind: 'wrongCheckValue'}
  /** The next digit in PIN mode is told in clear: what a broken pad must not get away with. */
  | {readonly kind: 'clearDigit'}
  /** The power goes when the command arrives. */
  | {readonly kind: 'power'; readonly command: CommandName}

export class Mischiefs extends MischiefQueue<Mischief> {
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
