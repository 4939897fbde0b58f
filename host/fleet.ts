/** Machines as the people of the bank see and keep them. */
import {answered, problemOf} from './api/answer.ts'
import type {Answer} from './api/answer.ts'
import type {AtmChange, AtmMessage, NewAtm, PageQuery} from './api/office-schema.ts'
import {nextField, pageOf} from './api/paging.ts'
import {isoSeconds} from './bank.ts'
import type {Bank} from './bank.ts'
import {note} from './guard/audit.ts'
import {cashOf} from './settlement/cash.ts'
import type {Atm, Tx} from './store/port.ts'
import {bytesOfHex} from '../crypto/hex.ts'
import {keyCheckValue} from '../crypto/tdes.ts'
import {present} from '../kit/assert.ts'
import {Secret} from '../kit/secret.ts'

export async function listAtms(bank: Bank, query: PageQuery): Promise<Answer> {
  return bank.store.read(async tx => {
    const page = await pageOf(
      query,
      ['text'],
      slice => tx.fleet.list(slice),
      ({atmId}) => [atmId],
    )
    if ('status' in page) return page
    return answered({atms: await messagesOf(tx, page.items), ...nextField(page)})
  })
}

export async function showAtm(bank: Bank, atmId: string): Promise<Answer> {
  return bank.store.read(async tx => {
    const atm = await tx.atms.find(atmId)
    if (atm === null) return noAtm()
    const [message] = await messagesOf(tx, [atm])
    return answered(present(message, 'the message of a machine'))
  })
}

/** Registers a machine, switched off until somebody switches it on. */
export async function addAtm(
  bank: Bank,
  {atm_id, location, master_key}: NewAtm,
  by: string,
): Promise<Answer> {
  const keyBytes = bytesOfHex(master_key)
  const atm: Atm = {atmId: atm_id, location, status: 'inactive'}
  return bank.store.transact(async tx => {
    if ((await tx.atms.find(atm_id)) !== null)
      return problemOf('exists', 'a machine of that name is here already')
    await tx.atms.put(atm, bank.pin.keepMasterKey(atm_id, new Secret(keyBytes)))
    await note(bank, tx, {who: by, action: 'machine.added', subject: atm_id})
    return answered({
      atm_id,
      location,
      status: atm.status,
      master_key_check_value: keyCheckValue(keyBytes),
    })
  })
}

export async function changeAtm(bank: Bank, atmId: string, change: AtmChange, by: string): Promise<Answer> {
  return bank.store.transact(async tx => {
    if ((await tx.atms.find(atmId)) === null) return noAtm()
    if (change.location !== undefined) await tx.fleet.setLocation(atmId, change.location)
    if (change.status !== undefined) {
      await tx.atms.setStatus(atmId, change.status)
      bank.log.warn('a machine was switched', {atmId, status: change.status, by})
    }
    const what = [change.location, change.status].filter(each => each !== undefined).join(', ')
    await note(bank, tx, {who: by, action: 'machine.changed', subject: atmId, detail: what})
    const [message] = await messagesOf(tx, [present(await tx.atms.find(atmId), 'the changed machine')])
    return answered(present(message, 'the message of a machine'))
  })
}

function noAtm(): Answer {
  return problemOf('unknown-atm', 'the machine in the path does not exist')
}

async function messagesOf(tx: Tx, atms: readonly Atm[]): Promise<readonly AtmMessage[]> {
  const ids = atms.map(({atmId}) => atmId)
  const statuses = await tx.fleet.statuses(ids)
  const parts = await tx.fleet.parts(ids)
  const open = await tx.fleet.openCounts()
  const messages: AtmMessage[] = []
  for (const {atmId, location, status} of atms) {
    const day = await tx.days.open(atmId)
    const last = statuses.get(atmId)
    const counts = open.get(atmId)
    messages.push({
      atm_id: atmId,
      location,
      status,
      ...(day === null ? {} : {business_date: day.date}),
      ...(last === undefined ? {} : {heard_at: isoSeconds(last.heardAtMs)}),
      ...(last?.cash === undefined || last.cash === null || last.cashAtMs === null
        ? {}
        : {cash: cashOf(last.cash), cash_at: isoSeconds(last.cashAtMs)}),
      parts: parts.get(atmId) ?? [],
      open_holds: counts?.holdsCount ?? 0,
      open_suspects: counts?.suspectsCount ?? 0,
      open_differences: counts?.differencesCount ?? 0,
    })
  }
  return messages
}
