/** Lets one piece of work run at a time, in the order asked: a driver's order may be several exchanges long. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs the work when everything asked before has ended, well or not. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work)
    this.#last = mine.catch(() => undefined)
    return mine
  }
}
