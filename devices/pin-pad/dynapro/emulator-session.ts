/** The session of an emulated DynaPro: what it was told of a card and an amount, until it is ended. */
import {SESSION} from './bytes.ts'
import type {AckStatus} from './bytes.ts'
import {decodeSession} from './codec.ts'
import type {SwipedCard} from './emulator-card.ts'

export class Session {
  #hasAmount = false
  #externalPan: string | null = null
  #card: SwipedCard | null = null
  #hasPowerChanged = true

  get hasAmount(): boolean {
    return this.#hasAmount
  }

  /** The card that was drawn through the pad's own slot. */
  get card(): SwipedCard | null {
    return this.#card
  }

  /** The number in the session: of that card, or of another reader's. */
  get pan(): string | null {
    return this.#externalPan ?? this.#card?.pan ?? null
  }

  get isEmpty(): boolean {
    return (this.bits & ~SESSION.powerChange) === 0
  }

  /** As report 20 tells it. */
  get bits(): number {
    const {pan: cardPan = null} = this.#card ?? {}
    return (
      (this.#hasAmount ? SESSION.amount : 0) |
      (this.#externalPan === null ? 0 : SESSION.externalPan) |
      (cardPan === null ? 0 : SESSION.cardPan) |
      (this.#card === null ? 0 : SESSION.cardData) |
      (this.#hasPowerChanged ? SESSION.powerChange : 0)
    )
  }

  /** Session data as the host sent it. */
  take(bytes: Uint8Array): AckStatus {
    const sent = decodeSession(bytes)
    switch (sent.kind) {
      case 'refused':
        return 'badParameter'
      case 'amount':
        this.#hasAmount = true
        return 'accepted'
      case 'pan':
        if (this.pan !== null) return 'panExists'
        this.#externalPan = Buffer.from(bytes.subarray(2, 2 + (bytes[1] ?? 0))).toString('latin1')
        return 'accepted'
    }
  }

  swiped(card: SwipedCard): void {
    this.#card = card
  }

  /** Ended by the host, which has seen by now that the power changed. */
  end(): void {
    this.#clear()
    this.#hasPowerChanged = false
  }

  /** Power came, or came back. */
  powerUp(): void {
    this.#clear()
    this.#hasPowerChanged = true
  }

  #clear(): void {
    this.#hasAmount = false
    this.#externalPan = null
    this.#card = null
  }
}
