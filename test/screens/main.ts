/**
 * `npm run screens`: every screen in every language, size and look in Chromium, as pictures with one page to look at
 * them: `.cache/screens/index.html`. With `--check` each is measured and held to axe-core, a fault is a line, and the
 * end is `N passed, N failed`. `--only TEXT` takes the screens whose name begins so.
 */
import {mkdirSync, rmSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {parseArgs} from 'node:util'
import {chromium} from 'playwright-core'
import type {Browser} from 'playwright-core'
import {present} from '../../kit/assert.ts'
import {LANGUAGES} from '../../src/screen/words.ts'
import type {Tongue} from '../../src/screen/words.ts'
import type {Look} from '../../src/screen/look.ts'
import {chromiumPath} from '../needs.ts'
import {FLAGS} from '../screen/browser.ts'
import {Inspection, LOOKS, SIZES, SMALLEST, Slides, slidesServer} from './check.ts'
import type {Size} from './check.ts'
import {allScenes, shownAs} from './views.ts'
import type {Scene} from './views.ts'

const OUT = join(dirname(dirname(import.meta.dirname)), '.cache', 'screens')
const TONGUES: readonly Tongue[] = [...LANGUAGES, 'en-XA']

interface Picture {
  readonly group: string
  readonly scene: string
  readonly file: string
}

interface Course {
  readonly browser: Browser
  readonly url: string
  readonly slides: Slides
  readonly scenes: readonly Scene[]
  readonly checks: boolean
  readonly pictures: Picture[]
}

interface Counts {
  readonly passed: number
  readonly failed: number
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function main(): Promise<number> {
  const {values} = parseArgs({options: {check: {type: 'boolean'}, only: {type: 'string'}}})
  const scenes = allScenes().filter(({name}) => name.startsWith(values.only ?? ''))
  const slides = new Slides(shownAs(present(scenes[0], 'a screen of that name'), 'en', 'plain'))
  const server = await slidesServer(slides)
  const browser = await chromium.launch({
    executablePath: present(chromiumPath(), 'chromium'),
    args: [...FLAGS],
  })
  rmSync(OUT, {recursive: true, force: true})
  mkdirSync(OUT, {recursive: true})
  const course = {browser, url: server.url, slides, scenes, checks: values.check === true, pictures: []}
  try {
    const sums: Counts[] = []
    for (const size of SIZES) for (const look of LOOKS) sums.push(await looked(course, size, look))
    writeFileSync(join(OUT, 'index.html'), indexOf(course.pictures))
    say(join(OUT, 'index.html'))
    const sum = (of: keyof Counts): number => sums.reduce((total, counts) => total + counts[of], 0)
    if (course.checks) say(`${sum('passed')} passed, ${sum('failed')} failed`)
    return sum('failed') > 0 ? 1 : 0
  } finally {
    await browser.close()
    await server.close()
  }
}

/** All screens of one size and look, in every language. */
async function looked(course: Course, size: Size, look: Look): Promise<Counts> {
  const {browser, url, slides, scenes, checks, pictures} = course
  const inspection = await Inspection.open(browser, url, slides, size)
  const place = `${size.width}x${size.height} ${look}`
  let failed = 0
  for (const language of TONGUES)
    for (const scene of scenes) {
      const model = shownAs(scene, language, look)
      await inspection.show(model)
      const faults = checks ? [...(await inspection.faults(model)), ...(await inspection.axeFaults())] : []
      if (faults.length > 0) failed += 1
      for (const fault of faults) say(`${scene.name} in ${language}, ${place}: ${fault}`)
      if (!isPictured(size, look, language) && faults.length === 0) continue
      const file = `${scene.name}-${language}-${place.replace(' ', '-')}.jpg`
      await inspection.page.screenshot({path: join(OUT, file), type: 'jpeg', quality: 70})
      pictures.push({group: `${language}, ${place}`, scene: scene.name, file})
    }
  for (const complaint of inspection.complaints) say(`${place}: the page complains: ${complaint}`)
  await inspection.close()
  say(`${place}: ${scenes.length * TONGUES.length} screens, ${failed} with faults`)
  return {
    passed: scenes.length * TONGUES.length - failed,
    failed: failed + (inspection.complaints.length > 0 ? 1 : 0),
  }
}

/** Every language at the smallest size, every size and look in English; and every screen with a fault. */
function isPictured(size: Size, look: Look, language: Tongue): boolean {
  return language === 'en' || (size === SMALLEST && look !== 'contrast')
}

function indexOf(pictures: readonly Picture[]): string {
  const groups = [...new Set(pictures.map(({group}) => group))]
  const sections = groups.map(group => {
    const figures = pictures
      .filter(picture => picture.group === group)
      .map(
        ({scene, file}) =>
          `<figure><img src="${file}" loading="lazy" alt=""><figcaption>${scene}</figcaption></figure>`,
      )
    return `<details><summary>${group}</summary>${figures.join('')}</details>`
  })
  return `<!doctype html><meta charset="utf-8"><title>Screens</title>
<style>body{font:1rem sans-serif;margin:2rem}figure{display:inline-block;margin:.5rem}img{width:24rem;border:1px solid #999}</style>
${sections.join('\n')}
`
}

process.exitCode = await main()
