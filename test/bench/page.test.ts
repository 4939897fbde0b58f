/** The bench as a person uses it: a real browser, the real machine, its emulated devices and its bank. */
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import t from 'tap'
import type {Test} from 'tap'
import type {Page} from 'playwright-core'
import {realClock} from '../../kit/clock.ts'
import {silentLog} from '../../kit/log.ts'
import {minorUnits} from '../../kit/money.ts'
import {seededRandom} from '../../kit/random.ts'
import {LiveBench} from '../../src/bench/bench.ts'
import {actionOf, startBenchServer} from '../../src/bench/server.ts'
import {setTable} from '../../src/bench/table.ts'
import {chromiumPath, skipUnless} from '../needs.ts'
import {launched, opened} from '../screen/browser.ts'

async function running(t: Test): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tellerd-page-'))
  const clock = realClock()
  const crash = (thrown: unknown): void => {
    t.fail(`the bench crashed: ${String(thrown)}`)
  }
  const table = await setTable({
    folder,
    bank: 'inProcess',
    dispenser: 'lcdm2000',
    feeMinor: minorUnits(0),
    notes: {1: 100, 2: 100},
    pace: {cardMoveMs: 20, noteMs: 20, lineMs: 20},
    clock,
    random: seededRandom('page'),
    log: silentLog,
    crash,
  })
  const server = await startBenchServer(new LiveBench(table, clock, crash), {host: '127.0.0.1', port: 0})
  table.machine.start()
  t.teardown(async () => {
    await server.close()
    await table.stop()
    rmSync(folder, {recursive: true})
  })
  return server.url
}

/** Waits until the customer's screen has that title. */
async function screenSays(page: Page, title: RegExp): Promise<void> {
  await page.frameLocator('#screen').locator('h1', {hasText: title}).waitFor()
}

/** The pad takes digits a moment after the screen asks for them. */
async function padListens(page: Page): Promise<void> {
  await screenSays(page, /^Enter your PIN/)
  await page.locator('#device-pinPad .world', {hasText: 'PIN entry'}).waitFor({state: 'attached'})
}

async function typed(page: Page, keys: readonly string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key)
}

t.test('the bench', async t => {
  const path = chromiumPath()
  if (!skipUnless(t, path, 'chromium')) return
  const url = await running(t)
  const browser = await launched(t, path)
  const {page, complaints} = await opened(browser, 1280, 800)
  await page.goto(url)

  await t.test('a withdrawal by keyboard alone', async t => {
    await screenSays(page, /^Welcome/)
    await page.keyboard.press('c')
    await padListens(page)
    await typed(page, ['1', '2', '3'])
    await page.frameLocator('#screen').locator('#pin .held').nth(2).waitFor()
    t.notMatch(
      await page.frameLocator('#screen').locator('main').innerHTML(),
      '123',
      'the screen knows how many digits, not which',
    )
    await typed(page, ['4', 'Enter'])
    await screenSays(page, /^What would you like/)
    await page.keyboard.press('F1')
    await screenSays(page, /^Which account/)
    await page.keyboard.press('F1')
    await screenSays(page, /^How much/)
    await typed(page, ['1', '2', '5', 'Backspace', '0', 'Enter'])
    await screenSays(page, /^Please take your card/)
    t.equal(await page.locator('#card-slot').getAttribute('data-light'), 'blink')
    await page.locator('#card-slot .plastic').waitFor()
    await page.keyboard.press('t')
    await screenSays(page, /^Please take your cash/)
    await page.locator('#cash-slot .take', {hasText: '120'}).waitFor()
    await page.keyboard.press('t')
    await page.locator('#cash-slot .bunch').waitFor({state: 'detached'})
    await page.locator('#operations li', {hasText: 'completed'}).waitFor()
    await page.locator('#accounts tr', {hasText: 'Ada Lund'}).first().getByText('880').first().waitFor()
    const journal = await page.locator('#lines li').allTextContents()
    t.ok(
      journal.some(line => line.includes('customer chose 120.00')),
      'the journal tells it',
    )
    t.notMatch(journal.join('\n'), /4761739001010010|\b1234\b/, 'without card number or PIN')
    await page.frameLocator('#screen').getByRole('button', {name: 'Done'}).click()
    await screenSays(page, /^Welcome/)
  })

  await t.test('a jam by mouse alone', async t => {
    await page.getByRole('tab', {name: 'Devices and faults'}).click()
    const dispenser = page.locator('#device-dispenser')
    await dispenser.getByRole('combobox').selectOption('jam')
    await dispenser.getByRole('spinbutton').fill('1')
    await dispenser.getByRole('button', {name: 'Plan'}).click()
    await dispenser.locator('.planned li').waitFor()
    const [sent] = await Promise.all([page.waitForRequest(/act$/), page.keyboard.press('Enter')])
    t.match(sent.postData(), /pressKey/, 'Enter is the pad’s again after a button was pressed with the mouse')
    await page.getByRole('button', {name: /Dina Haddad/}).click()
    await padListens(page)
    for (const key of ['4', '7', '1', '1', 'enter']) await page.locator(`#pad [data-key="${key}"]`).click()
    await screenSays(page, /^What would you like/)
    await page.locator('.soft [data-key=A]').click()
    await screenSays(page, /^How much/)
    await page.frameLocator('#screen').getByRole('button', {name: '€60'}).click()
    await screenSays(page, /^Please take your card/)
    await page.locator('#card-slot .plastic').click()
    await screenSays(page, /^Only part of your cash/)
    const words = await page.frameLocator('#screen').locator('#instruction').textContent()
    t.match(words, '€20 of €60')
    await page.locator('#cash-slot .bunch').click()
    await page.getByRole('tab', {name: 'Bank'}).click()
    await page.locator('#operations li').nth(1).waitFor()
    t.match(
      await page.locator('#operations li').first().textContent(),
      /20/,
      'the bank charges what was paid',
    )
    await page.frameLocator('#screen').getByRole('button', {name: 'Done'}).click()
    await screenSays(page, /^Out of service/)
    await page.getByRole('button', {name: /Ada Lund/}).click()
    await page.locator('#said', {hasText: /shut/}).waitFor()
    await page.getByRole('tab', {name: 'Devices and faults'}).click()
    await dispenser.getByRole('button', {name: /Open the safe/}).click()
    await screenSays(page, /^Welcome/)
  })

  await t.test('Escape is the Cancel key', async t => {
    await page.keyboard.press('c')
    await padListens(page)
    await page.keyboard.press('Escape')
    await screenSays(page, /^Please take your card/)
    t.match(await page.frameLocator('#screen').locator('#instruction').textContent(), /Nothing was withdrawn/)
    await page.locator('#card-slot .plastic').waitFor()
    await page.keyboard.press('t')
    await screenSays(page, /^Welcome/)
  })

  await t.test('the line to the bank and a cable', async t => {
    await page.getByRole('button', {name: 'Pull the cable'}).first().click()
    await page.getByRole('button', {name: 'Plug the cable in'}).waitFor()
    await page.getByRole('button', {name: 'Plug the cable in'}).click()
    await page.getByRole('button', {name: 'Plug the cable in'}).waitFor({state: 'detached'})
    await page.getByRole('button', {name: 'Cut the line'}).click()
    await page.getByRole('button', {name: 'Restore the line'}).click()
    await page.getByRole('button', {name: 'Cut the line'}).waitFor()
    t.pass('both can be cut and mended')
  })

  await t.test('the keys beside the screen stand at the choices', async t => {
    const boxes = await Promise.all((await page.locator('.soft button').all()).map(key => key.boundingBox()))
    t.equal(boxes.length, 8)
    const keys = boxes.map(box => (box === null ? 0 : box.y + box.height / 2))
    const frame = await page.locator('#screen').boundingBox()
    const rows = [0.47, 0.61, 0.75, 0.89].map(part => (frame?.y ?? 0) + part * (frame?.height ?? 0))
    keys.forEach((middle, at) => {
      t.ok(Math.abs(middle - (rows[at % 4] ?? 0)) < 6, `key ${at} is ${middle} of ${rows[at % 4] ?? 0}`)
    })
  })

  await t.test('the whole machine is in sight, and the page complains of nothing', async t => {
    for (const [width, height] of [
      [1280, 800],
      [1920, 1080],
    ] as const) {
      await page.setViewportSize({width, height})
      const wallet = await page.locator('.wallet').boundingBox()
      t.ok(wallet !== null && wallet.y + wallet.height <= height, `${width} by ${height}`)
      t.equal(await page.evaluate('document.documentElement.scrollWidth > innerWidth'), false)
      t.equal(await page.evaluate('document.documentElement.scrollHeight > innerHeight'), false)
    }
    t.same(complaints, [])
  })

  await t.test('its server takes actions from its own page only', async t => {
    const post = async (body: string, origin: string) => {
      const headers = {'content-type': 'application/json', origin}
      return (await fetch(`${url}bench/act`, {method: 'POST', headers, body})).status
    }
    const own = url.slice(0, -1)
    t.equal(await post('{"kind":"takeNotes"}', 'http://evil.example'), 403)
    t.equal(await post('{"kind":"takeNotes"}', own), 200)
    t.equal(await post('{"kind":"openSafe"}', own), 400)
    t.equal(await post(`{"kind":"${'x'.repeat(2_000)}"}`, own), 413)
    t.equal((await fetch(`${url}bench/stream`, {headers: {origin: 'http://evil.example'}})).status, 403)
  })
})

t.test('actions are read strictly', async t => {
  t.same(actionOf('{"kind":"pressKey","key":"enter"}'), {kind: 'pressKey', key: 'enter'})
  t.same(actionOf('{"kind":"insertCard","id":"0010"}'), {kind: 'insertCard', id: '0010'})
  t.same(actionOf('{"kind":"plan","device":"dispenser","fault":"jam","argument":3}'), {
    kind: 'plan',
    device: 'dispenser',
    fault: 'jam',
    argument: 3,
  })
  t.same(actionOf('{"kind":"cable","device":"pinPad","to":"pulled"}'), {
    kind: 'cable',
    device: 'pinPad',
    to: 'pulled',
  })
  t.same(actionOf('{"kind":"power","device":"pinPad","to":"cut"}'), {
    kind: 'power',
    device: 'pinPad',
    to: 'cut',
  })
  t.same(actionOf('{"kind":"hostLink","to":"up"}'), {kind: 'hostLink', to: 'up'})
  for (const text of [
    '',
    'null',
    '{"kind":"pressKey","key":"Z"}',
    '{"kind":"insertCard"}',
    '{"kind":"plan","device":"drawer","fault":"jam","argument":3}',
    '{"kind":"plan","device":"dispenser","fault":"jam","argument":61}',
    '{"kind":"plan","device":"dispenser","fault":"jam","argument":-1}',
    '{"kind":"plan","device":"dispenser","fault":"jam","argument":1.5}',
    '{"kind":"plan","device":"dispenser","fault":"jam","argument":"3"}',
    '{"kind":"cable","device":"pinPad","to":"cut"}',
    '{"kind":"power","to":"on"}',
    '{"kind":"takeCard","kind":"takeNotes"}',
  ])
    t.equal(actionOf(text), null, text)
})
