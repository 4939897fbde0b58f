/** Lets the simulator loose on a copy of the sources with one mistake in it. */
import {spawn} from 'node:child_process'
import {cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {SystemFault} from '../../../kit/errors.ts'
import {spoiled} from './planted.ts'
import type {Planted} from './planted.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const SOURCES = ['kit', 'crypto', 'fsm', 'devices', 'journal', 'host', 'src', 'test', 'package.json'] as const

const HELD = / held, 0 broken$/m

/** What came of one mistake. */
export interface Hunted {
  readonly name: string
  /** The promise that broke; null when none did. */
  readonly promise: string | null
  readonly seed: number
}

/** A copy of the tree, in which one mistake after another is planted. */
export class Field {
  readonly #folder: string

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'tellerd-planted-'))
    for (const name of SOURCES) cpSync(join(ROOT, name), join(this.#folder, name), {recursive: true})
    symlinkSync(join(ROOT, 'node_modules'), join(this.#folder, 'node_modules'))
  }

  /** Plants, plays seeds from 1 until a promise breaks, and takes the mistake out again. */
  async hunt(mistake: Planted, seedsMax: number): Promise<Hunted> {
    const path = join(this.#folder, mistake.file)
    const whole = readFileSync(path, 'utf8')
    const text = spoiled(whole, mistake)
    if (text === null) throw new SystemFault(`'${mistake.name}' does not fit ${mistake.file} any more`)
    writeFileSync(path, text)
    try {
      const said = await this.#play(seedsMax)
      const broken = /^BROKEN ([a-z-]+), seed ([0-9]+)/m.exec(said)
      if (broken === null && !HELD.test(said))
        throw new SystemFault(`'${mistake.name}' ended the simulator itself:\n${said.slice(-2_000)}`)
      return {name: mistake.name, promise: broken?.[1] ?? null, seed: Number(broken?.[2] ?? seedsMax)}
    } finally {
      writeFileSync(path, whole)
    }
  }

  /** Whether the sources without any mistake keep every promise over those seeds: else nothing found would prove anything. */
  async isSound(seedsMax: number): Promise<boolean> {
    return HELD.test(await this.#play(seedsMax))
  }

  remove(): void {
    rmSync(this.#folder, {recursive: true, force: true})
  }

  #play(seedsMax: number): Promise<string> {
    const words = [
      '--from',
      '1',
      '--seeds',
      String(seedsMax),
      '--workers',
      '1',
      '--first',
      '--no-ledger',
      '--no-shrink',
    ]
    const child = spawn(process.execPath, [join(this.#folder, 'test/sim/main.ts'), ...words], {
      cwd: this.#folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const chunks: Buffer[] = []
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', () => {
        resolve(Buffer.concat(chunks).toString())
      })
    })
  }
}
