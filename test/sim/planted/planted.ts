/** What a planted mistake is: a small change to the sources that loses money, under a name. */

export interface Planted {
  /** What the machine then does wrong, in the words that a reviewer would use. */
  readonly name: string
  /** Path from the root. */
  readonly file: string
  /** Text that stands in the file exactly once, and what takes its place; in order. */
  readonly edits: readonly (readonly [find: string, put: string])[]
}

/** A mistake of one edit. */
export function planted(name: string, file: string, find: string, put: string): Planted {
  return {name, file, edits: [[find, put]]}
}

/** The sources with the mistake in them. @returns null when the text to be changed is not there once */
export function spoiled(text: string, {edits}: Planted): string | null {
  let spoiledText = text
  for (const [find, put] of edits) {
    if (spoiledText.split(find).length !== 2) return null
    spoiledText = spoiledText.replace(find, () => put)
  }
  return spoiledText
}
