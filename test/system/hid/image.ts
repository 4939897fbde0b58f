/**
 * A machine to boot whose kernel has uhid: Debian's kernel, and an initial file system that mounts the host's own
 * file system read-only and starts one program of it. Nothing is installed: packages are fetched and unpacked.
 */
import {execFileSync, spawnSync} from 'node:child_process'
import {copyFileSync, globSync, mkdirSync, rmSync, symlinkSync, writeFileSync} from 'node:fs'
import {basename, join} from 'node:path'
import {SystemFault} from '../../../kit/errors.ts'

/** In the order in which they need each other. */
const MODULES = [
  'virtio/virtio_ring',
  'virtio/virtio',
  'virtio/virtio_pci_modern_dev',
  'virtio/virtio_pci_legacy_dev',
  'virtio/virtio_pci',
  '9p/9pnet',
  '9p/9pnet_virtio',
  'netfs/netfs',
  'fscache/fscache',
  '9p/9p',
  'hid/hid',
  'hid/hid-generic',
  'hid/uhid',
] as const

/** What goes with the kernel: a shell for the first program, and what node-hid is linked against. */
const PACKAGES = ['busybox-static', 'libusb-1.0-0'] as const

/** Emulated processors are slow, and the host may be busy. */
export const GUEST_TIMEOUT_MS = 600_000

export interface GuestImage {
  readonly kernel: string
  readonly initrd: string
}

/**
 * @param folder where packages and image go; what was fetched before is used again
 * @param command the guest's one program and its arguments, as paths of this machine
 * @throws SystemFault when a package cannot be had
 */
export function guestImage(folder: string, command: readonly string[]): GuestImage {
  const root = join(folder, 'root')
  rmSync(root, {recursive: true, force: true})
  const names = [kernelPackage(), ...PACKAGES]
  for (const name of names) execFileSync('dpkg', ['-x', fetched(folder, name), join(folder, name)])
  const [kernelName = '', busyboxName = '', libraryName = ''] = names.map(name => join(folder, name))
  for (const place of ['dev', 'proc', 'sys', 'host', 'modules'])
    mkdirSync(join(root, place), {recursive: true})
  const busybox = join(busyboxName, 'bin', 'busybox')
  copyFileSync(busybox, join(root, 'busybox'))
  symlinkSync('busybox', join(root, 'sh'))
  for (const name of MODULES)
    copyFileSync(
      one(`${kernelName}/lib/modules/*/kernel/**/${name}.ko`),
      join(root, 'modules', `${basename(name)}.ko`),
    )
  writeFileSync(join(root, 'init'), initOf(command, join(libraryName, 'usr', 'lib', 'x86_64-linux-gnu')), {
    mode: 0o755,
  })
  const files = globSync('**/*', {cwd: root}).toSorted()
  const made = spawnSync(busybox, ['cpio', '-o', '-H', 'newc'], {
    cwd: root,
    input: `${files.join('\n')}\n`,
    maxBuffer: 64 * 1024 * 1024,
  })
  if (made.status !== 0) throw new SystemFault(`cpio: ${made.stderr.toString().trim()}`)
  const initrd = join(folder, 'initrd')
  writeFileSync(initrd, made.stdout)
  return {kernel: one(`${kernelName}/boot/vmlinuz-*`), initrd}
}

/** The kernel that Debian's `linux-image-amd64` stands for today. */
function kernelPackage(): string {
  const [, name] = /Depends: (linux-image-\S+)/.exec(apt('apt-cache', ['depends', 'linux-image-amd64'])) ?? []
  if (name === undefined) throw new SystemFault('apt-cache knows no linux-image-amd64: run apt-get update')
  return name
}

/** The package's file, fetched unless it is there. */
function fetched(folder: string, name: string): string {
  const files = () => globSync(`${folder}/${name}_*.deb`)
  if (files().length === 0) apt('apt-get', ['download', '-qq', name], folder)
  return one(`${folder}/${name}_*.deb`)
}

function apt(program: string, args: readonly string[], cwd?: string): string {
  const {status, stdout, stderr, error} = spawnSync(program, args, {cwd, encoding: 'utf8'})
  if (status === 0) return stdout
  throw new SystemFault(`${program} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`)
}

function one(pattern: string): string {
  const [path, ...more] = globSync(pattern)
  if (path === undefined || more.length > 0) throw new SystemFault(`${more.length + 1} files ${pattern}`)
  return path
}

/** The guest's first program. `/tmp` stays the host's, for the checkout may be there; whoever writes does so in /run. */
function initOf(command: readonly string[], libraries: string): string {
  const modules = MODULES.map(name => basename(name)).join(' ')
  const environment = `PATH=/usr/bin:/bin HOME=/run TMPDIR=/run NODE_COMPILE_CACHE=/run/compiled LD_LIBRARY_PATH=${libraries}`
  const words = [...command].map(word => `'${word}'`).join(' ')
  return `#!/sh
b=/busybox
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
for m in ${modules}; do $b insmod /modules/$m.ko; done
$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose host /host
for place in dev proc sys; do $b mount -o bind /$place /host/$place; done
$b mount -t tmpfs run /host/run
$b chroot /host /usr/bin/env -i ${environment} ${words}
$b poweroff -f
`
}
