/** Slips in every language on their way through the printer's bytes: letters where it has them, a picture where not. */
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import t from 'tap'
import type {PrintOutcome, Receipt} from '../devices/printer/port.ts'
import {realClock} from '../kit/clock.ts'
import {silentLog} from '../kit/log.ts'
import type {Log} from '../kit/log.ts'
import {EMPTY_DESK} from '../src/screen/desk.ts'
import {LANGUAGES} from '../src/screen/words.ts'
import type {Language} from '../src/screen/words.ts'
import {FONTS_FOLDER, fontsFor, isDrawn} from '../src/paper/fonts.ts'
import {Paper} from '../src/paper/paper.ts'
import {drawingOn} from '../src/paper/picture.ts'
import {rigOf} from './devices/printer/suite.ts'
import {skipUnless} from './needs.ts'
import {during, withPaper} from './screen/samples.ts'

const GOLDEN = join(import.meta.dirname, 'paper.json')
const LETTERHEAD = {operator: 'Bank of Tests', location: '1 Main Street', phone: '+1 555 0100'}
const context = withPaper(during({bunchCount: 1, receipt: 'wanted'}))

/** Prints one slip; what came out, by the emulator, and what was logged. */
async function printed(language: Language, fontsFolder: string = FONTS_FOLDER) {
  const rig = await rigOf('desktop')
  await rig.run(rig.printer.open())
  const jobs: Receipt[] = []
  const warnings: string[] = []
  const log: Log = {
    ...silentLog,
    warn: (message: string): void => {
      warnings.push(message)
    },
  }
  const paper = new Paper({
    printer: {
      capabilities: rig.printer.capabilities,
      print: (receipt: Receipt): Promise<PrintOutcome> => {
        jobs.push(receipt)
        return Promise.resolve({kind: 'printed', paper: 'ok'})
      },
    },
    letterhead: LETTERHEAD,
    draw: drawingOn(realClock(), fontsFolder),
    clock: rig.clock,
    log,
    timeZone: 'UTC',
  })
  await paper.print('withdrawal', context, {...EMPTY_DESK, language, offered: ['fr', 'en']})
  const [job] = jobs
  const outcome = job === undefined ? null : await rig.run(rig.printer.print(job))
  const ticket = rig.emulator.remains.tickets.at(-1) ?? []
  return {outcome, ticket, warnings, job: job ?? []}
}

t.test('every language comes out, as letters or as a picture, as the golden file says', async t => {
  const drawable = LANGUAGES.filter(isDrawn).every(language => fontsFor(language, FONTS_FOLDER) !== null)
  if (!skipUnless(t, drawable, 'fonts-noto-core and fonts-wqy-microhei')) return
  const came = new Map<string, readonly string[]>()
  for (const language of LANGUAGES) {
    const {outcome, ticket, warnings, job} = await printed(language)
    t.equal(outcome?.kind, 'printed', language)
    t.same(warnings, [], language)
    t.equal(
      job.some(({kind}) => kind === 'picture'),
      isDrawn(language),
    )
    t.notOk(
      ticket.some(line => line.includes('?') && !line.includes('Questions') && !/[¿?] /.test(line)),
      `${language} has every letter`,
    )
    came.set(language, ticket)
  }
  const written = Object.fromEntries(came)
  if (!existsSync(GOLDEN)) {
    writeFileSync(GOLDEN, `${JSON.stringify(written, null, 2)}\n`)
    t.fail('paper.json was missing and is written anew: read it, and keep it')
  }
  t.same(JSON.parse(readFileSync(GOLDEN, 'utf8')), written, 'delete paper.json to have it written anew')
})

t.test('a picture keeps its margins, and holds nothing that a printer would obey', async t => {
  const drawable = fontsFor('ar', FONTS_FOLDER) !== null
  if (!skipUnless(t, drawable, 'fonts-noto-core')) return
  const {job} = await printed('ar')
  const [picture] = job.flatMap(part => (part.kind === 'picture' ? [part] : []))
  t.equal(picture?.widthDots, 480, '40 columns of 12 dots')
  const {bits = new Uint8Array(), heightDots = 0} = picture ?? {}
  const rowBytes = 60
  t.equal(bits.length, rowBytes * heightDots)
  const rows = Array.from({length: heightDots}, (_, row) =>
    bits.subarray(row * rowBytes, (row + 1) * rowBytes),
  )
  const inked = rows.filter(row => row.some(byte => byte !== 0)).length
  t.ok(inked > heightDots / 3, `${inked} of ${heightDots} rows have ink`)
  const isRule = (row: Uint8Array): boolean => row.every(byte => byte === 0xff)
  t.equal(rows.filter(isRule).length, 6, 'three rules, two dots each')
  t.ok(
    rows.every(row => isRule(row) || ((row[0] ?? 0) & 0x80) === 0 || ((row[59] ?? 0) & 1) === 0),
    'no line runs from edge to edge, so none was cut',
  )
})

t.test('without fonts it is printed in another language of the machine, and the log says so', async t => {
  const none = mkdtempSync(join(tmpdir(), 'tellerd-fonts-'))
  const {outcome, ticket, warnings} = await printed('zh', none)
  rmSync(none, {recursive: true})
  t.equal(outcome?.kind, 'printed')
  t.match(ticket.join('\n'), /Retrait/, 'in the first that is offered and has letters')
  t.same(warnings, ['a slip is not in the customer’s language'])
})

t.test('bytes that a printer would obey become other dots', async t => {
  const rig = await rigOf('desktop')
  await rig.run(rig.printer.open())
  const bits = new Uint8Array(60 * 300)
  for (const [at, second] of [0x04, 0x05, 0x14].entries()) bits.set([0x10, second], at * 60 + 7)
  const outcome = await rig.run(rig.printer.print([{kind: 'picture', widthDots: 480, heightDots: 300, bits}]))
  t.equal(outcome.kind, 'printed')
  t.same(
    rig.emulator.remains.tickets.at(-1)?.filter(line => line !== ''),
    ['[picture 480 x 240]', '[picture 480 x 60]'],
    'in bands that every printer takes',
  )
})
