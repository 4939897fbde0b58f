/** Mistakes in drivers, on the wire, and at the bank. */
import {planted} from './planted.ts'
import type {Planted} from './planted.ts'

const OPERATION = 'host/ledger/operation.ts'

export const ENDS: readonly Planted[] = [
  planted(
    'resend on silence, on the wire',
    'devices/wire/exchange.ts',
    "return this.#ask.retry === 'safe' || !this.#mayHaveRun",
    'return true',
  ),
  planted(
    'take no answer for not executed',
    'devices/dispenser/ask.ts',
    'return told.mayHaveRun\n',
    'return told.mayHaveRun && told.detail === ""\n',
  ),
  planted(
    'LCDM-2000: count picked for exited',
    'devices/dispenser/lcdm2000/fold.ts',
    'dispensed: noteCount(counts.out),',
    'dispensed: noteCount(counts.picked),',
  ),
  planted(
    'LCDM-2000: trust a count in doubt',
    'devices/dispenser/lcdm2000/fold.ts',
    "const isDoubtful = error.class === 'exitCount' || error.class === 'ok' || error.class === 'over' || isOver",
    'const isDoubtful = isOver && isUntouched',
  ),
  planted(
    'LCDM-2000: a note at the mouth is inside',
    'devices/dispenser/lcdm2000/fold.ts',
    "path: error.class === 'mouth' ? 'atMouth' : 'inside',",
    "path: 'inside',",
  ),
  planted(
    'LCDM-2000: more than asked is as asked',
    'devices/dispenser/lcdm2000/fold.ts',
    "if ((isOver || error.class === 'over') && !isShort) return {kind: 'overpaid', tallies, detail}\n",
    '',
  ),
  planted(
    'LCDM-4000: count rejected for exited',
    'devices/dispenser/lcdm4000/fold.ts',
    '    dispensed: noteCount(out),\n    rejected: noteCount(rejected),\n  }))\n  const detail',
    '    dispensed: noteCount(out + rejected),\n    rejected: noteCount(rejected),\n  }))\n  const detail',
  ),
  planted(
    'LCDM-4000: believe an old memory',
    'devices/dispenser/lcdm4000/memory.ts',
    '|| !isNewer(memory, mark) ||',
    '|| (!isNewer(memory, mark) && last.error < 0) ||',
  ),
  planted(
    'F56: count rejected for dispensed',
    'devices/dispenser/f56/fold.ts',
    'dispensed: noteCount(line.dispensed),',
    'dispensed: noteCount(line.dispensed + line.rejected),',
  ),
  planted(
    'F56: more than asked is as asked',
    'devices/dispenser/f56/fold.ts',
    "if (isOver && short.length === 0) return {kind: 'overpaid', tallies, detail}\n",
    '',
  ),
  planted(
    'CRT-571: a card that was left is taken',
    'devices/card-reader/crt571/driver.ts',
    "if (leftMs <= 0) return {kind: 'left'}",
    "if (leftMs <= 0) return {kind: 'taken'}",
  ),
  planted(
    'reference: a note less in the stacker',
    'devices/dispenser/reference/driver.ts',
    '    dispensed: stacked,\n',
    '    dispensed: noteCount(Math.max(0, stacked - rejected)),\n',
  ),
  planted(
    'reference: what it does not remember did not move',
    'devices/dispenser/reference/driver.ts',
    "case 'none':\n      return {kind: 'notRemembered'}",
    "case 'none':\n      return {kind: 'movedNothing'}",
  ),
  planted(
    'the bank: no tombstone for a reversal of nothing',
    OPERATION,
    'return operation === null ? bury(advice, at) : reverse(operation, advice, at.nowMs)',
    "void bury\n    return operation === null ? {kind: 'repeat', state: 'tombstone'} : reverse(operation, advice, at.nowMs)",
  ),
  planted(
    'reverse because the receipt did not come out',
    'fsm/states/closing.ts',
    "'receipt.failed': {actions: [failed('printer'),",
    "'receipt.failed': {actions: [performing(({visit}) => ({kind: 'host.reverse', key: visit.operation.key, because: 'malfunction', row: 'paper'})), failed('printer'),",
  ),
  planted(
    'put the whole card number on the receipt',
    'src/machine.ts',
    '.print(slip, this.standing.context, this.#desk)',
    ".print(slip, {...this.standing.context, visit: {...this.standing.context.visit, accounts: [], operation: this.standing.context.visit.operation && {...this.standing.context.visit.operation, account: {accountId: '1', label: this.#pocket.track2?.reveal() ?? ''}}}}, this.#desk)",
  ),
  planted(
    'the bank: book what was approved, not what was paid',
    OPERATION,
    'entry: settledEntry(operation, advice.paidMinor, advice.feeMinor),',
    'entry: settledEntry(operation, operation.amountMinor, operation.feeMinor),',
  ),
  planted(
    'the bank: a suspicion gives the hold back',
    OPERATION,
    '          wasSuspect: true,\n          changedAtMs: nowMs,\n        },\n        entry: null,',
    '          wasSuspect: true,\n          changedAtMs: nowMs,\n        },\n        entry: reversalEntry(heldMoney(operation)),',
  ),
  planted(
    'the bank: acknowledge a reversal and book nothing',
    'host/advice.ts',
    'if (entry !== null) {',
    "if (entry !== null && next.state !== 'reversed') {",
  ),
  planted(
    'the bank: book a leg less',
    'host/store/ledger-rows.ts',
    'postings.map((posting, leg) => ({...posting, key, kind, leg, currency, atMs})),',
    'postings.slice(1).map((posting, leg) => ({...posting, key, kind, leg, currency, atMs})),',
  ),
  planted(
    'the bank: take a completion for a reversal',
    'host/api/machine-routes.ts',
    "              kind: 'complete',\n              paidMinor: paid,",
    "              kind: 'complete',\n              paidMinor: fee,",
  ),
]
