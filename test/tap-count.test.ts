// The counter decides whether a run is green, so it is held to text that tap really wrote.
import t from 'tap'
import {TapCount} from './tap-count.ts'
import type {FileEnd} from './tap-count.ts'

function countOf(text: string): {count: TapCount; files: FileEnd[]} {
  const files: FileEnd[] = []
  const count = new TapCount(end => files.push(end))
  for (const line of text.split('\n')) count.line(line)
  return {count, files}
}

const GOOD = `TAP version 14
# Subtest: test/a.test.ts
    # Subtest: outer
        # Subtest: inner
            ok 1 - should be equal
            not a line of TAP
            1..1
        ok 1 - inner # time=0.3ms
        1..1
    ok 1 - outer # time=2ms
    # Subtest: with \\# in its name
        ok 1 - should be equal
        1..1
    ok 2 - with \\# in its name
    ok 3 - beside the subtests
    1..3
ok 1 - test/a.test.ts # time=18.6ms
1..1`

t.test('a test is an innermost subtest', t => {
  const {count, files} = countOf(GOOD)
  t.same(count.counts, {passedCount: 2, failedCount: 0, skippedCount: 0})
  t.same(files, [
    {file: 'test/a.test.ts', counts: {passedCount: 2, failedCount: 0, skippedCount: 0}, timeMs: 18.6},
  ])
  t.same(count.failures, [])
  t.end()
})

t.test('two failed assertions of one test are one failed test, told twice with what tap says', t => {
  const {count} = countOf(`# Subtest: test/a.test.ts
    # Subtest: bad
        not ok 1 - numbers
          ---
          at:
            lineNumber: 3
          source: >
            not ok 9 - a line of source is no result
          diff: |
            -2
            +1
          ...
        not ok 2 - again
        ok 3 - fine
        1..3
    not ok 1 - bad # time=2ms
      ---
      isToplevel: true
      ...
    1..1
not ok 1 - test/a.test.ts`)
  t.same(count.counts, {passedCount: 0, failedCount: 1, skippedCount: 0})
  t.same(count.failures, [
    {
      path: ['test/a.test.ts', 'bad', 'numbers'],
      lines: ['at:', '  lineNumber: 3', 'diff: |', '  -2', '  +1'],
    },
    {path: ['test/a.test.ts', 'bad', 'again'], lines: []},
  ])
  t.end()
})

t.test('a file that ends badly fails, although its tests passed', t => {
  const {count} = countOf(`# Subtest: test/b.test.ts
    # Subtest: good
        ok 1 - fine
        1..1
    ok 1 - good
    1..1
not ok 1 - test/b.test.ts # time=210ms
  ---
  cwd: /somewhere
  args:
    - one
  exitCode: 3
  ...
not ok 2 - timeout!
1..2`)
  t.same(count.counts, {passedCount: 1, failedCount: 2, skippedCount: 0})
  t.same(count.failures, [
    {path: ['test/b.test.ts'], lines: ['exitCode: 3']},
    {path: ['timeout!'], lines: []},
  ])
  t.end()
})

t.test('what was skipped or left to do did not pass', t => {
  const {count} = countOf(`# Subtest: test/c.test.ts
    ok 1 - whole # SKIP no chromium
    # Subtest: half
        ok 1 - fine
        ok 2 - chromium # SKIP this machine has no chromium
        1..2
    ok 2 - half
    ok 3 - later # TODO
    1..3
ok 1 - test/c.test.ts
# Subtest: test/d.test.ts
    1..0 # no tests found
ok 2 - test/d.test.ts # SKIP no tests found`)
  t.same(count.counts, {passedCount: 0, failedCount: 0, skippedCount: 4})
  t.same(
    count.skips.map(skip => [skip.path.at(-1), skip.reason]),
    [
      ['whole', 'no chromium'],
      ['chromium', 'this machine has no chromium'],
      ['later', ''],
      ['test/d.test.ts', 'no tests found'],
    ],
  )
  t.end()
})
