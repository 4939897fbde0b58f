/** Counting the notes of a world as a stand gives it or its file holds it. */

/** All notes, wherever they are: in cassettes, in lists by place; 0 for a device that has none. */
export function notesIn(world: Readonly<Record<string, unknown>>): number {
  if (Array.isArray(world['notes'])) return world['notes'].length
  if (!('cassettes' in world)) return 0
  const lists = Object.values(world).filter(value => Array.isArray(value))
  return lists.flat().reduce((sum: number, one: unknown) => sum + countOf(one), 0)
}

function countOf(one: unknown): number {
  if (typeof one === 'number') return one
  return typeof one === 'object' && one !== null && 'count' in one ? Number(one.count) : 0
}
