/**
 * Ways out of the customer's page, each a row: what somebody does at the screen, or brings into its words. After each the
 * screen must be the same, untouched, alone, and nothing asked, downloaded or chosen.
 */
import type {Browser, CDPSession, Page} from 'playwright-core'
import {present} from '../../kit/assert.ts'
import {EMPTY_DESK} from '../../src/screen/desk.ts'
import type {ViewModel} from '../../src/screen/view-model.ts'
import {view} from '../../src/screen/view.ts'
import {during} from '../screen/samples.ts'
import {Slides, slidesServer} from './check.ts'

/** One way; `evidence` is what it leaves when it worked, or null. */
interface Way {
  readonly name: string
  readonly go: (at: Attempt) => Promise<string | null>
}

interface Attempt {
  readonly page: Page
  readonly devtools: CDPSession
  readonly slides: Slides
}

const SCREEN: ViewModel = view('choosingAmount', during({}), EMPTY_DESK)
const WIDTH = 800
const HEIGHT = 600
/** Where words are, and nothing to choose. */
const BARE = {x: 400, y: 110} as const
const LONG_PRESS_MS = 700

const LETTERS = Array.from('abcdefghijklmnopqrstuvwxyz')
const DIGITS = Array.from('0123456789')

/** Shortcuts of browsers, desktops and terminals. Tab, Enter and the space bar alone are the page's own. */
const KEYS: readonly string[] = [
  ...LETTERS.map(letter => `Control+${letter}`),
  ...['n', 't', 'w', 'i', 'j', 'c', 'k', 'p', 'r', 'o', 'b', 'm', 'q', 'Delete'].map(
    key => `Control+Shift+${key}`,
  ),
  ...DIGITS.map(digit => `Control+${digit}`),
  ...[
    'Equal',
    'Minus',
    'NumpadAdd',
    'NumpadSubtract',
    'F4',
    'F5',
    'PageUp',
    'PageDown',
    'Enter',
    'Escape',
  ].map(key => `Control+${key}`),
  ...['ArrowLeft', 'ArrowRight', 'Home', 'F4', 'F2', 'd', 'e', 'f', 'Space', 'Enter', 'Escape'].map(
    key => `Alt+${key}`,
  ),
  ...Array.from({length: 12}, (_, at) => `F${at + 1}`),
  ...['F5', 'F10', 'Escape', 'Delete', 'Insert'].map(key => `Shift+${key}`),
  ...['Meta', 'Meta+d', 'Meta+l', 'Meta+r', 'Control+Alt+Delete', 'Control+Alt+t', 'Control+Alt+F1'],
  ...['Escape', 'ContextMenu', 'Backspace', 'Delete', 'Insert', 'Home', 'End', 'PageDown', 'PageUp'],
  ...['ArrowDown', 'ArrowRight', 'a', '/', "'", 'PrintScreen', 'Pause'],
]

/** What a picker of languages, an account's label or a bank's reference might bring. */
const MARKUP: readonly string[] = [
  '<a href="https://example.com">here</a>',
  '<a href="file:///etc/passwd" download>here</a>',
  '<a href="chrome://settings" target="_blank">here</a>',
  '<a href="javascript:open(\'about:blank\')">here</a>',
  '<a href="view-source:http://127.0.0.1/">here</a>',
  '<a href="devtools://devtools/bundled/inspector.html">here</a>',
  '<a href="data:text/html,gone">here</a>',
  '<a href="mailto:a@example.com">here</a>',
  '<a href="tel:112">here</a>',
  '<area href="https://example.com" shape="default">',
  '<base href="https://example.com/">',
  '<meta http-equiv="refresh" content="0;url=https://example.com">',
  '<script>alert(1)</script>',
  '<script src="https://example.com/x.js"></script>',
  '<img src="x" onerror="alert(1)">',
  '<svg onload="alert(1)"></svg>',
  '<svg><a href="https://example.com"><text y="20">here</text></a></svg>',
  '<math href="javascript:alert(1)">here</math>',
  '<iframe src="chrome://version"></iframe>',
  '<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>',
  '<object data="file:///etc/passwd"></object>',
  '<embed src="https://example.com">',
  '<form action="https://example.com"><button>here</button></form>',
  '<button formaction="javascript:alert(1)">here</button>',
  '<input type="file">',
  '<input autofocus onfocus="alert(1)">',
  '<details open ontoggle="alert(1)">here</details>',
  '<dialog open>here</dialog>',
  '<video src="https://example.com/x.mp4" controls></video>',
  '<audio src="https://example.com/x.mp3" autoplay></audio>',
  '<link rel="stylesheet" href="https://example.com/x.css">',
  '<style>body{display:none}</style>',
  '<template shadowrootmode="open">here</template>',
  '<marquee onstart="alert(1)">here</marquee>',
  '<body onload="alert(1)">',
  '"><img src=x onerror=alert(1)>',
  "'-alert(1)-'",
  '${alert(1)}{{alert(1)}}',
  '\u202Ehttps://example.com\u202C',
  '</main></body></html><h1>gone</h1>',
]

/** What the page's own policy must stop, should a script ever run in it. Each tells what it got, or null. */
const SCRIPTS: Readonly<Record<string, string>> = {
  'reads a foreign page': `fetch('https://example.com').then(() => 'an answer', () => null)`,
  'posts to a foreign page': `fetch('http://127.0.0.1:9/', {method: 'POST', mode: 'no-cors'}).then(() => 'sent', () => null)`,
  'opens a socket': `new Promise(done => { try { const s = new WebSocket('ws://127.0.0.1:9'); s.onopen = () => done('open'); s.onerror = () => done(null) } catch { done(null) } })`,
  'sends a beacon': `new Promise(done => { addEventListener('securitypolicyviolation', () => done(null), {once: true}); navigator.sendBeacon('https://example.com') })`,
  'runs a text as a script': `new Promise(done => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s); s.remove(); done(window.ran ? 'it ran' : null) })`,
  'loads a foreign script': `new Promise(done => { const s = document.createElement('script'); s.src = 'https://example.com/x.js'; s.onload = () => done('loaded'); s.onerror = () => done(null); document.body.append(s); s.remove() })`,
  'runs a handler': `new Promise(done => { const d = document.createElement('div'); d.setAttribute('onclick', 'window.clicked = 1'); document.body.append(d); d.click(); d.remove(); done(window.clicked ? 'it ran' : null) })`,
  'styles by text': `new Promise(done => { const s = document.createElement('style'); s.textContent = '#title { color: rgb(1, 2, 3) !important }'; document.head.append(s); const got = getComputedStyle(document.getElementById('title')).color; s.remove(); done(got === 'rgb(1, 2, 3)' ? 'styled' : null) })`,
  'starts a worker': `new Promise(done => { try { const w = new Worker(URL.createObjectURL(new Blob(['postMessage(1)']))); w.onmessage = () => done('a worker'); w.onerror = () => done(null) } catch { done(null) } })`,
  'registers a service worker': `navigator.serviceWorker.register('screen.js').then(async r => { await r.unregister(); return 'registered' }, () => null)`,
  'frames a page': `new Promise(done => { const f = document.createElement('iframe'); addEventListener('securitypolicyviolation', () => { f.remove(); done(null) }, {once: true}); f.src = 'https://example.com'; document.body.append(f) })`,
  'embeds a file': `new Promise(done => { const o = document.createElement('object'); addEventListener('securitypolicyviolation', () => { o.remove(); done(null) }, {once: true}); o.data = 'https://example.com/x.pdf'; document.body.append(o) })`,
  'posts a form': `new Promise(done => { const f = document.createElement('form'); f.action = 'https://example.com'; f.method = 'post'; addEventListener('securitypolicyviolation', () => { f.remove(); done(null) }, {once: true}); document.body.append(f); f.submit() })`,
  'moves the base': `new Promise(done => { const b = document.createElement('base'); b.href = 'https://example.com/'; document.head.append(b); const got = document.baseURI; b.remove(); done(got.includes('example') ? got : null) })`,
  'loads a picture from elsewhere': `new Promise(done => { const i = new Image(); i.onload = () => done('loaded'); i.onerror = () => done(null); i.src = 'https://example.com/x.png' })`,
  'loads a font from elsewhere': `new FontFace('x', 'url(https://example.com/x.woff2)').load().then(() => 'loaded', () => null)`,
  'asks for the place': `new Promise(done => navigator.geolocation.getCurrentPosition(() => done('a place'), () => done(null)))`,
  'asks for the camera': `(navigator.mediaDevices?.getUserMedia({video: true}) ?? Promise.reject()).then(() => 'a camera', () => null)`,
  'asks to notify': `Notification.requestPermission().then(got => got === 'granted' ? got : null)`,
  'reads the clipboard': `(navigator.clipboard?.readText() ?? Promise.reject()).then(() => 'a text', () => null)`,
}

/** Beside everything that may be chosen. */
const CORNERS = [
  {x: 2, y: 2},
  {x: WIDTH / 2, y: 2},
  {x: 2, y: HEIGHT - 2},
  {x: WIDTH - 2, y: HEIGHT - 2},
  BARE,
] as const

function keyWays(): readonly Way[] {
  return KEYS.map(key => ({
    name: `key ${key}`,
    async go({page}) {
      await page.keyboard.press(key)
      return null
    },
  }))
}

function pointerWays(): readonly Way[] {
  const swipes = [
    [0, HEIGHT / 2, WIDTH, HEIGHT / 2],
    [WIDTH - 1, HEIGHT / 2, 0, HEIGHT / 2],
    [WIDTH / 2, 0, WIDTH / 2, HEIGHT],
    [WIDTH / 2, HEIGHT - 1, WIDTH / 2, 0],
  ] as const
  return [
    ...CORNERS.flatMap(({x, y}): readonly Way[] => [
      {
        name: `right button at ${x},${y}`,
        go: async ({page}) => {
          await page.mouse.click(x, y, {button: 'right'})
          return null
        },
      },
      {
        name: `middle button at ${x},${y}`,
        go: async ({page}) => {
          await page.mouse.click(x, y, {button: 'middle'})
          return null
        },
      },
      {
        name: `a long press at ${x},${y}`,
        go: async ({page, devtools}) => {
          await touched(devtools, [[{x, y}]])
          await page.waitForTimeout(LONG_PRESS_MS)
          await released(devtools)
          return selectionIn(page)
        },
      },
      {
        name: `three clicks at ${x},${y} select nothing`,
        go: async ({page}) => {
          await page.mouse.click(x, y, {clickCount: 3})
          return selectionIn(page)
        },
      },
    ]),
    ...swipes.map(([fromX, fromY, toX, toY]): Way => ({
      name: `a swipe from ${fromX},${fromY} to ${toX},${toY}`,
      go: async ({page, devtools}) => {
        const steps = Array.from({length: 9}, (_, at) => [
          {x: fromX + ((toX - fromX) * at) / 8, y: fromY + ((toY - fromY) * at) / 8},
        ])
        await touched(devtools, steps)
        await released(devtools)
        return movedIn(page)
      },
    })),
    ...[1, -1].map((way): Way => ({
      name: way > 0 ? 'two fingers apart' : 'two fingers together',
      go: async ({page, devtools}) => {
        const steps = Array.from({length: 9}, (_, at) => {
          const half = way > 0 ? 20 + at * 20 : 180 - at * 20
          return [
            {x: 400 - half, y: 120},
            {x: 400 + half, y: 120},
          ]
        })
        await touched(devtools, steps)
        await released(devtools)
        return movedIn(page)
      },
    })),
    ...[
      [0, 500],
      [0, -500],
      [500, 0],
      [-500, 0],
    ].map(([dx = 0, dy = 0]): Way => ({
      name: `the wheel by ${dx},${dy}, with and without Control`,
      go: async ({page}) => {
        await page.mouse.move(BARE.x, BARE.y)
        await page.mouse.wheel(dx, dy)
        await page.keyboard.down('Control')
        await page.mouse.wheel(dx, dy)
        await page.keyboard.up('Control')
        return movedIn(page)
      },
    })),
    {
      name: 'words dragged out',
      go: async ({page}) => {
        await page.mouse.move(60, 90)
        await page.mouse.down()
        await page.mouse.move(600, 300, {steps: 8})
        await page.mouse.up()
        return selectionIn(page)
      },
    },
  ]
}

/** What the protocol of the developer tools calls DragData. */
interface Dragged {
  items: {mimeType: string; data: string}[]
  files?: string[]
  dragOperationsMask: number
}
const COPY = 1

/** Things let go over the page: a browser opens what no page takes. */
function dropWays(): readonly Way[] {
  const items: readonly (readonly [name: string, mimeType: string, data: string])[] = [
    ['an address', 'text/uri-list', 'https://example.com/'],
    ['a file’s address', 'text/uri-list', 'file:///etc/passwd'],
    ['a script’s address', 'text/uri-list', 'javascript:alert(1)'],
    ['a page of the browser', 'text/uri-list', 'chrome://settings/'],
    ['a text', 'text/plain', 'https://example.com/'],
    ['a piece of a page', 'text/html', '<a href="https://example.com">here</a>'],
  ]
  const drop = async (devtools: CDPSession, data: Dragged): Promise<null> => {
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
      await devtools.send('Input.dispatchDragEvent', {type, ...BARE, data})
    return null
  }
  return [
    ...items.map(([name, mimeType, data]): Way => ({
      name: `${name} dropped`,
      go: ({devtools}) => drop(devtools, {items: [{mimeType, data}], dragOperationsMask: COPY}),
    })),
    {
      name: 'a file dropped',
      go: ({devtools}) => drop(devtools, {items: [], files: ['/etc/hostname'], dragOperationsMask: COPY}),
    },
  ]
}

function markupWays(): readonly Way[] {
  return MARKUP.map(text => ({
    name: `in the words: ${text}`,
    async go({page, slides}) {
      const before = await page.evaluate<number>('document.body.querySelectorAll("*").length')
      slides.show({...SCREEN, title: text, instruction: text, notice: text, card: text})
      await page.locator(`body[data-seq="${slides.seq}"]`).waitFor()
      const read = await page.evaluate<string>('document.getElementById("title").textContent')
      const count = await page.evaluate<number>('document.body.querySelectorAll("*").length')
      slides.show(SCREEN)
      await page.locator(`body[data-seq="${slides.seq}"]`).waitFor()
      return read === text && count === before ? null : `${count - before} elements more`
    },
  }))
}

function scriptWays(): readonly Way[] {
  return Object.entries(SCRIPTS).map(([name, script]) => ({
    name: `a script ${name}`,
    go: ({page}) => page.evaluate<string | null>(script),
  }))
}

export function allWays(): readonly Way[] {
  return [...keyWays(), ...pointerWays(), ...dropWays(), ...markupWays(), ...scriptWays()]
}

/**
 * Tries the ways one after another on one page.
 * @returns a line for each that changed anything
 */
export async function triedWays(browser: Browser, ways: readonly Way[]): Promise<readonly string[]> {
  const slides = new Slides(SCREEN)
  const server = await slidesServer(slides)
  const context = await browser.newContext({
    viewport: {width: WIDTH, height: HEIGHT},
    hasTouch: true,
    acceptDownloads: false,
  })
  const page = await context.newPage()
  const seen: string[] = []
  context.on('page', opened => seen.push(`a window ${opened.url()}`))
  page.on('dialog', dialog => {
    seen.push(`a dialog ${dialog.type()}`)
    void dialog.dismiss()
  })
  page.on('download', download => seen.push(`a download ${download.suggestedFilename()}`))
  page.on('filechooser', () => seen.push('a file chooser'))
  page.on('framenavigated', frame => seen.push(`a page ${frame.url()}`))
  try {
    await page.goto(server.url)
    await page.locator('body[data-screen=choosingAmount]').waitFor()
    await page.evaluate('window.isTheSamePage = true')
    const devtools = await context.newCDPSession(page)
    const escapes: string[] = []
    seen.length = 0
    for (const way of ways) {
      const evidence = await way.go({page, devtools, slides})
      const now = await page.evaluate<string>(STANDING)
      const found = [
        ...(evidence === null ? [] : [evidence]),
        ...seen.splice(0),
        ...slides.chosen.splice(0).map(id => `${id} was chosen`),
        ...(now === STANDS ? [] : [now]),
      ]
      if (found.length > 0) escapes.push(`${way.name}: ${found.join(', ')}`)
      // On another page, or behind another window, the ways after it would tell of that one.
      if (page.url() !== server.url || context.pages().length > 1)
        return [...escapes, 'what comes after was not tried']
    }
    return escapes
  } finally {
    await context.close()
    await server.close()
  }
}

const STANDS = 'choosingAmount true 1 false null'
/** The screen, the document, its scale, whether it is full screen by itself, and what has the focus of a text. */
const STANDING = `[document.body.dataset.screen, window.isTheSamePage === true, visualViewport.scale,
  document.fullscreenElement !== null, document.activeElement?.matches('input, textarea, [contenteditable]') ? 'a field' : null
].map(String).join(' ')`

async function selectionIn(page: Page): Promise<string | null> {
  const text = await page.evaluate<string>('String(getSelection())')
  return text === '' ? null : `"${text}" is selected`
}

async function movedIn(page: Page): Promise<string | null> {
  const place = await page.evaluate<string>('[scrollX, scrollY, visualViewport.scale].join(" ")')
  return place === '0 0 1' ? null : `scrolled or scaled: ${place}`
}

interface Point {
  readonly x: number
  readonly y: number
}

async function touched(devtools: CDPSession, steps: readonly (readonly Point[])[]): Promise<void> {
  const [first, ...rest] = steps
  const send = (type: 'touchStart' | 'touchMove', points: readonly Point[]) =>
    devtools.send('Input.dispatchTouchEvent', {type, touchPoints: points.map(({x, y}, id) => ({x, y, id}))})
  await send('touchStart', present(first, 'a touch'))
  for (const points of rest) await send('touchMove', points)
}

async function released(devtools: CDPSession): Promise<void> {
  await devtools.send('Input.dispatchTouchEvent', {type: 'touchEnd', touchPoints: []})
}
