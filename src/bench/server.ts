/** The bench over HTTP: the machine's front with its screen, its bank, its journal, and hands to act on them. */
import type {IncomingMessage, ServerResponse} from 'node:http'
import {NumberText, readJson} from '../../kit/exact-json.ts'
import type {Json} from '../../kit/exact-json.ts'
import {reasonOf} from '../../kit/errors.ts'
import {silentLog} from '../../kit/log.ts'
import type {Log} from '../../kit/log.ts'
import type {Key} from '../../devices/pin-pad/port.ts'
import type {Device} from '../../fsm/vocabulary.ts'
import {EventStreams, answer, answerJson, listen, pageFiles, withBody} from '../screen/local-http.ts'
import type {Listening, RunningServer} from '../screen/local-http.ts'
import {ScreenPages} from '../screen/server.ts'
import type {Bench, BenchAction} from './bench-port.ts'

const ACTION_BYTES_MAX = 1_024
const READERS_MAX = 8
const NOTES_MAX = 60
const SPEED_MAX = 1_000

const PAGE = pageFiles(
  new URL('page/', import.meta.url),
  '/',
  ['index.html', 'bench.css', 'bench.js', 'draw.js'],
  true,
)

/** @throws SystemFault when the port cannot be had */
export async function startBenchServer(
  bench: Bench,
  where: Listening,
  log: Log = silentLog,
): Promise<RunningServer> {
  const screen = new ScreenPages(bench.screen, log.named('screen'))
  const streams = new EventStreams(READERS_MAX)
  let isDue = false
  const stop = bench.onChange(() => {
    // Many changes of one turn make one message.
    if (isDue) return
    isDue = true
    setImmediate(() => {
      isDue = false
      streams.changed()
    })
  })
  const server = await listen((request, response) => {
    if (request.url === '/bench/stream' && request.method === 'GET') {
      stream(bench, streams, response)
      return true
    }
    if (request.url === '/bench/act' && request.method === 'POST') {
      act(bench, request, response)
      return true
    }
    return screen.handle(request, response) || PAGE(request, response)
  }, where)
  return {
    url: server.url,
    close: async () => {
      stop()
      screen.close()
      streams.close()
      await server.close()
    },
  }
}

/** Each message is the whole state and the journal lines that this reader has not had. */
function stream(bench: Bench, streams: EventStreams, response: ServerResponse): void {
  let seen = 0
  let before = ''
  streams.open(response, () => {
    const journal = bench.journalLines(seen)
    const state = JSON.stringify(bench.state())
    if (journal.length === 0 && state === before) return null
    before = state
    seen = journal.at(-1)?.seq ?? seen
    return `{"state":${state},"journal":${JSON.stringify(journal)}}`
  })
}

function act(bench: Bench, request: IncomingMessage, response: ServerResponse): void {
  withBody(request, response, ACTION_BYTES_MAX, text => {
    const action = actionOf(text)
    if (action === null) {
      answer(response, 400, 'the bench knows no such action')
      return
    }
    bench.act(action).then(
      result => {
        answerJson(response, 200, JSON.stringify(result))
      },
      (thrown: unknown) => {
        answer(response, 500, reasonOf(thrown))
      },
    )
  })
}

/** The action that the text names, or null. */
export function actionOf(text: string): BenchAction | null {
  const read = readJson(text)
  if (read.kind !== 'json' || !(read.json instanceof Map)) return null
  const fields: ReadonlyMap<string, Json> = read.json
  const kind = word(fields, 'kind')
  switch (kind) {
    case 'insertCard': {
      const id = word(fields, 'id')
      return id === null ? null : {kind, id}
    }
    case 'takeCard':
    case 'takeNotes':
    case 'reloadCassettes':
      return {kind}
    case 'pressKey': {
      const key = KEYS.find(name => name === word(fields, 'key'))
      return key === undefined ? null : {kind, key}
    }
    case 'plan':
      return planOf(fields)
    case 'cable': {
      const to = (['pulled', 'in'] as const).find(place => place === word(fields, 'to'))
      const device = deviceOf(fields)
      return to === undefined || device === null ? null : {kind, device, to}
    }
    case 'power': {
      const to = (['cut', 'on'] as const).find(place => place === word(fields, 'to'))
      const device = deviceOf(fields)
      return to === undefined || device === null ? null : {kind, device, to}
    }
    case 'hostLink': {
      const to = (['cut', 'up'] as const).find(place => place === word(fields, 'to'))
      return to === undefined ? null : {kind, to}
    }
    case 'speed': {
      const speed = wholeNumber(fields, 'speed', SPEED_MAX)
      return speed === null ? null : {kind, speed}
    }
    default:
      return null
  }
}

function planOf(fields: ReadonlyMap<string, Json>): BenchAction | null {
  const device = deviceOf(fields)
  const fault = word(fields, 'fault')
  if (device === null || fault === null) return null
  if ((fields.get('argument') ?? null) === null) return {kind: 'plan', device, fault, argument: null}
  const argument = wholeNumber(fields, 'argument', NOTES_MAX)
  return argument === null ? null : {kind: 'plan', device, fault, argument}
}

/** From 0 to `most`. */
function wholeNumber(fields: ReadonlyMap<string, Json>, name: string, most: number): number | null {
  const given = fields.get(name)
  if (!(given instanceof NumberText)) return null
  const value = Number(given.source)
  return Number.isSafeInteger(value) && value >= 0 && value <= most ? value : null
}

function word(fields: ReadonlyMap<string, Json>, name: string): string | null {
  const value = fields.get(name)
  return typeof value === 'string' ? value : null
}

function deviceOf(fields: ReadonlyMap<string, Json>): Device | null {
  const named = word(fields, 'device')
  return (['cardReader', 'pinPad', 'dispenser', 'printer'] as const).find(device => device === named) ?? null
}

const KEYS: readonly Key[] = [
  ...(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '00', 'dot', 'enter', 'clear', 'cancel'] as const),
  ...(['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'] as const),
]
