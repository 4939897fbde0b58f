/** `npm run visit` as a program: its exit codes, its bad-input lines, and the same seed giving the same visit. */
import t from 'tap'
import {spawn} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {ENDINGS} from '../../src/bench/ending.ts'
import {FAULTS} from '../../src/bench/plan.ts'

const ROOT = join(import.meta.dirname, '..', '..')

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function visit(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join('src', 'bench', 'visit.ts'), ...args], {cwd: ROOT})
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.once('error', reject)
    child.once('close', code => {
      resolve({code, out, err})
    })
  })
}

t.test('a full payout over TLS', async t => {
  const {code, out, err} = await visit('--withdraw', '60.00', '--seed', 'a')
  t.equal(code, 0, err)
  t.match(out, /customer {3}EUR 60\.00/)
  t.match(out, /cassette 1 97 notes/)
  t.match(out, /bank {7}posted EUR 60\.00/)
  t.match(out, /ending {5}0: paid in full/)
  t.match(out, /476173\*{6}0010/)
  t.notMatch(out, /4761739001010010|1234567890/, 'no card number and no track data')
})

t.test('every other dispenser pays as well, from as many cassettes as it has', async t => {
  for (const [dispenser, cassettes] of [
    ['lcdm1000', 1],
    ['lcdm4000', 4],
    ['lcdm4000-serial', 4],
    ['reference', 2],
  ] as const) {
    const {code, out, err} = await visit('--withdraw', '60.00', '--dispenser', dispenser, '--seed', 'a')
    t.equal(code, 0, `${dispenser}: ${err}`)
    t.equal(out.match(/^cassette \d /gm)?.length, cassettes, dispenser)
  }
})

t.test('readers that cannot hold a card serve as well', async t => {
  for (const reader of ['magtek', 'magtek-insert']) {
    const {code, out, err} = await visit('--withdraw', '60.00', '--reader', reader, '--seed', 'a')
    t.equal(code, 0, `${reader}: ${err}`)
    t.match(out, /card taken/)
  }
  const left = await visit(
    '--withdraw',
    '60.00',
    '--reader',
    'magtek-insert',
    '--plan',
    'customer: leaves card',
  )
  t.equal(left.code, 12, 'no cash while the card stands in the slot')
})

const ROWS: readonly (readonly [number, readonly string[]])[] = [
  [10, ['--withdraw', '500.00', '--card', '0028']],
  [11, ['--withdraw', '60.00', '--pin', '9999']],
  [12, ['--withdraw', '60.00', '--plan', 'customer: leaves card']],
  [13, ['--withdraw', '60.00', '--plan', 'dispenser: jam after 2']],
  [14, ['--withdraw', '60.00', '--plan', 'dispenser: answer lost']],
  [15, ['--withdraw', '30.00']],
  [16, ['--withdraw', '60.00', '--plan', 'customer: cancels in choosingService']],
  [17, ['--withdraw', '60.00', '--plan', 'dispenser: cable pulled']],
  [18, ['--withdraw', '60.00', '--plan', 'dispenser: overpay']],
]

t.test('every way of ending has its own exit code', async t => {
  for (const [ending, args] of ROWS) {
    const {code, out, err} = await visit(...args)
    t.equal(code, ending, `${args.join(' ')}: ${err}`)
    t.match(out, new RegExp(`ending {5}${ending}: `))
  }
  const codes = ENDINGS.map(({code}) => code)
  t.strictSame(
    codes.toSorted((a, b) => a - b),
    [0, ...ROWS.map(([code]) => code)],
    'each ending is played',
  )
})

const BAD: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['no amount', [], /--withdraw AMOUNT is missing/],
  ['no multiple', ['--withdraw', '61.00'], /--withdraw: must be a multiple of 10\.00/],
  ['nothing', ['--withdraw', '0'], /--withdraw: must be a multiple/],
  ['too much', ['--withdraw', '1010.00'], /--withdraw: must be at most 1000\.00/],
  ['no amount at all', ['--withdraw', '6e1'], /--withdraw: '6e1' is not a plain decimal amount/],
  ['a PIN of letters', ['--withdraw', '60', '--pin', 'abc'], /--pin: must be 4 to 12 digits/],
  ['an unknown card', ['--withdraw', '60', '--card', '1'], /--card: no demo card/],
  ['an unknown device', ['--withdraw', '60', '--plan', 'camera: jam'], /plan: 'camera' is none of/],
  [
    'an unknown fault',
    ['--withdraw', '60', '--plan', 'dispenser: explodes'],
    /plan: dispenser knows no 'explodes'/,
  ],
  [
    'an unknown state',
    ['--withdraw', '60', '--plan', 'reader: eject jam in limbo'],
    /plan: 'limbo' is no state/,
  ],
  [
    'a fault of another model',
    ['--withdraw', '60', '--plan', 'dispenser: shutter blocked'],
    /this dispenser cannot do/,
  ],
  [
    'a jam in a reader without a motor',
    ['--withdraw', '60', '--reader', 'magtek', '--plan', 'reader: eject jam'],
    /this reader cannot do 'eject jam'/,
  ],
  ['an unknown option', ['--withdraw', '60', '--hurry'], /hurry/],
  ['an unknown reader', ['--withdraw', '60', '--reader', 'none'], /--reader none: must be/],
  ['an unknown dispenser', ['--withdraw', '60', '--dispenser', 'f57'], /--dispenser f57: must be/],
]

t.test('bad input is one line and exit 2, and nothing was journaled', async t => {
  for (const [name, args, line] of BAD) {
    const {code, out, err} = await visit(...args)
    t.equal(code, 2, name)
    t.match(err, line, name)
    t.equal(err.trimEnd().split('\n').length, 1, `${name}: one line`)
    t.equal(out, '', `${name}: no journal is printed`)
  }
})

t.test('its page lists every ending and every fault', async t => {
  const page = readFileSync(join(ROOT, 'docs', 'visit.md'), 'utf8')
  const rows = page.split('\n')
  for (const {code, text} of ENDINGS) t.ok(rows.includes(`| ${code} | ${text} |`), `exit ${code}`)
  for (const {target, name, takesNotes} of FAULTS) {
    const row = rows.find(line => line.startsWith(`| \`${target}\` |`))
    t.ok(row?.includes(`\`${name}\``), `${target}: ${name}`)
    const counted = rows.find(line => line.endsWith('take `after N`.'))
    if (takesNotes) t.ok(counted?.includes(`\`${name}\``), `${name} takes notes`)
  }
})
