/**
 * The screen read aloud to a customer with a headset, in the words of the view. Any key interrupts; keys that mean nothing
 * else repeat, change the loudness and the look. It follows the machine from the side: a voice that fails changes nothing.
 */
import type {Key, PinPadCapabilities} from '../../devices/pin-pad/port.ts'
import type {Log} from '../../kit/log.ts'
import type {Currency} from '../../kit/money.ts'
import {LOOK_KEY} from './look.ts'
import {sayIn} from './say.ts'
import type {ViewModel} from './view-model.ts'
import type {Tongue} from './words.ts'

/** Heard again. */
const AGAIN_KEY = 'dot' satisfies Key
/** The next loudness, and the softest after the loudest. */
const LOUDER_KEY = 'clear' satisfies Key

/** Of 200, the most that the engine has; 100 is its own. */
const LOUDNESSES = [50, 75, 100, 140, 200] as const
/** What each customer begins with. */
const LOUDNESS_AT_FIRST = 2

/** What speaks. */
export interface Speaker {
  /**
   * Speaks the text, ending what it was speaking.
   * @param loudness 0 to 200
   * @returns why it could not be spoken, or null when it was, or was ended
   */
  say(text: string, language: Tongue, loudness: number): Promise<string | null>
  /** Silent at once. */
  hush(): void
}

/** What is read aloud. */
export interface Heard {
  current(): ViewModel
  onChange(listener: () => void): () => void
  /** Calls at every key in clear-key mode. @param isSpare whether the key means nothing to the screen of this moment */
  onKey(listener: (key: Key, isSpare: boolean) => void): () => void
  /** Tells the machine whether somebody listens. */
  listen(listens: boolean): void
}

export interface VoiceParts {
  readonly heard: Heard
  readonly speaker: Speaker
  /** Of the pad: no key is spoken of that it does not have. */
  readonly keys: PinPadCapabilities['keys']
  readonly currency: Currency
  readonly log: Log
}

export class Voice {
  readonly #parts: VoiceParts
  readonly #stops: readonly (() => void)[]
  #before: ViewModel
  #listens = false
  #loudness = LOUDNESS_AT_FIRST
  #last = ''

  constructor(parts: VoiceParts) {
    this.#parts = parts
    const {heard} = parts
    this.#before = heard.current()
    this.#stops = [
      heard.onChange(() => {
        this.#follow()
      }),
      heard.onKey((key, isSpare) => {
        this.#key(key, isSpare)
      }),
    ]
  }

  /** The headset came in, or went. */
  headset(isIn: boolean): void {
    if (isIn === this.#listens) return
    this.#listens = isIn
    this.#loudness = LOUDNESS_AT_FIRST
    this.#parts.heard.listen(isIn)
    this.#before = this.#parts.heard.current()
    if (isIn) this.#say(`${this.#orientation()} ${this.#before.speech}`)
    else this.#parts.speaker.hush()
  }

  stop(): void {
    for (const stop of this.#stops) stop()
    this.#parts.speaker.hush()
  }

  #follow(): void {
    const before = this.#before
    const now = this.#parts.heard.current()
    this.#before = now
    if (now.screen === 'idle' && before.screen !== 'idle') this.#loudness = LOUDNESS_AT_FIRST
    if (!this.#listens) return
    if (now.screen !== before.screen || now.language !== before.language) this.#say(now.speech)
    else if (now.look.now === 'dark' && before.look.now !== 'dark') this.#say(this.#words('voice.dark'))
    else if (now.speech !== before.speech) this.#say(newsOf(now.speech, before.speech))
    // The pad sounds a tone for each digit of a PIN; words over it would hide it.
    else if (JSON.stringify(now.entry) !== JSON.stringify(before.entry)) this.#parts.speaker.hush()
  }

  #key(key: Key, isSpare: boolean): void {
    if (!this.#listens) return
    this.#parts.speaker.hush()
    if (!isSpare) return
    if (key === LOUDER_KEY) this.#loudness = (this.#loudness + 1) % LOUDNESSES.length
    if (key === AGAIN_KEY || key === LOUDER_KEY)
      this.#say(key === AGAIN_KEY ? this.#before.speech : this.#last)
  }

  /** That there is speech, and which of the pad's keys steer it. */
  #orientation(): string {
    const told = [
      [AGAIN_KEY, 'voice.again', 'key.dot'],
      [LOUDER_KEY, 'voice.louder', 'key.clear'],
      [LOOK_KEY, 'voice.look', 'key.00'],
    ] as const
    const {language} = this.#before
    const say = sayIn(language, this.#parts.currency, 'ear')
    return [
      say.words('voice.on', {}),
      ...told
        .filter(([key]) => this.#parts.keys.includes(key))
        .map(([, message, key]) => say.words(message, {key: say.words(key, {})})),
    ].join(' ')
  }

  #words(message: 'voice.dark'): string {
    return sayIn(this.#before.language, this.#parts.currency, 'ear').words(message, {})
  }

  #say(text: string): void {
    this.#last = text
    const {speaker, log} = this.#parts
    void speaker.say(text, this.#before.language, LOUDNESSES[this.#loudness] ?? 100).then(why => {
      if (why !== null) log.warn('the screen could not be read aloud', {why})
    })
  }
}

/** The sentences that were not there before, or all when nothing is new: what was typed, not the whole screen at each digit. */
function newsOf(speech: string, before: string): string {
  const known = new Set(sentencesOf(before))
  const news = sentencesOf(speech).filter(sentence => !known.has(sentence))
  return news.length === 0 ? speech : news.join(' ')
}

function sentencesOf(text: string): readonly string[] {
  return text.split(/(?<=[.?!؟।])\s+|(?<=[。？！])\s*/)
}
