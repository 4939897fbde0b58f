/** The back office and the API's page in a real browser: signed in, read, decided, with the keyboard, and nothing from elsewhere. */
import {mkdirSync} from 'node:fs'
import {join} from 'node:path'
import {TOTP, URI} from 'otpauth'
import t from 'tap'
import type {Test} from 'tap'
import type {Page} from 'playwright-core'
import {ATM, send} from './bench.ts'
import {Day, NEXT, nextKey} from './settlement/day.ts'
import {buildApp} from '../../host/app.ts'
import {admitDemoPeople} from '../../host/guard/demo-people.ts'
import type {DemoPerson} from '../../host/guard/demo-people.ts'
import {personOf} from '../../host/guard/sign-in.ts'
import {bearerOf} from '../../host/guard/tokens.ts'
import {AssertionFailed, present} from '../../kit/assert.ts'
import {chromiumPath, skipUnless} from '../needs.ts'
import {launched, opened} from '../screen/browser.ts'

interface Office {
  readonly url: string
  readonly day: Day
  readonly people: readonly DemoPerson[]
}

/** A bank with a day behind it in which something went wrong, over plain HTTP on loopback. */
async function openOffice(t: Test): Promise<Office> {
  const day = await Day.counted(t)
  const {bench} = day
  await day.completed(await day.approved(nextKey(1)))
  await day.suspected(await day.approved(nextKey(2)), 0, 100)
  await send(
    bench,
    'POST',
    `/api/atms/${ATM}/events`,
    JSON.stringify({
      events: [
        {seq: 1, at: '2026-11-23T10:00:00Z', part: 'card-reader', state: 'ok', detail: 'cleaned'},
        {
          seq: 2,
          at: '2026-11-23T10:10:00Z',
          part: 'dispenser',
          state: 'out',
          detail: 'jam at the second cassette',
        },
      ],
    }),
  )
  await day.cutOver([1, 100], NEXT, {
    units: [
      {unit: 'cassette-1', kind: 'cassette', value: 50, count: 96},
      {unit: 'reject', kind: 'bin', value: 50, count: 2},
    ],
  })
  await day.sendJournal()
  await bench.bank.store.transact(tx =>
    tx.risk.raise({
      alertId: '0'.repeat(24),
      rule: 'wrong-pins',
      cardId: 'c1',
      atmId: ATM,
      why: 'three wrong PINs <img src=x onerror=alert(1)>',
      isHolding: true,
      raisedAtMs: bench.clock.wallMs(),
    }),
  )
  const people = await admitDemoPeople(bench.bank, t.testdirName)
  const app = buildApp(bench.bank, async request => {
    const token = bearerOf(request.headers.authorization)
    return token === null ? {kind: 'guest'} : personOf(bench.bank, token)
  })
  const url = await app.listen({host: '127.0.0.1', port: 0})
  t.teardown(() => app.close())
  return {url, day, people}
}

function codeOf({totpUri}: DemoPerson, atMs: number): string {
  const otp = URI.parse(totpUri)
  if (!(otp instanceof TOTP)) throw new AssertionFailed('the demo people have time-based codes')
  return otp.generate({timestamp: atMs})
}

async function signIn(page: Page, {url, day, people}: Office, role: string): Promise<void> {
  const person = present(
    people.find(each => each.role === role),
    role,
  )
  // A code counts once, so the next one to sign in waits for the next.
  await day.bench.clock.advance(30_000)
  await page.goto(url)
  await page.getByLabel('Name').fill(person.name)
  await page.getByLabel('Password').fill(person.password)
  await page.getByLabel('One-time code').fill(codeOf(person, day.bench.clock.wallMs()))
  await page.keyboard.press('Enter')
  await page.getByRole('heading', {name: 'Fleet'}).waitFor()
}

/** Where to leave pictures for somebody to look at; nowhere unless asked. */
const PICTURES = process.env['TELLERD_PICTURES']

async function picture(page: Page, name: string, fullPage = true): Promise<void> {
  if (PICTURES === undefined) return
  mkdirSync(PICTURES, {recursive: true})
  await page.screenshot({path: join(PICTURES, `${name}.png`), fullPage})
}

/** Runs in the page: texts that do not stand out from their ground, controls without a name, and what is wider than the page. */
const ACCESS_FAULTS = `(() => {
  const faults = []
  const light = text => {
    const [r, g, b] = text.match(/[0-9.]+/g).slice(0, 3).map(Number).map(part => {
      const share = part / 255
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const ground = element => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor
      if (colour !== 'rgba(0, 0, 0, 0)') return colour
    }
    return 'rgb(255, 255, 255)'
  }
  for (const element of document.querySelectorAll('body *')) {
    if (element.getClientRects().length === 0 || element.closest('.skip, noscript')) continue
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim() !== '')
    if (own) {
      const [one, other] = [light(getComputedStyle(element).color), light(ground(element))]
      const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
      if (contrast < 4.5) faults.push(element.tagName + ' "' + element.textContent.trim().slice(0, 30) + '" has ' + contrast.toFixed(1))
    }
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(element.tagName) && element.closest('label') === null)
      faults.push(element.name + ' has no label')
    if (/^(A|BUTTON)$/.test(element.tagName) && element.textContent.trim() === '') faults.push('a ' + element.tagName + ' has no name')
  }
  if (document.querySelectorAll('h1').length !== 1) faults.push('not one h1')
  if (document.documentElement.scrollWidth > innerWidth + 1) faults.push('the page is wider than its window')
  return faults
})()`

t.test('the back office', async t => {
  const path = chromiumPath()
  if (!skipUnless(t, path, 'chromium')) return
  const office = await openOffice(t)
  const {url, day} = office
  const browser = await launched(t, path)

  t.test('nobody sees anything before signing in, and a wrong code says no more than that', async t => {
    const {page, complaints} = await opened(browser, 1100, 700)
    await page.goto(url)
    t.equal(await page.getByRole('navigation').count(), 0)
    await page.getByLabel('Name').fill('sofia')
    await page.getByLabel('Password').fill('not the password')
    await page.getByLabel('One-time code').fill('000000')
    await page.getByRole('button', {name: 'Sign in'}).click()
    await page.getByText('Not signed in').waitFor()
    await picture(page, 'sign-in')
    t.same(await page.evaluate<string[]>(ACCESS_FAULTS), [])
    t.same(
      complaints.filter(each => !each.includes('401')),
      [],
    )
    await page.close()
  })

  t.test('every view, wide and narrow', async t => {
    for (const width of [1280, 390]) {
      const {page, complaints} = await opened(browser, width, 800)
      await signIn(page, office, 'supervisor')
      for (const [hash, title] of [
        ['#/fleet', 'Fleet'],
        [`#/machines/${ATM}`, ATM],
        [`#/machines/${ATM}/${NEXT}`, `${ATM}, ${NEXT}`],
        ['#/transactions', 'Transactions'],
        ['#/operations', 'Operations'],
        ['#/alerts', 'Alerts'],
        ['#/differences?state=all', 'Reconciliation'],
        ['#/accounts', 'Accounts'],
        ['#/accounts/12345', 'Account 12345'],
        ['#/nowhere', 'There is no such view'],
      ] as const) {
        await page.goto(`${url}/${hash}`)
        await page.getByRole('heading', {name: title, exact: true}).waitFor()
        await picture(page, `${title.replaceAll(/[^A-Za-z0-9]+/g, '-')}-${width}`)
        t.same(await page.evaluate<string[]>(ACCESS_FAULTS), [], `${title} at ${width}`)
        t.match(await page.title(), title)
      }
      t.same(complaints, [], 'the page complains of nothing')
      await page.close()
    }
  })

  t.test('what the views say', async t => {
    const {page} = await opened(browser, 1280, 800)
    await signIn(page, office, 'supervisor')
    const fleet = page.getByRole('row', {name: ATM})
    t.match(await fleet.innerText(), /active[\s\S]*dispenser out[\s\S]*EUR\s4,800\.00/)
    await page.getByRole('link', {name: 'Transactions'}).click()
    await page.getByRole('cell', {name: 'EUR 100.00'}).waitFor()
    await page.getByLabel('Type').selectOption('deposit')
    await page.getByRole('button', {name: 'Show'}).click()
    await page.getByText('Transactions: none.').waitFor()
    await page.goBack()
    await page.getByRole('cell', {name: 'EUR 100.00'}).waitFor()
    await page.getByRole('link', {name: '12345'}).click()
    await page.getByRole('heading', {name: 'Account 12345'}).waitFor()
    t.match(
      await page.locator('#view').innerText(),
      /Ada Lund[\s\S]*hold[\s\S]*-EUR\s100\.00\s+EUR\s800\.00[\s\S]*opening\s+EUR\s1,000\.00\s+EUR\s1,000\.00/,
    )
    await page.close()
  })

  t.test('a suspect is settled with a reason, by the keyboard alone', async t => {
    const {page} = await opened(browser, 1280, 800)
    await signIn(page, office, 'supervisor')
    await page.goto(`${url}/#/differences`)
    const open = page.getByRole('button', {name: 'Resolve'})
    await open.first().waitFor()
    const key = nextKey(2)
    await page.getByRole('row', {name: key}).getByRole('button', {name: 'Resolve'}).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', {name: 'Resolve suspect'}).waitFor()
    await picture(page, 'resolve')
    await page.getByLabel(/^Amount/).fill('1000')
    await page.getByLabel('Reason').fill('seen on film')
    await page.getByRole('button', {name: 'Confirm'}).press('Enter')
    await page.getByText('This cannot follow').waitFor()
    await page.getByLabel(/^Amount/).fill('50')
    await page.getByRole('button', {name: 'Confirm'}).press('Enter')
    await page.getByText('The difference is resolved.').waitFor()
    t.equal(await page.getByRole('row', {name: key}).count(), 0, 'it is open no more')
    const {json} = await day.get(`/api/operations/${key}`)
    t.match(json, {state: 'completed', paid_at_least: 50, evidence: 'settled by sofia: seen on film'})
    await page.close()
  })

  t.test('an alert is closed by somebody who says what it was, and what it says is text', async t => {
    const {page} = await opened(browser, 1280, 800)
    await signIn(page, office, 'supervisor')
    await page.getByRole('link', {name: 'Alerts'}).click()
    const row = page.getByRole('row', {name: 'wrong-pins'})
    t.match(await row.innerText(), '<img src=x onerror=alert(1)>')
    await row.getByRole('button', {name: 'Close'}).click()
    await page.getByLabel('Reason').fill('the customer called')
    await page.getByRole('button', {name: 'Confirm'}).click()
    await page.getByText('The alert is closed.').waitFor()
    await page.getByText('Alerts: none.').waitFor()
    await page.getByLabel('Show').selectOption('all')
    await page.getByRole('button', {name: 'Show'}).click()
    await page.getByText('by sofia: the customer called').waitFor()
    await page.close()
  })

  t.test('whoever may not is told so, and a session that is over ends', async t => {
    const {page} = await opened(browser, 1280, 800)
    await signIn(page, office, 'operator')
    await page.goto(`${url}/#/accounts`)
    await page.getByText('Not allowed to this caller').waitFor()
    await day.bench.clock.advance(86_400_000)
    await page.getByRole('link', {name: 'Fleet'}).click()
    await page.getByText('The session is over').waitFor()
    t.equal(await page.locator('#view').innerText(), '')
    t.equal(await page.evaluate('localStorage.length + sessionStorage.length + document.cookie.length'), 0)
    await page.close()
  })

  t.test('the page of the API reads well', async t => {
    const {page, complaints} = await opened(browser, 1100, 800)
    await page.goto(`${url}/api/docs#withdraw`)
    await page.getByRole('heading', {name: 'POST /api/accounts/{account_id}/withdraw'}).waitFor()
    await picture(page, 'docs', false)
    t.same(await page.evaluate<string[]>(ACCESS_FAULTS), [])
    t.same(complaints, [])
    await page.close()
  })
})
