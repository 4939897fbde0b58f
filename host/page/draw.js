// @ts-check
/** Pieces that every view is made of. Whatever the bank says goes in as text, never as markup. */

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} inside
 */
export function made(tag, attributes, ...inside) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...inside)
  return element
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function part(id) {
  const element = document.getElementById(id)
  if (element === null) throw new TypeError(`the page has no ${id}`)
  return element
}

/**
 * @param {string} title
 * @param {string} [words]
 */
export function head(title, words = '') {
  return made('div', {class: 'head'}, made('h2', {}, title), made('p', {}, words))
}

/**
 * @param {string} to
 * @param {string} words
 */
export function link(to, words) {
  return made('a', {href: to}, words)
}

/**
 * A link to this page's own view.
 * @param {readonly string[]} way
 * @param {string} words
 */
export function linkTo(way, words) {
  return link(`#/${way.map(encodeURIComponent).join('/')}`, words)
}

/** @typedef {{title: string, sum?: boolean}} Column */
/** @typedef {(Node | string)[]} Row */

/**
 * The first cell of a row is its name.
 * @param {string} caption
 * @param {readonly Column[]} columns
 * @param {readonly Row[]} rows
 */
export function table(caption, columns, rows) {
  if (rows.length === 0) return made('p', {class: 'quiet'}, `${caption}: none.`)
  const cell = (/** @type {Node | string} */ inside, /** @type {number} */ at) =>
    made(
      at === 0 ? 'th' : 'td',
      {...(at === 0 ? {scope: 'row'} : {}), ...(columns[at]?.sum === true ? {class: 'sum'} : {})},
      inside,
    )
  return made(
    'div',
    {class: 'wide', tabindex: '0', role: 'region', 'aria-label': caption},
    made(
      'table',
      {},
      made('caption', {}, caption),
      made(
        'thead',
        {},
        made(
          'tr',
          {},
          ...columns.map(({title, sum}) =>
            made('th', {scope: 'col', ...(sum === true ? {class: 'sum'} : {})}, title),
          ),
        ),
      ),
      made('tbody', {}, ...rows.map(row => made('tr', {}, ...row.map(cell)))),
    ),
  )
}

/** @param {readonly (readonly [string, Node | string])[]} facts */
export function facts(facts) {
  return made(
    'dl',
    {class: 'facts'},
    ...facts.flatMap(([name, value]) => [made('dt', {}, name), made('dd', {}, value)]),
  )
}

/**
 * @param {string} words
 * @param {'good' | 'warn' | 'bad' | 'quiet'} tone
 */
export function word(words, tone) {
  return made('span', {class: `word ${tone}`}, words)
}

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map()

/**
 * The bank's amounts have at most thirteen digits, so a number shows each of them.
 * @param {number} amount
 * @param {string} currency
 */
export function money(amount, currency) {
  const format =
    formats.get(currency) ??
    new Intl.NumberFormat('en-GB', {style: 'currency', currency, currencyDisplay: 'code'})
  formats.set(currency, format)
  return format.format(amount)
}

/** @param {string | undefined} moment in UTC, as the bank writes it */
export function time(moment) {
  if (moment === undefined) return 'never'
  return made('time', {datetime: moment}, moment.replace('T', ' ').replace('Z', ''))
}

/**
 * A form of filters that leads to the view again.
 * @param {string} view
 * @param {readonly Node[]} fields
 */
export function filters(view, fields) {
  const form = made('form', {class: 'line', role: 'search'}, ...fields, made('button', {}, 'Show'))
  form.addEventListener('submit', event => {
    event.preventDefault()
    if (!(form instanceof HTMLFormElement)) return
    const chosen = [...new FormData(form)].flatMap(([name, value]) =>
      typeof value === 'string' && value !== '' ? [[name, value]] : [],
    )
    location.hash = `#/${view}?${new URLSearchParams(chosen).toString()}`
  })
  return form
}

/**
 * @param {string} title
 * @param {string} name
 * @param {string | null} value
 * @param {Record<string, string>} [attributes]
 */
export function textField(title, name, value, attributes = {}) {
  return made('label', {}, title, made('input', {name, value: value ?? '', ...attributes}))
}

/**
 * @param {string} title
 * @param {string} name
 * @param {string | null} value
 * @param {readonly (readonly [string, string])[]} choices value and words
 */
export function choiceField(title, name, value, choices) {
  return made(
    'label',
    {},
    title,
    made(
      'select',
      {name},
      ...choices.map(([each, words]) =>
        made('option', {value: each, ...(each === (value ?? '') ? {selected: ''} : {})}, words),
      ),
    ),
  )
}

/**
 * The way to the next page and back to the first.
 * @param {string} view
 * @param {URLSearchParams} query
 * @param {string | undefined} next
 */
export function pages(view, query, next) {
  const to = (/** @type {string | null} */ after) => {
    const there = new URLSearchParams(query)
    there.delete('after')
    if (after !== null) there.set('after', after)
    return `#/${view}?${there.toString()}`
  }
  const links = [
    ...(query.has('after') ? [link(to(null), 'First page')] : []),
    ...(next === undefined ? [] : [link(to(next), 'Next page')]),
  ]
  return links.length === 0
    ? made('p', {})
    : made('nav', {'aria-label': 'Pages', class: 'line'}, ...links.flatMap(each => [each, ' ']))
}

/**
 * @param {string} words
 * @param {() => void} pressed
 */
export function button(words, pressed) {
  const element = made('button', {type: 'button'}, words)
  element.addEventListener('click', pressed)
  return element
}
