/** Constant tables read both ways: by name, and by what stands under it. */

/** The names of a table, in their order. Only for tables that are written out as they are typed. */
export function keysOf<T extends Readonly<Record<string, unknown>>>(table: T): readonly (keyof T & string)[] {
  return Object.keys(table)
}

/** The name under which a value stands first, or null. */
export function nameOf<T extends Readonly<Record<string, unknown>>>(
  table: T,
  value: unknown,
): (keyof T & string) | null {
  return keysOf(table).find(name => table[name] === value) ?? null
}
