/** The command line of `tellerd emulate`: read, and checked before anything is touched. */
import {lstatSync, statSync} from 'node:fs'
import {dirname} from 'node:path'
import {parseArgs} from 'node:util'
import {present} from '../../kit/assert.ts'
import {BadInput, reasonOf} from '../../kit/errors.ts'
import type {StandModel} from './stand.ts'
import {STANDS} from './stands.ts'

const USAGE = `usage: tellerd emulate MODEL --link PATH [options]
  --link PATH          where the symbolic link to the pseudo-terminal goes
  --profile NAME       which kind of that model; the first one below when left out
  --world FILE         notes, cards, paper: read if it is there, saved on every change
  --plan TEXT          what goes wrong, such as 'jam after 2'; several parted by ;
  --pace               line and motors as slow as real ones
  --transcript FILE    what is said on the wire is appended to it
  --control SOCKET     takes commands on a Unix socket as well
Once ready it prints one line of JSON. Then each line of standard input is a command: help lists them.`

export interface EmulateOptions {
  readonly model: StandModel
  readonly profile: string
  readonly link: string
  readonly world: string | null
  readonly plan: string | null
  readonly isPaced: boolean
  readonly transcript: string | null
  readonly control: string | null
}

/** @returns `help` when asked for. @throws BadInput naming the argument and what is wrong with it */
export async function emulateOptions(args: readonly string[]): Promise<EmulateOptions | 'help'> {
  const {values, positionals} = parsed(args)
  if (values.help === true) return 'help'
  const [name, ...more] = positionals
  if (more.length > 0) throw new BadInput(`'${more.join(' ')}' is too much for emulate`)
  const model = await modelNamed(name ?? '')
  return {
    model,
    profile: profileNamed(model, values.profile),
    link: checkedLink(values.link),
    world: checkedPath('world', values.world),
    plan: values.plan ?? null,
    isPaced: values.pace === true,
    transcript: checkedPath('transcript', values.transcript),
    control: checkedPath('control', values.control),
  }
}

/** What `--help` says, with every model and its profiles. */
export async function emulateHelp(): Promise<string> {
  const models = await Promise.all(Object.values(STANDS).map(load => load()))
  const rows = models.flatMap(({name, profiles}) =>
    Object.entries(profiles).map(
      ([profile, means], at) => `  ${(at === 0 ? name : '').padEnd(10)} ${profile.padEnd(15)} ${means}`,
    ),
  )
  return [USAGE, 'models, and their profiles:', ...rows].join('\n')
}

function parsed(args: readonly string[]) {
  const text = {type: 'string'} as const
  const flag = {type: 'boolean'} as const
  try {
    return parseArgs({
      args: [...args],
      options: {
        link: text,
        profile: text,
        world: text,
        plan: text,
        pace: flag,
        transcript: text,
        control: text,
        help: flag,
      },
      allowPositionals: true,
    })
  } catch (thrown) {
    throw new BadInput(reasonOf(thrown), {cause: thrown})
  }
}

async function modelNamed(name: string): Promise<StandModel> {
  const load = Object.entries(STANDS).find(([known]) => known === name)?.[1]
  if (load === undefined)
    throw new BadInput(
      `'${name}' is no model that can be emulated; there are ${Object.keys(STANDS).join(', ')}`,
    )
  return load()
}

function profileNamed({name, profiles}: StandModel, profile: string | undefined): string {
  const names = Object.keys(profiles)
  const chosen = profile ?? present(names[0], `a profile of ${name}`)
  if (!names.includes(chosen))
    throw new BadInput(`--profile: ${name} has no '${chosen}'; it has ${names.join(', ')}`)
  return chosen
}

/** A link that a dead program left is replaced; anything else is not ours to remove. */
function checkedLink(path: string | undefined): string {
  if (path === undefined) throw new BadInput('emulate needs --link PATH')
  checkFolder('link', path)
  const there = lstatSync(path, {throwIfNoEntry: false})
  if (there !== undefined && !there.isSymbolicLink())
    throw new BadInput(`--link ${path}: something is there that is no symbolic link`)
  return path
}

function checkedPath(option: string, path: string | undefined): string | null {
  if (path === undefined) return null
  checkFolder(option, path)
  return path
}

function checkFolder(option: string, path: string): void {
  const folder = dirname(path)
  if (statSync(folder, {throwIfNoEntry: false})?.isDirectory() !== true)
    throw new BadInput(`--${option} ${path}: there is no folder ${folder}`)
}
