/** Tables of codes, looked up the other way round. */

/** The name under which a table holds that code, or null. */
export function nameOf<T extends Readonly<Record<string, number>>>(
  table: T,
  code: number | undefined,
): (keyof T & string) | null {
  return namesOf(table).find(name => table[name] === code) ?? null
}

export function namesOf<T extends Readonly<Record<string, unknown>>>(
  table: T,
): readonly (keyof T & string)[] {
  return Object.keys(table)
}
