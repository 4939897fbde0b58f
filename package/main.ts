/**
 * `npm run package`: the Debian packages `tellerd` and `tellerd-host`, for this machine's architecture, into
 * `.cache/package/` or the folder that is named. `--revision N` tells a build from the one before of the same version.
 */
import {spawnSync} from 'node:child_process'
import {mkdirSync} from 'node:fs'
import {dirname, join, resolve} from 'node:path'
import {parseArgs} from 'node:util'
import {PACKAGES, PINNED_NODE, PackageFault, build, manifestOf} from './build.ts'

const ROOT = dirname(import.meta.dirname)

/** When the last commit was made: the same sources give the same package. */
function builtMsOf(): number {
  const told = process.env['SOURCE_DATE_EPOCH']
  if (told !== undefined) return Number(told) * 1_000
  const {stdout} = spawnSync('git', ['log', '-1', '--format=%ct'], {cwd: ROOT, encoding: 'utf8'})
  const seconds = Number(stdout)
  if (!(seconds > 0)) throw new PackageFault('no git history: set SOURCE_DATE_EPOCH, in seconds')
  return seconds * 1_000
}

const {values, positionals} = parseArgs({options: {revision: {type: 'string'}}, allowPositionals: true})
const out = resolve(positionals[0] ?? join(ROOT, '.cache/package'))
mkdirSync(out, {recursive: true})
const base = manifestOf('.').version
const version = values.revision === undefined ? base : `${base}+${values.revision}`
const builtMs = builtMsOf()
for (const contents of PACKAGES)
  process.stdout.write(`${await build(contents, {version, builtMs, out, node: PINNED_NODE})}\n`)
