// @ts-check
/** Which views there are. A view asks the bank and gives what it draws. */
import {accounts, transactions} from './accounts.js'
import {alerts} from './alerts.js'
import {differences, operations} from './cases.js'
import {fleet, machine} from './fleet.js'

/**
 * @typedef {object} Place
 * @property {readonly string[]} way what stands between the slashes, after the view's name
 * @property {URLSearchParams} query
 * @property {(words: string) => void} again draws the view anew and says why
 */
/** @typedef {(place: Place) => Promise<readonly Node[]>} View */

/** @type {Readonly<Record<string, View>>} */
export const views = {
  fleet,
  machines: machine,
  transactions,
  operations,
  alerts,
  differences,
  accounts,
}
