/** Every route of the bank, in the order of its documentation. The application registers them; the document is made of them. */
import {guardRoutes} from './guard-routes.ts'
import {machineRoutes} from './machine-routes.ts'
import {moneyRoutes} from './money-routes.ts'
import {officeRoutes} from './office-routes.ts'
import {peopleRoutes} from './people-routes.ts'
import type {Route} from './route.ts'

export const routes: readonly Route[] = [
  ...moneyRoutes,
  ...machineRoutes,
  ...peopleRoutes,
  ...officeRoutes,
  ...guardRoutes,
]
