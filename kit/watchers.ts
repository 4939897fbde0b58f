/** Those who want to hear of every change of something, each until it stops its watch. */
export class Watchers {
  readonly #watchers = new Set<() => void>()

  /** @returns stops this watch */
  add(watcher: () => void): () => void {
    // Each call is a watch of its own, even of a function that watches already.
    const own = (): void => {
      watcher()
    }
    this.#watchers.add(own)
    return () => {
      this.#watchers.delete(own)
    }
  }

  tell(): void {
    for (const watcher of this.#watchers) watcher()
  }
}
