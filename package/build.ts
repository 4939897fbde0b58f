/** The Debian packages: what is in each, and how one is made of the sources. */
import {globSync, mkdirSync, mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {HOST, TELLERD, bundle} from './bundle.ts'
import type {Architecture, Program} from './bundle.ts'
import {pack, treeAt} from './debian.ts'
import type {Tree} from './debian.ts'

const ROOT = dirname(import.meta.dirname)
const ARCHITECTURES: Readonly<Record<Architecture, string>> = {x64: 'amd64', arm64: 'arm64'}

/** One package. */
export interface Contents {
  readonly program: Program
  /** Source and place of everything besides the bundle and what every package has. */
  readonly files: readonly (readonly [from: string, to: string, mode?: number])[]
}

export const PACKAGES: readonly Contents[] = [
  {
    program: TELLERD,
    files: [
      ['package/tellerd/tellerd.pl', 'usr/bin/tellerd', 0o755],
      ['systemd/tellerd.service', 'lib/systemd/system/tellerd.service'],
      ['systemd/tellerd-console@.service', 'lib/systemd/system/tellerd-console@.service'],
      ['systemd/tellerd-verify.service', 'lib/systemd/system/tellerd-verify.service'],
      ['systemd/tellerd-verify.timer', 'lib/systemd/system/tellerd-verify.timer'],
      ['systemd/tellerd-kiosk.service', 'lib/systemd/system/tellerd-kiosk.service'],
      ['systemd/tellerd-kiosk.policies.json', 'etc/chromium/policies/managed/tellerd-kiosk.json'],
      ['systemd/tellerd-kiosk.sysusers', 'usr/lib/sysusers.d/tellerd-kiosk.conf'],
      ['systemd/tellerd.sysusers', 'usr/lib/sysusers.d/tellerd.conf'],
      ['systemd/tellerd.tmpfiles', 'usr/lib/tmpfiles.d/tellerd.conf'],
      ['systemd/tellerd.udev', 'lib/udev/rules.d/60-tellerd.rules'],
      ['systemd/tellerd.catalog', 'usr/lib/systemd/catalog/tellerd.catalog'],
      ...['reader', 'pinpad', 'dispenser'].map(
        link => ['systemd/device.conf', `lib/systemd/system/dev-tellerd-${link}.device.d/wait.conf`] as const,
      ),
      ['docs/install.md', 'usr/share/doc/tellerd/install.md'],
      ['docs/operations.md', 'usr/share/doc/tellerd/operations.md'],
      ['docs/screen.md', 'usr/share/doc/tellerd/screen.md'],
    ],
  },
  {
    program: HOST,
    files: [
      ['package/tellerd-host/tellerd-host.sh', 'usr/bin/tellerd-host', 0o755],
      ['systemd/tellerd-host.service', 'lib/systemd/system/tellerd-host.service'],
      ['systemd/tellerd-host.sysusers', 'usr/lib/sysusers.d/tellerd-host.conf'],
      ['package/tellerd-host/host.json', 'etc/tellerd-host/host.json'],
      ['docs/host.md', 'usr/share/doc/tellerd-host/host.md'],
    ],
  },
]

export interface Build {
  readonly version: string
  /** The time of every file in it. */
  readonly builtMs: number
  /** Folder for the package. */
  readonly out: string
  /** The Node that goes with it. */
  readonly node: string
}

/** This machine's, as npm names it. */
const ARCHITECTURE: Architecture = process.arch === 'arm64' ? 'arm64' : 'x64'

/** The Node that the sources are pinned to. */
export const PINNED_NODE = join(ROOT, `node_modules/node-linux-${ARCHITECTURE}/bin/node`)

/** @returns the package's path. @throws PackageFault when it cannot be packed */
export async function build(contents: Contents, {version, builtMs, out, node}: Build): Promise<string> {
  const {name} = contents.program
  const folder = mkdtempSync(join(tmpdir(), 'tellerd-package-'))
  try {
    const bundled = join(folder, 'bundle')
    mkdirSync(bundled)
    const inputs = await bundle(contents.program, bundled, ARCHITECTURE)
    const tree = treeAt(join(folder, 'tree'))
    for (const path of globSync('**', {cwd: bundled, withFileTypes: true}))
      if (path.isFile()) {
        const from = join(path.parentPath, path.name)
        tree.copy(from, `usr/lib/${name}${from.slice(bundled.length)}`)
      }
    tree.copy(node, `usr/lib/${name}/node`, 0o755)
    for (const [from, to, mode] of contents.files) tree.copy(join(ROOT, from), to, mode)
    for (const script of ['postinst', 'prerm', 'postrm'])
      tree.copy(join(ROOT, 'package', name, script), `DEBIAN/${script}`, 0o755)
    for (const page of globSync('*.[1-8]', {cwd: join(ROOT, 'package', name)}))
      tree.writeGzip(
        `usr/share/man/man${page.slice(-1)}/${page}.gz`,
        readFileSync(join(ROOT, 'package', name, page), 'utf8'),
      )
    const settings = contents.files.map(([, to]) => to).filter(to => to.startsWith('etc/'))
    if (settings.length > 0) tree.write('DEBIAN/conffiles', settings.map(to => `/${to}\n`).join(''))
    tree.copy(join(ROOT, 'package', name, 'lintian-overrides'), `usr/share/lintian/overrides/${name}`)
    describe(tree, name, version, builtMs, inputs)
    const control = readFileSync(join(ROOT, 'package', name, 'control'), 'utf8')
      .replace('{version}', version)
      .replace('{architecture}', ARCHITECTURES[ARCHITECTURE])
    const file = join(out, `${name}_${version}_${ARCHITECTURES[ARCHITECTURE]}.deb`)
    const why = pack(tree, control, builtMs, file)
    if (why !== null) throw new PackageFault(`${file}: ${why}`)
    return file
  } finally {
    rmSync(folder, {recursive: true})
  }
}

/** Something outside this program did not do its part. */
export class PackageFault extends Error {
  override readonly name = 'PackageFault'
}

/** What Debian wants to know of every package: its changes and its licences. */
function describe(
  tree: Tree,
  name: string,
  version: string,
  builtMs: number,
  inputs: readonly string[],
): void {
  const docs = `usr/share/doc/${name}`
  const date = new Date(builtMs).toUTCString().replace('GMT', '+0000')
  tree.writeGzip(
    `${docs}/changelog.gz`,
    `${name} (${version}) bookworm; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- Tellerd <maintainers@tellerd.example>  ${date}\n`,
  )
  tree.writeGzip(`${docs}/CHANGELOG.md.gz`, readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'))
  const licences = packagesOf(inputs).map(folder => {
    const paths = globSync(`${folder}/{LICEN[SC]E,license,License}*`, {cwd: ROOT}).toSorted()
    const {version, license} = manifestOf(folder)
    const texts = paths.map(path => readFileSync(join(ROOT, path), 'utf8').trim())
    return `${folder.replace(/^.*node_modules\//, '')} ${version}, ${license}\n\n${texts.join('\n\n')}`
  })
  tree.write(
    `${docs}/copyright`,
    `Copyright 2026 the Tellerd authors

Tellerd is under the Apache License 2.0: /usr/share/common-licenses/Apache-2.0.
What else is in the package, each part under its own licence, is in /${docs}/licences.gz.
`,
  )
  tree.writeGzip(`${docs}/licences.gz`, licences.join('\n\n----\n\n'))
}

/** The folders of the npm packages that these files came from, and Node's own. */
function packagesOf(inputs: readonly string[]): readonly string[] {
  const folders = inputs.flatMap(path => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? [])
  return [...new Set([...folders, `node_modules/node-linux-${process.arch}`])].toSorted()
}

/** The package.json of that folder, from the root. */
export function manifestOf(folder: string): {readonly version: string; readonly license: string} {
  const read: unknown = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'))
  const text = (name: string): string => {
    const value: unknown = typeof read === 'object' && read !== null ? Reflect.get(read, name) : null
    return typeof value === 'string' ? value : 'unknown'
  }
  return {version: text('version'), license: text('license')}
}
