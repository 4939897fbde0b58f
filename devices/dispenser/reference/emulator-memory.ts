/** Reference dispenser emulated: what it remembers of its orders, by serial, as long as it has power. */

/** Announced and waiting for its order, told that it never comes, under way, or done. */
export type Remembered = 'announced' | 'void' | 'moving' | {readonly report: string}

/** Orders remembered; the oldest is forgotten first. */
const ORDERS_MAX = 64
const SERIAL = /^[0-9]{1,10}$/

export class Memory {
  readonly #orders = new Map<number, Remembered>()

  of(serial: number): Remembered | undefined {
    return this.#orders.get(serial)
  }

  remember(serial: number, what: Remembered): void {
    this.#orders.set(serial, what)
    const [oldest] = this.#orders.keys()
    if (this.#orders.size > ORDERS_MAX && oldest !== undefined) this.#orders.delete(oldest)
  }

  /** All of it goes with the power. */
  clear(): void {
    this.#orders.clear()
  }

  /** Answers `A`. */
  announce(serial: string): string {
    if (!SERIAL.test(serial)) return 'x;20'
    const known = this.of(Number(serial))
    const isFree = known === undefined || known === 'announced'
    if (isFree) this.remember(Number(serial), 'announced')
    return `a;${serial};${isFree ? '00' : '22'}`
  }

  /**
   * Answers `Q`: `busy` while anything moves, for what is true then may not be a moment later. Asked at rest about an
   * order that was announced and never came, it will not take it any more.
   */
  recall(serial: string, isMoving: boolean): string {
    if (!SERIAL.test(serial)) return 'x;20'
    const known = this.of(Number(serial))
    if (isMoving || known === 'moving') return `q;${serial};busy`
    switch (known) {
      case undefined:
        return `q;${serial};none`
      case 'announced':
      case 'void':
        this.remember(Number(serial), 'void')
        return `q;${serial};clean`
      default:
        return `q;${serial};moved;${known.report}`
    }
  }
}
