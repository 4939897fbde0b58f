/** What an operator makes of the screen: a name, two colours and a logo. A colour that cannot be read is refused where it is set. */
import {isIn} from '../../kit/section.ts'
import type {Section} from '../../kit/section.ts'
import {OWN_LOOKS} from './look.ts'
import type {OwnLook} from './look.ts'

export interface Brand {
  /** Read at the top of every screen; null for none. */
  readonly name: string | null
  /** `#rrggbb` of buttons and pictures; null for the design's own. */
  readonly accent: string | null
  /** `#rrggbb` behind everything; null for the design's own. */
  readonly ground: string | null
  /** Of an SVG or PNG file; null for none. */
  readonly logoPath: string | null
  /** What every visit begins with. */
  readonly look: OwnLook
}

export const NO_BRAND: Brand = {name: null, accent: null, ground: null, logoPath: null, look: 'plain'}

/** WCAG 2.2, success criterion 1.4.6 (AAA); also what EN 301 549 asks of text that nobody can enlarge. */
export const CONTRAST_MIN = 7
/** What accent and ground meet on the screen: white labels, and the two inks of `page/tokens.css`. */
export const WHITE = '#ffffff'
export const INKS = ['#10222e', '#44545f'] as const

const COLOUR = /^#[0-9a-f]{6}$/
const COLOUR_HINT = 'a colour such as #0a5a6e'

/** The settings `screen.look` and `screen.operator`. @throws BadInput */
export function brandFrom(screen: Section): Brand {
  const look = screen.oneOf('look', isIn(OWN_LOOKS), OWN_LOOKS.join(', '), 'plain')
  if (!screen.has('operator')) return {...NO_BRAND, look}
  return screen.section('operator').closed(o => {
    const colour = (name: string): string | null => (o.has(name) ? o.text(name, COLOUR, COLOUR_HINT) : null)
    const brand: Brand = {
      name: o.has('name') ? o.text('name', /^[^\p{C}]{1,32}$/u, '1 to 32 characters') : null,
      accent: colour('accent'),
      ground: colour('ground'),
      logoPath: o.has('logoPath')
        ? o.text('logoPath', /\.(svg|png)$/, 'a path that ends in .svg or .png')
        : null,
      look,
    }
    const {accent, ground} = brand
    if (accent !== null) refuseFaint(o, 'accent', accent, [WHITE])
    if (ground !== null) refuseFaint(o, 'ground', ground, [...INKS, ...(accent === null ? [] : [accent])])
    return brand
  })
}

function refuseFaint(o: Section, name: string, colour: string, others: readonly string[]): void {
  const faint = others.find(other => contrastOf(colour, other) < CONTRAST_MIN)
  if (faint === undefined) return
  const ratio = (Math.floor(contrastOf(colour, faint) * 10) / 10).toFixed(1)
  o.refuse(name, `has a contrast of ${ratio} to ${faint}, which it stands with; ${CONTRAST_MIN} is the least`)
}

/** Of two colours `#rrggbb`, 1 to 21 (WCAG 2.2, contrast ratio). */
export function contrastOf(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminanceOf(one), luminanceOf(other)].toSorted((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

function luminanceOf(colour: string): number {
  const part = (at: number): number => {
    const share = parseInt(colour.slice(at, at + 2), 16) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

/** The operator's colours as a style sheet after the tokens; empty without any. */
export function brandStyle({accent, ground}: Brand): string {
  const lines = [
    ...(ground === null ? [] : [`--paper: ${ground};`]),
    ...(accent === null
      ? []
      : [
          `--accent: ${accent};`,
          `--accent-deep: color-mix(in srgb, ${accent}, black 25%);`,
          `--accent-soft: color-mix(in srgb, ${accent} 10%, white);`,
        ]),
  ]
  return lines.length === 0 ? '' : `:root:not([data-look='contrast']) { ${lines.join(' ')} }\n`
}
