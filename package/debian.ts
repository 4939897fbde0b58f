/** From a folder tree to a Debian package whose bytes depend on nothing but the tree and one moment in time. */
import {spawnSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import {chmodSync, copyFileSync, globSync, lstatSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {gzipSync} from 'node:zlib'

export interface Tree {
  /** Absolute; DEBIAN/ and the installed files below it. */
  readonly root: string
  /** Copies a file to its place. @param mode 0o644, or 0o755 for what is run */
  copy(from: string, to: string, mode?: number): void
  /** Writes a text to its place. */
  write(to: string, text: string, mode?: number): void
  /** Writes a text compressed, without a time in it. */
  writeGzip(to: string, text: string): void
}

export function treeAt(root: string): Tree {
  const place = (to: string): string => {
    const path = join(root, to)
    mkdirSync(dirname(path), {recursive: true})
    return path
  }
  const put = (to: string, content: string | Uint8Array, mode: number): void => {
    const path = place(to)
    writeFileSync(path, content)
    chmodSync(path, mode)
  }
  return {
    root,
    copy(from, to, mode = 0o644) {
      copyFileSync(from, place(to))
      chmodSync(place(to), mode)
    },
    write(to, text, mode = 0o644) {
      put(to, text, mode)
    },
    writeGzip(to, text) {
      put(to, gzipSync(text, {level: 9}), 0o644)
    },
  }
}

/**
 * Adds checksums and sizes, and packs the tree.
 * @param control with {size} where the installed size goes
 * @param builtMs the time of every file in it, to the second
 * @returns why it could not be packed, or null
 */
export function pack(tree: Tree, control: string, builtMs: number, out: string): string | null {
  const files = filesIn(tree.root).filter(path => !path.startsWith('DEBIAN'))
  const bytes = files.map(path => readFileSync(join(tree.root, path)))
  const sums = files.map((path, at) => `${md5(bytes[at] ?? Buffer.alloc(0))}  ${path}\n`)
  const kilobytes = Math.ceil(bytes.reduce((sum, {length}) => sum + length, 0) / 1024)
  tree.write('DEBIAN/md5sums', sums.join(''))
  tree.write('DEBIAN/control', control.replace('{size}', String(kilobytes)))
  // The tree was filled under whatever umask its maker has.
  const folders = globSync('**', {cwd: tree.root}).filter(path => isFolder(join(tree.root, path)))
  for (const path of ['.', ...folders]) chmodSync(join(tree.root, path), 0o755)
  const {status, stderr} = spawnSync(
    'dpkg-deb',
    ['--root-owner-group', '-Zgzip', '--build', tree.root, out],
    {
      encoding: 'utf8',
      env: {PATH: process.env['PATH'], SOURCE_DATE_EPOCH: String(Math.floor(builtMs / 1_000))},
    },
  )
  return status === 0 ? null : stderr
}

function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}

function isFolder(path: string): boolean {
  return lstatSync(path).isDirectory()
}

function filesIn(root: string): readonly string[] {
  return globSync('**', {cwd: root})
    .filter(path => !isFolder(join(root, path)))
    .toSorted()
}
