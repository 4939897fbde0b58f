/** What somebody at the bench sees of emulated devices, the bank and the journal, in words that are ready to be read. */
import type {Notes} from '../../devices/dispenser/world.ts'
import type {Device} from '../../fsm/vocabulary.ts'
import type {BankView} from '../../host/reconcile.ts'
import type {Stored} from '../../journal/entry.ts'
import {sentenceOf} from '../../journal/sentences.ts'
import {present} from '../../kit/assert.ts'
import {isoTime} from '../../kit/clock.ts'
import {formatAmount, minorUnits} from '../../kit/money.ts'
import type {Config} from '../config.ts'
import type {
  BenchAccount,
  BenchDevice,
  BenchOperation,
  BenchState,
  JournalLine,
  SlotNotes,
} from './bench-port.ts'
import type {Emulators} from './rig.ts'

export class Sight {
  readonly #emulators: Emulators
  readonly #config: Config

  constructor(emulators: Emulators, config: Config) {
    this.#emulators = emulators
    this.#config = config
  }

  /** @param cardId of the card that is in the machine, or null */
  slot(cardId: string | null): BenchState['slot'] {
    const {reader, dispenser} = this.#emulators
    const {place} = reader.world
    const {outlet, mouth} = dispenser.world
    const card =
      place === 'none' ? 'empty' : place === 'frontFree' || place === 'frontHeld' ? 'offered' : 'inside'
    return {
      card,
      cardId: card === 'empty' ? null : cardId,
      cash: {
        notes: this.#notes(outlet, mouth),
        total: this.#amount(this.#worth(outlet) + this.#worth(mouth)),
      },
    }
  }

  #notes(...places: readonly Notes[]): readonly SlotNotes[] {
    return this.#config.cassettes
      .map(({cassette, noteMinor}) => ({
        noteText: this.#amount(noteMinor),
        count: places.reduce((sum, notes) => sum + (notes[cassette] ?? 0), 0),
      }))
      .filter(({count}) => count > 0)
  }

  #worth(notes: Notes): number {
    return this.#config.cassettes.reduce(
      (sum, {cassette, noteMinor}) => sum + noteMinor * (notes[cassette] ?? 0),
      0,
    )
  }

  #amount(minor: number): string {
    const {currency} = this.#config
    return `${currency} ${formatAmount(minorUnits(minor), currency)}`
  }

  account({
    accountId,
    holder,
    accountType,
    balanceMinor,
    heldMinor,
  }: BankView['accounts'][number]): BenchAccount {
    return {
      accountId,
      holder,
      type: accountType,
      balance: this.#amount(balanceMinor + heldMinor),
      available: this.#amount(balanceMinor),
      held: heldMinor === 0 ? '' : this.#amount(heldMinor),
    }
  }

  operation({key, state, amountMinor, paidMinor}: BankView['operations'][number]): BenchOperation {
    const [, date = '', stan = ''] = key.split(':')
    const settled = state === 'completed' || state === 'forced' || state === 'posted'
    return {
      reference: `${date} ${stan}`,
      state,
      amount: this.#amount(settled ? paidMinor : amountMinor),
      mark:
        state === 'completed' ? 'good' : state === 'suspect' || state === 'forced' ? 'attention' : 'plain',
    }
  }

  isPowered(device: Device): boolean {
    const {reader, pinPad, dispenser, printer} = this.#emulators
    switch (device) {
      case 'cardReader':
        return reader.world.isPowered
      case 'pinPad':
        return pinPad.world.isPowered
      case 'dispenser':
        return dispenser.state.power === 'on'
      case 'printer':
        return printer?.state.power === 'on'
    }
  }

  world(device: Device): BenchDevice['world'] {
    const {reader, pinPad, dispenser, printer} = this.#emulators
    switch (device) {
      case 'cardReader':
        return [
          {label: 'Mouth', text: reader.world.mouth === 'closed' ? 'closed' : 'open'},
          {label: 'Card', text: PLACE_WORDS[reader.world.place]},
          {label: 'Retained', text: String(reader.world.capturedCount)},
        ]
      case 'pinPad':
        return [
          {label: 'Mode', text: pinPad.world.mode === 'pin' ? 'PIN entry' : pinPad.world.mode},
          {label: 'PIN key', text: pinPad.world.hasPinKey ? 'loaded' : 'none'},
        ]
      case 'printer': {
        const {remains} = present(printer, 'the printer')
        const {paperLines, isCoverOpen, isCutterStuck, inMouth, tickets} = remains
        const ticket = inMouth ?? tickets.at(-1) ?? []
        return [
          {label: 'Roll', text: `${paperLines} lines`},
          {label: 'Cover', text: isCoverOpen ? 'open' : 'closed'},
          {label: 'Cutter', text: isCutterStuck ? 'stuck' : 'free'},
          ...(ticket.length === 0 ? [] : [{label: 'Last slip', text: readable(ticket)}]),
        ]
      }
      case 'dispenser': {
        const {world} = dispenser
        const places = [
          ['Cassettes', world.cassette],
          ['Path', world.path],
          ['Stacker', world.stacker],
          ['Mouth', world.mouth],
          ['Outlet', world.outlet],
          ['Reject', world.reject],
          ['Retract', world.retract],
          ['Customers', world.customer],
          ['Removed', world.removed],
        ] as const
        return places
          .filter(([label, notes]) => label === 'Cassettes' || Object.values(notes).some(count => count > 0))
          .map(([label, notes]) => ({label, text: this.#countsText(notes)}))
      }
    }
  }

  #countsText(notes: Notes): string {
    return this.#config.cassettes
      .map(
        ({cassette, noteMinor}) =>
          `${notes[cassette] ?? 0} × ${formatAmount(noteMinor, this.#config.currency)}`,
      )
      .join(', ')
  }

  /** `09:00:12 > return the card`: what is ordered, what answers (<), what else happens (*). */
  line(row: Stored): JournalLine {
    const time = isoTime(row.atMs).slice(11, 19)
    const mark =
      row.entry.kind === 'intent' ? '>' : row.entry.kind === 'event' && row.entry.answers !== null ? '<' : '*'
    return {seq: row.seq, text: `${time} ${mark} ${sentenceOf(row.entry, this.#config.currency)}`}
  }
}

const PLACE_WORDS = {
  none: 'none',
  frontHeld: 'at the mouth, held',
  frontFree: 'at the mouth',
  inside: 'inside',
  insideContact: 'inside, at the contacts',
  rearHeld: 'at the rear',
} as const

/** Lines of a slip as they lie on the paper; what the emulator tells as a byte of a code page is a line or a dot. */
function readable(ticket: readonly string[]): string {
  return ticket
    .map(line => line.replaceAll('\\xc4', '─').replaceAll(/\\x[0-9a-f]{2}/g, '·'))
    .join('\n')
    .trim()
}
