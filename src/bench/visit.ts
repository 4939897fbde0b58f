/** `npm run visit`: one visit, headless, in virtual time; prints what an auditor would want and says by its exit code how it ended. */
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {parseArgs} from 'node:util'
import {multipleOf} from '../../fsm/mix.ts'
import type {EscPosEmulator} from '../../devices/printer/escpos/emulator.ts'
import {DEMO_CARDS} from '../../host/demo.ts'
import type {DemoCard} from '../../host/demo.ts'
import {exportText} from '../../journal/export.ts'
import {VirtualClock, realClock} from '../../kit/clock.ts'
import {BadInput, reasonOf} from '../../kit/errors.ts'
import {lineLog, silentLog} from '../../kit/log.ts'
import {formatAmount, minorUnits, noteCount, parseAmount} from '../../kit/money.ts'
import type {Minor} from '../../kit/money.ts'
import {seededRandom} from '../../kit/random.ts'
import {PIN_PAD_MODELS, PRINTER_MODELS, READER_MODELS} from '../config.ts'
import type {Config, PrinterConfig} from '../config.ts'
import {EXIT_FAULT, EXIT_OK, crashProgram, runProgram, say, sayError} from '../program.ts'
import {Customer} from './customer.ts'
import {ENDINGS, endingOf} from './ending.ts'
import {compareLedgers} from './ledgers.ts'
import type {Account} from './ledgers.ts'
import {parsePlan} from './plan.ts'
import type {Planned} from './plan.ts'
import {PACES} from './pace.ts'
import {BENCH_DISPENSERS} from './rig.ts'
import type {BenchDispenser} from './rig.ts'
import {setTable, tableConfig} from './table.ts'
import type {Table} from './table.ts'

interface Wanted {
  readonly amountMinor: Minor
  readonly card: DemoCard
  readonly pin: string
  readonly plan: readonly Planned[]
  readonly reader: Config['cardReader']['model']
  readonly dispenser: BenchDispenser
  readonly pinPad: Config['pinPad']['model']
  readonly printer: PrinterConfig['model'] | null
  readonly feeMinor: Minor
  readonly seed: string
  readonly verbose: boolean
}

const NOTES = {1: 100, 2: 100, 3: 100, 4: 100} as const
/** Longest visit in virtual time; the slowest plan ends in a few minutes. */
const VISIT_MAX_MS = 3_600_000
/** Longest that a device may keep the program from ending. */
const STOP_MAX_MS = 600_000

const USAGE = `usage: npm run visit -- --withdraw AMOUNT [options]
  --withdraw AMOUNT    such as 60.00
  --card NUMBER        a demo card by its last four digits, or its whole number (default ${lastFour(demoCard(0))})
  --pin DIGITS         4 to 12 digits (default: the card's own)
  --reader MODEL       ${READER_MODELS.join(' or ')} (default crt310)
  --dispenser MODEL    ${BENCH_DISPENSERS.join(' or ')} (default lcdm2000)
  --pin-pad MODEL      ${PIN_PAD_MODELS.join(' or ')} (default szzt)
  --printer MODEL      ${PRINTER_MODELS.join(' or ')} (default: no receipts)
  --fee AMOUNT         fee of the operator (default 0)
  --plan TEXT          what goes wrong: 'dispenser: jam after 2; customer: leaves card', see docs/visit.md
  --seed TEXT          names the run; the same seed draws the same random numbers
  --verbose            the machine's log on standard error
exit codes:
${ENDINGS.map(({code, text}) => `  ${String(code).padEnd(4)}${text}`).join('\n')}
  1   the ledgers disagree, or something is broken
  2   bad input; nothing was journaled`

async function main(args: readonly string[]): Promise<number> {
  const wanted = wantedFrom(args)
  if (wanted === 'help') {
    say(USAGE)
    return EXIT_OK
  }
  const folder = mkdtempSync(join(tmpdir(), 'tellerd-visit-'))
  try {
    return await visit(wanted, folder)
  } finally {
    rmSync(folder, {recursive: true, force: true})
  }
}

async function visit(wanted: Wanted, folder: string): Promise<number> {
  // Certificates are judged by the real date, so virtual time begins there.
  const clock = new VirtualClock(realClock().wallMs())
  const table = await setTable({
    folder,
    bank: 'tls',
    reader: wanted.reader,
    dispenser: wanted.dispenser,
    pinPad: wanted.pinPad,
    ...(wanted.printer === null ? {} : {printer: wanted.printer}),
    feeMinor: wanted.feeMinor,
    notes: NOTES,
    pace: PACES.iron,
    clock,
    random: seededRandom(wanted.seed),
    log: wanted.verbose ? lineLog(clock, sayError, 'debug') : silentLog,
    crash: crashProgram('visit'),
  })
  try {
    table.plans.add(wanted.plan)
    await live(table, clock, wanted)
    return await report(table, wanted)
  } finally {
    await clock.finish(table.stop(), STOP_MAX_MS)
  }
}

/** From start to the end of the visit; then the line comes back, if it was cut, and the bank hears the rest. */
async function live(table: Table, clock: VirtualClock, {card, pin, amountMinor}: Wanted): Promise<void> {
  const {machine, stage, journal} = table
  const {emulators} = stage.rig
  const amountDigits = String(Math.floor(amountMinor / 100))
  const track2 = card.track2.slice(1, -1)
  const customer = new Customer(machine, emulators, clock, {track2, pin, amountDigits}, stage.manners)
  machine.start()
  customer.visit().catch(crashProgram('visit'))
  await clock.runUntil(() => customer.isDone, VISIT_MAX_MS)
  stage.line.restore()
  await clock.runUntil(() => journal.openIntents().length === 0, VISIT_MAX_MS)
}

async function report(table: Table, wanted: Wanted): Promise<number> {
  const {config, journal, machine, stage, bank} = table
  const {currency, terminal} = config
  const rows = journal.rows(1, 10_000)
  say(exportText(rows, {terminal, currency}))
  const {world} = stage.rig.emulators.dispenser
  const {levels} = machine.standing.context
  const noteMinors = new Map(config.cassettes.map(({cassette, noteMinor}) => [cassette, noteMinor]))
  const account = await compareLedgers(journal, world, levels, noteMinors, bank)
  const amount = (minor: number): string => `${currency} ${formatAmount(minorUnits(minor), currency)}`
  say(`customer   ${amount(account.customerMinor)}`)
  for (const {cassette, noteMinor} of config.cassettes)
    say(
      `cassette ${cassette} ${world.cassette[cassette] ?? 0} notes of ${amount(noteMinor)}, reject ${world.reject[cassette] ?? 0}, path ${world.path[cassette] ?? 0}`,
    )
  for (const line of bankLines(account, amount)) say(line)
  for (const line of ticketOf(stage.rig.emulators.printer)) say(`paper      ${line}`)
  const end = endingOf(rows)
  say(`ending     ${end.code}: ${end.text}`)
  say(`seed       ${wanted.seed}`)
  for (const difference of account.differences) sayError(`visit: the ledgers disagree: ${difference}`)
  return account.differences.length > 0 ? EXIT_FAULT : end.code
}

/** The last slip that came out, line by line. */
function ticketOf(printer: EscPosEmulator | null): readonly string[] {
  const {inMouth, tickets} = printer?.remains ?? {inMouth: null, tickets: []}
  return (inMouth ?? tickets.at(-1) ?? []).filter(line => line !== '')
}

function bankLines({settled, suspects}: Account, amount: (minor: number) => string): readonly string[] {
  if (settled.length === 0) return ['bank       nothing was held']
  return settled.map(({key, advice}) => {
    switch (advice.kind) {
      case 'host.complete':
        return `bank       posted ${amount(advice.paidMinor)} and a fee of ${amount(advice.feeMinor)} under ${key}`
      case 'host.reverse':
        return `bank       reversed ${key}: ${advice.because}`
      case 'host.suspect':
        return `bank       keeps the hold of ${suspects.join(', ')}: ${amount(advice.atLeastMinor)} to ${amount(advice.atMostMinor)} may be with the customer`
    }
  })
}

function wantedFrom(args: readonly string[]): Wanted | 'help' {
  const values = parsed(args)
  if (values.help === true) return 'help'
  if (values.withdraw === undefined) throw new BadInput('--withdraw AMOUNT is missing; --help tells more')
  const reader = READER_MODELS.find(model => model === (values.reader ?? 'crt310'))
  if (reader === undefined)
    throw new BadInput(`--reader ${values.reader ?? ''}: must be ${READER_MODELS.join(' or ')}`)
  const dispenser = BENCH_DISPENSERS.find(model => model === (values.dispenser ?? 'lcdm2000'))
  if (dispenser === undefined)
    throw new BadInput(`--dispenser ${values.dispenser ?? ''}: must be ${BENCH_DISPENSERS.join(' or ')}`)
  const pinPad = PIN_PAD_MODELS.find(model => model === (values['pin-pad'] ?? 'szzt'))
  if (pinPad === undefined)
    throw new BadInput(`--pin-pad ${values['pin-pad'] ?? ''}: must be ${PIN_PAD_MODELS.join(' or ')}`)
  const printer = PRINTER_MODELS.find(model => model === values.printer) ?? null
  if (printer === null && values.printer !== undefined)
    throw new BadInput(`--printer ${values.printer}: must be ${PRINTER_MODELS.join(' or ')}`)
  const card = cardNamed(values.card)
  const pin = values.pin ?? card.pin
  if (!/^[0-9]{4,12}$/.test(pin)) throw new BadInput('--pin: must be 4 to 12 digits')
  return {
    amountMinor: payable(amountFrom('--withdraw', values.withdraw), dispenser),
    card,
    pin,
    plan: parsePlan(values.plan ?? ''),
    reader,
    dispenser,
    pinPad,
    printer,
    feeMinor: amountFrom('--fee', values.fee ?? '0'),
    seed: values.seed ?? `seed-${realClock().wallMs()}`,
    verbose: values.verbose === true,
  }
}

function parsed(args: readonly string[]) {
  const text = {type: 'string'} as const
  const flag = {type: 'boolean'} as const
  try {
    return parseArgs({
      args: [...args],
      options: {
        withdraw: text,
        card: text,
        pin: text,
        reader: text,
        dispenser: text,
        'pin-pad': text,
        printer: text,
        fee: text,
        plan: text,
        seed: text,
        verbose: flag,
        help: flag,
      },
    }).values
  } catch (thrown) {
    throw new BadInput(reasonOf(thrown), {cause: thrown})
  }
}

function amountFrom(option: string, text: string): Minor {
  const parsed = parseAmount(text, 'EUR')
  if (parsed.kind === 'refused') throw new BadInput(`${option}: ${parsed.why}`)
  return parsed.amountMinor
}

/** What no screen would let anybody type is bad input; what the cassettes cannot make is a visit that ends without cash. */
function payable(amountMinor: Minor, dispenser: BenchDispenser): Minor {
  const config = tableConfig({folder: '', dispenser, feeMinor: minorUnits(0), notes: NOTES})
  const levels = config.cassettes.map(({cassette, noteMinor}) => ({
    cassette,
    noteMinor,
    count: noteCount(1),
    state: 'ok' as const,
  }))
  const step = multipleOf(levels) ?? minorUnits(1)
  const {amountMaxMinor} = config.payout
  if (amountMinor === 0 || amountMinor % step !== 0)
    throw new BadInput(`--withdraw: must be a multiple of ${formatAmount(step, 'EUR')}`)
  if (amountMinor > amountMaxMinor)
    throw new BadInput(`--withdraw: must be at most ${formatAmount(amountMaxMinor, 'EUR')}`)
  return amountMinor
}

function cardNamed(text: string | undefined): DemoCard {
  if (text === undefined) return demoCard(0)
  const card = DEMO_CARDS.find(({pan}) => pan === text || pan.endsWith(text))
  if (card === undefined || !/^[0-9]{4,19}$/.test(text))
    throw new BadInput(`--card: no demo card ends in that; there are ${DEMO_CARDS.map(lastFour).join(', ')}`)
  return card
}

function demoCard(index: number): DemoCard {
  const card = DEMO_CARDS[index]
  if (card === undefined) throw new BadInput('there is no demo card')
  return card
}

function lastFour({pan}: DemoCard): string {
  return pan.slice(-4)
}

await runProgram('visit', main)
