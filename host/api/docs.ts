/** The API as a page to read: made of the route table, like the OpenAPI document, and of nothing else. */
import {PROBLEMS} from './answer.ts'
import {GROUPS, INTRODUCTION, callerText, problemsOf} from './openapi.ts'
import type {Group, Route} from './route.ts'
import type {JsonSchema, Shape} from './shape.ts'

const GROUP_TITLES: Readonly<Record<Group, string>> = {
  money: 'Money',
  machine: 'Machines',
  people: 'People',
  office: 'Back office',
}

export function docsPage(routes: readonly Route[]): string {
  const byGroup = Map.groupBy(routes, ({group}) => group)
  const chapters = [...byGroup].map(
    ([group, own]) => `
    <section aria-labelledby="${group}">
      <h2 id="${group}">${GROUP_TITLES[group]}</h2>
      <p>${text(GROUPS[group])}</p>
      ${own.map(routeText).join('\n')}
    </section>`,
  )
  const contents = [...byGroup].map(
    ([group, own]) => `
      <li><a href="#${group}">${GROUP_TITLES[group]}</a>
        <ul>${own.map(({name, method, url}) => `<li><a href="#${name}"><code>${method} ${text(url)}</code></a></li>`).join('')}</ul>
      </li>`,
  )
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Tellerd bank: API</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="/office.css" />
  </head>
  <body class="reading">
    <header class="top"><h1>Tellerd <span>bank API</span></h1></header>
    <main>
      <p>${text(INTRODUCTION).replaceAll(/`([^`]+)`/g, '<code>$1</code>')}</p>
      <p>The same for programs: <a href="/api/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
      <nav aria-label="Contents"><ul class="contents">${contents.join('')}</ul></nav>
      ${chapters.join('\n')}
      <section aria-labelledby="problems">
        <h2 id="problems">Problems</h2>
        <p>Each is <code>application/problem+json</code> with <code>type</code> <code>urn:tellerd:problem:</code> and its name.</p>
        ${problemTable()}
      </section>
    </main>
  </body>
</html>
`
}

function routeText(route: Route): string {
  const {name, method, url, summary, callers, path, query, request, answers} = route
  const problems = problemsOf(route).map(each => `<a href="#problem-${each}"><code>${each}</code></a>`)
  return `<article aria-labelledby="${name}">
        <h3 id="${name}"><code>${method} ${text(url)}</code></h3>
        <p>${text(summary)}. Open to ${callers.map(caller => code(callerText(caller))).join(', ')}.${keyText(route)}</p>
        ${fieldTable('In the path', path)}
        ${fieldTable('In the query', query)}
        ${request === null ? '' : fieldTable('Body', request)}
        ${answers.map((shape, at) => fieldTable(at === 0 ? 'Answer, status 200' : 'Or declined, status 200', shape)).join('\n')}
        <p class="problems">Problems: ${problems.join(', ')}.</p>
      </article>`
}

function keyText({key}: Route): string {
  if (key === 'none') return ''
  return key === 'machine'
    ? ' Needs an <code>Idempotency-Key</code>.'
    : ' A machine needs an <code>Idempotency-Key</code>, a person may send one.'
}

function fieldTable(title: string, {schema}: Shape<unknown>): string {
  const rows = fieldRows(schema, '')
  return rows.length === 0
    ? ''
    : `<table>
          <caption>${title}</caption>
          <thead><tr><th scope="col">Field</th><th scope="col">Type</th><th scope="col">What it is</th></tr></thead>
          <tbody>${rows.join('')}</tbody>
        </table>`
}

/** A row for each field, and for those inside it. */
function fieldRows({properties = {}, required = []}: JsonSchema, prefix: string): readonly string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const isOptional = !required.includes(name)
    const inner = schema.type === 'array' ? (schema.items ?? {}) : schema
    return [
      `<tr><th scope="row"><code>${prefix}${name}</code></th><td>${typeText(schema)}${isOptional ? ', optional' : ''}</td><td>${text(meaningOf(schema))}</td></tr>`,
      ...fieldRows(inner, `${prefix}${name}${schema.type === 'array' ? '[]' : ''}.`),
    ]
  })
}

function typeText({type, items}: JsonSchema): string {
  return type === 'array' ? `list of ${String(items?.type ?? 'anything')}` : String(type)
}

function meaningOf(schema: JsonSchema): string {
  const {description = '', enum: words, minimum, maximum, items} = schema
  const range = minimum !== undefined && maximum !== undefined ? `${minimum} to ${maximum}` : ''
  const choice = words === undefined ? '' : `one of ${words.join(', ')}`
  const inner = items === undefined || items.type === 'object' ? '' : meaningOf(items)
  return [description, choice, range, inner].filter(part => part !== '').join('; ')
}

function problemTable(): string {
  const rows = Object.entries(PROBLEMS).map(
    ([name, [status, rc, retry, title]]) =>
      `<tr id="problem-${name}"><th scope="row"><code>${name}</code></th><td>${status}</td><td>${rc}</td><td>${retry}</td><td>${text(title)}</td></tr>`,
  )
  return `<table>
          <thead><tr><th scope="col">Name</th><th scope="col">Status</th><th scope="col"><code>rc</code></th><th scope="col"><code>retry</code></th><th scope="col">What it means</th></tr></thead>
          <tbody>${rows.join('')}</tbody>
        </table>`
}

/** Text with its code in backticks. */
function code(words: string): string {
  return text(words).replaceAll(/`([^`]+)`/g, '<code>$1</code>')
}

function text(words: string): string {
  return words
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
