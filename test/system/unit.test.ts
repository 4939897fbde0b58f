// The systemd units, judged by systemd itself without booting: they are well-formed, start commands that exist, and
// expose no more than they need. test/system/boot.ts boots them.
import {spawnSync} from 'node:child_process'
import {chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {basename, dirname, join} from 'node:path'
import t from 'tap'
import * as dynapro from '../../devices/pin-pad/dynapro/bytes.ts'
import * as magtek from '../../devices/card-reader/magtek/bytes.ts'
import {skipUnless, systemdAnalyzePath} from '../needs.ts'

const ROOT = dirname(dirname(import.meta.dirname))
const UNITS = new Map(
  globSync('systemd/*.{service,timer}', {cwd: ROOT}).map(path => [basename(path), read(path)]),
)
const UNIT = read('systemd/tellerd.service')

/** Ten times the exposure that systemd-analyze may find; a bare unit of root's has 96. */
const EXPOSURE_TENTHS_MAX: Readonly<Record<string, number>> = {
  'tellerd.service': 12,
  'tellerd-host.service': 12,
  'tellerd-verify.service': 2,
  'tellerd-console@.service': 2,
  'tellerd-kiosk.service': 32,
}

interface Judged {
  readonly status: number | null
  readonly text: string
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** Runs systemd-analyze on units whose program and pages are really there. */
function judge(path: string, units: ReadonlyMap<string, string>, args: readonly string[]): Judged {
  const folder = mkdtempSync(join(tmpdir(), 'tellerd-unit-'))
  try {
    const program = join(folder, 'bin', 'tellerd')
    mkdirSync(dirname(program))
    const cage = join(folder, 'bin', 'cage')
    for (const path of [program, `${program}-host`, cage]) {
      writeFileSync(path, '#!/bin/sh\n')
      chmodSync(path, 0o755)
    }
    const files = [...units].map(([name, text]) => {
      const file = join(folder, name)
      writeFileSync(file, text.replaceAll('/usr/bin/tellerd', program).replaceAll('/usr/bin/cage', cage))
      return file
    })
    const {status, stdout, stderr} = spawnSync(path, [...args, ...files], {encoding: 'utf8', timeout: 60_000})
    return {status, text: stdout + stderr}
  } finally {
    rmSync(folder, {recursive: true})
  }
}

t.test('systemd accepts the units, and would refuse a slip in one', t => {
  const path = systemdAnalyzePath()
  if (!skipUnless(t, path, 'systemd-analyze')) return t.end()
  const verify = (units: ReadonlyMap<string, string>): Judged =>
    judge(path, units, ['verify', '--man=no', '--recursive-errors=no'])
  t.same(verify(UNITS), {status: 0, text: ''}, [...UNITS.keys()].join(', '))
  for (const slip of [
    UNIT.replace('ProtectSystem=strict', 'ProtectSystems=strict'),
    UNIT.replace('Type=notify', 'Type=quick'),
    UNIT.replace('ExecStart=/usr/bin/tellerd', 'ExecStart=/usr/bin/teller'),
  ])
    t.not(verify(new Map([['tellerd.service', slip]])).status, 0, 'a slip is seen')
  return t.end()
})

t.test('no unit exposes more than it needs', t => {
  const path = systemdAnalyzePath()
  if (!skipUnless(t, path, 'systemd-analyze')) return t.end()
  const exposed = (name: string, unit: string): Judged => {
    const args = ['security', '--offline=true', '--no-pager', `--threshold=${EXPOSURE_TENTHS_MAX[name] ?? 0}`]
    return judge(path, new Map([[name, unit]]), args)
  }
  for (const [name, unit] of UNITS) {
    if (!name.endsWith('.service')) continue
    const {status, text} = exposed(name, unit)
    const exposure = /Overall exposure level.*: ([0-9.]+)/.exec(text)?.[1] ?? 'unknown'
    t.equal(status, 0, `${name}: exposure ${exposure}`)
    t.comment(`${name}: exposure ${exposure}`)
    for (const line of ['CapabilityBoundingSet=\n', 'ProtectSystem=strict\n', 'PrivateUsers=yes\n'])
      t.not(
        exposed(name, unit.replace(line, '')).status,
        0,
        `${name} without ${line.trim()} is over its threshold`,
      )
  }
  return t.end()
})

t.test('every directive that narrows a unit has its why', t => {
  const paragraphs = UNIT.split(/^\[\w+\]$|\n\n/m)
  for (const paragraph of paragraphs)
    if (/^(Protect|Private|Restrict|SystemCall|Device|Memory|Lock|NoNew|Capability)/m.test(paragraph))
      t.match(paragraph, /^#/m, paragraph.trim())
  t.end()
})

t.test('what the units start is what the command line offers', t => {
  const {status, stdout} = spawnSync(process.execPath, [join(ROOT, 'src/cli.ts'), '--help'], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  t.equal(status, 0)
  for (const [name, unit] of UNITS) {
    if (!name.endsWith('.service') || ['tellerd-host.service', 'tellerd-kiosk.service'].includes(name))
      continue
    const words = /^ExecStart=\/usr\/bin\/tellerd (\S+) (?:(\S+) )?(--\S+) \S+$/m.exec(unit)
    const [, subcommand = 'no subcommand', second = '', option = 'no option'] = words ?? []
    t.match(stdout, new RegExp(`^ +${subcommand} .*${second}`, 'm'), name)
    t.match(stdout, option, name)
  }
  t.end()
})

t.test('what Node, serial ports and HID cannot live without is there', t => {
  t.notMatch(UNIT, /^PrivateDevices=yes/m)
  for (const device of ['char-ttyS', 'char-ttyAMA', 'char-ttyUSB', 'char-ttyACM', 'char-hidraw'])
    t.match(UNIT, `DeviceAllow=${device} rw\n`)
  // V8 ends at the start when its compiler may not write what it runs.
  for (const [name, unit] of UNITS)
    if (unit.includes('MemoryDenyWriteExecute=yes')) t.match(unit, 'NODE_OPTIONS=--jitless', name)
  t.end()
})

t.test('udev names the devices that the drivers know', t => {
  const rules = read('systemd/tellerd.udev')
  const named = (link: string): readonly number[] => {
    const rule = rules.split('\n').find(line => line.includes(`SYMLINK+="tellerd/${link}"`)) ?? ''
    t.match(rule, 'ATTRS{idVendor}=="0801"')
    t.match(rule, 'GROUP="tellerd", MODE="0660"')
    return (/ATTRS\{idProduct\}=="([0-9a-f|]+)"/.exec(rule)?.[1] ?? '').split('|').map(id => parseInt(id, 16))
  }
  t.same([magtek.VENDOR_ID, dynapro.VENDOR_ID], [0x0801, 0x0801])
  t.same(named('reader').map(String).toSorted(), Object.keys(magtek.PRODUCTS).toSorted())
  t.same(named('pinpad'), [dynapro.PRODUCT_ID])
  t.end()
})
