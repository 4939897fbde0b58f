/** A small bank to play with: people, accounts, cards and one machine. Never for real money. */
import type {Bank} from './bank.ts'
import {isoSeconds} from './bank.ts'
import {openingEntry} from './ledger/book.ts'
import {shownPan} from './pan.ts'
import type {AccountType, Card, Tx} from './store/port.ts'
import {bytesOfHex} from '../crypto/hex.ts'
import {assert} from '../kit/assert.ts'
import type {EpochMs} from '../kit/clock.ts'
import {minorUnits} from '../kit/money.ts'
import type {Currency} from '../kit/money.ts'
import {Secret} from '../kit/secret.ts'

/** The demo machine's master key, as its emulated PIN pad has it; check value 08D7B4. */
export const DEMO_MASTER_KEY_HEX = '0123456789ABCDEFFEDCBA9876543210'

export interface DemoCard {
  readonly pan: string
  readonly pin: string
  /** `;PAN=YYMM...?` as a reader gives it. */
  readonly track2: string
  readonly holder: string
  readonly status: Card['status']
  readonly accounts: readonly DemoAccount[]
}

export interface DemoAccount {
  readonly accountId: string
  readonly accountType: AccountType
  readonly openingMinor: number
}

/** Last valid month of the demo cards, `YYMM`. */
const EXPIRES = '4912'

/** The people who come to the demo machine. */
export const DEMO_CARDS: readonly DemoCard[] = [
  demoCard('4761739001010010', '1234', 'Ada Lund', 'active', [
    {accountId: '12345', accountType: 'checking', openingMinor: 100_000},
    {accountId: '12346', accountType: 'savings', openingMinor: 250_000},
  ]),
  demoCard('4761739001010028', '1111', 'Ben Okoro', 'active', [
    {accountId: '22345', accountType: 'checking', openingMinor: 3_500},
  ]),
  demoCard('4761739001010036', '2222', 'Carla Reis', 'stolen', [
    {accountId: '32345', accountType: 'checking', openingMinor: 50_000},
  ]),
  demoCard('4761739001010044', '4711', 'Dina Haddad', 'active', [
    {accountId: '42345', accountType: 'checking', openingMinor: 80_000},
  ]),
]

/** Somebody without a card, for transfers to another person. */
const NEIGHBOUR = {
  user: {
    userId: 'u9',
    name: 'Eli Novak',
    email: 'u9@example.org',
    phoneNumber: '+49 30 555 0109',
    address: '9 Demo Street',
  },
  account: {accountId: '67890', accountType: 'checking', openingMinor: 100_000},
} as const

/**
 * Fills an empty bank; does nothing to one that has the machine already.
 * @param atmIds machines to register, all with `DEMO_MASTER_KEY_HEX`
 */
export async function seedDemo(
  bank: Bank,
  atmIds: readonly string[],
  currency: Currency = 'EUR',
): Promise<void> {
  const masterKey = new Secret(bytesOfHex(DEMO_MASTER_KEY_HEX))
  // The slow part, outside the transaction.
  const cards = await Promise.all(
    DEMO_CARDS.map(async card => ({
      ...card,
      verifier: await bank.pin.pinVerifier(new Secret(card.pan), new Secret(card.pin)),
    })),
  )
  const nowMs = bank.clock.wallMs()
  await bank.store.transact(async tx => {
    for (const atmId of atmIds)
      if ((await tx.atms.find(atmId)) === null)
        await tx.atms.put(
          {atmId, location: 'Demo hall', status: 'active'},
          bank.pin.keepMasterKey(atmId, masterKey),
        )
    if ((await tx.accounts.list()).length > 0) return
    for (const [index, card] of cards.entries()) {
      const userId = `u${index + 1}`
      await tx.accounts.putUser({
        userId,
        name: card.holder,
        email: `${userId}@example.org`,
        phoneNumber: `+49 30 555 010${index}`,
        address: `${index + 1} Demo Street`,
      })
      for (const account of card.accounts) await openAccount(tx, account, {userId, currency, nowMs})
      await tx.cards.put(
        {
          cardId: `c${index + 1}`,
          panHash: bank.pin.panHash(new Secret(card.pan)),
          panShown: shownPan(card.pan),
          expires: EXPIRES,
          status: card.status,
          pinVerifier: card.verifier,
          pinTriesCount: 0,
        },
        card.accounts.map(({accountId}) => accountId),
      )
    }
    await tx.accounts.putUser(NEIGHBOUR.user)
    await openAccount(tx, NEIGHBOUR.account, {userId: NEIGHBOUR.user.userId, currency, nowMs})
  })
}

async function openAccount(
  tx: Tx,
  {accountId, accountType, openingMinor}: DemoAccount,
  {userId, currency, nowMs}: {userId: string; currency: Currency; nowMs: EpochMs},
): Promise<void> {
  await tx.accounts.put({accountId, userId, accountType, currency, createdAt: isoSeconds(nowMs)})
  const entry = openingEntry(accountId, currency, minorUnits(openingMinor))
  const posted = await tx.ledger.post(`opening:${accountId}`, entry, nowMs)
  assert(posted.kind === 'posted', 'an opening balance was refused')
}

function demoCard(
  pan: string,
  pin: string,
  holder: string,
  status: Card['status'],
  accounts: readonly DemoAccount[],
): DemoCard {
  return {pan, pin, track2: `;${pan}=${EXPIRES}2011234567890?`, holder, status, accounts}
}
