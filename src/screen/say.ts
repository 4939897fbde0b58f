/** Puts the words together: places filled in, plural forms chosen, amounts written as the language writes them. */
import {assert} from '../../kit/assert.ts'
import type {EpochMs} from '../../kit/clock.ts'
import {formatAmount} from '../../kit/money.ts'
import type {Currency, Minor} from '../../kit/money.ts'
import {CATALOGUES, isRightToLeft} from './words.ts'
import type {Tongue} from './words.ts'
import type {Filling, MessageKey, PluralKey} from './words/catalogue.ts'

export interface Say {
  readonly language: Tongue
  /** The message with its places filled in. */
  words<K extends MessageKey>(key: K, filling: Filling<K>): string
  /** An amount for the eye, `€60` or `€60.50`; for the ear, `60 euros`; for paper, `60.00 EUR`. */
  amount(amountMinor: Minor): string
  /** `22 Nov 2026`, where the clock shows that zone's time. */
  date(atMs: EpochMs, timeZone: string): string
  /** `12:30 UTC` */
  time(atMs: EpochMs, timeZone: string): string
  /** The form for that number, by the plural rule of the language. */
  plural(key: PluralKey, count: number): string
}

/** Where the words go. */
type Sense = 'eye' | 'ear' | 'paper'

/** Kept, because a formatter costs more to make than all the words of a screen. */
const MADE = new Map<string, Say>()

/**
 * @param sense `eye` writes amounts with the currency's sign, `ear` with its name, `paper` with its code: a printer has few signs
 */
export function sayIn(language: Tongue, currency: Currency, sense: Sense): Say {
  const name = `${language} ${currency} ${sense}`
  const say = MADE.get(name) ?? newSay(language, currency, sense)
  MADE.set(name, say)
  return say
}

function newSay(language: Tongue, currency: Currency, sense: Sense): Say {
  const catalogue = CATALOGUES[language]
  // Western digits in every language: they are the ones on the keys of the pad.
  const locale = `${language}-u-nu-latn`
  const rules = new Intl.PluralRules(language)
  const counts = new Intl.NumberFormat(locale)
  const isolates = sense !== 'ear' && isRightToLeft(language)
  const format = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    currencyDisplay: CURRENCY[sense],
    trailingZeroDisplay: sense === 'paper' ? 'auto' : 'stripIfInteger',
  })
  const fill = (message: string, filling: Readonly<Record<string, string>>): string =>
    message.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const text = filling[name]
      assert(text !== undefined, `"${message}" has no ${name}`)
      return isolates ? isolated(text) : text
    })
  return {
    language,
    words: (key, filling) => fill(catalogue.words[key], filling),
    amount(amountMinor) {
      // The decimal text goes in as it is: no amount ever becomes a fraction of a float.
      const text = formatAmount(amountMinor, currency)
      assert(isDecimal(text), `${text} is not a decimal`)
      return format.format(text)
    },
    date: (atMs, timeZone) =>
      new Intl.DateTimeFormat(locale, {timeZone, year: 'numeric', month: 'short', day: 'numeric'}).format(
        atMs,
      ),
    time: (atMs, timeZone) =>
      new Intl.DateTimeFormat(locale, {
        timeZone,
        hour: '2-digit',
        minute: '2-digit',
        hourCycle: 'h23',
        timeZoneName: 'short',
      }).format(atMs),
    plural(key, count) {
      const forms = catalogue.plurals[key]
      return fill(forms[rules.select(count)] ?? forms.other, {count: counts.format(count)})
    },
  }
}

const CURRENCY = {eye: 'narrowSymbol', ear: 'name', paper: 'code'} as const

/** Between first-strong isolate and its end, so that `€60` keeps its own order inside a sentence that runs leftwards. */
function isolated(text: string): string {
  return `\u2068${text}\u2069`
}

function isDecimal(text: string): text is `${number}` {
  return /^-?\d+(?:\.\d+)?$/.test(text)
}
