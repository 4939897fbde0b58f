/**
 * A new PIN for the card at a machine. It comes twice, each time in a block that only the PIN module opens; the module
 * compares the two and judges them, so neither the machine nor this code ever has a PIN in its hands.
 */
import {answered, declinedWith} from './api/answer.ts'
import type {Answer} from './api/answer.ts'
import type {ChangePinAnswer, ChangePinRequest} from './api/schema.ts'
import type {Bank} from './bank.ts'
import {VISIT_MS} from './movement.ts'
import type {Card, Tx} from './store/port.ts'
import {bytesOfHex} from '../crypto/hex.ts'
import {present} from '../kit/assert.ts'
import {timeFromIso} from '../kit/clock.ts'
import type {EpochMs} from '../kit/clock.ts'
import {Secret} from '../kit/secret.ts'

/** ISO 8583 response codes, as networks use them for a new PIN: the two differ; it is one that anybody would guess. */
const PINS_DIFFER = '55'
const PIN_UNACCEPTABLE = '89'
const TOO_LATE = '68'
const NOT_HERE = '57'
const PIN_KEY_STALE = '81'
const SETTLED = '94'

/**
 * Changes the PIN once for a key. The key again, with its answer lost, is answered by what the card has now: done, or
 * never to be done, since a change that comes late could undo a later one.
 */
export async function changePin(
  bank: Bank,
  atmId: string,
  key: string,
  request: ChangePinRequest,
): Promise<Answer> {
  const pan = new Secret(present(/^;?([0-9]{8,19})=/.exec(request.track2)?.[1], 'a checked track 2'))
  const nowMs = bank.clock.wallMs()
  const here = await bank.store.read(async tx => {
    const card = await visitor(bank, tx, atmId, pan, nowMs)
    const pinKey = (await tx.atms.keys(atmId))?.pinKey ?? null
    return {card, pinKey}
  })
  const {card, pinKey} = here
  if (card === null) return declinedWith({rc: NOT_HERE, retain: false})
  if (pinKey === null) return declinedWith({rc: PIN_KEY_STALE, retain: false})
  // The slow part, outside the transaction.
  const taken = await bank.pin.takeNewPin({
    atmId,
    pinKey,
    pan,
    blocks: [request.new_pin_block, request.repeated_pin_block].map(block => new Secret(bytesOfHex(block))),
    verifier: card.pinVerifier,
  })
  switch (taken.kind) {
    case 'malformed':
      return declinedWith({rc: PIN_KEY_STALE, retain: false})
    case 'differ':
      return declinedWith({rc: PINS_DIFFER, retain: false})
    case 'weak':
      return declinedWith({rc: PIN_UNACCEPTABLE, retain: false})
    case 'taken':
      return bank.store.transact(async tx => {
        if ((await tx.cards.recordVerification(key, atmId, nowMs)) === 'known')
          return taken.isAsBefore ? done() : declinedWith({rc: SETTLED, retain: false})
        const deadlineMs = timeFromIso(request.deadline)
        if (deadlineMs === null || bank.clock.wallMs() > deadlineMs)
          return declinedWith({rc: TOO_LATE, retain: false})
        if ((await visitor(bank, tx, atmId, pan, nowMs)) === null)
          return declinedWith({rc: NOT_HERE, retain: false})
        await tx.cards.setPinVerifier(card.cardId, taken.verifier)
        return done()
      })
  }
}

function done(): Answer {
  const body: ChangePinAnswer = {rc: '00'}
  return answered(body)
}

/** The card, if it is the one whose PIN was verified at this machine just now. */
async function visitor(
  bank: Bank,
  tx: Tx,
  atmId: string,
  pan: Secret<string>,
  nowMs: EpochMs,
): Promise<Card | null> {
  const visit = await tx.cards.visit(atmId)
  const card = await tx.cards.findByPan(bank.pin.panHash(pan))
  const isHere = visit !== null && card?.cardId === visit.cardId && nowMs - visit.verifiedAtMs <= VISIT_MS
  return isHere && card.status === 'active' ? card : null
}
