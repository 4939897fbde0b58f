/**
 * A slip as a picture, for what no code page holds. It is drawn on a thread of its own, which ends with it: the drawing
 * program takes tens of megabytes and a good part of a second, and the loop that moves money has neither to spare.
 */
import {extname} from 'node:path'
import {Worker} from 'node:worker_threads'
import type {Picture, Receipt} from '../../devices/printer/port.ts'
import type {Clock} from '../../kit/clock.ts'
import {reasonOf} from '../../kit/errors.ts'
import {FONTS_FOLDER, fontsFor} from './fonts.ts'
import type {Drawn} from './fonts.ts'

export type Drawing =
  | ({readonly kind: 'drawn'} & Picture)
  /** No fonts, no letters in them, or no end. */
  | {readonly kind: 'notDrawn'; readonly why: string}

/** @param widthDots of the paper */
export type Draw = (receipt: Receipt, language: Drawn, widthDots: number) => Promise<Drawing>

/** What a thread is to draw. */
export interface Sketch {
  readonly receipt: Receipt
  readonly widthDots: number
  readonly isRightToLeft: boolean
  /** Font files by family, in the order in which they are asked for a letter. */
  readonly families: readonly (readonly string[])[]
}

/** Far longer than the slowest computer in use draws: 1 s on one core of 2 GHz that does three other things. */
const DRAWING_MAX_MS = 20_000

/** @param fontsFolder another in tests */
export function drawingOn(clock: Clock, fontsFolder: string = FONTS_FOLDER): Draw {
  return async (receipt, language, widthDots) => {
    const families = fontsFor(language, fontsFolder)
    if (families === null) return {kind: 'notDrawn', why: `no fonts for ${language} in ${fontsFolder}`}
    const sketch: Sketch = {receipt, widthDots, isRightToLeft: language === 'ar', families}
    // As this file is: TypeScript from the tree, JavaScript from a package.
    const file = new URL(`./picture-thread${extname(import.meta.filename)}`, import.meta.url)
    const thread = new Worker(file, {workerData: sketch})
    return new Promise(resolve => {
      const end = (drawing: Drawing): void => {
        late.cancel()
        void thread.terminate()
        resolve(drawing)
      }
      const late = clock.after(DRAWING_MAX_MS, () => {
        end({kind: 'notDrawn', why: `no picture within ${DRAWING_MAX_MS} ms`})
      })
      thread.once('message', end)
      thread.once('error', (thrown: unknown) => {
        end({kind: 'notDrawn', why: reasonOf(thrown)})
      })
    })
  }
}
