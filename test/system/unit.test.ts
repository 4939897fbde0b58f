// The systemd unit, judged by systemd itself without booting: it is well-formed, starts a command that exists,
// and exposes no more than it needs.
import {spawnSync} from 'node:child_process'
import {chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import t from 'tap'
import {skipUnless, systemdAnalyzePath} from '../needs.ts'

const ROOT = dirname(dirname(import.meta.dirname))
const UNIT = readFileSync(join(ROOT, 'systemd/tellerd.service'), 'utf8')

/** Ten times the exposure that systemd-analyze may find; a bare unit of root's has 96. */
const EXPOSURE_TENTHS_MAX = 20

interface Judged {
  readonly status: number | null
  readonly text: string
}

/** Runs systemd-analyze on a unit whose program is really there. */
function judge(path: string, unit: string, args: readonly string[]): Judged {
  const folder = mkdtempSync(join(tmpdir(), 'tellerd-unit-'))
  try {
    const program = join(folder, 'bin', 'tellerd')
    mkdirSync(dirname(program))
    writeFileSync(program, '#!/bin/sh\n')
    chmodSync(program, 0o755)
    const file = join(folder, 'tellerd.service')
    writeFileSync(file, unit.replace('/usr/bin/tellerd', program))
    const {status, stdout, stderr} = spawnSync(path, [...args, file], {encoding: 'utf8', timeout: 60_000})
    return {status, text: stdout + stderr}
  } finally {
    rmSync(folder, {recursive: true})
  }
}

t.test('systemd accepts the unit, and would refuse a slip in it', t => {
  const path = systemdAnalyzePath()
  if (!skipUnless(t, path, 'systemd-analyze')) return t.end()
  const verify = (unit: string): Judged => judge(path, unit, ['verify', '--recursive-errors=no'])
  t.same(verify(UNIT), {status: 0, text: ''})
  for (const slip of [
    UNIT.replace('ProtectSystem=strict', 'ProtectSystems=strict'),
    UNIT.replace('Type=exec', 'Type=quick'),
    UNIT.replace('ExecStart=/usr/bin/tellerd', 'ExecStart=/usr/bin/teller'),
  ])
    t.not(verify(slip).status, 0, 'a slip is seen')
  return t.end()
})

t.test('the unit exposes no more than it needs', t => {
  const path = systemdAnalyzePath()
  if (!skipUnless(t, path, 'systemd-analyze')) return t.end()
  const args = ['security', '--offline=true', '--no-pager', `--threshold=${EXPOSURE_TENTHS_MAX}`]
  const {status, text} = judge(path, UNIT, args)
  const exposure = /Overall exposure level.*: ([0-9.]+)/.exec(text)?.[1]
  t.equal(status, 0, `exposure ${exposure ?? 'unknown'}`)
  t.comment(`exposure ${exposure ?? 'unknown'}`)
  const open = judge(
    path,
    UNIT.replace('CapabilityBoundingSet=\n', '').replace('ProtectSystem=strict\n', ''),
    args,
  )
  t.not(open.status, 0, 'a more open unit is over the threshold')
  return t.end()
})

t.test('what the unit starts is what the command line offers', t => {
  const words = /^ExecStart=\/usr\/bin\/tellerd (\S+) (\S+) \S+$/m.exec(UNIT)
  const {status, stdout} = spawnSync(process.execPath, [join(ROOT, 'src/cli.ts'), '--help'], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  t.equal(status, 0)
  t.match(stdout, new RegExp(`^ +${words?.[1] ?? 'no subcommand'} `, 'm'))
  t.match(stdout, words?.[2] ?? 'no option')
  t.end()
})

t.test('what Node and serial ports cannot live with is not switched on', t => {
  t.notMatch(UNIT, /^(MemoryDenyWriteExecute|PrivateDevices)=yes/m)
  for (const device of ['char-ttyS', 'char-ttyUSB', 'char-ttyACM'])
    t.match(UNIT, `DeviceAllow=${device} rw\n`)
  t.end()
})
