/** What is wrong with a screen: our own measures in the page, and axe-core's. Every fault is one line. */
import {readFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import type {Browser, Page} from 'playwright-core'
import {OWN_LOOKS} from '../../src/screen/look.ts'
import type {Look} from '../../src/screen/look.ts'
import {startScreenServer} from '../../src/screen/server.ts'
import type {RunningServer} from '../../src/screen/local-http.ts'
import type {ScreenSource} from '../../src/screen/source.ts'
import type {ViewModel} from '../../src/screen/view-model.ts'
import {silentLog} from '../../kit/log.ts'
import {opened} from '../screen/browser.ts'

/** One of each shape that screens have, for all measures grow with the pixels: a screen in pixels, and the smallest on which its words must be large enough, by its diagonal. */
export interface Size {
  readonly width: number
  readonly height: number
  readonly inches: number
}

export const SIZES = [
  {width: 800, height: 600, inches: 12.1},
  {width: 1280, height: 1024, inches: 17},
  {width: 1920, height: 1080, inches: 15.6},
] as const satisfies readonly Size[]
export const SMALLEST = SIZES[0]
export const LARGEST = SIZES[2]

/** How a screen may look while somebody reads it. */
export const LOOKS: readonly Look[] = OWN_LOOKS

/** ADA 2010, 707.7.2: capitals of 3/16 inch. */
const CAPITAL_MM = 4.8
/** Of the letter I in Noto Sans: 714 of 1,000 units. */
const CAPITAL_SHARE = 0.714
/** design notes, 1.11: what a finger hits without looking twice. */
const TARGET_MM = 20
const CONTRAST_MIN = 7
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa']
const MM_PER_INCH = 25.4

/** Shows one view after another. */
export class Slides implements ScreenSource {
  readonly chosen: string[] = []
  #now: ViewModel
  readonly #listeners = new Set<() => void>()
  /** As the server counts its views. */
  seq = 1

  constructor(first: ViewModel) {
    this.#now = first
  }

  current() {
    return this.#now
  }
  onChange(listener: () => void) {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  choose(id: string) {
    this.chosen.push(id)
  }
  show(model: ViewModel) {
    this.#now = model
    this.seq += 1
    for (const listener of this.#listeners) listener()
  }
}

export function slidesServer(slides: Slides): Promise<RunningServer> {
  return startScreenServer(slides, {host: '127.0.0.1', port: 0}, silentLog)
}

/** One page of the browser that is led from screen to screen. */
export class Inspection {
  readonly page: Page
  /** What the page itself complained of so far. */
  readonly complaints: readonly string[]
  readonly #slides: Slides
  readonly #size: Size

  private constructor(slides: Slides, size: Size, page: Page, complaints: readonly string[]) {
    this.#slides = slides
    this.#size = size
    this.page = page
    this.complaints = complaints
  }

  static async open(browser: Browser, url: string, slides: Slides, size: Size): Promise<Inspection> {
    const {page, complaints} = await opened(browser, size.width, size.height)
    await page.goto(url)
    await page.evaluate(axeSource())
    return new Inspection(slides, size, page, complaints)
  }

  async show(model: ViewModel): Promise<void> {
    this.#slides.show(model)
    await this.page.locator(`body[data-seq="${this.#slides.seq}"]`).waitFor({state: 'attached'})
  }

  /** What our own measures find on the screen that is shown. */
  async faults(model: ViewModel): Promise<readonly string[]> {
    const {width, height, inches} = this.#size
    const pixelMm = (inches * MM_PER_INCH) / Math.hypot(width, height)
    const limits = {
      fontPx: CAPITAL_MM / CAPITAL_SHARE / pixelMm,
      targetPx: TARGET_MM / pixelMm,
      contrast: CONTRAST_MIN,
      speech: model.speech,
    }
    return this.page.evaluate<string[]>(`(${LOOK_OVER})(${JSON.stringify(limits)})`)
  }

  /** What axe-core finds, by the rules of WCAG 2.2 at levels A and AA. */
  async axeFaults(): Promise<readonly string[]> {
    return this.page.evaluate<string[]>(
      `axe.run({runOnly: ${JSON.stringify(AXE_TAGS)}, resultTypes: ['violations', 'incomplete']}).then(
        ({violations, incomplete}) => [...violations, ...incomplete].flatMap(({id, nodes}) =>
          nodes.map(({target}) => 'axe: ' + id + ' at ' + target)))`,
    )
  }

  close(): Promise<void> {
    return this.page.close()
  }
}

function axeSource(): string {
  return readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
}

/**
 * Runs in the page. What lies outside, is cut off, scrolls, or lies over other words; words that are too small or too
 * faint; targets that are too small; and words in another order than they are spoken in.
 */
const LOOK_OVER = `limits => {
  const faults = []
  const isShown = element =>
    element.getClientRects().length > 0 && getComputedStyle(element).visibility === 'visible' &&
    !element.closest('.unseen')
  const shown = [...document.querySelectorAll('h1, p, button, output, dl, dt, dd, #card, #operator')].filter(isShown)
  const name = element => (element.id || element.tagName.toLowerCase()) + ' "' + element.textContent.trim() + '"'
  const {scrollWidth, scrollHeight} = document.documentElement
  if (scrollWidth > innerWidth || scrollHeight > innerHeight) faults.push('the page scrolls')
  for (const element of shown) {
    const box = element.getBoundingClientRect()
    if (box.left < -1 || box.top < -1 || box.right > innerWidth + 1 || box.bottom > innerHeight + 1)
      faults.push(name(element) + ' lies outside')
    const isBlock = getComputedStyle(element).display !== 'inline'
    if (isBlock && element.scrollWidth > element.clientWidth + 2) faults.push(name(element) + ' is cut off')
    for (const inner of element.tagName === 'BUTTON' ? element.children : []) {
      const [{left, top, right, bottom} = box] = inner.getClientRects()
      if (left < box.left || top < box.top || right > box.right || bottom > box.bottom)
        faults.push(name(element) + ' is too small for its words')
    }
    if (element.tagName === 'BUTTON' && Math.min(box.width, box.height) < limits.targetPx - 0.5)
      faults.push(name(element) + ' is a small target')
  }
  shown.forEach((one, at) => {
    for (const other of shown.slice(at + 1)) {
      if (one.contains(other) || other.contains(one)) continue
      const a = one.getBoundingClientRect()
      const b = other.getBoundingClientRect()
      if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
        faults.push(name(one) + ' lies over ' + name(other))
    }
  })

  const channels = colour => (colour.match(/[0-9.]+/g) ?? []).map(Number)
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(part => {
      const share = part / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * x + 0.7152 * y + 0.0722 * z
  }
  const groundOf = element => {
    for (let at = element; at !== null; at = at.parentElement) {
      const ground = channels(getComputedStyle(at).backgroundColor)
      if (ground.length === 3 || ground[3] === 1) return ground
    }
    return [255, 255, 255]
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const words = []
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement
    const text = node.textContent.trim()
    if (text === '' || !isShown(element) || element.closest('[hidden]')) continue
    const style = getComputedStyle(element)
    if (parseFloat(style.fontSize) < limits.fontPx - 0.05)
      faults.push('"' + text + '" is ' + style.fontSize + ' high, ' + limits.fontPx.toFixed(1) + ' is the least')
    const [darker, lighter] = [luminance(channels(style.color)), luminance(groundOf(element))].sort((a, b) => a - b)
    const contrast = (lighter + 0.05) / (darker + 0.05)
    if (contrast < limits.contrast) faults.push('"' + text + '" has a contrast of ' + contrast.toFixed(1))
    if (element.closest('main') && !element.closest('kbd')) words.push(text.replace(/[.?!。？！।؟]$/, ''))
  }
  // Amounts are spoken in words, so only what is spoken as it is written can be looked for.
  let heard = 0
  let found = 0
  for (const text of words) {
    const at = limits.speech.indexOf(text, heard)
    if (at >= 0) {
      heard = at
      found += 1
    } else if (limits.speech.includes(text)) faults.push('"' + text + '" is read after what is spoken after it')
  }
  if (found === 0) faults.push('nothing on the screen is spoken')
  return faults
}`
