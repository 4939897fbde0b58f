// @ts-check
/**
 * Refuses what a browser does by itself and a cash machine must not: menus, drags, selections, zoom, keys of its
 * own. The choices stay reachable by Tab, Enter and the space bar. What no page can refuse is the kiosk's to refuse.
 */

const REFUSED = /** @type {const} */ ([
  'contextmenu',
  'dragstart',
  'dragover',
  'drop',
  'selectstart',
  'copy',
  'cut',
  'paste',
  'auxclick',
  'dblclick',
  'wheel',
])
const OWN_KEYS = new Set(['Tab', 'Enter', ' '])

for (const name of REFUSED) addEventListener(name, refuse, {capture: true, passive: false})
addEventListener('keydown', event => {
  const isPlain = !event.ctrlKey && !event.altKey && !event.metaKey
  if (!isPlain || !OWN_KEYS.has(event.key)) refuse(event)
})
addEventListener(
  'touchmove',
  event => {
    refuse(event)
  },
  {capture: true, passive: false},
)

/** @param {Event} event */
function refuse(event) {
  event.preventDefault()
}
