/**
 * `npm run perf`: what the machine costs, each figure beside a baseline measured in the same minutes; docs/perf.md
 * says how to read it. With `--json` one line of JSON a row. Takes about two minutes; asserts nothing.
 */
import {mkdirSync, mkdtempSync, rmSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {bankRows} from './bank.ts'
import {birthRows} from './birth.ts'
import {inkRows} from './ink.ts'
import {screenRows} from './screen.ts'
import {verifyRows} from './verify.ts'
import {wireRows} from './wire.ts'
import {withdrawalRows} from './withdrawal.ts'
import type {Row} from './measure.ts'

const SUITES: readonly ((folder: string) => Promise<readonly Row[]>)[] = [
  inkRows,
  verifyRows,
  withdrawalRows,
  wireRows,
  birthRows,
  bankRows,
  screenRows,
]

function textOf({name, unit, value, baseline, aim, isReached, latency}: Row): string {
  const against =
    baseline === null
      ? ''
      : `${baseline.name} ${figure(baseline.value)} ${unit}, ${baseline.ratio.toFixed(2)} x`
  return [
    name.padEnd(40),
    `${figure(value)} ${unit}`.padStart(14),
    `  ${against}`.padEnd(44),
    `aim ${aim}`.padEnd(16),
    isReached ? 'reached' : 'missed',
    latency === undefined ? '' : `  p50 ${figure(latency.p50)} ms, p99 ${figure(latency.p99)} ms`,
  ].join('')
}

function figure(value: number): string {
  return value.toFixed(value < 10 && !Number.isInteger(value) ? 3 : 0)
}

// Beside the tree and not in /tmp, which may be memory: the disk is what is measured.
const ground = join(dirname(dirname(import.meta.dirname)), '.cache')
mkdirSync(ground, {recursive: true})
const folder = mkdtempSync(join(ground, 'perf-'))
const isJson = process.argv.includes('--json')
try {
  for (const suite of SUITES)
    for (const row of await suite(folder))
      process.stdout.write(`${isJson ? JSON.stringify(row) : textOf(row)}\n`)
} finally {
  rmSync(folder, {recursive: true, force: true})
}
