// @ts-check
/**
 * Draws the view that the machine sends, and tells it what was touched. Nothing is decided here: no timer, no
 * state, no amount. Every text goes in as text, never as markup.
 */

/** @typedef {{id: string, label: string, language: string | null, key: string, digit: string | null, weight: string}} Choice */
/** @typedef {{label: string, text: string, isTotal: boolean}} Figure */
/** @typedef {{kind: 'pin', digits: number} | {kind: 'amount', text: string, isEmpty: boolean, valid: boolean, hint: string}} Entry */
/**
 * @typedef {object} View
 * @property {number} seq
 * @property {string} screen
 * @property {string} language
 * @property {string} direction
 * @property {string} tone
 * @property {string} title
 * @property {string} instruction
 * @property {string | null} notice
 * @property {string | null} amount
 * @property {Figure[]} figures
 * @property {Entry | null} entry
 * @property {Choice[]} choices
 * @property {{label: string, text: string} | null} reference
 * @property {{card: string, cash: string}} slots
 * @property {string | null} card
 * @property {string} terminal
 * @property {{now: string, label: string, key: string | null}} look
 * @property {{name: string | null, hasLogo: boolean}} operator
 * @property {string} speech
 */

const SIDE = /** @type {const} */ ({
  A: ['left', 'row-1'],
  B: ['left', 'row-2'],
  C: ['left', 'row-3'],
  D: ['left', 'row-4'],
  E: ['right', 'row-1'],
  F: ['right', 'row-2'],
  G: ['right', 'row-3'],
  H: ['right', 'row-4'],
})
/** Every PIN has at least so many digits. */
const PIN_DIGITS_MIN = 4

/** @type {View | null} */
let shown = null
let drawnChoices = ''

part('look').addEventListener('click', () => void touch('look'))

const stream = new EventSource('view')
stream.addEventListener('message', event => {
  /** @type {unknown} */
  const view = JSON.parse(String(event.data))
  show(/** @type {View} */ (view))
})
stream.addEventListener('open', () => {
  part('lost').hidden = true
})
stream.addEventListener('error', () => {
  part('lost').hidden = false
})

/** @param {View} view */
function show(view) {
  shown = view
  const isMenu =
    view.choices.some(choice => !['D', 'H'].includes(choice.key)) || view.entry?.kind === 'amount'
  document.documentElement.lang = view.language
  document.documentElement.dir = view.direction
  Object.assign(document.body.dataset, {
    seq: String(view.seq),
    screen: view.screen,
    tone: view.tone,
    layout: isMenu ? 'menu' : 'split',
    right: rightOf(view),
    entry: view.entry?.kind ?? 'none',
    choices: view.choices.length === 0 ? 'none' : 'some',
  })
  document.documentElement.dataset['look'] = view.look.now
  const long = lengthOf(view)
  if (long === null) delete document.body.dataset['long']
  else document.body.dataset['long'] = long
  showOperator(view)
  showLook(view.look)
  write('card', view.card)
  write('title', view.title)
  write('amount', view.amount)
  write('instruction', view.instruction)
  write('notice', view.notice)
  write('speech', view.speech)
  write('hint', hintOf(view.entry))
  showReference(view.reference)
  showPin(view.entry)
  showTyped(view.entry)
  showFigures(view.figures)
  showChoices(view.choices)
}

/**
 * Whether there is more to read than fits at full size, or beside a picture; a Chinese character is as wide as two letters.
 * @param {View} view
 */
function lengthOf({title, instruction, notice}) {
  const text = title + instruction + (notice ?? '')
  const width = Array.from(text).reduce((sum, letter) => sum + (letter > '\u2E80' ? 2 : 1), 0)
  return width > 240 ? 'very' : width > 110 ? 'long' : null
}

/**
 * The picture, or what stands in its place.
 * @param {View} view
 */
function rightOf({figures, slots, entry, tone}) {
  if (figures.length > 0) return 'figures'
  if (slots.card === 'blink') return 'card'
  if (slots.cash === 'blink') return 'cash'
  if (entry?.kind === 'pin') return 'pin'
  return tone === 'busy' || tone === 'good' || tone === 'sorry' ? tone : 'none'
}

/** @param {View['reference']} reference */
function showReference(reference) {
  const place = part('reference')
  place.hidden = reference === null
  const [label, text] = place.children
  if (label !== undefined) label.textContent = reference?.label ?? ''
  if (text !== undefined) text.textContent = reference?.text ?? ''
}

/** @param {Entry | null} entry */
function showPin(entry) {
  const place = part('pin')
  place.hidden = entry?.kind !== 'pin'
  if (entry?.kind !== 'pin') return
  place.ariaLabel = String(entry.digits)
  place.replaceChildren(
    ...Array.from({length: Math.max(PIN_DIGITS_MIN, entry.digits)}, (_, at) => {
      const dot = document.createElement('i')
      if (at < entry.digits) dot.className = 'held'
      return dot
    }),
  )
}

/** @param {Entry | null} entry */
function showTyped(entry) {
  const place = part('typed')
  place.hidden = entry?.kind !== 'amount'
  if (entry?.kind !== 'amount') return
  place.dataset['is'] = entry.isEmpty ? 'empty' : entry.valid ? 'valid' : 'unpayable'
  place.textContent = entry.text
}

/** @param {Entry | null} entry */
function hintOf(entry) {
  return entry?.kind === 'amount' && entry.hint !== '' ? entry.hint : null
}

/**
 * The operator's name, or the machine's where none is set.
 * @param {View} view
 */
function showOperator({operator, terminal}) {
  write('operator', operator.name ?? terminal)
  const logo = part('logo')
  if (operator.hasLogo && !logo.hasAttribute('src')) logo.setAttribute('src', 'logo')
  logo.hidden = !operator.hasLogo
  part('mark').toggleAttribute('hidden', operator.hasLogo)
}

/** @param {View['look']} look */
function showLook({label, key}) {
  const button = part('look')
  button.hidden = false
  const [, name, badge] = button.children
  if (name !== undefined) name.textContent = label
  if (badge === undefined) return
  badge.textContent = key ?? ''
  badge.toggleAttribute('hidden', key === null)
}

/** @param {Figure[]} figures */
function showFigures(figures) {
  const place = part('figures')
  place.hidden = figures.length === 0
  place.replaceChildren(
    ...figures.map(({label, text, isTotal}) => {
      const line = document.createElement('div')
      const name = document.createElement('dt')
      const sum = document.createElement('dd')
      if (isTotal) line.className = 'total'
      name.textContent = label
      sum.textContent = text
      line.append(name, sum)
      return line
    }),
  )
}

/**
 * Leaves the buttons alone while they stay the same, so that the focus stays where it is.
 * @param {Choice[]} choices
 */
function showChoices(choices) {
  const text = JSON.stringify(choices)
  if (text === drawnChoices) return
  drawnChoices = text
  part('choices').replaceChildren(...choices.map(buttonOf))
}

/** @param {Choice} choice */
function buttonOf({id, label, language, key, digit, weight}) {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = [...sideOf(key), weight, id.startsWith('amount-') ? 'money' : ''].join(' ')
  button.dataset['id'] = id
  const words = document.createElement('span')
  words.textContent = label
  words.dir = 'auto'
  if (language !== null) words.lang = language
  button.append(words)
  if (digit !== null) {
    const badge = document.createElement('kbd')
    badge.textContent = digit
    button.append(badge)
  }
  button.addEventListener('click', () => void touch(id))
  return button
}

/** @param {string} key */
function sideOf(key) {
  return key in SIDE ? SIDE[/** @type {keyof typeof SIDE} */ (key)] : ['right', 'row-4']
}

/**
 * A touch on what this view shows. The machine drops it when it has moved on meanwhile.
 * @param {string} id
 */
async function touch(id) {
  if (shown === null) return
  const {screen, seq} = shown
  await fetch('choice', {
    method: 'POST',
    headers: {'Content-Type': 'application/json'},
    body: JSON.stringify({screen, seq, id}),
  })
}

/**
 * @param {string} id
 * @param {string | null} text
 */
function write(id, text) {
  const place = part(id)
  place.hidden = text === null
  if (place.textContent !== text) place.textContent = text
}

/** @param {string} id */
function part(id) {
  const element = document.getElementById(id)
  if (element === null) throw new TypeError(`the page has no ${id}`)
  return element
}
