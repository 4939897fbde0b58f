/** Where runs keep their files, and what every run of one process shares. */
import {existsSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {bankTemplate} from './bank.ts'
import {play} from './run.ts'
import type {Outcome, RunOptions} from './run.ts'

/** Memory where there is some: what a cut leaves of a file is simulated, and need not be waited for. */
const MEMORY = '/dev/shm'

/** A seed and what of it is played. */
export type Played = Pick<RunOptions, 'seed'> &
  Partial<Pick<RunOptions, 'only' | 'scene' | 'isThorough' | 'watch' | 'pace' | 'begun' | 'customersMax'>>

export class Ground {
  readonly #folder: string
  readonly #bankTemplate: string

  private constructor(folder: string, template: string) {
    this.#folder = folder
    this.#bankTemplate = template
  }

  static async open(): Promise<Ground> {
    const folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'tellerd-sim-'))
    return new Ground(folder, await bankTemplate(folder))
  }

  play(played: Played): Promise<Outcome> {
    return play({
      only: null,
      scene: null,
      isThorough: false,
      watch: null,
      pace: null,
      ...played,
      folder: join(this.#folder, 'run'),
      bankTemplate: this.#bankTemplate,
    })
  }

  close(): void {
    rmSync(this.#folder, {recursive: true, force: true})
  }
}
