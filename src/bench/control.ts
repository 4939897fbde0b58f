/**
 * The control of one stand: one command a line in, one JSON object a line out, in order, from standard input
 * or a socket. It knows the commands that every stand has; the model brings its own.
 */
import {Turns} from '../../devices/wire/turns.ts'
import {BadInput} from '../../kit/errors.ts'
import {writeJson} from '../../kit/exact-json.ts'
import type {Writable} from '../../kit/exact-json.ts'
import type {Fields, Stand, StandCommand, StandModel} from './stand.ts'

/** Longest line that is read, in UTF-16 units; a longer one is answered with an error and passed over. */
const LINE_LENGTH_MAX = 4_096

/** The cable between the device and its host. */
export interface StandCable {
  pull(): Promise<void> | void
  plug(): Promise<void> | void
}

/** What a card holds is not shown, though the file of the world keeps it. */
const HIDDEN_FIELDS: ReadonlySet<string> = new Set(['track1', 'track2', 'track3', 'pan'])

export class StandControl {
  readonly #commands: readonly StandCommand[]
  readonly #after: () => void

  /**
   * @param quit ends the program, after the answer has been written
   * @param after called after every command, before its answer is written
   */
  constructor(model: StandModel, stand: Stand, cable: StandCable, quit: () => void, after: () => void) {
    const help: StandCommand = {
      words: 'help',
      purpose: 'these commands, and the faults that plan takes',
      run: () => ({
        commands: this.#commands.map(({words, purpose}) => `${words}: ${purpose}`),
        faults: model.faults,
      }),
    }
    this.#commands = [help, ...commonCommands(stand, cable, quit), ...stand.commands]
    this.#after = after
  }

  /** Carries one line out; null for an empty one. The answer is one line of JSON. */
  async answer(line: string): Promise<string | null> {
    if (line.trim() === '') return null
    try {
      const {command, args} = this.#find(line)
      const fields = await command.run(args)
      this.#after()
      return writeJson(fields)
    } catch (thrown) {
      if (!(thrown instanceof BadInput)) throw thrown
      return writeJson({error: thrown.message})
    }
  }

  /** The error does not repeat the line: somebody may have typed a PIN where it does not belong. */
  #find(line: string): {readonly command: StandCommand; readonly args: readonly string[]} {
    const fits = this.#commands.flatMap(command => {
      const args = argumentsOf(command.words, line)
      return args === null ? [] : [{command, args}]
    })
    const [first, ...more] = fits
    if (first === undefined) throw new BadInput('no command fits that line; help lists them')
    return more.reduce((best, one) => (one.args.length < best.args.length ? one : best), first)
  }
}

/** What stands in the places of the upper-case words, or null when the line is another command. */
function argumentsOf(words: string, line: string): readonly string[] | null {
  const wanted = words.split(' ')
  const pattern = wanted.map((word, at) => {
    if (!/^[A-Z]+$/.test(word)) return word
    return at === wanted.length - 1 ? '(.+)' : String.raw`(\S+)`
  })
  const match = new RegExp(String.raw`^\s*${pattern.join(String.raw`\s+`)}\s*$`).exec(line)
  return match === null ? null : match.slice(1).map(text => text.trim())
}

function commonCommands(stand: Stand, cable: StandCable, quit: () => void): readonly StandCommand[] {
  return [
    {words: 'show world', purpose: 'all that a power cut does not take', run: () => shownOf(stand.world())},
    {
      words: 'show transcript',
      purpose: 'what was said on the wire lately, oldest first',
      run: () => ({transcript: stand.transcript.map(({from, hex}) => ({from, hex}))}),
    },
    {
      words: 'plan TEXT',
      purpose: 'arranges what goes wrong; several faults are parted by ;',
      run: ([text = '']) => {
        stand.plan(text)
        return {planned: text}
      },
    },
    {
      words: 'pull cable',
      purpose: 'the port vanishes under the host',
      run: async () => {
        await cable.pull()
        return {cable: 'pulled'}
      },
    },
    {
      words: 'plug cable',
      purpose: 'the port comes back under the same link',
      run: async () => {
        await cable.plug()
        return {cable: 'plugged'}
      },
    },
    {
      words: 'cut power',
      purpose: 'motion stops where it is, memory is lost, the world stays',
      run: () => {
        stand.powerCut()
        return {power: 'off'}
      },
    },
    {
      words: 'restore power',
      purpose: 'the device starts again',
      run: () => {
        stand.powerOn()
        return {power: 'on'}
      },
    },
    {
      words: 'quit',
      purpose: 'ends the emulator and removes the link',
      run: () => {
        quit()
        return {ended: true}
      },
    },
  ]
}

function shownOf(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      HIDDEN_FIELDS.has(name) ? '[secret]' : value === undefined ? value : shownValue(value),
    ]),
  )
}

function shownValue(value: Writable): Writable {
  if (isList(value)) return value.map(shownValue)
  return isFields(value) ? shownOf(value) : value
}

function isList(value: Writable): value is readonly Writable[] {
  return Array.isArray(value)
}

function isFields(value: Writable): value is Fields {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** Cuts text into lines; null stands for one that was too long. */
class Lines {
  #rest = ''
  #isTooLong = false

  push(chunk: string): readonly (string | null)[] {
    const pieces = (this.#rest + chunk).split('\n')
    const rest = pieces.pop() ?? ''
    const lines = pieces.map((piece, at) =>
      (at === 0 && this.#isTooLong) || piece.length > LINE_LENGTH_MAX ? null : piece,
    )
    this.#isTooLong = rest.length > LINE_LENGTH_MAX || (this.#isTooLong && lines.length === 0)
    this.#rest = this.#isTooLong ? '' : rest
    return lines
  }
}

/** Where lines come from: standard input or a socket. */
export interface TextSource {
  setEncoding(encoding: 'utf8'): unknown
  on(event: 'data', listener: (chunk: string) => void): unknown
}

/** Carries out what comes from there, in order, and writes each answer before the next begins. @param crash for a mistake of ours */
export function serveControl(
  control: StandControl,
  source: TextSource,
  write: (line: string) => void,
  crash: (thrown: unknown) => void,
): void {
  const lines = new Lines()
  const turns = new Turns()
  source.setEncoding('utf8')
  source.on('data', chunk => {
    for (const line of lines.push(chunk)) {
      const work = async (): Promise<void> => {
        const answer =
          line === null ? writeJson({error: 'that line is too long'}) : await control.answer(line)
        if (answer !== null) write(answer)
      }
      turns.take(work).catch(crash)
    }
  })
}
