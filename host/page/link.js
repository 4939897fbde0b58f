// @ts-check
/** The bank's API as this page asks it. The token of the session lives in this module alone and goes with the page. */

/** @type {string | null} */
let token = null
/** Called when the bank no longer knows the session. */
let onSignedOut = () => {}

/** What the bank said no to, in words for a person; status 0 when it did not answer. */
export class Refusal extends Error {
  /**
   * @param {string} words
   * @param {number} status
   */
  constructor(words, status) {
    super(words)
    this.status = status
  }
}

/** @param {() => void} listener */
export function whenSignedOut(listener) {
  onSignedOut = listener
}

/**
 * @param {string} name
 * @param {string} password
 * @param {string} code
 * @returns {Promise<{name: string, roles: string[]}>}
 */
export async function signIn(name, password, code) {
  const answer = /** @type {{token: string, name: string, roles: string[]}} */ (
    await send('POST', '/api/sign-in', JSON.stringify({name, password, code}))
  )
  token = answer.token
  return {name: answer.name, roles: answer.roles}
}

export async function signOut() {
  try {
    await send('POST', '/api/sign-out', '{}')
  } finally {
    token = null
  }
}

/**
 * @param {string} path
 * @param {Iterable<[string, string]>} [query] empty values are left out
 * @returns {Promise<unknown>}
 */
export function get(path, query = []) {
  const set = new URLSearchParams([...query].filter(([, value]) => value !== ''))
  return send('GET', set.size === 0 ? path : `${path}?${set.toString()}`, null)
}

/**
 * @param {string} path
 * @param {Record<string, string>} fields those in `numbers` are written as they stand, so that no amount is rounded
 * @param {readonly string[]} [numbers]
 * @returns {Promise<unknown>}
 */
export function post(path, fields, numbers = []) {
  const parts = Object.entries(fields)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => {
      if (!numbers.includes(name)) return `${JSON.stringify(name)}:${JSON.stringify(value)}`
      if (!/^[0-9]+(\.[0-9]+)?$/.test(value)) throw new Refusal(`${value} is not an amount such as 20.00`, 0)
      return `${JSON.stringify(name)}:${value}`
    })
  return send('POST', path, `{${parts.join(',')}}`)
}

/**
 * @param {string} method
 * @param {string} path
 * @param {string | null} body
 * @returns {Promise<unknown>}
 */
async function send(method, path, body) {
  /** @type {Record<string, string>} */
  const headers = {}
  if (token !== null) headers['authorization'] = `Bearer ${token}`
  if (body !== null) headers['content-type'] = 'application/json'
  let response
  try {
    response = await fetch(path, {method, headers, body, signal: AbortSignal.timeout(20_000)})
  } catch {
    throw new Refusal('The bank does not answer.', 0)
  }
  /** @type {unknown} */
  const answer = await response.json()
  if (response.ok) return answer
  const problem = /** @type {{title: string, detail: string}} */ (answer)
  if (response.status === 401 && token !== null) {
    token = null
    onSignedOut()
  }
  throw new Refusal(`${problem.title}: ${problem.detail}.`, response.status)
}
