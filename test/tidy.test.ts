// The habits that determinism, safety and the arrows depend on, held as rules over the whole tree. Each rule is
// first shown a small sample of what it forbids, because a check that cannot fail is a defect itself.
import {globSync, readFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import t from 'tap'
import {arrows, barrels, cycles, unreached} from './tidy/arrows.ts'
import {assertionless, dodges, pragmas, witnesses} from './tidy/proofs.ts'
import {parse} from './tidy/source.ts'
import {ENTRY_POINTS} from './tidy/table.ts'
import {drawnRandomness, globals, rawModules, revealing, staleGrants, units} from './tidy/words.ts'
import type {Complaint, Source} from './tidy/source.ts'

const ROOT = dirname(import.meta.dirname)

function read(pattern: string): [path: string, text: string][] {
  return globSync(pattern, {cwd: ROOT})
    .map(path => path.replaceAll('\\', '/'))
    .toSorted()
    .map(path => [path, readFileSync(join(ROOT, path), 'utf8')])
}

const tree = read('{kit,crypto,fsm,devices,journal,host,package,src,test}/**/*.ts').map(([path, text]) =>
  parse(path, text),
)
const vectors = new Map(read('devices/*/*/vectors.json'))

type Files = Readonly<Record<string, string>>

interface Rule {
  readonly name: string
  readonly check: (sources: readonly Source[], vectors: ReadonlyMap<string, string>) => Complaint[]
  /** Small trees that break the rule, each once, and one that does not. */
  readonly broken: readonly Files[]
  readonly kept: Files
}

const RULES: readonly Rule[] = [
  {
    name: 'imports follow the table',
    check: arrows,
    broken: [
      {'kit/a.ts': `import {b} from '../fsm/b.ts'`},
      {'fsm/a.ts': `import {readFileSync} from 'node:fs'`},
      {'src/screen/a.ts': `import {step} from '../../fsm/session.ts'`},
      {'fsm/a.ts': `import type {Clock} from '../kit/clock.ts'`},
      {'journal/a.ts': `import {step} from '../fsm/session.ts'`},
      {'host/a.ts': `import type {Event} from '../fsm/vocabulary.ts'`},
      {'host/a.ts': `export const x = import('../journal/journal.ts')`},
      {'devices/dispenser/one/a.ts': `import {b} from '../two/b.ts'`},
      {'devices/dispenser/one/a.ts': `import {b} from '../../pin-pad/port.ts'`},
      {'devices/wire/a.ts': `import {b} from '../dispenser/port.ts'`},
      {'src/main.ts': `import {b} from '../devices/dispenser/one/emulator.ts'`},
      {'src/main.ts': `import {b} from './bench/b.ts'`},
      {'src/link/a.ts': `import {b} from '../../host/ledger/book.ts'`},
      {'kit/a.ts': `import t from '../test/needs.ts'`},
      {'elsewhere/a.ts': `export const a = 1`},
    ],
    kept: {
      'journal/a.ts': `import type {Event} from '../fsm/vocabulary.ts'`,
      'devices/dispenser/one/driver.ts': `import {b} from '../world.ts'\nimport {c} from '../../wire/link.ts'`,
      'src/bench/a.ts': `import {b} from '../../devices/dispenser/one/emulator.ts'`,
      'src/link/a.ts': `import {b} from '../../host/api/schema.ts'\nimport {c} from './c.ts'`,
    },
  },
  {
    name: 'no import comes back to where it began',
    check: cycles,
    broken: [
      {'kit/a.ts': `import {b} from './b.ts'`, 'kit/b.ts': `import type {a} from './a.ts'`},
      {'kit/a.ts': `import './b.ts'`, 'kit/b.ts': `import './c.ts'`, 'kit/c.ts': `import './b.ts'`},
    ],
    kept: {
      'kit/a.ts': `import './b.ts'\nimport './c.ts'`,
      'kit/b.ts': `import './c.ts'`,
      'kit/c.ts': `export const c = 1`,
    },
  },
  {
    name: 'no barrel, no star, no default export',
    check: barrels,
    broken: [
      {'kit/a.ts': `export * from './b.ts'`},
      {'kit/a.ts': `export {b} from './b.ts'`},
      {'kit/a.ts': `export default function a() {}`},
      {'kit/a.ts': `const a = 1\nexport default a`},
      {'kit/a.ts': `const a = 1\nexport {a as default}`},
    ],
    kept: {'kit/a.ts': `export function a(kind: string) { switch (kind) { default: return 1 } }`},
  },
  {
    name: 'every file is reached',
    check: sources => unreached(sources, ENTRY_POINTS),
    broken: [
      {'kit/a.ts': `export const a = 1`},
      {'test/fixture.ts': '', 'test/a.test.ts': ''},
      {'kit/a.ts': `export const a = 1`, 'test/a.test.ts': `import '../kit/a.ts'`},
    ],
    kept: {
      'src/cli.ts': `import '../kit/a.ts'`,
      'kit/a.ts': `new URL('./b.ts', import.meta.url)`,
      'kit/b.ts': '',
      'test/a.test.ts': `spawn(process.execPath, ['test/child.ts'])`,
      'test/child.ts': '',
    },
  },
  {
    name: 'time, chance and the process come in by one door each',
    check: globals,
    broken: [
      {'kit/a.ts': `setTimeout(f, 1)`},
      {'test/a.test.ts': `const at = Date.now()`},
      {'src/a.ts': `const at = new Date()`},
      {'fsm/a.ts': `const at = Date.now()`},
      {'src/a.ts': `const at = globalThis.performance.now()`},
      {'host/a.ts': `const n = Math.random()`},
      {'src/a.ts': `console.log(1)`},
      {'src/a.ts': `const x = process.env['HOME']`},
      {'test/a.ts': `process.exit(1)`},
      {'src/a.ts': `const later = {setTimeout}`},
    ],
    kept: {
      'kit/clock.ts': `setTimeout(f, 1); new Date(0)`,
      'test/a.ts': `const x = process.env['CI']`,
      'src/a.ts': `interface A {Date: number}\nfoo.console.log(1)\nconst o = {performance: 1}`,
    },
  },
  {
    name: 'files, sockets and processes are touched where that is the job',
    check: rawModules,
    broken: [
      {'src/a.ts': `import {readFileSync} from 'node:fs'`},
      {'host/a.ts': `import net from 'node:net'`},
    ],
    kept: {
      'host/a.ts': `import type {Socket} from 'node:net'`,
      'test/a.ts': `import {readFileSync} from 'node:fs'`,
    },
  },
  {
    name: 'randomness is injected',
    check: drawnRandomness,
    broken: [{'host/a.ts': `import {randomBytes} from 'node:crypto'`}, {'src/a.ts': `crypto.randomUUID()`}],
    kept: {'kit/random.ts': `randomBytes(4)`, 'host/a.ts': `random.bytes(4)`},
  },
  {
    name: 'a secret is revealed in named files',
    check: revealing,
    broken: [{'journal/a.ts': `const x = pan.reveal()`}],
    kept: {'host/pin.ts': `pin.reveal()`, 'src/a.ts': `reveal()`},
  },
  {
    name: 'no grant outlives its use',
    check: staleGrants,
    broken: [{}, {'kit/clock.ts': `export const nothing = 1`}],
    kept: Object.fromEntries(tree.map(source => [source.path, source.text])),
  },
  {
    name: 'units come last',
    check: units,
    broken: [
      {'src/a.ts': `const ackTimeout = 300`},
      {'src/a.ts': `interface A {readonly delay: number}`},
      {'src/a.ts': `function a(pollInterval: number) {}`},
      {'src/a.ts': `let retryDelay = 5 * 60`},
      {'src/a.ts': `class A { readonly #queueSize = 4 }`},
      {'src/a.ts': `const ANSWER_TIMEOUT_SECONDS = 3`},
      {'src/a.ts': `interface A {timeoutMax: number | null}`},
      {'src/a.ts': `let pinTries = 0`},
      {'src/a.ts': `const rowLimit = 10`},
      {'src/a.ts': `let numNotes = 0`},
    ],
    kept: {
      'src/a.ts': `const ackTimeoutMs = 300, TIMEOUT_MS_MAX = 4, attemptsMax = 3, frameBytesMax = 9, tries = 0
        interface A {timeout: Timer; timeoutCount: number; triesLeft: number}
        const delay = clock.after(1)`,
    },
  },
  {
    name: 'no test is skipped but for want of something named',
    check: dodges,
    broken: [
      {'test/a.test.ts': `t.skip('later')`},
      {'test/a.test.ts': `t.test('x', {skip: true}, t => t.ok(a))`},
      {'test/a.test.ts': `t.todo('x')`},
      {'test/a.test.ts': `t.only('x', t => t.ok(a))`},
      {'test/a.ts': `t.pass('x', {skip: 'no'})`},
    ],
    kept: {
      'test/needs.ts': `t.pass('x', {skip: 'no'})`,
      'test/a.test.ts': `stream.skip(4); reader({skip: 1})`,
    },
  },
  {
    name: 'every test asserts something',
    check: assertionless,
    broken: [
      {'test/a.test.ts': ''},
      {'test/a.test.ts': `t.test('x', t => { run(); t.end() })`},
      {'test/a.test.ts': `t.test('x', async t => { t.pass('fine') })\nt.ok(a)`},
    ],
    kept: {
      'test/a.test.ts': `t.test('x', t => { t.test('y', t => { t.equal(1, a); t.end() }); t.end() })
        t.test('z', t => suite(t, 3))`,
    },
  },
  {
    name: 'coverage is not looked away from',
    check: pragmas,
    // In pieces, or this file would break the rule.
    broken: ['c8', 'istanbul'].map(tool => ({'src/a.ts': `/* ${tool} ignore next */`})),
    kept: {'src/a.ts': `// errors here are ignored on purpose`},
  },
  {
    name: 'every command has a golden frame, and every frame a source',
    check: witnesses,
    broken: [
      {'devices/dispenser/x/bytes.ts': `export const COMMANDS = {a: 1}`},
      {
        'devices/dispenser/x/bytes.ts': `export const COMMANDS = {a: {code: 1}, b: {code: 2}} as const`,
        'devices/dispenser/x/vectors.json': `{"vectors": [{"command": "a", "source": "p. 3"}]}`,
      },
      {
        'devices/dispenser/x/bytes.ts': `export const COMMANDS = {a: {code: 1}}`,
        'devices/dispenser/x/vectors.json': `{"vectors": [{"command": "a", "source": " "}]}`,
      },
      {
        'devices/dispenser/x/bytes.ts': `export const TABLE = {a: 1}`,
        'devices/dispenser/x/vectors.json': `{"vectors": [{"command": "a", "source": "p. 3"}]}`,
      },
    ],
    kept: {
      'devices/dispenser/x/bytes.ts': `export const COMMANDS = {a: {code: 1}} as const satisfies Rows`,
      'devices/dispenser/x/vectors.json': `{"vectors": [{"command": "a", "source": "p. 3"}]}`,
    },
  },
]

function complaintsOf(rule: Rule, files: Files): readonly Complaint[] {
  const paths = Object.entries(files)
  const sources = paths.filter(([path]) => path.endsWith('.ts')).map(([path, text]) => parse(path, text))
  return rule.check(sources, new Map(paths.filter(([path]) => path.endsWith('.json'))))
}

for (const rule of RULES) {
  t.test(rule.name, t => {
    for (const files of rule.broken)
      t.not(complaintsOf(rule, files).length, 0, `is broken by ${JSON.stringify(files)}`)
    t.same(complaintsOf(rule, rule.kept), [], 'is kept by the sample')
    for (const {path, line, says} of rule.check(tree, vectors)) t.fail(`${path}:${line} ${says}`)
    t.end()
  })
}
