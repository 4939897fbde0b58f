/** The thread that draws one slip: shapes and breaks its lines with Skia, and tells the dots. */
import {existsSync, readFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {join} from 'node:path'
import {parentPort, workerData} from 'node:worker_threads'
import CanvasKitInit from 'canvaskit-wasm'
import type {CanvasKit, Paragraph, TypefaceFontProvider} from 'canvaskit-wasm'
import type {ReceiptPart} from '../../devices/printer/port.ts'
import {present} from '../../kit/assert.ts'
import type {Drawing, Sketch} from './picture.ts'

/** In dots of 1/203 inch: letters of 2.5 mm. */
const LETTER_DOTS = 22
const LARGE_DOTS = 34
const RULE_DOTS = 2
/** Around a rule, and between what stands left and right on a line. */
const GAP_DOTS = 8
/** Of the height of its letters, whatever a font says: the fonts of one line have lines of different heights. */
const LINE_HEIGHT = 1.35
/** Darker than this is a black dot, of 255. */
const BLACK_BELOW = 140

/** Left is where the language begins. */
const SIDES = {left: 'start', center: 'center', right: 'end'} as const

/** Something at a place. */
interface Stroke {
  readonly paragraph: Paragraph | null
  readonly xDots: number
  readonly yDots: number
}

async function drawn({receipt, widthDots, isRightToLeft, families}: Sketch): Promise<Drawing> {
  const kit = await CanvasKitInit.default({locateFile: wasmFile})
  const fonts = kit.TypefaceFontProvider.Make()
  const names = families.map((files, at) => {
    for (const file of files) fonts.registerFont(bytesOf(file), `family ${at}`)
    return `family ${at}`
  })
  const page = new Page(kit, fonts, names, widthDots, isRightToLeft)
  for (const part of receipt) page.lay(part)
  return page.drawing()
}

class Page {
  readonly #kit: CanvasKit
  readonly #fonts: TypefaceFontProvider
  readonly #families: string[]
  readonly #widthDots: number
  readonly #isRightToLeft: boolean
  readonly #strokes: Stroke[] = []
  readonly #missing = new Set<number>()
  #yDots = 0

  constructor(
    kit: CanvasKit,
    fonts: TypefaceFontProvider,
    families: string[],
    widthDots: number,
    isRightToLeft: boolean,
  ) {
    this.#kit = kit
    this.#fonts = fonts
    this.#families = families
    this.#widthDots = widthDots
    this.#isRightToLeft = isRightToLeft
  }

  lay(part: ReceiptPart): void {
    switch (part.kind) {
      case 'text':
        this.#put(this.#paragraph(part.text, SIDES[part.align], part.bold, part.size === 'large'))
        return
      case 'pair':
        this.#pair(part.left, part.right)
        return
      case 'rule':
        this.#yDots += GAP_DOTS
        this.#strokes.push({paragraph: null, xDots: 0, yDots: this.#yDots})
        this.#yDots += RULE_DOTS + GAP_DOTS
        return
      case 'feed':
        this.#yDots += Math.ceil(part.linesCount * LETTER_DOTS * LINE_HEIGHT)
        return
      case 'picture':
    }
  }

  drawing(): Drawing {
    if (this.#missing.size > 0) {
      const letters = [...this.#missing].map(code => `U+${code.toString(16).toUpperCase().padStart(4, '0')}`)
      return {kind: 'notDrawn', why: `the fonts lack ${letters.join(', ')}`}
    }
    const kit = this.#kit
    const heightDots = this.#yDots
    const surface = present(kit.MakeSurface(this.#widthDots, heightDots), 'a surface')
    const canvas = surface.getCanvas()
    canvas.clear(kit.WHITE)
    const ink = new kit.Paint()
    ink.setColor(kit.BLACK)
    for (const {paragraph, xDots, yDots} of this.#strokes)
      if (paragraph === null) canvas.drawRect(kit.XYWHRect(0, yDots, this.#widthDots, RULE_DOTS), ink)
      else canvas.drawParagraph(paragraph, xDots, yDots)
    surface.flush()
    const pixels = surface.makeImageSnapshot().readPixels(0, 0, {
      width: this.#widthDots,
      height: heightDots,
      colorType: kit.ColorType.RGBA_8888,
      alphaType: kit.AlphaType.Unpremul,
      colorSpace: kit.ColorSpace.SRGB,
    })
    return {
      kind: 'drawn',
      widthDots: this.#widthDots,
      heightDots,
      bits: dotsOf(present(pixels, 'pixels'), this.#widthDots, heightDots),
    }
  }

  /** On one line where both fit, else the right one below. */
  #pair(left: string, right: string): void {
    const label = this.#paragraph(left, 'start')
    const value = this.#paragraph(right, 'end')
    const isOneLine =
      label.getMaxIntrinsicWidth() + GAP_DOTS + value.getMaxIntrinsicWidth() <= this.#widthDots
    this.#strokes.push({paragraph: label, xDots: 0, yDots: this.#yDots})
    if (!isOneLine) this.#yDots += Math.ceil(label.getHeight())
    this.#put(value)
  }

  #put(paragraph: Paragraph): void {
    this.#strokes.push({paragraph, xDots: 0, yDots: this.#yDots})
    this.#yDots += Math.ceil(paragraph.getHeight())
  }

  #sides() {
    const {Left, Center, Right} = this.#kit.TextAlign
    return this.#isRightToLeft
      ? {start: Right, center: Center, end: Left}
      : {start: Left, center: Center, end: Right}
  }

  #paragraph(text: string, align: 'start' | 'center' | 'end', isBold = false, isLarge = false): Paragraph {
    const kit = this.#kit
    const style = new kit.ParagraphStyle({
      textStyle: {
        color: kit.BLACK,
        fontFamilies: this.#families,
        fontSize: isLarge ? LARGE_DOTS : LETTER_DOTS,
        heightMultiplier: LINE_HEIGHT,
        fontStyle: {weight: isBold ? kit.FontWeight.Bold : kit.FontWeight.Normal},
      },
      textAlign: this.#sides()[align],
      // A date, a reference or a name in Latin letters keeps its own order on a page that runs leftwards.
      textDirection:
        this.#isRightToLeft && /\p{Script=Arabic}/u.test(text)
          ? kit.TextDirection.RTL
          : kit.TextDirection.LTR,
    })
    const builder = kit.ParagraphBuilder.MakeFromFontProvider(style, this.#fonts)
    builder.addText(text)
    const paragraph = builder.build()
    paragraph.layout(this.#widthDots)
    for (const code of paragraph.unresolvedCodepoints()) this.#missing.add(code)
    return paragraph
  }
}

/** One bit a dot, rows of whole bytes, the leftmost dot in the highest bit. @param pixels four bytes each */
function dotsOf(pixels: Float32Array | Uint8Array, widthDots: number, heightDots: number): Uint8Array {
  const rowBytes = Math.ceil(widthDots / 8)
  const bits = new Uint8Array(rowBytes * heightDots)
  for (let y = 0; y < heightDots; y++)
    for (let x = 0; x < widthDots; x++) {
      if ((pixels[(y * widthDots + x) * 4] ?? 255) >= BLACK_BELOW) continue
      const at = y * rowBytes + (x >> 3)
      bits[at] = (bits[at] ?? 0) | (0x80 >> (x & 7))
    }
  return bits
}

/** Beside this file in a package, in its own package in the tree. */
function wasmFile(): string {
  const beside = join(import.meta.dirname, 'canvaskit.wasm')
  return existsSync(beside)
    ? beside
    : createRequire(import.meta.url).resolve('canvaskit-wasm/bin/canvaskit.wasm')
}

/** With a buffer of their own: small files share one. */
function bytesOf(file: string): ArrayBuffer {
  return new Uint8Array(readFileSync(file)).buffer
}

// eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- Node does not type it; picture.ts made it a Sketch
const sketch = workerData as Sketch
present(parentPort, 'the thread that asked').postMessage(await drawn(sketch))
