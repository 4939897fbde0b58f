/**
 * Plans of what goes wrong in one emulated device, in words: `jam after 2; answer lost on status`. Each model
 * has a table of what can go wrong with it; the grammar is here.
 */
import {BadInput} from '../../../kit/errors.ts'

/** A number after a fault's name: `after 2` (notes), `3 times`, `30 ms`, `E3` (an error code, hexadecimal), `042` (a status). */
const NUMBERS = {
  after: {words: 'after N', shape: 'after ([0-9]{1,3})', radix: 10},
  times: {words: 'N times', shape: '([0-9]{1,3}) times', radix: 10},
  ms: {words: 'N ms', shape: '([0-9]{1,6}) ms', radix: 10},
  code: {words: 'CODE', shape: '([0-9A-Fa-f]{2})', radix: 16},
  status: {words: 'STATUS', shape: '([0-9]{3})', radix: 10},
} as const

export interface FaultRow<Mischief, Order extends string> {
  readonly name: string
  /** Which number may follow; null stands in its place when none was given. None may when left out. */
  readonly takes?: keyof typeof NUMBERS
  /** Whether the number must be there. */
  readonly needsNumber?: boolean
  /** Whether `on ORDER` may follow, must, or may not. */
  readonly on: 'may' | 'must' | 'never'
  readonly make: (number: number | null, on: Order | null) => Mischief
}

/** Something wrong on the line itself, once: at the next answer, or at the next one to that command. */
interface OnTheLine<Do extends string, Order extends string> {
  readonly kind: 'line'
  readonly do: Do
  readonly ms?: number
  readonly command?: Order
}

/** The rows of what goes wrong on the line, from their names; what takes time may be told how much. */
export function lineRows<Do extends string, Order extends string>(
  faults: Readonly<Record<string, Do>>,
): readonly FaultRow<OnTheLine<Do, Order>, Order>[] {
  return Object.entries(faults).map(([name, what]) => ({
    name,
    ...(what === 'splitReply' || what === 'lateReply' ? {takes: 'ms' as const} : {}),
    on: 'may',
    make: (ms, command) => ({
      kind: 'line',
      do: what,
      ...(ms === null ? {} : {ms}),
      ...(command === null ? {} : {command}),
    }),
  }))
}

/** Each fault with what it takes, for `help`. */
export function faultWords<Mischief, Order extends string>(
  rows: readonly FaultRow<Mischief, Order>[],
): readonly string[] {
  const optional = (words: string, isNeeded: boolean): string => (isNeeded ? words : `[${words}]`)
  return rows.map(({name, takes, needsNumber = false, on}) =>
    [
      name,
      ...(takes === undefined ? [] : [optional(NUMBERS[takes].words, needsNumber)]),
      ...(on === 'never' ? [] : [optional('on ORDER', on === 'must')]),
    ].join(' '),
  )
}

/**
 * Reads a plan: faults parted by `;`.
 * @param orders what may stand after `on`
 * @throws BadInput naming the fault and what is wrong with it
 */
export function faultsFrom<Mischief, Order extends string>(
  text: string,
  rows: readonly FaultRow<Mischief, Order>[],
  orders: readonly Order[],
): readonly Mischief[] {
  const items = text
    .split(';')
    .map(item => item.trim().split(/\s+/).join(' '))
    .filter(item => item !== '')
  if (items.length === 0) throw new BadInput('plan: names no fault')
  return items.map(item => faultFrom(item, rows, orders))
}

function faultFrom<Mischief, Order extends string>(
  item: string,
  rows: readonly FaultRow<Mischief, Order>[],
  orders: readonly Order[],
): Mischief {
  const [, phrase = item, onText = null] = /^(.*?)(?: on (\S+))?$/.exec(item) ?? []
  const found = rows.flatMap(row => {
    const number = numberAfter(row, phrase)
    return number === undefined ? [] : [{row, number}]
  })
  const [first] = found
  if (first === undefined)
    throw new BadInput(`plan: '${item}' is no fault of this model; it knows ${faultWords(rows).join(', ')}`)
  const {row, number} = first
  if (onText === null) {
    if (row.on === 'must')
      throw new BadInput(`plan: '${row.name}' needs 'on' and one of ${orders.join(', ')}`)
    return row.make(number, null)
  }
  if (row.on === 'never') throw new BadInput(`plan: '${row.name}' takes no 'on'`)
  const order = orders.find(one => one === onText)
  if (order === undefined) throw new BadInput(`plan: '${onText}' is none of ${orders.join(', ')}`)
  return row.make(number, order)
}

/** The number in the phrase, null where it has none, undefined where the phrase is not this fault. */
function numberAfter<Mischief, Order extends string>(
  {name, takes, needsNumber = false}: FaultRow<Mischief, Order>,
  phrase: string,
): number | null | undefined {
  if (phrase === name) return needsNumber ? undefined : null
  if (takes === undefined || !phrase.startsWith(`${name} `)) return undefined
  const {shape, radix} = NUMBERS[takes]
  const digits = new RegExp(`^${shape}$`).exec(phrase.slice(name.length + 1))?.[1]
  return digits === undefined ? undefined : Number.parseInt(digits, radix)
}
