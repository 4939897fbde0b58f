/** Assertions stay on in production: what we did wrong stops the program before it can touch money. */

/** Our own mistake. Never caught to go on; whoever catches it reports it and stops. */
export class AssertionFailed extends Error {
  override readonly name = 'AssertionFailed'
}

/**
 * Checks something that only our own mistake can break.
 * @param message says what should have held, with the values that broke it.
 * @throws AssertionFailed
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailed(message)
}

/** The value, which our own reasoning says is there. @throws AssertionFailed when it is not. */
export function present<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new AssertionFailed(`${what} is missing`)
  return value
}

/** For the branch of a switch that the types say cannot be reached. @throws AssertionFailed always. */
export function unreachable(value: never): never {
  throw new AssertionFailed(`unreachable: ${JSON.stringify(value)}`)
}
