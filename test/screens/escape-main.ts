/** `npm run escape`: every way out of the customer's page that is known is tried; a line for each that works, and the count. */
import {chromium} from 'playwright-core'
import {present} from '../../kit/assert.ts'
import {chromiumPath} from '../needs.ts'
import {FLAGS} from '../screen/browser.ts'
import {allWays, triedWays} from './escape.ts'

const executablePath = present(chromiumPath(), 'chromium')
const browser = await chromium.launch({executablePath, args: [...FLAGS]})
try {
  const ways = allWays()
  const escapes = await triedWays(browser, ways)
  for (const escape of escapes) process.stdout.write(`${escape}\n`)
  process.stdout.write(`${ways.length - escapes.length} passed, ${escapes.length} failed\n`)
  process.exitCode = escapes.length > 0 ? 1 : 0
} finally {
  await browser.close()
}
