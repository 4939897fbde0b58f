/** `tellerd journal ...`: what an auditor does with a journal, of a machine that runs or of one that does not. Only reads. */
import {availableParallelism} from 'node:os'
import {parseArgs} from 'node:util'
import {exportJsonLines, exportText} from '../../journal/export.ts'
import {verifyInParallel} from '../../journal/parallel.ts'
import {everyRow} from '../../journal/reader.ts'
import type {JournalReader} from '../../journal/reader.ts'
import {timeFromIso} from '../../kit/clock.ts'
import type {Clock} from '../../kit/clock.ts'
import {writeDurably} from '../../kit/durable-file.ts'
import {BadInput, reasonOf} from '../../kit/errors.ts'
import {readConfig} from '../config.ts'
import type {Config} from '../config.ts'
import {verdictPath, verdictText, verdictWords} from '../status/verdict.ts'
import {anchorIn, knownKeys} from './anchors.ts'
import type {Anchor} from './anchors.ts'
import {readWhole} from './copy.ts'
import {DisputeFold} from './dispute.ts'
import {disputeJson, disputeText} from './dispute-pages.ts'

const USAGE = [
  'usage: tellerd journal verify --config FILE',
  '       tellerd journal export --config FILE [--from ROW|DATE] [--to ROW|DATE] [--json]',
  '       tellerd journal dispute REFERENCE --config FILE [--json]',
].join('\n')

const DAY_MS = 86_400_000
/** Rows printed at a time. */
const ROWS_PER_READ = 1_000

export interface Auditor {
  readonly clock: Clock
  readonly say: (text: string) => void
  readonly sayError: (text: string) => void
}

/** @returns whether the journal is as it was written. @throws BadInput, SystemFault */
export async function journalCommand(
  [word = '', ...rest]: readonly string[],
  auditor: Auditor,
): Promise<boolean> {
  const {values, positionals} = parsed(rest)
  const [reference, ...more] = positionals
  if (more.length > 0 || (reference !== undefined) !== (word === 'dispute'))
    throw new BadInput(word === 'dispute' ? `one reference is needed\n${USAGE}` : USAGE)
  if (word !== 'export' && (values.from !== undefined || values.to !== undefined))
    throw new BadInput('--from and --to go with export alone')
  if (word === 'verify' && values.json) throw new BadInput('--json goes with export and dispute')
  if (values.config === undefined) throw new BadInput('--config FILE is missing')
  const config = readConfig(values.config)
  switch (word) {
    case 'verify':
      return verify(config, auditor)
    case 'export': {
      const [from, to] = [boundIn('--from', values.from), boundIn('--to', values.to)]
      await exported(config, auditor, {from, to, isJson: values.json})
      return true
    }
    case 'dispute':
      return disputed(config, auditor, reference ?? '', values.json)
    default:
      throw new BadInput(USAGE)
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        config: {type: 'string'},
        from: {type: 'string'},
        to: {type: 'string'},
        json: {type: 'boolean', default: false},
      },
    })
  } catch (thrown) {
    throw new BadInput(reasonOf(thrown), {cause: thrown})
  }
}

async function verify(config: Config, {clock, say, sayError}: Auditor): Promise<boolean> {
  const known = knownKeys(config)
  const {verdict, oldest, anchors} = await readWhole(config.journal.path, clock, async reader => ({
    verdict: await verifyInParallel(reader.path, availableParallelism()),
    oldest: reader.rows(1, 1)[0]?.seq ?? 1,
    anchors: reader.anchors().map(row => anchorIn(row, config.terminal, known)),
  }))
  const unsigned = anchors.find(anchor => anchor?.verdict === 'notSigned')
  const told =
    verdict.kind === 'whole' && unsigned !== undefined && unsigned !== null
      ? ({kind: 'broken', at: unsigned.seq, why: 'the anchor is not signed'} as const)
      : verdict
  say(verdictWords(told))
  if (oldest > 1) say(`from row ${oldest}: the bank has the rows before, and both have signed for them`)
  say(anchorWords(anchors.flatMap(anchor => anchor ?? [])))
  try {
    writeDurably(verdictPath(config.journal.path), verdictText(told, clock.wallMs()), 0o644)
  } catch (thrown) {
    // An auditor may read where nobody may write; the verdict stands.
    sayError(`the machine is not told: ${reasonOf(thrown)}`)
  }
  return told.kind === 'whole'
}

function anchorWords(anchors: readonly Anchor[]): string {
  const last = anchors.at(-1)
  if (last === undefined) return 'anchors: none; nobody outside has signed for this journal'
  const others = anchors.filter(({verdict}) => verdict === 'otherKeys').length
  const unknown = others === 0 ? '' : `, ${others} of them by keys that are not known here`
  return `anchors: ${anchors.length}${unknown}; the last for row ${last.event.row} at ${last.event.takenAt}`
}

/** A row, or a time from and up to which. */
type Bound = {readonly row: number} | {readonly fromMs: number; readonly toMs: number} | null

function boundIn(name: string, text: string | undefined): Bound {
  if (text === undefined) return null
  if (/^[1-9][0-9]{0,14}$/.test(text)) return {row: Number(text)}
  const isDate = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text)
  const isTime = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$/.test(text)
  const ms = isDate || isTime ? timeFromIso(isDate ? `${text}T00:00:00Z` : text) : null
  if (ms === null)
    throw new BadInput(
      `${name}: '${text}' is no row number, no date 2026-11-22 and no time 2026-11-22T09:00:00Z`,
    )
  return {fromMs: ms, toMs: isDate ? ms + DAY_MS : ms + 1}
}

async function exported(
  {journal, terminal, currency}: Config,
  {clock, say}: Auditor,
  {from, to, isJson}: {readonly from: Bound; readonly to: Bound; readonly isJson: boolean},
): Promise<void> {
  await readWhole(journal.path, clock, reader => {
    const [first, last] = rowsBetween(reader, from, to)
    for (let next = first; next <= last;) {
      const rows = reader.rows(next, Math.min(ROWS_PER_READ, last - next + 1)).filter(({seq}) => seq <= last)
      const end = rows.at(-1)
      if (end === undefined) return
      say((isJson ? exportJsonLines(rows) : exportText(rows, {terminal, currency})).trimEnd())
      next = end.seq + 1
    }
  })
}

/** One stretch without gaps, so that its chain can be followed: clocks may have stepped within it. */
function rowsBetween(reader: JournalReader, from: Bound, to: Bound): readonly [first: number, last: number] {
  let first = from !== null && 'row' in from ? from.row : from === null ? 1 : Number.POSITIVE_INFINITY
  let last = to !== null && 'row' in to ? to.row : to === null ? reader.head().seq : 0
  if (!Number.isFinite(first) || last === 0)
    for (const {seq, atMs} of everyRow(reader)) {
      if (from !== null && 'fromMs' in from && atMs >= from.fromMs) first = Math.min(first, seq)
      if (to !== null && 'toMs' in to && atMs < to.toMs) last = seq
    }
  return [first, last]
}

async function disputed(
  config: Config,
  {clock, say}: Auditor,
  reference: string,
  isJson: boolean,
): Promise<boolean> {
  const {terminal, currency} = config
  const known = knownKeys(config)
  const proved = await readWhole(config.journal.path, clock, async reader => {
    const fold = new DisputeFold(row => anchorIn(row, terminal, known))
    for (const row of everyRow(reader)) fold.add(row)
    const answer = fold.answer(reference)
    if (answer.kind === 'none')
      throw new BadInput(`no operation in this journal has the reference '${reference}'`)
    if (answer.kind === 'several')
      throw new BadInput(`several operations end in '${reference}': ${answer.keys.join(', ')}`)
    const {dispute} = answer
    const {visit: session} = dispute.disputed
    return {
      origin: {terminal, currency},
      dispute,
      visit: session === null ? [] : reader.session(session),
      verdict: await verifyInParallel(reader.path, availableParallelism()),
    }
  })
  say(isJson ? disputeJson(proved) : disputeText(proved))
  return proved.verdict.kind === 'whole' && proved.dispute.anchor?.verdict !== 'notSigned'
}
