// @ts-check
/** Decisions of a person: a dialog that asks what and why, and says what the bank made of it. */
import {made, part} from './draw.js'
import {Refusal} from './link.js'

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {string} text
 * @property {readonly Node[]} fields
 * @property {(answers: Record<string, string>) => Promise<unknown>} decide
 * @property {() => void} done
 */

/** @type {Question | null} */
let asked = null

const dialog = dialogOf(part('dialog'))

part('dialog-cancel').addEventListener('click', () => {
  dialog.close()
})
part('dialog-form').addEventListener('submit', event => {
  event.preventDefault()
  void send(/** @type {HTMLFormElement} */ (event.currentTarget))
})

/**
 * Opens the dialog; it stays open as long as the bank says no.
 * @param {Question} question
 */
export function decide(question) {
  asked = question
  part('dialog-title').textContent = question.title
  part('dialog-text').textContent = question.text
  part('dialog-said').textContent = ''
  part('dialog-fields').replaceChildren(
    ...question.fields,
    made(
      'label',
      {},
      'Reason',
      made('textarea', {name: 'reason', rows: '3', maxlength: '300', required: ''}),
    ),
  )
  dialog.showModal()
}

/** @param {HTMLFormElement} form */
async function send(form) {
  if (asked === null) return
  const answers = Object.fromEntries(
    [...new FormData(form)].flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, value.trim()]] : [],
    ),
  )
  try {
    await asked.decide(answers)
  } catch (refused) {
    if (!(refused instanceof Refusal)) throw refused
    part('dialog-said').textContent = refused.message
    return
  }
  dialog.close()
  asked.done()
}

/**
 * @param {HTMLElement} element
 * @returns {HTMLDialogElement}
 */
function dialogOf(element) {
  if (!(element instanceof HTMLDialogElement)) throw new TypeError('the dialog is no dialog')
  return element
}
