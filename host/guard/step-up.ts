/**
 * A second proof for a large withdrawal: the one-time code of the customer's own app where the card has one,
 * else the PIN once more. It is good for one withdrawal of that card at that machine, up to the amount that
 * was named, and for a few minutes. Tries count as PIN tries, on disk before anything is checked.
 */
import {actorOf, note} from './audit.ts'
import {ISSUER} from './guard.ts'
import {newSeed, seedUri, stepOf} from '../../crypto/one-time.ts'
import {answered, declinedWith, problemOf} from '../api/answer.ts'
import type {Answer} from '../api/answer.ts'
import type {SecondFactorAnswer} from '../api/guard-schema.ts'
import type {StepUpAnswer, StepUpRequest} from '../api/schema.ts'
import {isoSeconds} from '../bank.ts'
import type {Bank} from '../bank.ts'
import {PIN_TRIES_MAX, verifyCard} from '../card.ts'
import type {Identity} from '../identity.ts'
import type {Card} from '../store/port.ts'
import {VISIT_MS} from '../movement.ts'
import {epochMs} from '../../kit/clock.ts'
import {parseAmount} from '../../kit/money.ts'
import type {Currency, Minor} from '../../kit/money.ts'
import {Secret} from '../../kit/secret.ts'

/** Chosen: the time to confirm an amount on the screen, and no more. */
export const STEP_UP_MS = 180_000

/** @param key of a verification of its own */
export async function stepUp(bank: Bank, atmId: string, key: string, ask: StepUpRequest): Promise<Answer> {
  const found = await bank.store.read(async tx => {
    const visit = await tx.cards.visit(atmId)
    if (visit === null || bank.clock.wallMs() - visit.verifiedAtMs > VISIT_MS) return null
    const card = await tx.cards.find(visit.cardId)
    return card === null ? null : {card, factor: await tx.risk.factor(card.cardId)}
  })
  if (found === null) return declinedWith({rc: '57', retain: false})
  const amount = parseAmount(ask.amount.source, ask.currency)
  if (amount.kind === 'refused') return problemOf('amount-invalid', amount.why)
  const {card, factor} = found
  const refused =
    factor === null
      ? await pinAgain(bank, atmId, key, ask)
      : await codeOfCard(bank, key, atmId, card, factor, ask)
  return refused ?? granted(bank, atmId, card, amount.amountMinor, ask.currency)
}

/** A seed for the customer's app, shown this once; a code of before is of no more use. */
export async function enrolSecondFactor(bank: Bank, who: Identity, cardId: string): Promise<Answer> {
  const seed = newSeed(bank.random)
  return bank.store.transact(async tx => {
    const card = await tx.cards.find(cardId)
    if (card === null) return problemOf('unknown', 'the card in the path does not exist')
    await tx.risk.setFactor(cardId, bank.guard.vault.seal(purposeOf(cardId), seed))
    await note(bank, tx, {who: actorOf(who), action: 'card.second-factor', subject: cardId})
    const body: SecondFactorAnswer = {totp_uri: seedUri(ISSUER, card.panShown.slice(-4), new Secret(seed))}
    return answered(body)
  })
}

async function pinAgain(
  bank: Bank,
  atmId: string,
  key: string,
  {track2, pin_block: pinBlock}: StepUpRequest,
): Promise<Answer | null> {
  if (track2 === undefined || pinBlock === undefined)
    return problemOf('malformed', 'body has no PIN block, which this card needs')
  const answer = await verifyCard(bank, atmId, key, {track2, pin_block: pinBlock})
  return answer.rc === '00' ? null : answer
}

async function codeOfCard(
  bank: Bank,
  key: string,
  atmId: string,
  {cardId}: Card,
  factor: string,
  {code}: StepUpRequest,
): Promise<Answer | null> {
  if (code === undefined) return problemOf('malformed', 'body has no one-time code, which this card needs')
  const isAdmitted = await bank.store.transact(async tx => {
    if ((await tx.cards.recordVerification(key, atmId, bank.clock.wallMs())) === 'known') return 'known'
    const card = await tx.cards.find(cardId)
    if (card === null || card.pinTriesCount >= PIN_TRIES_MAX) return 'locked'
    await tx.cards.addTries(cardId, 1)
    return 'admitted'
  })
  if (isAdmitted === 'known') return problemOf('key-used', 'a verification under this key was here before')
  if (isAdmitted === 'locked') return declinedWith({rc: '75', retain: true, tries_left: 0})
  const seed = new Secret(bank.guard.vault.open(purposeOf(cardId), factor))
  const step = stepOf(seed, code, bank.clock.wallMs())
  const isRight =
    step !== null &&
    (await bank.store.transact(async tx => {
      if ((await tx.risk.acceptStep(cardId, step)) === 'replayed') return false
      await tx.cards.clearTries(cardId)
      return true
    }))
  return isRight ? null : declinedWith({rc: '55', retain: false})
}

async function granted(
  bank: Bank,
  atmId: string,
  card: Card,
  amountMinorMax: Minor,
  currency: Currency,
): Promise<Answer> {
  const endsAtMs = epochMs(bank.clock.wallMs() + STEP_UP_MS)
  return bank.store.transact(async tx => {
    // Proved again by another card than the one that began: nobody gets a grant of it.
    if ((await tx.cards.visit(atmId))?.cardId !== card.cardId) return declinedWith({rc: '57', retain: false})
    await tx.risk.grantStepUp(atmId, {cardId: card.cardId, amountMinorMax, endsAtMs})
    const body: StepUpAnswer = {rc: '00', currency, ends_at: isoSeconds(endsAtMs)}
    return answered(body)
  })
}

function purposeOf(cardId: string): string {
  return `card-seed:${cardId}`
}
