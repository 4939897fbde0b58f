/** Which languages no code page of a receipt printer holds, and the font files that draw them. */
import {existsSync} from 'node:fs'
import {join} from 'node:path'
import type {Tongue} from '../screen/words.ts'

/** Where Debian puts fonts. */
export const FONTS_FOLDER = '/usr/share/fonts'

/** Latin letters and digits stand on every slip: regular, then bold. */
const LATIN: readonly (readonly string[])[] = [
  ['truetype/noto/NotoSans-Regular.ttf', 'truetype/noto/NotoSans-Bold.ttf'],
  ['truetype/dejavu/DejaVuSans.ttf', 'truetype/dejavu/DejaVuSans-Bold.ttf'],
]

/** Of each script the files in use, the best first: fonts-noto-core, fonts-noto-cjk, fonts-wqy-microhei, fonts-lohit-deva. */
const SCRIPTS = {
  ar: [['truetype/noto/NotoSansArabic-Regular.ttf', 'truetype/noto/NotoSansArabic-Bold.ttf']],
  hi: [
    ['truetype/noto/NotoSansDevanagari-Regular.ttf', 'truetype/noto/NotoSansDevanagari-Bold.ttf'],
    ['truetype/lohit-devanagari/Lohit-Devanagari.ttf'],
  ],
  zh: [['truetype/wqy/wqy-microhei.ttc'], ['opentype/noto/NotoSansCJK-Regular.ttc']],
} as const satisfies Partial<Readonly<Record<Tongue, readonly (readonly string[])[]>>>

/** A language that is drawn. */
export type Drawn = keyof typeof SCRIPTS

export function isDrawn(language: Tongue): language is Drawn {
  return Object.hasOwn(SCRIPTS, language)
}

/** The files that draw that language, Latin first; null when this computer has none. */
export function fontsFor(language: Drawn, folder: string): readonly (readonly string[])[] | null {
  const families = [LATIN, SCRIPTS[language]].map(candidates =>
    candidates
      .map(files => files.map(file => join(folder, file)).filter(file => existsSync(file)))
      .find(files => files.length > 0),
  )
  const found = families.filter(files => files !== undefined)
  return found.length === families.length ? found : null
}
