/** The policy of a bank under load: limits so wide that they are counted and never met. */
import {NO_POLICY} from '../../host/guard/policy.ts'
import type {Policy} from '../../host/guard/policy.ts'
import {minorUnits} from '../../kit/money.ts'

const WIDE = {amountMinorMax: minorUnits(10 ** 12), countMax: 10 ** 9}

export const WIDE_POLICY: Policy = {...NO_POLICY, cardDay: WIDE, accountDay: WIDE, machineHour: WIDE}
