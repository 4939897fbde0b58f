/** Speech by espeak-ng, as a child process: the text goes in by a pipe, so no list of processes and no log shows it. */
import {spawn} from 'node:child_process'
import type {ChildProcess} from 'node:child_process'
import type {Clock, Timer} from '../../kit/clock.ts'
import type {Log} from '../../kit/log.ts'
import type {Speaker} from './voice.ts'
import type {Tongue} from './words.ts'

/** Debian's package of that name. */
export const SPEECH_PROGRAM = 'espeak-ng'

/** espeak-ng's names for our languages (`espeak-ng --voices`). */
const VOICES: Readonly<Record<Tongue, string>> = {
  en: 'en',
  de: 'de',
  fr: 'fr',
  es: 'es',
  'pt-PT': 'pt',
  tr: 'tr',
  ar: 'ar',
  zh: 'cmn',
  hi: 'hi',
  'en-XA': 'en',
}
/** Words a minute; 175 is the engine's own. Slower, because nobody can look. */
const WORDS_PER_MINUTE = '150'
/** Longer than the longest screen takes. */
const SPEECH_TIMEOUT_MS = 120_000

/** @param program espeak-ng, or what takes its arguments */
export class SpeechEngine implements Speaker {
  readonly #program: string
  readonly #clock: Clock
  #child: ChildProcess | null = null

  constructor(program: string, clock: Clock) {
    this.#program = program
    this.#clock = clock
  }

  say(text: string, language: Tongue, loudness: number): Promise<string | null> {
    this.hush()
    const args = ['-v', VOICES[language], '-a', String(loudness), '-s', WORDS_PER_MINUTE, '--stdin']
    const child = spawn(this.#program, args, {stdio: ['pipe', 'ignore', 'ignore']})
    this.#child = child
    const timer = this.#clock.after(SPEECH_TIMEOUT_MS, () => child.kill())
    // A child that is gone takes no text; its end says why.
    child.stdin.on('error', () => undefined)
    child.stdin.end(text)
    return new Promise(resolve => {
      child.once('error', error => {
        resolve(error.message)
      })
      child.once('close', (status, signal) => {
        timer.cancel()
        if (this.#child === child) this.#child = null
        resolve(
          status === 0 || signal !== null ? null : `${this.#program} ended with status ${String(status)}`,
        )
      })
    })
  }

  hush(): void {
    this.#child?.kill()
    this.#child = null
  }
}

/** After a sensing program ended: it is started again. */
const SENSE_AGAIN_MS = 10_000
const LINE_CHARS_MAX = 1_000
/** `in`, or what evtest (Debian's package of that name) prints of a jack: at its start, and at each change. */
const IS_IN = /^in$|\(SW_HEADPHONE_INSERT\),? (?:state|value) 1$/
const IS_OUT = /^out$|\(SW_HEADPHONE_INSERT\),? (?:state|value) 0$/

/**
 * Watches the headset's jack through a program that prints a line at each change, for as long as it runs.
 * @returns stops it
 */
export function watchHeadset(
  [program, ...args]: readonly [string, ...string[]],
  onChange: (isIn: boolean) => void,
  clock: Clock,
  log: Log,
): () => void {
  let child: ChildProcess | null = null
  let again: Timer | null = null
  let isStopped = false
  const start = (): void => {
    const sensing = spawn(program, args, {stdio: ['ignore', 'pipe', 'ignore']})
    child = sensing
    let rest = ''
    sensing.stdout.setEncoding('utf8')
    sensing.stdout.on('data', (chunk: string) => {
      const lines = `${rest}${chunk}`.split('\n')
      rest = (lines.pop() ?? '').slice(-LINE_CHARS_MAX)
      for (const line of lines)
        if (IS_IN.test(line)) onChange(true)
        else if (IS_OUT.test(line)) onChange(false)
    })
    let why = ''
    sensing.once('error', error => {
      why = error.message
    })
    sensing.once('close', status => {
      if (isStopped) return
      onChange(false)
      log.warn('nobody senses the headset', {
        why: why === '' ? `${program} ended with ${String(status)}` : why,
      })
      again = clock.after(SENSE_AGAIN_MS, start)
    })
  }
  start()
  return () => {
    isStopped = true
    again?.cancel()
    child?.kill()
  }
}
