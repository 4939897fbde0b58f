// @ts-check
/**
 * The hands at the bench: keys, cards, notes, cables. What they do is decided behind the page; here an action
 * is sent, and what the bench says of itself is drawn.
 */
import {addLines, button, drawState, followNewest, made, part} from './draw.js'

/** @typedef {import('./draw.js').State} State */

/** Row by row as on the pad; an empty place has no key. */
const PAD = /** @type {const} */ ([
  ['1', '2', '3', 'cancel'],
  ['4', '5', '6', 'clear'],
  ['7', '8', '9', null],
  ['dot', '0', '00', 'enter'],
])
/** What is written on the keys that are no digits: word, and the raised sign that a finger finds. */
const LEGENDS = new Map([
  ['cancel', ['✕', 'Cancel']],
  ['clear', ['◁', 'Clear']],
  ['enter', ['◯', 'Enter']],
  ['dot', ['·', '']],
])
const SOFT = /** @type {const} */ ({left: ['A', 'B', 'C', 'D'], right: ['E', 'F', 'G', 'H']})
const FUNCTION_KEYS = ['F1', 'F2', 'F3', 'F4', 'F5', 'F6', 'F7', 'F8']
const SAID_MS = 5000

/** @type {State | null} */
let state = null

drawFront()
followNewest()
followBench()
followScreen()
listenToKeyboard()

function drawFront() {
  part('pad').append(...PAD.flatMap(row => row.map(padKey)))
  for (const place of document.querySelectorAll('.soft')) {
    const side = place instanceof HTMLElement && place.dataset['side'] === 'right' ? 'right' : 'left'
    place.append(...SOFT[side].map(key => pressable('', key, [key])))
  }
  part('line').addEventListener('click', () => {
    act({kind: 'hostLink', to: state?.link.state === 'cut' ? 'up' : 'cut'})
  })
  part('ask').addEventListener('click', openKeys)
  document.addEventListener('click', letGo)
  for (const tab of document.querySelectorAll('[role=tab]')) {
    tab.addEventListener('click', () => {
      choose(tab)
    })
  }
}

/**
 * A button pressed with the mouse does not keep the focus, or Enter would press it again instead of the pad.
 * @param {MouseEvent} event
 */
function letGo({detail, target}) {
  const isPointer = detail > 0
  const pressed = target instanceof Element ? target.closest('button') : null
  if (isPointer) pressed?.blur()
}

/** @param {string | null} key */
function padKey(key) {
  if (key === null) return made('span', 'blank')
  const [sign, word] = LEGENDS.get(key) ?? [key, '']
  const legend = word === undefined || word === '' ? [] : [made('small', '', word)]
  return pressable(`key-${key}`, key, [made('b', '', sign ?? key), ...legend])
}

/**
 * A key of the machine. It never takes the focus from a pointer, so the keyboard stays with the pad.
 * @param {string} className
 * @param {string} key
 * @param {(Node | string)[]} inside
 */
function pressable(className, key, inside) {
  const element = button(className, inside, () => {
    act({kind: 'pressKey', key})
  })
  element.dataset['key'] = key
  element.addEventListener('pointerdown', event => {
    event.preventDefault()
  })
  return element
}

/** @param {Element} chosen */
function choose(chosen) {
  for (const tab of document.querySelectorAll('[role=tab]')) tab.ariaSelected = String(tab === chosen)
  if (chosen instanceof HTMLElement) document.body.dataset['tab'] = chosen.dataset['tab'] ?? 'bank'
}

function openKeys() {
  const dialog = part('keys')
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal()
}

function followBench() {
  const stream = new EventSource('/bench/stream')
  stream.addEventListener('open', () => {
    // A new stream begins with the whole journal.
    part('lines').replaceChildren()
    part('lost').hidden = true
  })
  stream.addEventListener('error', () => {
    part('lost').hidden = false
  })
  stream.addEventListener('message', event => {
    /** @type {unknown} */
    const parsed = JSON.parse(String(event.data))
    const message = /** @type {{state: State, journal: {seq: number, text: string}[]}} */ (parsed)
    state = message.state
    drawState(state, act)
    addLines(message.journal)
  })
}

/** The lamps at the slots are the screen's to light. */
function followScreen() {
  new EventSource('/screen/view').addEventListener('message', event => {
    /** @type {unknown} */
    const parsed = JSON.parse(String(event.data))
    const view = /** @type {{slots: {card: string, cash: string}, choices: {key: string}[]}} */ (parsed)
    part('card-slot').dataset['light'] = view.slots.card
    part('cash-slot').dataset['light'] = view.slots.cash
    const live = view.choices.map(choice => choice.key)
    for (const key of document.querySelectorAll('.soft button')) {
      if (key instanceof HTMLElement)
        key.toggleAttribute('data-live', live.includes(key.dataset['key'] ?? ''))
    }
  })
}

function listenToKeyboard() {
  document.addEventListener('keydown', onKey)
  const frame = part('screen')
  if (!(frame instanceof HTMLIFrameElement)) return
  const attach = () => frame.contentWindow?.addEventListener('keydown', onKey)
  attach()
  frame.addEventListener('load', attach)
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return
  const action = actionOf(event.key)
  if (action === null) return
  event.preventDefault()
  if (action !== 'nothing') {
    if ('key' in action) flash(String(action['key']))
    act(action)
  }
}

/**
 * Keys that belong to what has the focus: a field, an open dialog, and Enter on a button.
 * @param {KeyboardEvent} event
 */
function isTyping({target, key}) {
  const dialog = part('keys')
  if (dialog instanceof HTMLDialogElement && dialog.open) return true
  const name = target !== null && 'tagName' in target ? String(target.tagName) : ''
  if (name === 'INPUT' || name === 'SELECT') return true
  return name === 'BUTTON' && (key === 'Enter' || key === ' ')
}

/**
 * @param {string} key
 * @returns {Record<string, unknown> | 'nothing' | null} null leaves the key to the browser
 */
function actionOf(key) {
  const letter = key.toLowerCase()
  if (/^[0-9]$/.test(key)) return {kind: 'pressKey', key}
  if (key === 'Enter') return {kind: 'pressKey', key: 'enter'}
  if (key === 'Backspace' || key === 'Delete') return {kind: 'pressKey', key: 'clear'}
  if (key === 'Escape') return {kind: 'pressKey', key: 'cancel'}
  if (key === '.') return {kind: 'pressKey', key: 'dot'}
  const functionKey = FUNCTION_KEYS.indexOf(key)
  if (functionKey >= 0) return {kind: 'pressKey', key: 'ABCDEFGH'[functionKey]}
  if (letter === 'c' && state?.slot.card === 'empty') return insertFirst()
  if (letter === 't') return take()
  if (/^[a-h]$/.test(letter)) return {kind: 'pressKey', key: letter.toUpperCase()}
  if (key === '?') {
    openKeys()
    return 'nothing'
  }
  return null
}

function insertFirst() {
  const card = state?.cards[0]
  return card === undefined ? 'nothing' : {kind: 'insertCard', id: card.id}
}

/** The card is offered before the notes, so it is taken first. */
function take() {
  return {kind: state?.slot.card === 'offered' ? 'takeCard' : 'takeNotes'}
}

/**
 * Shows on the machine which key the keyboard pressed.
 * @param {string} key
 */
function flash(key) {
  const element = document.querySelector(`[data-key="${key}"]`)
  element?.animate([{filter: 'brightness(1.6)'}, {filter: 'none'}], 220)
}

/** @param {Record<string, unknown>} action */
function act(action) {
  void send(action)
}

/** @param {Record<string, unknown>} action */
async function send(action) {
  const response = await fetch('/bench/act', {
    method: 'POST',
    headers: {'Content-Type': 'application/json'},
    body: JSON.stringify(action),
  })
  if (!response.ok) {
    say(await response.text())
    return
  }
  /** @type {unknown} */
  const parsed = await response.json()
  const result = /** @type {{ok: boolean, why?: string}} */ (parsed)
  if (!result.ok) say(result.why ?? '')
}

let sayings = 0

/**
 * Says why nothing happened, for a while.
 * @param {string} text
 */
function say(text) {
  sayings += 1
  const mine = sayings
  part('said').textContent = text
  setTimeout(() => {
    if (mine === sayings) part('said').textContent = ''
  }, SAID_MS)
}
