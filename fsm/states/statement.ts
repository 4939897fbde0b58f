/** The last lines of an account. They are shown and kept nowhere; turning their pages is the screen's own. */
import {base, performing, visitTo} from '../base.ts'
import {accountOf, nextKey} from '../context.ts'
import {ask, asks, stopAsking, takeStan} from './asking.ts'

const noStatement = {
  actions: visitTo({notice: {kind: 'statementUnavailable'}}),
  target: 'choosingService',
} as const

export const askingStatement = base.createStateConfig({
  entry: [
    performing(context => ({
      kind: 'host.statement',
      key: nextKey(context),
      account: accountOf(context),
    })),
    takeStan,
  ],
  on: {'statement.told': 'showingStatement', 'host.declined': noStatement, 'host.silent': noStatement},
})

export const showingStatement = base.createStateConfig({
  entry: ask,
  exit: stopAsking,
  on: {...asks, 'visit.continued': 'askingAnother'},
})
