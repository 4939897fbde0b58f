// docs/emulators.md, held to the code: its table of models is printed from the stands, and its sessions run as typed.
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import t from 'tap'
import {emulateHelp} from '../../src/bench/emulate-options.ts'
import {STANDS} from '../../src/bench/stands.ts'
import {ptyAvailable, skipUnless} from '../needs.ts'
import {ROOT, TellerdProcess} from './standing.ts'

const PATH = join(ROOT, 'docs/emulators.md')
const PAGE = readFileSync(PATH, 'utf8')
const TABLE = /(?<=<!-- models -->\n)[^]*?(?=<!-- end -->)/

async function table(): Promise<string> {
  const models = await Promise.all(Object.values(STANDS).map(load => load()))
  const rows = models.flatMap(({name, profiles}) =>
    Object.entries(profiles).map(
      ([profile, means], at) => `| ${at === 0 ? `\`${name}\`` : ''} | \`${profile}\` | ${means} |\n`,
    ),
  )
  return `| model | profile | stands for |\n|---|---|---|\n${rows.join('')}`
}

t.test('the table has every model and profile', async t => {
  // Written anew with TELLERD_WRITE_PAGES=yes.
  if (process.env['TELLERD_WRITE_PAGES'] === 'yes') writeFileSync(PATH, PAGE.replace(TABLE, await table()))
  t.equal(TABLE.exec(readFileSync(PATH, 'utf8'))?.[0], await table())
})

t.test('every option is there', async t => {
  const options = [...(await emulateHelp()).matchAll(/^ {2}(--[a-z]+)/gm)].map(([, option = '']) => option)
  t.ok(options.length >= 6)
  for (const option of options) t.ok(PAGE.includes(`\`${option}`) || option === '--link', option)
})

t.test('its sessions run as typed', async t => {
  if (!skipUnless(t, ptyAvailable(), 'pseudo-terminals')) return
  const folder = mkdtempSync(join(tmpdir(), 'tellerd-page-'))
  t.teardown(() => {
    rmSync(folder, {recursive: true})
  })
  const sessions = [...PAGE.matchAll(/```console\n([^]*?)```/g)].map(([, text = '']) =>
    text.replaceAll('/tmp/rig', folder),
  )
  t.ok(sessions.length >= 2)
  for (const session of sessions) {
    const [command = '', ready = '', ...lines] = session.trimEnd().split('\n')
    const args = command.replace('$ npm run -s tellerd -- ', '').split(' ')
    const one = new TellerdProcess(args)
    t.same(await one.ready(), JSON.parse(ready))
    for (const [at, line] of lines.entries()) {
      if (line.startsWith('{')) continue
      const [before = '', after = ''] = (lines[at + 1] ?? '').split('*')
      await one.ask(line)
      const said = one.out.at(-1) ?? ''
      t.ok(said.startsWith(before) && said.endsWith(after), `${line}: ${said}`)
    }
    t.same(await one.ended(), {code: 0, signal: null})
  }
})
