/**
 * `npm run system:hid`: HID devices through the kernel's own uhid and hidraw and through node-hid's real backend,
 * in a machine emulated by QEMU, for few kernels that tests run on have uhid. Needs an x86-64 Debian with
 * `qemu-system-x86`; fetches a kernel of about 70 MB once. No part of `npm test`.
 *
 * Ends with the count alone on a line, and with exit status 1 when anything failed or the machine did not come up.
 */
import {spawn, spawnSync} from 'node:child_process'
import {mkdirSync} from 'node:fs'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {realClock} from '../../../kit/clock.ts'
import {SystemFault} from '../../../kit/errors.ts'
import {EXIT_FAULT, EXIT_OK, runProgram} from '../../../src/program.ts'
import {TapCount} from '../../tap-count.ts'
import {GUEST_TIMEOUT_MS, guestImage} from './image.ts'
import type {GuestImage} from './image.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')

const clock = realClock()

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function qemuArguments({kernel, initrd}: GuestImage): readonly string[] {
  const machine = '-accel tcg,thread=multi -smp 2 -cpu max -m 1024 -M q35 -display none -nodefaults'
  return [
    ...machine.split(' '),
    ...['-no-user-config', '-no-reboot', '-serial', 'stdio', '-kernel', kernel, '-initrd', initrd],
    ...['-append', 'console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on rdinit=/init'],
    ...['-virtfs', 'local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap'],
  ]
}

/** @throws SystemFault when this machine cannot emulate another */
async function run(): Promise<{readonly passedCount: number; readonly failedCount: number}> {
  if (spawnSync('qemu-system-x86_64', ['--version']).status !== 0)
    throw new SystemFault('there is no qemu-system-x86_64 here: apt-get install qemu-system-x86')
  const folder = join(ROOT, '.cache', 'hid')
  mkdirSync(folder, {recursive: true})
  const image = guestImage(folder, [process.execPath, join(import.meta.dirname, 'guest.ts')])
  const count = new TapCount(end => {
    say(`${end.counts.failedCount > 0 ? 'FAIL' : 'ok  '} ${end.file}`)
  })
  const qemu = spawn('qemu-system-x86_64', qemuArguments(image), {stdio: ['ignore', 'pipe', 'inherit']})
  const started = new Promise<void>((resolve, reject) => {
    qemu.once('spawn', resolve)
    qemu.once('error', error => {
      reject(new SystemFault(`qemu-system-x86_64 does not start: ${error.message}`, {cause: error}))
    })
  })
  const closed = new Promise(resolve => qemu.once('close', resolve))
  await started
  const timer = clock.after(GUEST_TIMEOUT_MS, () => qemu.kill('SIGKILL'))
  const lines: string[] = []
  for await (const line of createInterface({input: qemu.stdout})) {
    lines.push(line)
    count.line(line)
  }
  await closed
  timer.cancel()
  for (const failure of count.failures) {
    say(`\nFAIL ${failure.path.join(' > ')}`)
    for (const line of failure.lines) say(`     ${line}`)
  }
  const {passedCount, failedCount} = count.counts
  // The plan is the last that a run says which came to its end.
  if (lines.some(line => /^1\.\.[1-9]/.test(line))) return {passedCount, failedCount}
  say(['FAIL the guest did not come to its end; its last words:', ...lines.slice(-40)].join('\n     '))
  return {passedCount, failedCount: failedCount + 1}
}

await runProgram('system:hid', async () => {
  const {passedCount, failedCount} = await run()
  say(`${passedCount} passed, ${failedCount} failed`)
  return failedCount === 0 ? EXIT_OK : EXIT_FAULT
})
