/** Sign-on of a machine, and card with PIN. */
import {answered, declinedWith, problemOf} from './api/answer.ts'
import type {Answer} from './api/answer.ts'
import type {ProbeAnswer, SignOnAnswer, VerifyAnswer, VerifyRequest} from './api/schema.ts'
import {isoSeconds} from './bank.ts'
import type {Bank} from './bank.ts'
import {dateFor, machineTouched, openDay} from './settlement/day.ts'
import {HELD, judge, observe} from './guard/watch.ts'
import type {Card} from './store/port.ts'
import {bytesOfHex, hexOf} from '../crypto/hex.ts'
import {present, unreachable} from '../kit/assert.ts'
import {isoTime} from '../kit/clock.ts'
import type {EpochMs} from '../kit/clock.ts'
import {Secret} from '../kit/secret.ts'

/** Wrong PINs in a row that a card survives, less one. */
export const PIN_TRIES_MAX = 3

/** Opens the machine's business: the date, and a fresh PIN key; the key of before is of no use from here on. */
export async function signOn(bank: Bank, atmId: string): Promise<Answer> {
  return bank.store.move(machineTouched(atmId), async tx => {
    const keys = present(await tx.atms.keys(atmId), 'the keys of a machine')
    const made = bank.pin.makePinKey(atmId, keys.masterKey)
    await tx.atms.setPinKey(atmId, made.stored)
    const nowMs = bank.clock.wallMs()
    await tx.fleet.heard(atmId, nowMs)
    await judge(bank, tx, {cardId: null, atmId}, nowMs)
    const body: SignOnAnswer = {
      atm_id: atmId,
      business_date: await openDay(tx, atmId, nowMs),
      pin_key: hexOf(made.underMaster),
      pin_key_check_value: made.checkValue,
      host_time: isoSeconds(nowMs),
    }
    return answered(body)
  })
}

/** Proves the link, and tells the date that a sign-on now would tell. */
export async function probe(bank: Bank, atmId: string): Promise<Answer> {
  const nowMs = bank.clock.wallMs()
  const date = await bank.store.read(tx => dateFor(tx, atmId, nowMs))
  const body: ProbeAnswer = {atm_id: atmId, business_date: date, host_time: isoSeconds(nowMs)}
  return answered(body)
}

/** A card that may try its PIN, with the try already counted. */
interface Candidate {
  readonly card: Card
  readonly pinKey: string
}

/**
 * Checks a card and its PIN. The try is on disk before the PIN is looked at, so that neither a crash nor
 * a second connection gives a thief another one.
 */
export async function verifyCard(
  bank: Bank,
  atmId: string,
  key: string,
  request: VerifyRequest,
): Promise<Answer> {
  const [, panDigits, expires] = present(
    /^;?([0-9]{8,19})=([0-9]{4})/.exec(request.track2),
    'a checked track 2',
  )
  const pan = new Secret(present(panDigits, 'a PAN'))
  const candidate = await admit(bank, atmId, key, pan, present(expires, 'an expiry'))
  if ('status' in candidate) return candidate
  const {card, pinKey} = candidate
  const verdict = await bank.pin.checkPin({
    atmId,
    pinKey,
    pinBlock: new Secret(bytesOfHex(request.pin_block)),
    pan,
    verifier: card.pinVerifier,
  })
  switch (verdict) {
    case 'right':
      return welcome(bank, atmId, key, card)
    case 'wrong': {
      await bank.store.transact(tx =>
        observe(bank, tx, 'pin-wrong', {key, cardId: card.cardId, atmId}, bank.clock.wallMs()),
      )
      const triesLeft = PIN_TRIES_MAX - card.pinTriesCount - 1
      return triesLeft > 0
        ? declinedWith({rc: '55', retain: false, tries_left: triesLeft})
        : declinedWith({rc: '75', retain: true, tries_left: 0})
    }
    case 'malformed':
      return withdrawPinKey(bank, atmId, candidate)
    default:
      return unreachable(verdict)
  }
}

async function admit(
  bank: Bank,
  atmId: string,
  key: string,
  pan: Secret<string>,
  expires: string,
): Promise<Candidate | Answer> {
  return bank.store.transact(async tx => {
    const nowMs = bank.clock.wallMs()
    // A repeat is refused rather than answered: its answer would say something about a PIN nobody checked.
    if ((await tx.cards.recordVerification(key, atmId, nowMs)) === 'known')
      return problemOf('key-used', 'a verification under this key was here before')
    // Another card is at the machine now, whatever becomes of it.
    await tx.cards.setVisit(atmId, null)
    const card = await tx.cards.findByPan(bank.pin.panHash(pan))
    if (card === null) return declinedWith({rc: '14', retain: false})
    if (card.status === 'stolen') return declinedWith({rc: '43', retain: true})
    if (card.status === 'blocked') return declinedWith({rc: '36', retain: true})
    if (bank.guard.policy.rules.length > 0 && (await tx.risk.isHeld(card.cardId)))
      return declinedWith({rc: HELD, retain: false})
    if (isExpired(card, expires, nowMs)) return declinedWith({rc: '54', retain: false})
    if (card.pinTriesCount >= PIN_TRIES_MAX) return declinedWith({rc: '75', retain: true, tries_left: 0})
    const pinKey = (await tx.atms.keys(atmId))?.pinKey ?? null
    if (pinKey === null) return declinedWith({rc: '81', retain: false})
    await tx.cards.addTries(card.cardId, 1)
    return {card, pinKey}
  })
}

async function welcome(bank: Bank, atmId: string, key: string, card: Card): Promise<Answer> {
  return bank.store.transact(async tx => {
    await tx.cards.clearTries(card.cardId)
    const nowMs = bank.clock.wallMs()
    await tx.cards.setVisit(atmId, {cardId: card.cardId, verifiedAtMs: nowMs})
    await observe(bank, tx, 'verified', {key, cardId: card.cardId, atmId}, nowMs)
    const accounts = await tx.cards.accounts(card.cardId)
    const body: VerifyAnswer = {
      rc: '00',
      accounts: accounts.map(account => ({
        account_id: account.accountId,
        account_type: account.accountType,
      })),
    }
    return answered(body)
  })
}

/**
 * The block did not open: the two ends do not share the key, or somebody plays with blocks and PANs. The
 * try is given back, which is safe only because the key goes: no second guess can be made with it.
 */
async function withdrawPinKey(bank: Bank, atmId: string, {card, pinKey}: Candidate): Promise<Answer> {
  bank.log.warn('a PIN block did not open; the machine must sign on again', {atmId})
  return bank.store.transact(async tx => {
    await tx.cards.addTries(card.cardId, -1)
    // A sign-on meanwhile has brought a key of its own, which stays.
    if ((await tx.atms.keys(atmId))?.pinKey === pinKey) await tx.atms.setPinKey(atmId, null)
    return declinedWith({rc: '81', retain: false})
  })
}

/** By the bank's record or the card's own date, whichever ends first. Both are `YYMM`, valid through that month. */
function isExpired(card: Card, expires: string, nowMs: EpochMs): boolean {
  const thisMonth = isoTime(nowMs).slice(2, 7).replace('-', '')
  return card.expires < thisMonth || expires < thisMonth
}
