/** The customer's page: from a change of the machine's state to its first paint, and how much of it there is. */
import {chromium} from 'playwright-core'
import type {Browser, Page} from 'playwright-core'
import {listen} from '../../src/screen/local-http.ts'
import type {RunningServer} from '../../src/screen/local-http.ts'
import {EMPTY_DESK} from '../../src/screen/desk.ts'
import {view} from '../../src/screen/view.ts'
import {chromiumPath} from '../needs.ts'
import {FLAGS} from '../screen/browser.ts'
import {atRest, during} from '../screen/samples.ts'
import {Slides, slidesServer} from '../screens/check.ts'
import {interleaved, plainRow, rowOf, timed} from './measure.ts'
import type {Row} from './measure.ts'

const ROUNDS = 20
/** design notes: 100 KB in all. */
const PAGE_KILOBYTES_MAX = 100
const PAINT_RATIO_MAX = 3
const PAINT_MS_MAX = 100

/** Painted: two frames after the page was told. `page` has a function `painted` of that name. */
const TELLS_PAINT = `new MutationObserver(() => {
  requestAnimationFrame(() => requestAnimationFrame(() => window.painted(document.body.dataset.seq)))
}).observe(document.body, {attributes: true, attributeFilter: ['data-seq']})`

/** Empty where this machine has no Chromium. */
export async function screenRows(): Promise<readonly Row[]> {
  const executablePath = chromiumPath()
  if (executablePath === null) return []
  const browser = await chromium.launch({executablePath, args: [...FLAGS]})
  const slides = new Slides(view('idle', atRest(), EMPTY_DESK))
  const server = await slidesServer(slides)
  const empty = await emptyServer()
  try {
    const shown = await watched(browser, server.url)
    const bare = await watched(browser, empty.url)
    const kilobytes = await transferred(browser, server.url)
    const choosing = view('choosingAmount', during({}), EMPTY_DESK)
    const entering = view('enteringPin', during({}), EMPTY_DESK)
    const {page, nothing} = await interleaved(
      {
        page: () =>
          timed(async () => {
            slides.show(slides.seq % 2 === 0 ? choosing : entering)
            await shown.painted(String(slides.seq))
          }),
        nothing: () =>
          timed(async () => {
            const seq = await bare.page.evaluate<string>(
              'document.body.dataset.seq = String(Number(document.body.dataset.seq ?? 0) + 1)',
            )
            await bare.painted(seq)
          }),
      },
      ROUNDS,
    )
    return [
      rowOf(
        {
          name: 'state change to first paint',
          unit: 'ms',
          against: 'an empty page',
          ratioMax: PAINT_RATIO_MAX,
        },
        page,
        nothing,
      ),
      plainRow('state change to first paint, at most', 'ms', Math.max(...page), PAINT_MS_MAX),
      plainRow('the page, all its files', 'kB', kilobytes, PAGE_KILOBYTES_MAX),
    ]
  } finally {
    await browser.close()
    await server.close()
    await empty.close()
  }
}

interface Watched {
  readonly page: Page
  painted(seq: string): Promise<void>
}

async function watched(browser: Browser, url: string): Promise<Watched> {
  const page = await browser.newPage({viewport: {width: 1920, height: 1080}})
  const seen = new Set<string>()
  let tell: () => void = () => undefined
  await page.exposeFunction('painted', (seq: string) => {
    seen.add(seq)
    tell()
  })
  await page.goto(url)
  await page.evaluate(TELLS_PAINT)
  return {
    page,
    painted: seq =>
      new Promise(resolve => {
        tell = () => {
          if (seen.has(seq)) resolve()
        }
        tell()
      }),
  }
}

/** An empty page of the same browser. */
function emptyServer(): Promise<RunningServer> {
  return listen(
    (_, response) => {
      response
        .writeHead(200, {'Content-Type': 'text/html'})
        .end('<!doctype html><title>x</title><body></body>')
      return true
    },
    {host: '127.0.0.1', port: 0},
  )
}

/** What the files of the page weigh, without the views that follow. */
async function transferred(browser: Browser, url: string): Promise<number> {
  const page = await browser.newPage()
  let bytes = 0
  page.on('response', response => {
    const length = Number(response.headers()['content-length'] ?? '0')
    bytes += length
  })
  await page.goto(url, {waitUntil: 'load'})
  await page.locator('body[data-screen]').waitFor()
  await page.close()
  return bytes / 1_000
}
