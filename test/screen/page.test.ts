/** The customer's page in a real browser: every different screen, at two sizes, with nothing cut off or covered. */
import t from 'tap'
import {STATE_NAMES} from '../../fsm/session.ts'
import {silentLog} from '../../kit/log.ts'
import {EMPTY_DESK, deskOffering} from '../../src/screen/desk.ts'
import {startScreenServer} from '../../src/screen/server.ts'
import type {ScreenSource} from '../../src/screen/source.ts'
import {shownView} from '../../src/screen/view-model.ts'
import type {ViewModel} from '../../src/screen/view-model.ts'
import {view} from '../../src/screen/view.ts'
import {LANGUAGES} from '../../src/screen/words.ts'
import {chromiumPath, skipUnless} from '../needs.ts'
import {LAYOUT_FAULTS, launched, opened} from './browser.ts'
import {KEY, SAMPLES, atRest, during} from './samples.ts'

const SIZES = [
  {width: 800, height: 600},
  {width: 1920, height: 1080},
] as const

/** The fullest screens: with every choice, or with the longest words. */
const WORDY = [
  ['idle', atRest()],
  ['choosingService', during({notice: {kind: 'balanceUnavailable'}})],
  ['choosingAmount', during({})],
  ['enteringPin', during({notice: {kind: 'pinWrong', triesLeft: 2}})],
  ['confirmingFee', during({bunchCount: 1})],
  ['showingEnding', during({ending: {kind: 'beingChecked', reference: KEY}, fate: 'pin-tries'})],
] as const

/** Shows one view after another. */
class Slides implements ScreenSource {
  readonly chosen: string[] = []
  #now: ViewModel = view('idle', during({}), EMPTY_DESK)
  readonly #listeners = new Set<() => void>()
  /** As the server counts its views. */
  seq = 1

  current() {
    return this.#now
  }
  onChange(listener: () => void) {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  choose(id: string) {
    this.chosen.push(id)
  }
  show(model: ViewModel) {
    this.#now = model
    this.seq += 1
    for (const listener of this.#listeners) listener()
  }
}

/** Every view that looks different from the others. */
function differentViews(): readonly ViewModel[] {
  const views = STATE_NAMES.flatMap(state => SAMPLES.map(({context, desk}) => view(state, context, desk)))
  return [...new Map(views.map(model => [JSON.stringify(shownView(model, 0)), model])).values()]
}

t.test('the page', async t => {
  const path = chromiumPath()
  if (!skipUnless(t, path, 'chromium')) return
  const source = new Slides()
  const server = await startScreenServer(source, {host: '127.0.0.1', port: 0}, silentLog)
  t.teardown(() => server.close())
  const browser = await launched(t, path)

  for (const {width, height} of SIZES)
    t.test(`nothing is cut off or covered at ${width} by ${height}`, async t => {
      const {page, complaints} = await opened(browser, width, height)
      await page.goto(server.url)
      const views = differentViews()
      for (const model of views) {
        source.show(model)
        await page.locator(`body[data-seq="${source.seq}"]`).waitFor()
        const faults = await page.evaluate<string[]>(LAYOUT_FAULTS)
        if (faults.length > 0) t.fail(`${model.screen}: ${model.instruction}`, {faults})
      }
      t.ok(views.length > 60, `${views.length} different views`)
      t.same(complaints, [], 'the page complains of nothing')
      await page.close()
    })

  t.test('nothing is cut off or covered in any language at 800 by 600', async t => {
    const {page} = await opened(browser, 800, 600)
    await page.goto(server.url)
    for (const language of LANGUAGES)
      for (const [state, context] of WORDY) {
        source.show(view(state, context, {...deskOffering(LANGUAGES), language}))
        await page.locator(`body[data-seq="${source.seq}"]`).waitFor()
        const faults = await page.evaluate<string[]>(LAYOUT_FAULTS)
        if (faults.length > 0) t.fail(`${state} in ${language}`, {faults})
      }
    t.equal(await page.evaluate('document.documentElement.dir'), 'ltr')
    source.show(view('choosingAmount', during({}), {...EMPTY_DESK, language: 'ar'}))
    await page.locator('html[dir=rtl][lang=ar]').waitFor()
    await page.close()
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

  t.test('words are text, whatever they say', async t => {
    const {page, complaints} = await opened(browser, 800, 600)
    await page.goto(server.url)
    const context = during({})
    const visit = context.visit && {
      ...context.visit,
      accounts: [{accountId: '1', label: '<img src=x onerror=alert(1)>'}],
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
    const own = await startScreenServer(new Slides(), {host: '127.0.0.1', port: 0}, silentLog)
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
