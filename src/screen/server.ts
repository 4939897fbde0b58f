/**
 * The customer's screen over HTTP: its page, its live view, and what is touched on it. Read-only except for
 * touches, and a touch can only name a choice that the current view offers.
 */
import type {IncomingMessage, ServerResponse} from 'node:http'
import {readJson, NumberText} from '../../kit/exact-json.ts'
import type {Log} from '../../kit/log.ts'
import {NO_BRAND, brandStyle} from './brand.ts'
import type {Brand} from './brand.ts'
import {EventStreams, answer, fixedFiles, listen, pageFiles, pictureFile, withBody} from './local-http.ts'
import type {Handler, Listening, RunningServer} from './local-http.ts'
import {LOOK_ID} from './look.ts'
import type {ScreenSource} from './source.ts'
import {shownView} from './view-model.ts'
import type {ShownView} from './view-model.ts'

/** A touch is `{"screen":"choosingAmount","seq":123,"id":"amount-6000"}`. */
const TOUCH_BYTES_MAX = 512
/** One kiosk browser, its successor while it restarts, and a few who look on from the bench. */
const READERS_MAX = 16

const PAGE = pageFiles(new URL('page/', import.meta.url), '/screen/', [
  'index.html',
  'screen.css',
  'tokens.css',
  'screen.js',
  'still.js',
])

/** What the operator adds to the page. @throws BadInput when the logo cannot be read */
function brandFiles(brand: Brand): Handler {
  const style = {body: Buffer.from(brandStyle(brand)), type: 'text/css; charset=utf-8'}
  return fixedFiles(
    new Map([
      ['/screen/brand.css', style],
      ...(brand.logoPath === null ? [] : [['/screen/logo', pictureFile(brand.logoPath)] as const]),
    ]),
  )
}

/** Touches that did nothing, by reason: a few stale ones are normal, many mean a broken page. */
export interface IgnoredTouches {
  readonly stale: number
  readonly unknown: number
  readonly malformed: number
}

interface Touch {
  readonly screen: string
  readonly seq: number
  readonly id: string
}

/** The screen's part of a web server; mount `handle` on any server that checks host and origin (`listen` does). */
export class ScreenPages {
  readonly #source: ScreenSource
  readonly #log: Log
  readonly #streams = new EventStreams(READERS_MAX)
  readonly #stop: () => void
  readonly #operator: ShownView['operator']
  readonly #brand: Handler
  #seq = 1
  #ignored = {stale: 0, unknown: 0, malformed: 0}

  /** @throws BadInput when the operator's logo cannot be read */
  constructor(source: ScreenSource, log: Log, brand: Brand = NO_BRAND) {
    this.#source = source
    this.#operator = {name: brand.name, hasLogo: brand.logoPath !== null}
    this.#brand = brandFiles(brand)
    this.#log = log
    this.#stop = source.onChange(() => {
      this.#seq += 1
      this.#streams.changed()
    })
  }

  get ignored(): IgnoredTouches {
    return this.#ignored
  }

  readonly handle: Handler = (request, response) => {
    if (request.url === '/screen') {
      response.writeHead(308, {Location: '/screen/'}).end()
      return true
    }
    if (request.url === '/screen/view' && request.method === 'GET') {
      this.#stream(response)
      return true
    }
    if (request.url === '/screen/choice' && request.method === 'POST') {
      this.#choice(request, response)
      return true
    }
    return PAGE(request, response) || this.#brand(request, response)
  }

  close(): void {
    this.#stop()
    this.#streams.close()
  }

  #stream(response: ServerResponse): void {
    let seen = 0
    this.#streams.open(response, () => {
      if (seen === this.#seq) return null
      seen = this.#seq
      return JSON.stringify(shownView(this.#source.current(), seen, this.#operator))
    })
  }

  #choice(request: IncomingMessage, response: ServerResponse): void {
    withBody(request, response, TOUCH_BYTES_MAX, text => {
      const touch = touchOf(text)
      if (touch === null) this.#ignore(response, 'malformed', 400)
      else if (touch.seq !== this.#seq || touch.screen !== this.#source.current().screen)
        this.#ignore(response, 'stale', 409)
      else if (touch.id !== LOOK_ID && !this.#source.current().choices.some(choice => choice.id === touch.id))
        this.#ignore(response, 'unknown', 404)
      else {
        this.#source.choose(touch.id)
        answer(response, 204)
      }
    })
  }

  #ignore(response: ServerResponse, why: keyof IgnoredTouches, status: number): void {
    this.#ignored = {...this.#ignored, [why]: this.#ignored[why] + 1}
    this.#log.info('a touch was ignored', {why})
    answer(response, status, `the touch is ${why}`)
  }
}

/** The screen on a server of its own, as in the machine. @throws SystemFault when the port cannot be had, BadInput as ScreenPages */
export async function startScreenServer(
  source: ScreenSource,
  where: Listening,
  log: Log,
  brand: Brand = NO_BRAND,
): Promise<RunningServer> {
  const pages = new ScreenPages(source, log, brand)
  const server = await listen(pages.handle, where)
  return {
    url: `${server.url}screen/`,
    close: async () => {
      pages.close()
      await server.close()
    },
  }
}

function touchOf(text: string): Touch | null {
  const read = readJson(text)
  if (read.kind !== 'json' || !(read.json instanceof Map)) return null
  const screen: unknown = read.json.get('screen')
  const seq: unknown = read.json.get('seq')
  const id: unknown = read.json.get('id')
  if (typeof screen !== 'string' || typeof id !== 'string' || !(seq instanceof NumberText)) return null
  return {screen, id, seq: Number(seq.source)}
}
