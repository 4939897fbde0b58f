/** Puts the words together: places filled in, plural forms chosen, amounts written as the language writes them. */
import {assert} from '../../kit/assert.ts'
import {formatAmount} from '../../kit/money.ts'
import type {Currency, Minor} from '../../kit/money.ts'
import {CATALOGUES} from './words.ts'
import type {Filling, Language, MessageKey} from './words.ts'

export interface Say {
  readonly language: Language
  /** The message with its places filled in. */
  words<K extends MessageKey>(key: K, filling: Filling<K>): string
  /** An amount for the eye, `€60` or `€60.50`; or for the ear, `60 euros`. */
  amount(amountMinor: Minor): string
  /** `one` or `other` message by the plural rule of the language. */
  plural(one: MessageKey, other: MessageKey, count: number): string
}

/** Kept, because a formatter costs more to make than all the words of a screen. */
const MADE = new Map<string, Say>()

/**
 * @param sense `eye` writes amounts with the currency's sign, `ear` with its name
 */
export function sayIn(language: Language, currency: Currency, sense: 'eye' | 'ear'): Say {
  const name = `${language} ${currency} ${sense}`
  const say = MADE.get(name) ?? newSay(language, currency, sense)
  MADE.set(name, say)
  return say
}

function newSay(language: Language, currency: Currency, sense: 'eye' | 'ear'): Say {
  const catalogue = CATALOGUES[language]
  const format = new Intl.NumberFormat(language, {
    style: 'currency',
    currency,
    currencyDisplay: sense === 'eye' ? 'narrowSymbol' : 'name',
    trailingZeroDisplay: 'stripIfInteger',
  })
  const rules = new Intl.PluralRules(language)
  const fill = (key: MessageKey, filling: Readonly<Record<string, string>>): string =>
    catalogue[key].replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const text = filling[name]
      assert(text !== undefined, `message ${key} has no ${name}`)
      return text
    })
  return {
    language,
    words: (key, filling) => fill(key, filling),
    amount(amountMinor) {
      // The decimal text goes in as it is: no amount ever becomes a fraction of a float.
      const text = formatAmount(amountMinor, currency)
      assert(isDecimal(text), `${text} is not a decimal`)
      return format.format(text)
    },
    plural: (one, other, count) =>
      fill(rules.select(count) === 'one' ? one : other, {count: count.toString()}),
  }
}

function isDecimal(text: string): text is `${number}` {
  return /^-?\d+(?:\.\d+)?$/.test(text)
}
