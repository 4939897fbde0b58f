/**
 * Every word a customer can read or hear, by language and key. `{name}` marks a place to fill in. Titles say where
 * the customer is, instructions what to do next, both in plain sentences that can be spoken as they stand.
 */
import type {Catalogue} from './words/catalogue.ts'
import {ENGLISH, ENGLISH_PLURALS} from './words/english.ts'
import {pseudoOf} from './words/pseudo.ts'
import {ARABIC} from './words/arabic.ts'
import {CHINESE} from './words/chinese.ts'
import {FRENCH} from './words/french.ts'
import {GERMAN} from './words/german.ts'
import {HINDI} from './words/hindi.ts'
import {PORTUGUESE} from './words/portuguese.ts'
import {SPANISH} from './words/spanish.ts'
import {TURKISH} from './words/turkish.ts'

const en: Catalogue = {name: 'English', words: ENGLISH, plurals: ENGLISH_PLURALS}

/** By BCP 47 tag. */
const SPOKEN = {
  en,
  de: GERMAN,
  fr: FRENCH,
  es: SPANISH,
  'pt-PT': PORTUGUESE,
  tr: TURKISH,
  ar: ARABIC,
  zh: CHINESE,
  hi: HINDI,
} as const satisfies Readonly<Record<string, Catalogue>>

/** Languages that an operator may offer. */
export type Language = keyof typeof SPOKEN
/** In the order in which a screen offers them when it offers all. */
export const LANGUAGES = [
  'en',
  'de',
  'fr',
  'es',
  'pt-PT',
  'tr',
  'ar',
  'zh',
  'hi',
] as const satisfies readonly Language[]

export function isLanguage(tag: string): tag is Language {
  return Object.hasOwn(SPOKEN, tag)
}

/** What a screen can be drawn in: the languages, and the made-up `en-XA` that shows what is not translated. */
export type Tongue = Language | 'en-XA'
export const CATALOGUES: Readonly<Record<Tongue, Catalogue>> = {...SPOKEN, 'en-XA': pseudoOf(en)}

/** Whether the language is written from right to left. */
export function isRightToLeft(language: Tongue): boolean {
  return language === 'ar'
}
