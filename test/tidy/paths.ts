/** Matching of paths against the tables' small pattern language. */

/** `dir/` fits everything below, a closing `*` anything from there, any other `*` one name; else the path itself. */
export function fits(path: string, pattern: string): boolean {
  if (pattern.endsWith('*')) return path.startsWith(pattern.slice(0, -1))
  const source = pattern
    .split('*')
    .map(part => part.replace(/[.[\](){}+?^$|\\]/g, '\\$&'))
    .join('[^/]+')
  return new RegExp(`^${source}${pattern.endsWith('/') ? '' : '$'}`).test(path)
}

export function fitsAny(path: string, patterns: readonly string[]): boolean {
  return patterns.some(pattern => fits(path, pattern))
}

/** The pattern with `{kind}` and `{model}` replaced by those of a path below `devices/`. */
export function asSeenFrom(path: string, pattern: string): string {
  const [, kind = '', model = ''] = path.split('/')
  return pattern.replace('{kind}', kind).replace('{model}', model)
}
