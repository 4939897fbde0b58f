/** Mistakes in the loop, in recovery, in the outbox and in the journal. */
import {planted} from './planted.ts'
import type {Planted} from './planted.ts'

const RUNNER = 'src/session/runner.ts'
const PERFORM = 'src/session/perform.ts'
const RECOVER = 'fsm/recovery.ts'
const OUTBOX = 'src/link/outbox.ts'

export const MACHINE: readonly Planted[] = [
  {
    name: 'perform before append',
    file: RUNNER,
    edits: [
      [
        "import {sessionIdOf} from '../../journal/entry.ts'",
        "import {seqOf, sessionIdOf} from '../../journal/entry.ts'",
      ],
      [
        '    let stored: readonly Stored[]\n',
        '    let stored: readonly Stored[] = []\n    next.orders.forEach((order, index) => {\n      this.#give(order, seqOf(this.#ink.head.seq + 2 + index))\n    })\n',
      ],
      [
        "      assert(row !== undefined, 'an intent was stored for each order')\n      this.#give(order, row.seq)\n",
        '      assert(row !== undefined, `an intent was stored for each order ${order.kind}`)\n',
      ],
    ],
  },
  planted(
    'forget the STAN of an authorization at a restart',
    'src/session/past.ts',
    '`row ${seq} authorizes while another operation is unsettled`)\n        this.#nextStan = stanAfter(stanOf(order.key))\n',
    '`row ${seq} authorizes while another operation is unsettled`)\n',
  ),
  planted(
    'abandon an order to the dispenser at a restart',
    RECOVER,
    "when: f => isOpen(f, 'dispenser.dispense') && f.recall === 'notRemembered',\n    remedy: 'answerLost',",
    "when: f => isOpen(f, 'dispenser.dispense') && f.recall === 'notRemembered',\n    remedy: 'forget',",
  ),
  planted(
    'resend on silence, in the session',
    PERFORM,
    'const outcome = await dispenser.dispense(picks, intent)\n',
    "let outcome = await dispenser.dispense(picks, intent)\n  if (outcome.kind === 'unknown') outcome = await dispenser.dispense(picks, intent)\n",
  ),
  planted(
    'take a lost answer for nothing moved',
    PERFORM,
    ': dispenseEvent(outcome, await pathOf(dispenser))',
    ": {type: 'notes.refused', fault: outcome.detail}",
  ),
  planted(
    'ask a dispenser before it is at rest',
    PERFORM,
    "if (recall.kind !== 'failed' && recall.kind !== 'busy') return recall",
    "if (recall.kind === 'busy') return {kind: 'movedNothing'}\n    if (recall.kind !== 'failed') return recall",
  ),
  planted(
    'take a card that was left for one that was taken',
    PERFORM,
    "return {type: 'card.left'}",
    "return {type: 'card.taken'}",
  ),
  planted(
    'take a silent bank for one that said no',
    PERFORM,
    "    : {type: 'host.silent', why: answer.why}\n}",
    "    : {type: 'host.declined', code: '91', retain: false}\n}",
  ),
  planted(
    'reverse at a restart what the dispenser forgot',
    RECOVER,
    "f.recall === 'notRemembered',\n    remedy: 'answerLost',",
    "f.recall === 'notRemembered',\n    remedy: 'reverseNotMoved',",
  ),
  planted(
    'take an unsure present for a payout at a restart',
    RECOVER,
    "!isBehindShutter(f),\n    remedy: 'presentUnknown',",
    "!isBehindShutter(f),\n    remedy: 'takenAsPresented',",
  ),
  planted(
    'journal the track of a card that the bank is silent about',
    PERFORM,
    "    case 'silent':\n      return {type: 'host.silent', why: answer.why}",
    "    case 'silent':\n      return {type: 'host.silent', why: `${answer.why} ${pocket.track2.reveal()}`}",
  ),
  planted(
    'drop an advice that the bank is silent about',
    OUTBOX,
    "      case 'silent':\n        this.#log",
    "      case 'silent':\n        this.#acknowledged(seq, 'completed')\n        this.#log",
  ),
  planted(
    'drop an advice that the bank refuses',
    OUTBOX,
    "      case 'refused':\n        if",
    "      case 'refused':\n        this.#acknowledged(seq, 'completed')\n        if",
  ),
  planted(
    'drop an advice after three tries',
    OUTBOX,
    '    standing.triesCount += 1\n',
    "    standing.triesCount += 1\n    if (standing.triesCount > 3) this.#acknowledged(seq, 'completed')\n",
  ),
  planted(
    'never kick the outbox, and let it sleep',
    OUTBOX,
    '    for (const standing of this.#standings.values()) if (!standing.isRefused) standing.notBeforeMs = 0\n    this.#pump()\n',
    '    for (const standing of this.#standings.values()) standing.notBeforeMs = Infinity\n    this.#pump()\n',
  ),
  planted(
    'take silence for an acknowledgement',
    'src/link/client.ts',
    "if (heard.kind === 'silent') return heard\n  if (heard.kind === 'declined')",
    "if (heard.kind === 'silent') return {kind: 'acknowledged', state: 'completed'}\n  if (heard.kind === 'declined')",
  ),
  planted(
    'take trouble at the bank for an acknowledgement',
    'src/link/client.ts',
    "  return retry === 'never'\n",
    "  return {kind: 'acknowledged', state: 'completed'}\n  return retry === 'never'\n",
  ),
  planted(
    'tell the bank the fee as the amount',
    'src/link/client.ts',
    'amount: amountText(advice.paidMinor, currency),',
    'amount: amountText(minorUnits(advice.paidMinor + advice.feeMinor), currency),',
  ),
  {
    name: 'append rows one by one',
    file: 'journal/journal.ts',
    edits: [
      ['    this.#begin.run()\n', ''],
      ['    this.#commit.run()\n', '    void this.#begin\n    void this.#commit\n'],
    ],
  },
  planted(
    'believe an append that failed',
    'journal/journal.ts',
    '        throw this.#failing(thrown)\n      this.#writeAgain(stored)\n',
    '        void this.#failing(thrown)\n      this.#failed = null\n',
  ),
  planted(
    'forget open reversals at a restart',
    'journal/journal.ts',
    'this.#open = new Map(this.#reader.openIntents().map(',
    "this.#open = new Map(this.#reader.openIntents().filter(({entry}) => entry.order.kind !== 'host.reverse').map(",
  ),
  planted(
    'chain rows to nothing',
    'journal/chain.ts',
    '`${previous}\\n${rowJson(row)}`',
    '`\\n${rowJson(row)}`',
  ),
]
