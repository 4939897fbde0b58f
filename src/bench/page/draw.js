// @ts-check
/** Draws the bench's state: every text comes ready from the bench and goes in as text, never as markup. */

/** @typedef {{id: string, holder: string, masked: string, pinHint: string}} Card */
/** @typedef {{noteText: string, count: number}} Notes */
/** @typedef {{accountId: string, holder: string, type: string, balance: string, available: string, held: string}} Account */
/** @typedef {{reference: string, state: string, amount: string, mark: string}} Operation */
/** @typedef {{name: string, label: string, argument: 'notes' | null}} Fault */
/**
 * @typedef {object} Device
 * @property {string} kind
 * @property {string} model
 * @property {boolean} online
 * @property {'in' | 'pulled'} cable
 * @property {'on' | 'cut'} power
 * @property {{label: string, text: string}[]} world
 * @property {Fault[]} faults
 * @property {string[]} planned
 */
/**
 * @typedef {object} State
 * @property {{text: string, speed: number, speeds: number[]} | null} play
 * @property {Card[]} cards
 * @property {{card: 'empty' | 'inside' | 'offered' | 'retained', cardId: string | null, cash: {notes: Notes[], total: string}}} slot
 * @property {{accounts: Account[], operations: Operation[]}} bank
 * @property {Device[]} devices
 * @property {{state: 'up' | 'cut', waiting: number, text: string}} link
 */
/** @typedef {(action: Record<string, unknown>) => void} Act */

const DEVICE_NAMES = new Map([
  ['cardReader', 'Card reader'],
  ['pinPad', 'PIN pad'],
  ['dispenser', 'Dispenser'],
  ['printer', 'Receipt printer'],
])
/** Lines kept on the page; the journal itself forgets nothing. */
const LINES_MAX = 400
/** Notes drawn of a bunch; more look the same. */
const DRAWN_NOTES_MAX = 6
const NOTES_MAX = 60

/**
 * An element with its class and what is in it.
 * @param {string} tag
 * @param {string} className
 * @param {(Node | string)[]} inside
 */
export function made(tag, className, ...inside) {
  const element = document.createElement(tag)
  if (className !== '') element.className = className
  element.append(...inside)
  return element
}

/**
 * @param {string} className
 * @param {(Node | string)[]} inside
 * @param {() => void} pressed
 */
export function button(className, inside, pressed) {
  const element = document.createElement('button')
  element.type = 'button'
  if (className !== '') element.className = className
  element.append(...inside)
  element.addEventListener('click', pressed)
  return element
}

/** @param {string} id */
export function part(id) {
  const element = document.getElementById(id)
  if (element === null) throw new TypeError(`the page has no ${id}`)
  return element
}

/**
 * @param {ParentNode} within
 * @param {string} selector
 */
function inside(within, selector) {
  const element = within.querySelector(selector)
  if (!(element instanceof HTMLElement)) throw new TypeError(`the page has no ${selector}`)
  return element
}

/**
 * Redraws a place only when what it shows has changed, so that focus, selection and motion stay.
 * @param {HTMLElement} place
 * @param {unknown} of
 * @param {() => Node[]} draw
 */
function redraw(place, of, draw) {
  const text = JSON.stringify(of)
  if (place.dataset['of'] === text) return
  place.dataset['of'] = text
  place.replaceChildren(...draw())
}

/**
 * @param {State} state
 * @param {Act} act
 */
export function drawState(state, act) {
  drawSlots(state, act)
  redraw(part('cards'), [state.cards, state.slot.cardId, state.slot.card], () =>
    state.cards.map(card => cardButton(card, state, act)),
  )
  redraw(inside(part('accounts'), 'tbody'), state.bank.accounts, () => state.bank.accounts.map(accountRow))
  redraw(part('operations'), state.bank.operations, () =>
    state.bank.operations.length === 0
      ? [made('li', 'none', 'None yet.')]
      : state.bank.operations.map(operationRow),
  )
  drawDevices(state.devices, act)
  drawLink(state.link)
  if (state.play !== null) drawPlay(state.play, act)
}

/**
 * A played life is looked at: what hands do is not offered.
 * @param {NonNullable<State['play']>} play
 * @param {Act} act
 */
function drawPlay({text, speed, speeds}, act) {
  document.body.toggleAttribute('data-played', true)
  part('what').textContent = text
  inside(part('journal'), 'h2').textContent = 'What happens'
  const place = part('speeds')
  place.hidden = false
  redraw(place, speed, () =>
    speeds.map(each => {
      const key = button('quiet', [each === 0 ? 'Pause' : `${each} ×`], () => {
        act({kind: 'speed', speed: each})
      })
      key.ariaPressed = String(each === speed)
      return key
    }),
  )
}

/**
 * @param {Card} card
 * @param {State} state
 * @param {Act} act
 */
function cardButton(card, state, act) {
  const isAway = state.slot.cardId === card.id
  const face = button(
    `plastic tint-${state.cards.indexOf(card) % 3}`,
    [
      made('b', '', card.holder),
      made('span', 'number', card.masked),
      made(
        'span',
        'hint',
        isAway ? (state.slot.card === 'retained' ? 'kept' : 'in the machine') : card.pinHint,
      ),
    ],
    () => {
      act({kind: 'insertCard', id: card.id})
    },
  )
  face.disabled = isAway
  face.title = `Insert the card of ${card.holder}`
  return face
}

/**
 * @param {State} state
 * @param {Act} act
 */
function drawSlots({slot, cards}, act) {
  const card = cards.find(one => one.id === slot.cardId)
  redraw(inside(part('card-slot'), '.out'), slot.card === 'offered' ? (card ?? true) : null, () => {
    if (slot.card !== 'offered') return []
    const tint = card === undefined ? 0 : cards.indexOf(card) % 3
    const face = button(`plastic tint-${tint}`, [made('b', '', card?.holder ?? 'Card')], () => {
      act({kind: 'takeCard'})
    })
    return [face, made('span', 'take', 'Take the card')]
  })
  redraw(inside(part('cash-slot'), '.out'), slot.cash, () => {
    if (slot.cash.notes.length === 0) return []
    const notes = slot.cash.notes.flatMap(({noteText, count}) => Array.from({length: count}, () => noteText))
    const bunch = button(
      'bunch',
      notes.slice(0, DRAWN_NOTES_MAX).map(text => made('span', 'note', text)),
      () => {
        act({kind: 'takeNotes'})
      },
    )
    bunch.ariaLabel = `Take ${slot.cash.total}`
    const list = slot.cash.notes.map(({noteText, count}) => made('span', '', `${count} × ${noteText}`))
    return [bunch, made('p', 'take', made('b', '', slot.cash.total), ...list)]
  })
}

/** @param {Account} account */
function accountRow({accountId, holder, type, balance, held, available}) {
  return made(
    'tr',
    '',
    made('td', '', made('b', '', holder), made('small', '', `${type} ${accountId}`)),
    made('td', 'sum', balance),
    made('td', held === '' ? 'sum none' : 'sum', held === '' ? '–' : held),
    made('td', 'sum', available),
  )
}

/** @param {Operation} operation */
function operationRow({reference, state, amount, mark}) {
  return made(
    'li',
    '',
    made('code', '', reference),
    made('span', `state ${mark}`, state),
    made('span', 'sum', amount),
  )
}

/**
 * Every device has its panel once; only what changes in it is drawn again, so that a fault half chosen stays.
 * @param {Device[]} devices
 * @param {Act} act
 */
function drawDevices(devices, act) {
  const list = part('device-list')
  for (const device of devices) {
    const id = `device-${device.kind}`
    const panel = document.getElementById(id) ?? list.appendChild(devicePanel(id, device, act))
    panel.dataset['online'] = String(device.online)
    inside(panel, '.lamp').textContent = device.online ? 'online' : 'not answering'
    redraw(inside(panel, '.switches'), [device.cable, device.power], () => switches(device, act))
    redraw(inside(panel, '.world'), device.world, () =>
      device.world.map(({label, text}) =>
        made('div', '', made('dt', '', label), made('dd', text.includes('\n') ? 'paper' : '', text)),
      ),
    )
    redraw(inside(panel, '.planned'), device.planned, () => device.planned.map(text => made('li', '', text)))
  }
}

/**
 * @param {string} id
 * @param {Device} device
 * @param {Act} act
 */
function devicePanel(id, device, act) {
  const name = DEVICE_NAMES.get(device.kind) ?? device.kind
  const panel = made(
    'section',
    'device',
    made('h3', '', name, made('span', 'model', device.model), made('span', 'lamp')),
    made('dl', 'world'),
    planner(device, act),
    made('div', 'switches'),
    made('ul', 'planned'),
  )
  panel.id = id
  if (device.kind === 'dispenser')
    panel.append(
      button('quiet wide', ['Open the safe: empty, count and reload'], () => {
        act({kind: 'reloadCassettes'})
      }),
    )
  return panel
}

/**
 * @param {Device} device
 * @param {Act} act
 */
function switches({kind, cable, power}, act) {
  return [
    button('quiet', [cable === 'in' ? 'Pull the cable' : 'Plug the cable in'], () => {
      act({kind: 'cable', device: kind, to: cable === 'in' ? 'pulled' : 'in'})
    }),
    button('quiet', [power === 'on' ? 'Cut the power' : 'Power on'], () => {
      act({kind: 'power', device: kind, to: power === 'on' ? 'cut' : 'on'})
    }),
  ]
}

/**
 * A fault to choose, how many notes before it strikes where that matters, and a button.
 * @param {Device} device
 * @param {Act} act
 */
function planner({kind, faults}, act) {
  const choice = document.createElement('select')
  choice.ariaLabel = 'Fault'
  choice.append(...faults.map(({name, label}) => new Option(label, name)))
  const count = document.createElement('input')
  count.type = 'number'
  count.min = '0'
  count.max = String(NOTES_MAX)
  count.value = '1'
  count.ariaLabel = 'Notes before the fault'
  const chosen = () => faults.find(fault => fault.name === choice.value)
  const showCount = () => {
    count.hidden = chosen()?.argument !== 'notes'
  }
  choice.addEventListener('change', showCount)
  showCount()
  return made(
    'div',
    'planner',
    choice,
    count,
    button('', ['Plan'], () => {
      const argument = chosen()?.argument === 'notes' ? count.valueAsNumber : null
      act({kind: 'plan', device: kind, fault: choice.value, argument})
    }),
  )
}

/** @param {State['link']} link */
function drawLink({state, text, waiting}) {
  const lamp = part('link')
  lamp.dataset['is'] = state
  lamp.textContent = waiting === 0 ? text : `${text}, ${waiting} waiting`
  part('line').textContent = state === 'up' ? 'Cut the line' : 'Restore the line'
}

/** Whether the reader looks at the newest lines, or has scrolled back. */
let isFollowing = true

/** Stays at the newest line, whatever becomes of the list's size, until the reader scrolls back. */
export function followNewest() {
  const list = part('lines')
  const settle = () => {
    if (isFollowing) list.scrollTop = list.scrollHeight
  }
  new ResizeObserver(settle).observe(list)
  list.addEventListener('scroll', () => {
    isFollowing = list.scrollHeight - list.scrollTop - list.clientHeight < 24
    list.toggleAttribute('data-more', list.scrollTop > 0)
  })
}

/** @param {{seq: number, text: string}[]} journal */
export function addLines(journal) {
  if (journal.length === 0) return
  const list = part('lines')
  list.append(
    ...journal.map(({seq, text}) => {
      const line = made('li', '', text)
      line.dataset['seq'] = String(seq)
      return line
    }),
  )
  while (list.childElementCount > LINES_MAX) list.firstElementChild?.remove()
  if (isFollowing) list.scrollTop = list.scrollHeight
}
