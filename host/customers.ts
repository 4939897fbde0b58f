/** Customers, their accounts and cards, as the people of the bank keep them. */
import {answered, problemOf} from './api/answer.ts'
import type {Answer} from './api/answer.ts'
import type {
  AccountsQuery,
  CardChange,
  CardsQuery,
  HistoryAnswer,
  NewAccount,
  NewCard,
  NewUser,
  PageQuery,
  UserChange,
} from './api/office-schema.ts'
import {nextField, pageOf} from './api/paging.ts'
import {isoSeconds, newId} from './bank.ts'
import type {Bank} from './bank.ts'
import {note} from './guard/audit.ts'
import {amountText} from './movement.ts'
import {accountMessage, cardMessage, userMessage} from './office-messages.ts'
import {hasCheckDigit, shownPan} from './pan.ts'
import type {User} from './store/port.ts'
import {present} from '../kit/assert.ts'
import {Secret} from '../kit/secret.ts'

export async function listUsers(bank: Bank, query: PageQuery): Promise<Answer> {
  return bank.store.read(async tx => {
    const page = await pageOf(
      query,
      ['text'],
      slice => tx.accounts.users(slice),
      ({userId}) => [userId],
    )
    if ('status' in page) return page
    return answered({users: page.items.map(userMessage), ...nextField(page)})
  })
}

export async function showUser(bank: Bank, userId: string): Promise<Answer> {
  return bank.store.read(async tx => {
    const user = await tx.accounts.findUser(userId)
    return user === null ? noUser() : answered(userMessage(user))
  })
}

/** The same customer under the same id is there already, and that is all right. */
export async function addUser(bank: Bank, request: NewUser, by: string): Promise<Answer> {
  const user: User = {
    userId: request.user_id ?? newId(bank),
    name: request.name,
    email: request.email,
    phoneNumber: request.phone_number,
    address: request.address,
  }
  return bank.store.transact(async tx => {
    const there = await tx.accounts.findUser(user.userId)
    if (there === null) {
      await tx.accounts.putUser(user)
      await note(bank, tx, {who: by, action: 'customer.added', subject: user.userId})
    }
    if (there !== null && answered(userMessage(there)).text !== answered(userMessage(user)).text)
      return problemOf('exists', 'another customer has that id')
    return answered(userMessage(user))
  })
}

export async function changeUser(
  bank: Bank,
  userId: string,
  change: UserChange,
  by: string,
): Promise<Answer> {
  return bank.store.transact(async tx => {
    const user = await tx.accounts.findUser(userId)
    if (user === null) return noUser()
    const next: User = {
      userId,
      name: change.name ?? user.name,
      email: change.email ?? user.email,
      phoneNumber: change.phone_number ?? user.phoneNumber,
      address: change.address ?? user.address,
    }
    await tx.accounts.changeUser(next)
    const fields = Object.keys(change).join(' ')
    await note(bank, tx, {who: by, action: 'customer.changed', subject: userId, detail: fields})
    return answered(userMessage(next))
  })
}

function noUser(): Answer {
  return problemOf('unknown', 'there is no such customer')
}

export async function listAccounts(bank: Bank, query: AccountsQuery): Promise<Answer> {
  return bank.store.read(async tx => {
    const filter = {userId: query.user_id}
    const rows = pageOf(
      query,
      ['text'],
      slice => tx.accounts.page(filter, slice),
      ({accountId}) => [accountId],
    )
    const page = await rows
    if ('status' in page) return page
    return answered({accounts: page.items.map(accountMessage), ...nextField(page)})
  })
}

export async function showAccount(bank: Bank, accountId: string): Promise<Answer> {
  return bank.store.read(async tx => {
    const account = await tx.accounts.find(accountId)
    return account === null ? noAccount() : answered(accountMessage(account))
  })
}

/** Opens an account with nothing in it. */
export async function addAccount(bank: Bank, request: NewAccount, by: string): Promise<Answer> {
  const nowMs = bank.clock.wallMs()
  const account = {
    accountId: request.account_id ?? newId(bank),
    userId: request.user_id,
    accountType: request.account_type,
    currency: request.currency,
    createdAt: isoSeconds(nowMs),
  }
  return bank.store.transact(async tx => {
    if ((await tx.accounts.findUser(account.userId)) === null) return noUser()
    const there = await tx.accounts.find(account.accountId)
    if (there !== null)
      return there.userId === account.userId &&
        there.accountType === account.accountType &&
        there.currency === account.currency
        ? answered(accountMessage(there))
        : problemOf('exists', 'another account has that id')
    await tx.accounts.put(account)
    await note(bank, tx, {who: by, action: 'account.opened', subject: account.accountId})
    return answered(accountMessage(present(await tx.accounts.find(account.accountId), 'the new account')))
  })
}

function noAccount(): Answer {
  return problemOf('unknown-account', 'the account in the path does not exist')
}

/** Every posting of an account, newest first, each with the balance after it. */
export async function showHistory(bank: Bank, accountId: string, query: PageQuery): Promise<Answer> {
  return bank.store.read(async tx => {
    const account = await tx.accounts.find(accountId)
    if (account === null) return noAccount()
    const page = await pageOf(
      query,
      ['number', 'number', 'text', 'text', 'number'],
      slice => tx.statements.movements(account, slice),
      ({atMs, amountMinor, key, kind, leg}) => [atMs, 0 - amountMinor, key, kind, leg],
    )
    if ('status' in page) return page
    const {currency} = account
    const body: HistoryAnswer = {
      account_id: accountId,
      currency,
      movements: page.items.map(({key, kind, amountMinor, balanceMinor, atMs}) => ({
        key,
        kind,
        amount: amountText(amountMinor, currency),
        balance: amountText(balanceMinor, currency),
        at: isoSeconds(atMs),
      })),
      ...nextField(page),
    }
    return answered(body)
  })
}

export async function listCards(bank: Bank, query: CardsQuery): Promise<Answer> {
  return bank.store.read(async tx => {
    const filter = {accountId: query.account_id}
    const page = await pageOf(
      query,
      ['text'],
      slice => tx.cards.page(filter, slice),
      ({cardId}) => [cardId],
    )
    if ('status' in page) return page
    const cards = []
    for (const card of page.items) cards.push(cardMessage(card, await tx.cards.accounts(card.cardId)))
    return answered({cards, ...nextField(page)})
  })
}

/** Takes in a card that was made elsewhere. Number and PIN go to the PIN module, and are kept nowhere. */
export async function addCard(bank: Bank, request: NewCard, by: string): Promise<Answer> {
  const pan = new Secret(request.card_number)
  if (!hasCheckDigit(request.card_number))
    return problemOf('malformed', 'field card_number has a wrong check digit')
  // The slow part, outside the transaction.
  const pinVerifier = await bank.pin.pinVerifier(pan, new Secret(request.pin))
  const card = {
    cardId: newId(bank),
    panHash: bank.pin.panHash(pan),
    panShown: shownPan(request.card_number),
    expires: request.expires,
    status: 'active',
    pinVerifier,
    pinTriesCount: 0,
  } as const
  return bank.store.transact(async tx => {
    if (request.accounts.length === 0) return problemOf('malformed', 'a card opens at least one account')
    if (new Set(request.accounts).size !== request.accounts.length)
      return problemOf('malformed', 'an account is named twice')
    for (const accountId of request.accounts)
      if ((await tx.accounts.find(accountId)) === null)
        return problemOf('unknown-account', 'an account of the card does not exist')
    if ((await tx.cards.findByPan(card.panHash)) !== null)
      return problemOf('exists', 'a card of that number is here already')
    await tx.cards.put(card, request.accounts)
    await note(bank, tx, {who: by, action: 'card.added', subject: card.cardId, detail: card.panShown})
    return answered(cardMessage(card, await tx.cards.accounts(card.cardId)))
  })
}

export async function changeCard(
  bank: Bank,
  cardId: string,
  change: CardChange,
  by: string,
): Promise<Answer> {
  return bank.store.transact(async tx => {
    const card = await tx.cards.find(cardId)
    if (card === null) return problemOf('unknown', 'there is no such card')
    if (change.status !== undefined) await tx.cards.setStatus(cardId, change.status)
    if (change.forgive_tries !== undefined) await tx.cards.clearTries(cardId)
    bank.log.warn('a card was changed', {
      cardId,
      by,
      status: change.status ?? card.status,
      why: change.reason,
    })
    const what = change.status ?? 'tries forgiven'
    await note(bank, tx, {
      who: by,
      action: 'card.changed',
      subject: cardId,
      detail: `${what}: ${change.reason}`,
    })
    const next = present(await tx.cards.find(cardId), 'the changed card')
    return answered(cardMessage(next, await tx.cards.accounts(cardId)))
  })
}

export async function showCard(bank: Bank, cardId: string): Promise<Answer> {
  return bank.store.read(async tx => {
    const card = await tx.cards.find(cardId)
    if (card === null) return problemOf('unknown', 'there is no such card')
    return answered(cardMessage(card, await tx.cards.accounts(cardId)))
  })
}
