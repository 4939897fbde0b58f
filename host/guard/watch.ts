/**
 * The watch over cards and machines: notes what happens to them, in the transaction in which it happens, and
 * raises what the policy's rules find wrong. One alert of a rule for a card or a machine is open at a time.
 */
import {giveBackLimits, useLimits} from './limits.ts'
import {alarmsOf} from './rules.ts'
import type {Fact, FactKind, Rule} from './rules.ts'
import {actorOf, note} from './audit.ts'
import {answered, problemOf} from '../api/answer.ts'
import type {Answer} from '../api/answer.ts'
import type {AlertMessage, AlertsAnswer, PlaceRequest} from '../api/guard-schema.ts'
import {isoSeconds, newId} from '../bank.ts'
import type {Bank} from '../bank.ts'
import type {Identity} from '../identity.ts'
import type {Operation} from '../ledger/operation.ts'
import type {Alert, Tx} from '../store/port.ts'
import {present} from '../../kit/assert.ts'
import {epochMs} from '../../kit/clock.ts'
import type {EpochMs} from '../../kit/clock.ts'

/** Facts that a rule looks at, the newest of a card or machine. */
const FACTS_MAX = 500
/** Alerts given out at a time. */
const ALERTS_MAX = 200

/** ISO 8583, field 39. 1A: further proof of the customer is needed; 59: suspected fraud. */
const STEP_UP = '1A'
export const HELD = '59'

/** A withdrawal at a machine, before money moves. */
export interface Asked {
  readonly key: string
  readonly cardId: string
  readonly accountId: string
  readonly atmId: string
  readonly amountMinor: number
}

/** The response code that speaks against it, or null; then its limits are used, and a second proof is spent. */
export async function refusalOf(bank: Bank, tx: Tx, asked: Asked, nowMs: EpochMs): Promise<string | null> {
  const {policy} = bank.guard
  const {cardId, atmId, amountMinor} = asked
  if (policy.rules.length > 0 && (await tx.risk.isHeld(cardId))) return HELD
  const beyond = await useLimits(tx, policy, {...asked, askedAtMs: nowMs}, amountMinor)
  if (beyond !== null) return beyond
  if (policy.stepUpAboveMinor === null || amountMinor <= policy.stepUpAboveMinor) return null
  if ((await tx.risk.spendStepUp(atmId, {cardId, amountMinor, nowMs})) === 'spent') return null
  await withdrawn(bank, tx, asked, nowMs)
  return STEP_UP
}

/** Not approved after all: nothing of its limits is used. */
export async function withdrawn(bank: Bank, tx: Tx, asked: Asked, askedAtMs: EpochMs): Promise<void> {
  await giveBackLimits(tx, bank.guard.policy, {...asked, askedAtMs}, asked.amountMinor, true)
}

/** Approved. Known by its key from here on, so that its advice finds the card. */
export async function approved(bank: Bank, tx: Tx, asked: Asked, nowMs: EpochMs): Promise<void> {
  await observe(bank, tx, 'approved', asked, nowMs)
}

/** The machine said what became of it. */
export async function advised(bank: Bank, tx: Tx, operation: Operation): Promise<void> {
  const {key, state, accountId, atmId, amountMinor, paidMinor, createdAtMs, changedAtMs} = operation
  if (state !== 'completed' && state !== 'reversed' && state !== 'suspect') return
  // An operation that nobody approved has no card.
  const cardId = await tx.risk.cardOf(key)
  if (cardId === null || accountId === null || atmId === null) return
  const unpaidMinor = state === 'suspect' ? 0 : amountMinor - paidMinor
  const use = {cardId, accountId, atmId, askedAtMs: createdAtMs}
  await giveBackLimits(tx, bank.guard.policy, use, unpaidMinor, state === 'reversed')
  await observe(bank, tx, state, {key, cardId, atmId}, changedAtMs)
}

/** Notes a fact and raises what it completes. Nothing is noted where no rule looks and no limit counts. */
export async function observe(
  bank: Bank,
  tx: Tx,
  kind: FactKind,
  {key, cardId, atmId}: Pick<Asked, 'key' | 'cardId' | 'atmId'>,
  nowMs: EpochMs,
): Promise<void> {
  const {rules, cardDay, accountDay, machineHour} = bank.guard.policy
  if (rules.length === 0 && cardDay === null && accountDay === null && machineHour === null) return
  await tx.risk.addFact({kind, cardId, atmId, key, atMs: nowMs})
  await judge(bank, tx, {cardId, atmId}, nowMs)
  // A machine has many facts, and money does not wait for them.
  if (kind === 'verified') await judge(bank, tx, {cardId: null, atmId}, nowMs)
}

/** Holds the facts about a card, or without one about a machine, against its rules, and raises what they break. */
export async function judge(
  bank: Bank,
  tx: Tx,
  about: {readonly cardId: string | null; readonly atmId: string},
  nowMs: EpochMs,
): Promise<void> {
  const {cardId, atmId} = about
  const own = bank.guard.policy.rules.filter(({of}) => of === (cardId === null ? 'machine' : 'card'))
  if (own.length === 0) return
  const sinceMs = epochMs(Math.max(0, nowMs - Math.max(...own.map(({withinMs}) => withinMs))))
  const facts =
    cardId === null
      ? await tx.risk.factsOfMachine(atmId, sinceMs, FACTS_MAX)
      : await tx.risk.factsOfCard(cardId, sinceMs, FACTS_MAX)
  for (const {rule, why} of alarmsOf(own, facts, nowMs)) {
    const before = await tx.risk.latestAlert(rule.name, about)
    if (before !== null && isSaid(before, rule, facts, nowMs)) continue
    bank.log.warn('an alert was raised', {rule: rule.name, ...about, why})
    await tx.risk.raise({
      alertId: newId(bank),
      rule: rule.name,
      ...about,
      why,
      isHolding: rule.holds && cardId !== null,
      raisedAtMs: nowMs,
    })
  }
}

/** Whether an alert that is open, or that somebody closed as this, says all there is to say. */
function isSaid(before: Alert, rule: Rule, facts: readonly Fact[], nowMs: EpochMs): boolean {
  const {closedAtMs} = before
  if (closedAtMs === null) return true
  const since = facts.filter(({atMs}) => atMs > closedAtMs)
  return alarmsOf([rule], since, nowMs).length === 0
}

/** Newest first. */
export async function listAlerts(bank: Bank, which: 'open' | 'all'): Promise<Answer> {
  const alerts = await bank.store.read(tx => tx.risk.alerts(which, ALERTS_MAX))
  const body: AlertsAnswer = {alerts: alerts.map(messageOf)}
  return answered(body)
}

/** Somebody looked, and says what it was; a card that it held is free. Only what happens after that can raise it again. */
export async function closeAlert(
  bank: Bank,
  who: Identity,
  alertId: string,
  closing: string,
): Promise<Answer> {
  return bank.store.transact(async tx => {
    const before = await tx.risk.alert(alertId)
    if (before === null) return problemOf('unknown', 'the alert in the path does not exist')
    if (before.closedAtMs === null) {
      await tx.risk.close(alertId, {atMs: bank.clock.wallMs(), by: actorOf(who), closing})
      await note(bank, tx, {who: actorOf(who), action: 'alert.closed', subject: alertId, detail: before.rule})
    }
    return answered(messageOf(present(await tx.risk.alert(alertId), 'the alert that was closed')))
  })
}

/** Where a machine stands, so that a card's way between two can be judged. */
export async function placeMachine(
  bank: Bank,
  who: Identity,
  atmId: string,
  {latitude, longitude}: PlaceRequest,
): Promise<Answer> {
  const place = {latitudeMicro: microOf(latitude), longitudeMicro: microOf(longitude)}
  if (Math.abs(place.latitudeMicro) > 90_000_000 || Math.abs(place.longitudeMicro) > 180_000_000)
    return problemOf('malformed', 'body names no place on earth')
  return bank.store.transact(async tx => {
    if ((await tx.atms.find(atmId)) === null)
      return problemOf('unknown-atm', 'the machine in the path does not exist')
    await tx.risk.setPlace(atmId, place)
    await note(bank, tx, {
      who: actorOf(who),
      action: 'machine.placed',
      subject: atmId,
      detail: `${latitude} ${longitude}`,
    })
    return answered({})
  })
}

function microOf(degrees: string): number {
  return Math.round(Number(degrees) * 1_000_000)
}

function messageOf(alert: Alert): AlertMessage {
  const {alertId, rule, cardId, atmId, why, isHolding, raisedAtMs, closedAtMs, closedBy, closing} = alert
  return {
    alert_id: alertId,
    rule,
    ...(cardId === null ? {} : {card_id: cardId}),
    atm_id: atmId,
    why,
    holds_card: isHolding && closedAtMs === null,
    raised_at: isoSeconds(raisedAtMs),
    ...(closedAtMs === null ? {} : {closed_at: isoSeconds(closedAtMs)}),
    ...(closedBy === null ? {} : {closed_by: closedBy}),
    ...(closing === null ? {} : {closing}),
  }
}
