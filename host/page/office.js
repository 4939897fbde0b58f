// @ts-check
/** The back office: who is in, which view is shown, and what is said. The address says where one is; going back works. */
import {head, part} from './draw.js'
import {Refusal, signIn, signOut, whenSignedOut} from './link.js'
import {views} from './views.js'

const START = 'fleet'
/** Counts the views asked for, so that a slow answer cannot overwrite a newer one. */
let asked = 0
let isIn = false

whenSignedOut(() => {
  leave('The session is over. Sign in again.')
})
window.addEventListener('hashchange', () => {
  if (isIn) void show('')
})
part('sign-in').addEventListener('submit', event => {
  event.preventDefault()
  void enter(/** @type {HTMLFormElement} */ (event.currentTarget))
})
part('out').addEventListener('click', () => {
  void signOut()
    .catch((/** @type {unknown} */ refused) => {
      if (!(refused instanceof Refusal)) throw refused
    })
    .then(() => {
      leave('')
    })
})
leave('')

/** @param {HTMLFormElement} form */
async function enter(form) {
  const fields = new FormData(form)
  const field = (/** @type {string} */ name) => {
    const value = fields.get(name)
    return typeof value === 'string' ? value : ''
  }
  part('door-said').textContent = ''
  try {
    const {name, roles} = await signIn(field('name'), field('password'), field('code'))
    form.reset()
    part('name').textContent = `${name}, ${roles.join(' and ')}`
  } catch (refused) {
    if (!(refused instanceof Refusal)) throw refused
    part('door-said').textContent = refused.message
    return
  }
  isIn = true
  for (const id of ['nav', 'who']) part(id).hidden = false
  part('door').hidden = true
  await show('')
}

/** @param {string} words */
function leave(words) {
  isIn = false
  asked += 1
  for (const id of ['nav', 'who']) part(id).hidden = true
  part('view').replaceChildren()
  part('said').textContent = ''
  part('door').hidden = false
  part('door-said').textContent = words
  part('door').querySelector('input')?.focus()
}

/**
 * Draws the view that the address names.
 * @param {string} words to say when it is there
 */
async function show(words) {
  const [path = '', search = ''] = location.hash.replace(/^#\/?/, '').split('?')
  const [name = '', ...way] = path.split('/').map(decodeURIComponent)
  const shown = name === '' ? START : name
  const view = views[shown]
  const mine = (asked += 1)
  say('', '')
  markCurrent(shown)
  const place = {
    way,
    query: new URLSearchParams(search),
    again: (/** @type {string} */ said) => void show(said),
  }
  try {
    const drawn = view === undefined ? [head('There is no such view')] : await view(place)
    if (mine !== asked) return
    part('view').replaceChildren(...drawn)
    say(words, '')
  } catch (refused) {
    if (!(refused instanceof Refusal)) throw refused
    if (mine !== asked || !isIn) return
    part('view').replaceChildren()
    say(refused.message, 'bad')
  }
  document.title = `${part('view').querySelector('h2')?.textContent ?? 'Tellerd'} – Tellerd back office`
}

/**
 * @param {string} words
 * @param {string} tone
 */
function say(words, tone) {
  part('said').textContent = words
  part('said').className = `said ${tone}`
}

/** @param {string} name */
function markCurrent(name) {
  const shown = name === 'machines' ? START : name
  for (const each of part('nav').querySelectorAll('a')) {
    if (each.getAttribute('href') === `#/${shown}`) each.setAttribute('aria-current', 'page')
    else each.removeAttribute('aria-current')
  }
}
