/** What stands on a slip, in every language: held to a golden file, and to what must never stand there. */
import {existsSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import t from 'tap'
import type {Receipt} from '../../devices/printer/port.ts'
import type {Context, ReceiptFate} from '../../fsm/context.ts'
import type {Verdict} from '../../fsm/decide.ts'
import {epochMs} from '../../kit/clock.ts'
import {minorUnits, noteCount} from '../../kit/money.ts'
import {EMPTY_DESK} from '../../src/screen/desk.ts'
import {receiptOf} from '../../src/screen/receipt.ts'
import {view} from '../../src/screen/view.ts'
import {LANGUAGES} from '../../src/screen/words.ts'
import type {Language} from '../../src/screen/words.ts'
import {REASONS, during, operation, withPaper} from './samples.ts'

const GOLDEN = join(import.meta.dirname, 'receipts.json')
const HEAD = {operator: 'Bank of Tests', location: '1 Main Street', phone: '+1 555 0100'}
/** 2026-11-22T11:30:00Z */
const MOMENT = {atMs: epochMs(1_795_347_000_000), timeZone: 'UTC'}
const BALANCE = {...EMPTY_DESK, balanceMinor: minorUnits(125_050)}

function decided(verdict: Verdict): Context {
  const context = withPaper(during({bunchCount: 1, receipt: 'wanted'}))
  const {visit} = context
  const one = visit?.operation ?? null
  const decision = one?.decision ?? null
  return {
    ...context,
    visit: visit && {
      ...visit,
      operation: one && {...one, decision: decision && {...decision, verdict}},
    },
  }
}

const {approved} = operation(1)
const PART = approved.map(notes => ({...notes, count: noteCount(1)}))

const SLIPS = {
  paid: decided({kind: 'complete', paid: approved}),
  'partly paid': decided({kind: 'complete', paid: PART}),
  'not taken': decided({kind: 'reverse', because: 'not-taken'}),
  'being checked': decided({kind: 'suspect', atLeast: [], atMost: approved}),
} as const satisfies Readonly<Record<string, Context>>

function linesOf(receipt: Receipt): readonly string[] {
  return receipt.map(part => {
    switch (part.kind) {
      case 'text':
        return part.text
      case 'pair':
        return `${part.left} | ${part.right}`
      case 'rule':
        return '---'
      case 'feed':
      case 'picture':
        return ''
    }
  })
}

function slipsIn(language: Language): Readonly<Record<string, readonly string[]>> {
  return {
    ...Object.fromEntries(
      Object.entries(SLIPS).map(([name, context]) => [
        name,
        linesOf(receiptOf('withdrawal', context, {...EMPTY_DESK, language}, HEAD, MOMENT)),
      ]),
    ),
    balance: linesOf(receiptOf('balance', during({}), {...BALANCE, language}, HEAD, MOMENT)),
  }
}

t.test('slips are those of the golden file', async t => {
  const written = Object.fromEntries(LANGUAGES.map(language => [language, slipsIn(language)]))
  const text = `${JSON.stringify(written, null, 2)}\n`
  if (!existsSync(GOLDEN)) {
    writeFileSync(GOLDEN, text)
    t.fail('receipts.json was missing and is written anew: read it, and keep it')
  }
  t.same(JSON.parse(readFileSync(GOLDEN, 'utf8')), written, 'delete receipts.json to have it written anew')
})

t.test('card and account show four digits, and nobody reads more', async t => {
  const careless = decided({kind: 'complete', paid: approved})
  const context: Context = {
    ...careless,
    visit: careless.visit && {...careless.visit, card: {masked: '4761739001010119'}},
  }
  for (const language of LANGUAGES)
    for (const slip of ['withdrawal', 'balance'] as const) {
      const text = linesOf(receiptOf(slip, context, {...BALANCE, language}, HEAD, MOMENT)).join('\n')
      t.notMatch(text, /4761|1010119/, `${language} ${slip}`)
      t.match(text, /0119/)
      t.notMatch(text, /[{}]|undefined|null|NaN/)
    }
})

t.test('sums are those of the decision, and nothing is charged for nothing', async t => {
  const sums = (context: Context): readonly string[] =>
    linesOf(receiptOf('withdrawal', context, EMPTY_DESK, HEAD, MOMENT))
      .filter(line => /EUR/.test(line))
      .map(line => line.replaceAll('\u00A0', ' '))
  t.same(sums(SLIPS.paid), [
    'Asked for | EUR 60.00',
    'Paid out | EUR 60.00',
    'Fee | EUR 2.50',
    'Total charged | EUR 62.50',
  ])
  t.same(sums(SLIPS['partly paid']).slice(1), [
    'Paid out | EUR 20.00',
    'Fee | EUR 2.50',
    'Total charged | EUR 22.50',
  ])
  for (const because of REASONS)
    t.same(sums(decided({kind: 'reverse', because})).slice(1), [
      'Paid out | EUR 0.00',
      'Fee | EUR 0.00',
      'Total charged | EUR 0.00',
    ])
  t.equal(sums(SLIPS['being checked']).length, 1, 'what nobody knows has no sum')
})

t.test('the screen says what becomes of the receipt, and waits for it', async t => {
  const shown = (receipt: ReceiptFate) => {
    const {visit, ...rest} = SLIPS.paid
    const ending = {kind: 'paid', paidMinor: minorUnits(6_000), reference: operation(1).key} as const
    return view(
      'showingEnding',
      {...rest, visit: visit && {...visit, receipt, ending, cardFate: 'returned'}},
      EMPTY_DESK,
    )
  }
  t.match(shown('wanted').notice, /being printed/)
  t.same(shown('wanted').choices, [], 'nobody is asked to leave before the paper is out')
  t.match(shown('printed').notice, /take your receipt/)
  t.match(shown('failed').notice, /could not be printed.*write the reference down/)
  t.match(shown('failed').speech, /write the reference down/)
  t.match(shown('notAsked').notice, /no receipt.*write the reference down/)
  t.equal(shown('unwanted').notice, null)
  for (const fate of ['printed', 'failed', 'unwanted', 'notAsked'] as const)
    t.equal(shown(fate).choices.length, 1, fate)
})

t.test('nobody is promised a receipt that cannot be printed', async t => {
  const well = withPaper(during({}))
  t.equal(view('choosingService', well, EMPTY_DESK).notice, null)
  for (const printer of ['failed', 'absent'] as const) {
    const context: Context = {...well, devices: {...well.devices, printer}}
    t.match(view('choosingService', context, EMPTY_DESK).notice, /cannot print a receipt/)
    const ids = view('showingBalance', context, BALANCE).choices.map(({id}) => id)
    t.notOk(ids.includes('printBalance'), printer)
  }
  const offered = view('showingBalance', well, BALANCE).choices.map(({id}) => id)
  t.same(offered, ['printBalance', 'cancel', 'goOn'])
})
