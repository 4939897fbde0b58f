/**
 * Every order and event as a sentence of the trade, for auditors: English, in the bank's words and not the customer's.
 * Text that came from outside (labels, faults, codes) stands in quotation marks with its hidden characters escaped.
 */
import {formatAmount} from '../kit/money.ts'
import type {Currency, Minor} from '../kit/money.ts'
import type {
  Attendance,
  CassetteLevel,
  DayTotals,
  Event,
  Mix,
  NoteTally,
  Order,
  Sums,
} from '../fsm/vocabulary.ts'
import {canonicalJson} from './chain.ts'
import type {Entry} from './entry.ts'

/** One sentence, without a full stop, of any length. */
export function sentenceOf(entry: Entry, currency: Currency): string {
  switch (entry.kind) {
    case 'boot':
      return `started: build ${quoted(entry.build)}, settings ${quoted(entry.configHash)}`
    case 'intent':
      return orderSentence(entry.order, currency)
    case 'event':
      return eventSentence(entry.event, currency)
  }
}

function orderSentence(order: Order, currency: Currency): string {
  const money = (amountMinor: Minor) => amountText(amountMinor, currency)
  switch (order.kind) {
    case 'reader.eject':
      return `return the card, to be taken within ${seconds(order.takeWithinMs)}`
    case 'reader.retain':
      return `retain the card (${retainWords[order.because]})`
    case 'pinPad.collect':
      return `ask for the PIN, within ${seconds(order.entryTimeoutMs)}`
    case 'host.verify':
      return `ask the bank to verify card and PIN, ${order.key}`
    case 'host.balance':
      return `ask the bank for the balance of ${quoted(order.account.label)}, ${order.key}`
    case 'pinPad.collectNew':
      return `ask for the new PIN${order.isRepeated ? ' again' : ''}, within ${seconds(order.entryTimeoutMs)}`
    case 'host.statement':
      return `ask the bank for the last lines of ${quoted(order.account.label)}, ${order.key}`
    case 'host.changePin':
      return `ask the bank to change the PIN, ${order.key}`
    case 'host.payee':
      return `ask the bank whose account ${quoted(order.toAccountId)} is, ${order.key}`
    case 'host.transfer':
      return (
        `ask the bank to transfer ${amountText(order.amountMinor, order.currency)} from ${quoted(order.account.label)} ` +
        `to ${quoted(order.toAccountId)}, ${order.key}`
      )
    case 'host.completeTransfer':
      return `tell the bank: transfer ${money(order.amountMinor)}, ${order.key}; rule ${quoted(order.row)}`
    case 'host.reverseTransfer':
      return `tell the bank: take the transfer back (${order.because}), ${order.key}; rule ${quoted(order.row)}`
    case 'host.authorize':
      return (
        `ask the bank to authorize ${amountText(order.amountMinor, order.currency)}, fee ${amountText(order.feeMinor, order.currency)}, ` +
        `from ${quoted(order.account.label)}, ${order.key}; planned ${mixText(order.mix, order.currency)}`
      )
    case 'host.complete':
      return (
        `tell the bank: completed, paid ${money(order.paidMinor)}, fee ${money(order.feeMinor)}, ${order.key}; ` +
        `notes ${mixText(order.paid, currency)}; rule ${quoted(order.row)}`
      )
    case 'host.reverse':
      return `tell the bank: reverse (${order.because}), ${order.key}; rule ${quoted(order.row)}`
    case 'host.suspect':
      return (
        `tell the bank: suspect, between ${money(order.atLeastMinor)} and ${money(order.atMostMinor)} with the customer, ` +
        `${order.key}; rule ${quoted(order.row)}`
      )
    case 'dispenser.dispense':
      return `dispense bunch ${order.bunch}: ${mixText(order.mix, currency)}, ${order.key}`
    case 'dispenser.present':
      return `present bunch ${order.bunch}, to be taken within ${seconds(order.takeWithinMs)}, ${order.key}`
    case 'dispenser.retract':
      return `retract bunch ${order.bunch}, ${order.key}`
    case 'dispenser.reject':
      return `reject bunch ${order.bunch} into the reject bin, ${order.key}`
    case 'printer.print':
      return `print the slip of the ${order.slip}`
    case 'host.cutOver':
      return (
        `tell the bank: close business date ${quoted(order.businessDate)}; ${totalsText(order.totals, order.currency)}; ` +
        `notes ${listed(order.cash.map(unit => `${unit.unit} ${unit.count} x ${formatAmount(unit.noteMinor, order.currency)}`))}`
      )
    case 'operator.reset':
      return `reset the ${order.device}, for a person at the machine`
    case 'operator.test':
      return `test cassette ${order.cassette}: one note of ${money(order.noteMinor)} to the reject bin`
  }
}

const retainWords = {
  'pin-tries': 'no PIN tries left',
  'bank-says-so': 'the bank says so',
  'not-taken': 'not taken in time',
  'found-at-start': 'found inside at the start',
} as const

/** The prefix of an event's type says whose fact it is; each owner has its own sentences below. */
function eventSentence(event: Event, currency: Currency): string {
  switch (event.type) {
    case 'devices.opened':
      return `devices opened; failed: ${listed(event.failed)}; bank ${event.businessDate === null ? 'not reached' : `reached, business date ${quoted(event.businessDate)}`}`
    case 'recovery.finished':
      return (
        `recovery finished: card ${event.cardInside ? 'inside' : 'not inside'}, next STAN ${event.nextStan}, ` +
        `dispenser ${event.dispenserHeld === null ? 'free' : `held: ${quoted(event.dispenserHeld)}`}; ${levelsText(event.levels, currency)}${attendanceText(event.attendance)}`
      )
    case 'device.failed':
      return `${event.device} failed: ${quoted(event.fault)}`
    case 'device.restored':
      return `${event.device} works again${event.cardInside ? ', card inside' : ''}`
    case 'journal.failed':
      return `the journal failed: ${quoted(event.why)}`
    case 'disk.filled':
      return `the disk has no room for another visit: ${event.freeBytes} bytes are free`
    case 'disk.freed':
      return `the disk has room again: ${event.freeBytes} bytes are free`
    case 'journal.anchored':
      return `machine and bank have signed for row ${event.row}, hash ${event.hash}, at ${event.takenAt}`
    case 'timer.fired':
      return `time is up (${event.name})`
    case 'cassettes.loaded':
      return `cassettes loaded: ${levelsText(event.levels, currency)}`
    case 'service.chosen':
      return `customer chose ${event.service}`
    case 'account.chosen':
      return `customer chose account ${quoted(event.accountId)}`
    case 'amount.chosen':
      return `customer chose ${amountText(event.amountMinor, currency)}`
    case 'target.chosen':
      return `customer wants to transfer to account ${quoted(event.accountId)}`
    case 'transfer.confirmed':
      return 'customer confirmed the transfer'
    case 'fee.accepted':
      return 'customer accepted the fee'
    case 'receipt.chosen':
      return `customer wants ${event.wanted ? 'a' : 'no'} receipt`
    case 'receipt.printed':
      return `printed${event.paper === 'ok' ? '' : `, paper ${event.paper}`}`
    case 'receipt.failed':
      return `not printed (${event.outcome}): ${quoted(event.fault)}`
    case 'visit.continued':
      return 'customer goes on'
    case 'visit.cancelled':
      return 'customer cancelled'
    case 'time.granted':
      return 'customer needs more time'
    case 'time.declined':
      return 'customer needs no more time'
    case 'order.abandoned':
      return `abandoned, nothing is owed: ${quoted(event.because)}`
    case 'operation.recovered':
      return `recovery settled ${event.key} by its rule ${quoted(event.row)}`
    case 'dispenser.marked':
      return `dispenser's memory before the order: ${quoted(event.mark)}`
    case 'supervisor.called':
    case 'supervisor.left':
    case 'machine.locked':
    case 'machine.unlocked':
    case 'service.closed':
    case 'service.opened':
    case 'reset.chosen':
    case 'reset.done':
    case 'reset.failed':
    case 'test.chosen':
    case 'test.done':
    case 'test.failed':
    case 'exchange.opened':
    case 'exchange.advanced':
    case 'exchange.closed':
    case 'totals.closed':
    case 'cards.cleared':
    case 'suspense.taken':
    case 'suspense.noted':
    case 'suspense.closed':
    case 'person.acted':
      return personSentence(event)
    case 'card.inserted':
    case 'card.unreadable':
    case 'card.taken':
    case 'card.left':
    case 'card.stuck':
    case 'card.retained':
    case 'card.retainFailed':
    case 'pin.entered':
    case 'pin.cancelled':
    case 'pin.timedOut':
    case 'pin.failed':
      return cardSentence(event)
    case 'host.lost':
    case 'host.restored':
    case 'host.approved':
    case 'host.declined':
    case 'host.silent':
    case 'host.acknowledged':
    case 'host.refusedAdvice':
    case 'card.verified':
    case 'card.refused':
    case 'pin.wrong':
    case 'balance.told':
    case 'statement.told':
    case 'payee.named':
    case 'pin.changed':
      return bankSentence(event, currency)
    case 'day.due':
    case 'day.closed':
    case 'day.refused':
      return daySentence(event, currency)
    case 'notes.dispensed':
    case 'notes.refused':
    case 'notes.partial':
    case 'notes.overpaid':
    case 'notes.unknown':
    case 'notes.taken':
    case 'notes.left':
    case 'notes.notPresented':
    case 'notes.presentUnknown':
    case 'notes.retracted':
    case 'notes.retractUnknown':
    case 'notes.rejected':
    case 'notes.rejectUnknown':
      return notesSentence(event)
  }
}

type BankType =
  | `host.${string}`
  | 'card.verified'
  | 'card.refused'
  | 'pin.wrong'
  | 'pin.changed'
  | 'balance.told'
  | 'statement.told'
  | 'payee.named'
type BankEvent = Extract<Event, {type: BankType}>
type CardEvent = Exclude<Extract<Event, {type: `card.${string}` | `pin.${string}`}>, BankEvent>
type DayEvent = Extract<Event, {type: `day.${string}`}>
type NotesEvent = Extract<Event, {type: `notes.${string}`}>
type PersonType =
  | `supervisor.${string}`
  | `machine.${string}`
  | 'service.closed'
  | 'service.opened'
  | `reset.${string}`
  | `test.${string}`
  | `exchange.${string}`
  | 'totals.closed'
  | 'cards.cleared'
  | `suspense.${string}`
  | 'person.acted'
type PersonEvent = Extract<Event, {type: PersonType}>

function personSentence(event: PersonEvent): string {
  switch (event.type) {
    case 'supervisor.called':
      return `${event.person} calls for supervisor mode`
    case 'supervisor.left':
      return `${event.person} leaves supervisor mode`
    case 'machine.locked':
      return `${event.person} locks the machine: ${quoted(event.because)}`
    case 'machine.unlocked':
      return `${event.person} unlocks the machine with ${event.second}`
    case 'service.closed':
      return `${event.person} takes the machine out of service: ${quoted(event.because)}`
    case 'service.opened':
      return `${event.person} puts the machine into service`
    case 'reset.chosen':
      return `${event.person} wants the ${event.device} reset`
    case 'reset.done': {
      const moved = event.tallies === null ? 'notes not counted' : talliesText(event.tallies)
      return `${event.device} reset${event.device === 'dispenser' ? `; ${moved}` : ''}`
    }
    case 'reset.failed':
      return `${event.device} not reset: ${quoted(event.fault)}`
    case 'test.chosen':
      return `${event.person} wants cassette ${event.cassette} tested`
    case 'test.done':
      return `tested; ${talliesText([event.tally])}`
    case 'test.failed':
      return `test of cassette ${event.cassette} failed, its note may have moved: ${quoted(event.fault)}`
    case 'exchange.opened':
      return `${event.person} opens a replenishment${event.second === null ? '' : ` with ${event.second}`}`
    case 'exchange.advanced': {
      const of = event.cassette === null ? '' : ` of cassette ${event.cassette}`
      const counted = event.count === null ? '' : `, ${event.count} counted`
      return `replenishment: ${event.step}${of}${counted}${event.expected === null ? '' : ` of ${event.expected}`}`
    }
    case 'exchange.closed':
      return `${event.person} closes the replenishment${event.second === null ? '' : ` with ${event.second}`}`
    case 'totals.closed':
      return `${event.person} closes the totals`
    case 'cards.cleared':
      return `${event.person} empties the retain bin of ${event.count} cards`
    case 'suspense.taken':
      return `${event.person} looks after ${event.key}`
    case 'suspense.noted':
      return `${event.person} notes on ${event.key}: ${quoted(event.note)}`
    case 'suspense.closed':
      return `${event.person} closes ${event.key}: ${quoted(event.because)}`
    case 'person.acted':
      return `${event.person}: ${quoted(event.command)}${event.outcome === '' ? '' : `: ${quoted(event.outcome)}`}`
  }
}

/** Who of the machine's own people was at it; empty when nobody was. */
function attendanceText({supervisor, closedBecause, lockedBecause, exchange}: Attendance): string {
  const facts = [
    ...(supervisor === null ? [] : [`in supervisor mode by ${supervisor}`]),
    ...(closedBecause === null ? [] : [`closed: ${quoted(closedBecause)}`]),
    ...(lockedBecause === null ? [] : [`locked: ${quoted(lockedBecause)}`]),
    ...(exchange === null ? [] : [`a replenishment open, ${exchange.done.length} steps done`]),
  ]
  return facts.map(fact => `; ${fact}`).join('')
}

function cardSentence(event: CardEvent): string {
  switch (event.type) {
    case 'card.inserted':
      return `card ${quoted(event.card.masked)} inserted, business date ${quoted(event.businessDate)}`
    case 'card.unreadable':
      return `card cannot be read: ${quoted(event.why)}`
    case 'card.taken':
      return 'card taken'
    case 'card.left':
      return 'card not taken in time'
    case 'card.stuck':
      return `card stuck: ${quoted(event.fault)}`
    case 'card.retained':
      return 'card retained'
    case 'card.retainFailed':
      return `card could not be retained: ${quoted(event.fault)}`
    case 'pin.entered':
      return 'PIN entered'
    case 'pin.cancelled':
      return 'PIN entry cancelled'
    case 'pin.timedOut':
      return 'PIN not entered in time'
    case 'pin.failed':
      return `PIN pad failed: ${quoted(event.fault)}`
  }
}

function bankSentence(event: BankEvent, currency: Currency): string {
  switch (event.type) {
    case 'host.lost':
      return `bank lost: ${quoted(event.why)}`
    case 'host.restored':
      return `bank reached again, business date ${quoted(event.businessDate)}`
    case 'host.approved':
      return `bank approved ${amountText(event.amountMinor, currency)}, authorization ${quoted(event.authCode)}`
    case 'host.declined':
      return `bank declined, code ${quoted(event.code)}${event.retain ? ', retain the card' : ''}`
    case 'host.silent':
      return `no trustworthy answer from the bank: ${quoted(event.why)}`
    case 'host.acknowledged':
      return `bank acknowledged, and has it as ${quoted(event.state)}`
    case 'host.refusedAdvice':
      return `bank REFUSES the advice of row ${event.row}, ${event.key}: ${quoted(event.why)}`
    case 'card.verified':
      return `bank verified the card; accounts: ${listed(event.accounts.map(account => quoted(account.label)))}`
    case 'card.refused':
      return `bank refused the card, code ${quoted(event.code)}${event.retain ? ', retain the card' : ''}`
    case 'pin.wrong':
      return `PIN wrong, ${event.triesLeft} tries left`
    case 'balance.told':
      return 'bank told the balance'
    case 'statement.told':
      return 'bank told the last lines'
    case 'payee.named':
      return 'bank named the payee'
    case 'pin.changed':
      return 'bank changed the PIN'
  }
}

function daySentence(event: DayEvent, currency: Currency): string {
  const date = quoted(event.businessDate)
  switch (event.type) {
    case 'day.due':
      return `business date ${date} is to be closed${event.person === null ? '' : ` for ${event.person}`}: ${totalsText(event.totals, currency)}`
    case 'day.closed':
      return `bank closed business date ${date}, ${event.settlement === 'in-balance' ? 'in balance' : 'OUT OF BALANCE'}; the next is ${quoted(event.next)}`
    case 'day.refused':
      return `bank does not close business date ${date}: ${quoted(event.why)}`
  }
}

function totalsText({withdrawals, reversals}: DayTotals, currency: Currency): string {
  const sums = ({count, sumMinor}: Sums): string => `${count} of ${amountText(sumMinor, currency)}`
  return `withdrawals ${sums(withdrawals)}, reversals ${sums(reversals)}`
}

function notesSentence(event: NotesEvent): string {
  switch (event.type) {
    case 'notes.dispensed':
      return `dispensed as ordered${withFault(event.fault)}; ${talliesText(event.tallies)}`
    case 'notes.refused':
      return `no note left a cassette: ${quoted(event.fault)}`
    case 'notes.partial':
      return (
        `dispensed in part: ${quoted(event.fault)}; ${talliesText(event.tallies)}; ${event.inPath} in the path, ` +
        `${event.path === 'inside' ? 'inside' : 'at the mouth'}; counts ${event.counts === 'trusted' ? 'trusted' : 'in doubt'}`
      )
    case 'notes.overpaid':
      return `MORE DISPENSED THAN ORDERED: ${quoted(event.fault)}; ${talliesText(event.tallies)}`
    case 'notes.unknown':
      return `NOT KNOWN what was dispensed: ${quoted(event.why)}; path ${event.path}`
    case 'notes.taken':
      return 'notes taken'
    case 'notes.left':
      return 'notes not taken in time'
    case 'notes.notPresented':
      return `notes not presented: ${quoted(event.fault)}`
    case 'notes.presentUnknown':
      return `NOT KNOWN whether the notes were presented: ${quoted(event.why)}`
    case 'notes.retracted':
      return `notes retracted, ${countText(event.count)}${event.itemsTaken ? ', some had been taken' : ''}`
    case 'notes.retractUnknown':
      return `NOT KNOWN what was retracted: ${quoted(event.why)}`
    case 'notes.rejected':
      return `notes rejected, ${countText(event.count)}`
    case 'notes.rejectUnknown':
      return `NOT KNOWN what was rejected: ${quoted(event.why)}`
  }
}

function amountText(amountMinor: Minor, currency: Currency): string {
  return `${formatAmount(amountMinor, currency)} ${currency}`
}

function mixText(mix: Mix, currency: Currency): string {
  return listed(
    mix.map(
      notes => `${notes.count} x ${formatAmount(notes.noteMinor, currency)} (cassette ${notes.cassette})`,
    ),
  )
}

function levelsText(levels: readonly CassetteLevel[], currency: Currency): string {
  return listed(
    levels.map(level => {
      const held = `cassette ${level.cassette} ${level.count} x ${formatAmount(level.noteMinor, currency)}`
      return level.state === 'ok' ? held : `${held} (${level.state})`
    }),
  )
}

function talliesText(tallies: readonly NoteTally[]): string {
  return listed(
    tallies.map(
      tally =>
        `cassette ${tally.cassette}: ${tally.picked} picked, ${tally.dispensed} out, ${tally.rejected} rejected`,
    ),
  )
}

function countText(count: number | null): string {
  return count === null ? 'not counted' : `${count} counted`
}

function withFault(fault: string | null): string {
  return fault === null ? '' : `, with a fault: ${quoted(fault)}`
}

function listed(items: readonly string[]): string {
  return items.length === 0 ? 'none' : items.join(', ')
}

function seconds(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`
}

function quoted(text: string): string {
  return canonicalJson(text)
}
