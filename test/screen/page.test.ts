/** The customer's page in a real browser: every different screen, at two sizes, with nothing cut off or covered. */
import t from 'tap'
import {silentLog} from '../../kit/log.ts'
import {EMPTY_DESK} from '../../src/screen/desk.ts'
import {startScreenServer} from '../../src/screen/server.ts'
import {view} from '../../src/screen/view.ts'
import {LANGUAGES} from '../../src/screen/words.ts'
import {chromiumPath, skipUnless} from '../needs.ts'
import {Inspection, LARGEST, LOOKS, SMALLEST, Slides} from '../screens/check.ts'
import {sampledScenes, shownAs} from '../screens/views.ts'
import {allWays, triedWays} from '../screens/escape.ts'
import {BUDGET_MS, World} from '../session/world.ts'
import {launched, opened} from './browser.ts'
import {KEY, SAMPLES, atRest, during} from './samples.ts'

/** The fullest screens: with every choice, or with the longest words. */
const WORDY = [
  ['idle', atRest()],
  ['choosingService', during({notice: {kind: 'balanceUnavailable'}})],
  ['choosingAmount', during({})],
  ['enteringPin', during({notice: {kind: 'pinWrong', triesLeft: 2}})],
  ['confirmingFee', during({bunchCount: 1})],
  ['showingEnding', during({ending: {kind: 'beingChecked', reference: KEY}, fate: 'pin-tries'})],
] as const

t.test('the page', async t => {
  const path = chromiumPath()
  if (!skipUnless(t, path, 'chromium')) return
  const source = new Slides(view('idle', atRest(), EMPTY_DESK))
  const server = await startScreenServer(source, {host: '127.0.0.1', port: 0}, silentLog)
  t.teardown(() => server.close())
  const browser = await launched(t, path)

  for (const size of [SMALLEST, LARGEST])
    t.test(`nothing is cut off, covered, small or faint at ${size.width} by ${size.height}`, async t => {
      const inspection = await Inspection.open(browser, server.url, source, size)
      const scenes = sampledScenes()
      for (const scene of scenes) {
        const model = shownAs(scene, 'en', 'plain')
        await inspection.show(model)
        const faults = await inspection.faults(model)
        if (faults.length > 0) t.fail(`${scene.name}: ${model.instruction}`, {faults})
      }
      t.ok(scenes.length > 60, `${scenes.length} different views`)
      t.same(inspection.complaints, [], 'the page complains of nothing')
      await inspection.close()
    })

  t.test('the fullest screens hold in every language and look, to axe-core as well', async t => {
    const inspection = await Inspection.open(browser, server.url, source, SMALLEST)
    for (const language of LANGUAGES)
      for (const look of LOOKS)
        for (const [state, context] of WORDY) {
          const model = shownAs({name: state, state, context, desk: EMPTY_DESK}, language, look)
          await inspection.show(model)
          const isHeldToAxe = language === 'ar' || language === 'de'
          const faults = [
            ...(await inspection.faults(model)),
            ...(isHeldToAxe ? await inspection.axeFaults() : []),
          ]
          if (faults.length > 0) t.fail(`${state} in ${language}, ${look}`, {faults})
        }
    await inspection.show(view('choosingAmount', during({}), {...EMPTY_DESK, language: 'ar'}))
    await inspection.page.locator('html[dir=rtl][lang=ar]').waitFor()
    t.pass('nine languages')
    await inspection.close()
  })

  t.test('a touch, a key of the keyboard and the focus', async t => {
    const {page} = await opened(browser, 800, 600)
    await page.goto(server.url)
    source.show(view('choosingAmount', during({}), EMPTY_DESK))
    const seen = () => page.locator(`body[data-seq="${source.seq}"]`).waitFor()
    await seen()
    await Promise.all([page.waitForResponse(/choice$/), page.getByRole('button', {name: '€60'}).click()])
    t.same(source.chosen, ['amount-6000'])
    await page.getByRole('button', {name: '€300'}).focus()
    source.show(view('choosingAmount', during({}), EMPTY_DESK))
    await seen()
    await Promise.all([page.waitForResponse(/choice$/), page.keyboard.press('Enter')])
    t.same(source.chosen, ['amount-6000', 'amount-30000'], 'the focus outlives a view that changes nothing')
    await page.close()
  })

  t.test('a sample of the ways out of the page, and none leads out', async t => {
    const ways = allWays()
    t.ok(ways.length > 200, `${ways.length} ways`)
    t.same(
      await triedWays(
        browser,
        ways.filter((_, at) => at % 8 === 0),
      ),
      [],
    )
  })

  t.test('a browser that dies leaves the machine alone, and comes back to where it stands', async t => {
    const world = await World.open({})
    t.teardown(() => world.close())
    const {machine, stage} = world.table
    const own = await startScreenServer(machine, {host: '127.0.0.1', port: 0}, silentLog)
    t.teardown(() => own.close())
    const doomed = await launched(t, path)
    const {page} = await opened(doomed, 800, 600)
    await page.goto(own.url)
    machine.start()
    await world.clock.runUntil(() => machine.standing.state === 'idle', BUDGET_MS)
    const customer = world.customer()
    await world.clock.runUntil(() => machine.standing.state === 'choosingAmount', BUDGET_MS)
    await page.locator('body[data-screen=choosingAmount]').waitFor()
    await doomed.close()
    await world.clock.runUntil(() => machine.standing.state === 'showingEnding', BUDGET_MS)
    t.match(machine.standing.context.visit?.ending, {kind: 'paid', paidMinor: 6_000}, 'paid without a screen')
    const next = await opened(browser, 800, 600)
    await next.page.goto(own.url)
    await next.page.locator('body[data-screen=showingEnding]').waitFor()
    await world.clock.runUntil(() => customer.isDone, BUDGET_MS)
    t.equal(stage.rig.emulators.dispenser.world.customer[1], 3)
    await next.page.close()
  })

  t.test('words are text, whatever they say', async t => {
    const {page, complaints} = await opened(browser, 800, 600)
    await page.goto(server.url)
    const context = during({})
    const visit = context.visit && {
      ...context.visit,
      account: {accountId: '1', label: '<img src=x onerror=alert(1)>'},
    }
    source.show(view('showingBalance', {...context, visit}, EMPTY_DESK))
    source.show(
      view(
        'showingBalance',
        {...context, visit},
        {...EMPTY_DESK, balanceMinor: SAMPLES[3]?.desk.balanceMinor ?? null},
      ),
    )
    await page.getByText('<img src=x').first().waitFor()
    t.equal(await page.locator('#instruction img').count(), 0)
    t.same(complaints, [])
    await page.close()
  })

  t.test('when the machine is gone the page says so, and nothing can be chosen', async t => {
    const own = await startScreenServer(
      new Slides(view('idle', atRest(), EMPTY_DESK)),
      {host: '127.0.0.1', port: 0},
      silentLog,
    )
    const {page} = await opened(browser, 800, 600)
    await page.goto(own.url)
    await page.getByText('Welcome').first().waitFor()
    t.notOk(await page.locator('#lost').isVisible())
    await own.close()
    await page.locator('#lost').waitFor()
    t.ok(await page.locator('#lost').isVisible())
    await page.close()
  })
})
