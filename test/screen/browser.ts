/** A real Chromium for the tests of pages. Whatever a page complains of (an error, a blocked load) is kept. */
import {chromium} from 'playwright-core'
import type {Browser, Page} from 'playwright-core'
import type {Test} from 'tap'

/** Nothing of its own over the network, no sandbox inside a container, no drawing on a card that is not there. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const STEP_TIMEOUT_MS = 20_000

export async function launched(t: Test, executablePath: string): Promise<Browser> {
  const browser = await chromium.launch({executablePath, args: FLAGS})
  t.teardown(() => browser.close())
  return browser
}

export interface OpenPage {
  readonly page: Page
  /** Errors and warnings of the page so far. */
  readonly complaints: readonly string[]
}

/** A page without motion, so that what is measured stands still. */
export async function opened(browser: Browser, width: number, height: number): Promise<OpenPage> {
  const page = await browser.newPage({viewport: {width, height}, reducedMotion: 'reduce'})
  page.setDefaultTimeout(STEP_TIMEOUT_MS)
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  return {page, complaints}
}

/** Runs in the page: what lies outside the window, is cut off, or lies over another text. */
export const LAYOUT_FAULTS = `(() => {
  const faults = []
  const shown = [...document.querySelectorAll('h1, p, button, output, small, dl, dt, dd')].filter(
    element => !element.classList.contains('unseen') && element.getClientRects().length > 0,
  )
  const name = element => (element.id || element.tagName) + ' "' + element.textContent.trim() + '"'
  for (const element of shown) {
    const box = element.getBoundingClientRect()
    if (box.left < -1 || box.top < -1 || box.right > innerWidth + 1 || box.bottom > innerHeight + 1)
      faults.push(name(element) + ' lies outside')
    if (element.scrollWidth > element.clientWidth + 2 && getComputedStyle(element).display !== 'inline')
      faults.push(name(element) + ' is cut off')
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
  return faults
})()`
