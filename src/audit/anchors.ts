/** The anchors of a journal, held against the keys that this site trusts. */
import {anchorCountersigner, anchorSigner} from '../../crypto/anchor.ts'
import {pemsIn, signersKnown} from '../../crypto/atm-message.ts'
import type {Event} from '../../fsm/vocabulary.ts'
import type {Seq, Stored} from '../../journal/entry.ts'
import {textIn} from '../../kit/durable-file.ts'
import {SystemFault, reasonOf} from '../../kit/errors.ts'
import type {Config} from '../config.ts'

type Anchored = Extract<Event, {type: 'journal.anchored'}>

/** Whose signatures count, by the pins of their keys. Keys are renewed, so an older anchor may bear one that is not here. */
export interface KnownKeys {
  readonly machine: ReadonlySet<string>
  readonly bank: ReadonlySet<string>
}

/** `bothKnown`: signed by keys that are trusted here. `otherKeys`: signed, by a key of which nothing is known here. */
export type AnchorVerdict = 'bothKnown' | 'otherKeys' | 'notSigned'

export interface Anchor {
  readonly seq: Seq
  readonly event: Anchored
  readonly verdict: AnchorVerdict
}

/** The anchor that the row is, checked; null when it is none. */
export function anchorIn({seq, entry}: Stored, atmId: string, known: KnownKeys): Anchor | null {
  if (entry.kind !== 'event' || entry.event.type !== 'journal.anchored') return null
  const {event} = entry
  return {seq, event, verdict: verdictOn(event, atmId, known)}
}

function verdictOn(event: Anchored, atmId: string, known: KnownKeys): AnchorVerdict {
  const point = {atmId, row: event.row, hash: event.hash}
  const machine = {key: event.machineKey, signature: event.machineSignature}
  const bank = {key: event.bankKey, signature: event.bankSignature, takenAt: event.takenAt}
  const machinePin = anchorSigner(point, machine)
  const bankPin = anchorCountersigner(point, machine, bank)
  if (machinePin === null || bankPin === null) return 'notSigned'
  return known.machine.has(machinePin) && known.bank.has(bankPin) ? 'bothKnown' : 'otherKeys'
}

/** The keys that the settings name; an auditor elsewhere may lack the files, and is told that the keys are not known. */
export function knownKeys({host}: Pick<Config, 'host'>): KnownKeys {
  return {machine: pinsIn(host.certificatePath), bank: pinsIn(host.signersPath)}
}

function pinsIn(path: string): ReadonlySet<string> {
  try {
    return new Set(signersKnown(pemsIn(textIn(path) ?? '')).keys())
  } catch (thrown) {
    throw new SystemFault(`${path} holds no key: ${reasonOf(thrown)}`, {cause: thrown})
  }
}
