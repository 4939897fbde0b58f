/** The shape of a language, taken from the English one. */
import type {ENGLISH, ENGLISH_PLURALS} from './english.ts'

export type MessageKey = keyof typeof ENGLISH
export type PluralKey = keyof typeof ENGLISH_PLURALS

/** A text for each category of CLDR that the language counts by; `{count}` is the number. */
export type PluralForms = Readonly<Partial<Record<Intl.LDMLPluralRule, string>> & {other: string}>

/** A language: every key of English, in its own words. */
export interface Catalogue {
  /** Of the language, in itself and in its own script: what a customer looks for. */
  readonly name: string
  readonly words: Readonly<Record<MessageKey, string>>
  readonly plurals: Readonly<Record<PluralKey, PluralForms>>
}

/** The names of the places of a message: `account` for `{account}`. */
type Places<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Places<Rest>
  : never

/** What must be filled in for a message; empty for a message without places. */
export type Filling<K extends MessageKey> = Readonly<Record<Places<(typeof ENGLISH)[K]>, string>>
