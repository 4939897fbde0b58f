/** A language that nobody speaks: English with accents, longer by a third and in brackets. What is plain on its screen is in no catalogue. */
import type {Catalogue} from './catalogue.ts'

const ACCENTED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: 'å',
    e: 'é',
    i: 'î',
    o: 'ö',
    u: 'û',
    y: 'ý',
    n: 'ñ',
    A: 'Å',
    E: 'É',
    I: 'Î',
    O: 'Ö',
    U: 'Û',
  }),
)

export function pseudoOf(english: Catalogue): Catalogue {
  const {name, words, plurals} = english
  return {
    name: accented(name),
    words: mapped(words, accented),
    plurals: mapped(plurals, ({one, other}) => ({
      ...(one === undefined ? {} : {one: accented(one)}),
      other: accented(other),
    })),
  }
}

/** Every place `{name}` stays as it is. */
function accented(text: string): string {
  const letters = text.replaceAll(/\{\w+\}|[a-zA-Z]/g, found => ACCENTED.get(found) ?? found)
  return `[${letters}${'·'.repeat(Math.ceil(text.length / 3))}]`
}

function mapped<K extends string, From, To>(
  object: Readonly<Record<K, From>>,
  change: (value: From) => To,
): Readonly<Record<K, To>> {
  const entries = Object.entries<From>(object).map(([key, value]) => [key, change(value)])
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- Object.fromEntries forgets which keys went in; they are those of `object`.
  return Object.fromEntries(entries) as Readonly<Record<K, To>>
}
