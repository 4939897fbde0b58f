/**
 * One program and all it imports as one JavaScript file in a folder, the native addons and the pages beside it. What a start
 * costs is decided here: docs/perf.md has the figures.
 */
import {cpSync, writeFileSync} from 'node:fs'
import {createRequire, isBuiltin} from 'node:module'
import {basename, dirname, join} from 'node:path'
import {build} from 'esbuild'
import type {BuildOptions, Plugin} from 'esbuild'

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
  /** Files of packages that it reads; they lie beside the main file. */
  readonly besides: readonly string[]
}

export const TELLERD: Program = {
  name: 'tellerd',
  entry: 'src/cli.ts',
  pages: 'src/screen/page',
  threads: ['journal/range-thread.ts', 'src/paper/picture-thread.ts'],
  besides: ['canvaskit-wasm/bin/canvaskit.wasm'],
}
export const HOST: Program = {
  name: 'tellerd-host',
  entry: 'host/main.ts',
  pages: 'host/page',
  threads: [],
  besides: [],
}

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
  const options = optionsOf(program, folder)
  const own = addons(architecture)
  const plain = await build({...options, plugins: [own], write: false})
  const names = builtinNames(plain.outputFiles.map(({text}) => text))
  const {metafile} = await build({...options, plugins: [own, builtins(names)], metafile: true})
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n')
  cpSync(join(ROOT, program.pages), join(folder, 'page'), {recursive: true})
  const require = createRequire(import.meta.url)
  for (const file of program.besides) cpSync(require.resolve(file), join(folder, basename(file)))
  // What a plugin made up has its name before a colon.
  return Object.keys(metafile.inputs)
    .filter(path => !path.includes(':'))
    .toSorted()
}

function optionsOf(program: Program, folder: string): BuildOptions {
  return {
    absWorkingDir: ROOT,
    entryPoints: [
      {in: program.entry, out: program.name},
      ...program.threads.map(source => ({in: source, out: basename(source, '.ts')})),
    ],
    outdir: folder,
    bundle: true,
    // What is imported when it is wanted is run when it is wanted, though all is in one file: a score of small ones takes
    // longer to find and to read than one large one whose functions are compiled when they are called.
    splitting: false,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // Some packages still use what a module does not have.
    banner: {
      js: `import {createRequire} from 'node:module';const require=createRequire(import.meta.url),__dirname=import.meta.dirname;`,
    },
    loader: {'.node': 'copy'},
    assetNames: '[name]',
    legalComments: 'none',
    logLevel: 'warning',
  }
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
      // Of the package the machine uses how Linux opens a port. The rest, two more systems, a dozen parsers and a search
      // for ports by child processes, would be loaded at every start.
      build.onResolve({filter: /^serialport$/}, ({path}) => ({path, namespace: 'serial'}))
      build.onLoad({filter: /./, namespace: 'serial'}, () => ({
        contents: `import {LinuxBinding} from './linux.js'; export const SerialPort = {binding: LinuxBinding}`,
        resolveDir: dirname(serial),
      }))
      build.onResolve({filter: /^\.\/linux-list$/}, ({path}) => ({path, namespace: 'unlisted'}))
      build.onLoad({filter: /./, namespace: 'unlisted'}, () => ({contents: 'exports.linuxList = null'}))
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

/** What is imported from each of Node's own modules, by name, in texts as esbuild writes them. */
function builtinNames(texts: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> {
  const names = new Map<string, Set<string>>()
  for (const text of texts)
    for (const [, list = '', path = ''] of text.matchAll(
      /^import (?:\w+,? ?)?(?:\{([^}]*)\} )?from "([^"]+)";$/gm,
    )) {
      if (!isBuiltin(path)) continue
      const known = names.get(prefixed(path)) ?? new Set()
      names.set(prefixed(path), known)
      for (const item of list.split(',')) {
        const [name = ''] = item.trim().split(' as ')
        if (name !== '') known.add(name)
      }
    }
  return names
}

/**
 * Node's own modules as plain objects of which only what is wanted is read. Importing one as an ES module reads every
 * property of it, and with that loads what hides behind the lazy ones: `node:http` alone brings all of `fetch`.
 */
function builtins(names: ReadonlyMap<string, ReadonlySet<string>>): Plugin {
  return {
    name: 'builtins',
    setup(build) {
      build.onResolve({filter: /./}, ({path, kind}) =>
        isBuiltin(path) && kind === 'import-statement' ? {path: prefixed(path), namespace: 'builtin'} : null,
      )
      build.onLoad({filter: /./, namespace: 'builtin'}, ({path}) => {
        const list = [...(names.get(path) ?? [])].toSorted().join(', ')
        return {
          contents: `const own = process.getBuiltinModule('${path}'); export default own; export const {${list}} = own`,
        }
      })
    },
  }
}

function prefixed(path: string): string {
  return path.startsWith('node:') ? path : `node:${path}`
}
