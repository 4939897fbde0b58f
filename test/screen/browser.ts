/** A real Chromium for the tests of pages. Whatever a page complains of (an error, a blocked load) is kept. */
import {chromium} from 'playwright-core'
import type {Browser, Page} from 'playwright-core'
import type {Test} from 'tap'

/** Nothing of its own over the network, no sandbox inside a container, no drawing on a card that is not there. */
export const FLAGS = [
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
