/**
 * One program and all it imports as JavaScript in a folder: a file that Node loads at once, a chunk for each part
 * that is loaded when it is wanted, the native addons and the pages beside them.
 */
import {cpSync, writeFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {basename, dirname, join} from 'node:path'
import {build} from 'esbuild'
import type {Plugin} from 'esbuild'

const ROOT = dirname(import.meta.dirname)

/** What a program is made of. */
export interface Program {
  /** Of the bundle's main file, without `.js`. */
  readonly name: string
  /** The source that starts it, from the root. */
  readonly entry: string
  /** Its pages, from the root; they lie in `page/` beside the main file, where the one file that serves them looks. */
  readonly pages: string
  /** Sources that it starts as threads of their own, from the root; each lies beside the main file under its own name. */
  readonly threads: readonly string[]
}

export const TELLERD: Program = {
  name: 'tellerd',
  entry: 'src/cli.ts',
  pages: 'src/screen/page',
  threads: ['journal/range-thread.ts'],
}
export const HOST: Program = {name: 'tellerd-host', entry: 'host/main.ts', pages: 'host/page', threads: []}

export type Architecture = 'x64' | 'arm64'

/**
 * Writes the program into the folder, which is there and empty. The same sources give the same bytes.
 * @returns the files it was made of, from the root
 */
export async function bundle(
  program: Program,
  folder: string,
  architecture: Architecture,
): Promise<readonly string[]> {
  const {metafile} = await build({
    absWorkingDir: ROOT,
    entryPoints: [
      {in: program.entry, out: program.name},
      ...program.threads.map(source => ({in: source, out: basename(source, '.ts')})),
    ],
    outdir: folder,
    bundle: true,
    // What is imported when it is wanted stays in files of its own: the machine does not load every probe.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // Some packages still use what a module does not have.
    banner: {
      js: `import {createRequire} from 'node:module';const require=createRequire(import.meta.url),__dirname=import.meta.dirname;`,
    },
    loader: {'.node': 'copy'},
    assetNames: '[name]',
    chunkNames: '[name]-[hash]',
    plugins: [addons(architecture)],
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n')
  cpSync(join(ROOT, program.pages), join(folder, 'page'), {recursive: true})
  return Object.keys(metafile.inputs).toSorted()
}

/** Each package's search for its native addon becomes the one file for this architecture and Debian's C library. */
function addons(architecture: Architecture): Plugin {
  const require = createRequire(import.meta.url)
  const serial = createRequire(require.resolve('serialport')).resolve('@serialport/bindings-cpp')
  const serialAddon = {
    x64: 'linux-x64/@serialport+bindings-cpp.glibc.node',
    arm64: 'linux-arm64/@serialport+bindings-cpp.armv8.glibc.node',
  }[architecture]
  const found: Readonly<Record<string, string>> = {
    'node-gyp-build': join(dirname(dirname(serial)), 'prebuilds', serialAddon),
    'pkg-prebuilds/bindings': join(
      dirname(require.resolve('node-hid')),
      `prebuilds/HID_hidraw-linux-${architecture}/node-napi-v4.node`,
    ),
  }
  return {
    name: 'addons',
    setup(build) {
      build.onResolve({filter: /^better-sqlite3$/}, ({kind, resolveDir}) =>
        build.resolve(`better-sqlite3/linux-${architecture}`, {kind, resolveDir}),
      )
      build.onResolve({filter: /^(node-gyp-build|pkg-prebuilds\/bindings)$/}, ({path}) => ({
        path,
        namespace: 'addon',
      }))
      build.onLoad({filter: /./, namespace: 'addon'}, ({path}) => ({
        contents: `const addon = require(${JSON.stringify(found[path])}); module.exports = () => addon`,
        resolveDir: ROOT,
      }))
    },
  }
}
