/**
 * The settings: one JSON file becomes one frozen Config, or one line that says what is wrong and where.
 * Legal range and default stand beside each setting.
 */
import {createHash} from 'node:crypto'
import {readFileSync} from 'node:fs'
import {BadInput, codeOf, reasonOf} from '../kit/errors.ts'
import {readJson} from '../kit/exact-json.ts'
import {formatAmount, isCurrency, minorUnits} from '../kit/money.ts'
import type {Currency, Minor} from '../kit/money.ts'
import {Section, isIn} from '../kit/section.ts'
import {brandFrom} from './screen/brand.ts'
import type {Brand} from './screen/brand.ts'
import {OTHER_LANGUAGES_MAX} from './screen/choices.ts'
import {LANGUAGES, isLanguage} from './screen/words.ts'
import type {Language} from './screen/words.ts'

export const READER_MODELS = [
  'crt310',
  'crt310-no-shutter',
  'crt310-no-bin',
  'crt310-no-contacts',
  'crt310-track-2',
  'crt310-front-head',
  'crt571',
  'magtek',
  'magtek-insert',
] as const
export const PIN_PAD_MODELS = [
  'szzt',
  'szzt-zt598',
  'abecs',
  'abecs-dukpt',
  'dynapro',
  'dynapro-2014',
] as const
export const PRINTER_MODELS = ['escpos', 'escpos-kiosk'] as const
/** How many cassettes each model has, numbered from 1. What is not certain about a model is a name of its own, as docs/protocols says. */
export const DISPENSER_CASSETTES = {
  lcdm1000: 1,
  'lcdm1000-19200': 1,
  'lcdm1000-38400': 1,
  lcdm2000: 2,
  'lcdm2000-19200': 2,
  'lcdm2000-38400': 2,
  lcdm4000: 4,
  'lcdm4000-8n1': 4,
  'lcdm4000-serial': 4,
  'lcdm4000-serial-8n1': 4,
  f56: 4,
  'f56-pool': 4,
  reference: 2,
} as const

/** Of the console's port, in bits per second. */
export const BAUD_RATES = [9_600, 19_200, 38_400, 57_600, 115_200] as const

const MEGABYTE_BYTES = 1_000_000

export type DispenserModel = keyof typeof DISPENSER_CASSETTES

export interface DeviceConfig<M extends string> {
  readonly model: M
  /** Stable path of the serial port; of a HID device its path, or `0801:0011[:SERIAL]`. */
  readonly port: string
}

export interface CassetteConfig {
  readonly cassette: number
  readonly noteMinor: Minor
  /** Notes in it when the journal knows of no load yet. */
  readonly initialCount: number
}

export interface Config {
  /** Letters, digits and dashes, 1 to 16; the bank knows this machine by it. */
  readonly terminal: string
  readonly currency: Currency
  readonly journal: {
    readonly path: string
    /** Rows that the bank has signed for stay on this machine so long. */
    readonly keepDays: number
    /** Free on its disk: below the first the log warns, below the second no visit begins. */
    readonly warnFreeBytes: number
    readonly stopFreeBytes: number
    /** Held back beside it, for the visit under way when the disk is full. */
    readonly reserveBytes: number
  }
  readonly host: {
    readonly url: string
    readonly caPath: string
    readonly certificatePath: string
    readonly keyPath: string
    /** SHA-256 of the host's public key (SPKI), hexadecimal. */
    readonly hostPins: readonly string[]
    /** PEM, one or, while the bank changes keys, two: whose signature its answers bear. */
    readonly signersPath: string
    readonly answerTimeoutMs: number
    /** When the business date is closed, `23:00` in UTC; null where a person or the bank closes it. */
    readonly cutOverAt: string | null
  }
  readonly cardReader: DeviceConfig<(typeof READER_MODELS)[number]>
  readonly pinPad: DeviceConfig<(typeof PIN_PAD_MODELS)[number]>
  readonly dispenser: DeviceConfig<DispenserModel>
  /** Null for a machine without receipts. */
  readonly printer: PrinterConfig | null
  readonly cassettes: readonly CassetteConfig[]
  readonly payout: {
    readonly mix: 'fewestNotes' | 'balanceCassettes'
    readonly retract: 'off' | 'on' | 'onIfCounted'
    readonly feeMinor: Minor
    readonly amountMaxMinor: Minor
    /** Of one transfer to another account. */
    readonly transferMaxMinor: Minor
    readonly notesMax: number
  }
  readonly timers: {
    readonly pinEntryTimeoutMs: number
    readonly customerTimeoutMs: number
    readonly feeTimeoutMs: number
    readonly moreTimeTimeoutMs: number
    readonly anotherTimeoutMs: number
    readonly cardTakeTimeoutMs: number
    readonly notesTakeTimeoutMs: number
    readonly endingTimeoutMs: number
    readonly referenceTimeoutMs: number
    readonly watchIntervalMs: number
  }
  readonly screen: {
    readonly port: number
    /** What customers are offered, the machine's own language first. */
    readonly languages: readonly [Language, ...Language[]]
    readonly brand: Brand
  }
  /** The screen read aloud; null for a machine without a jack for a headset. */
  readonly speech: {
    /** A program and its arguments that tells of the headset line by line: `in`, `out`, or as evtest does. */
    readonly headset: readonly [string, ...string[]]
  } | null
  /** The diagnostics console; null for a machine without one. */
  readonly console: ConsoleConfig | null
}

export interface PrinterConfig extends DeviceConfig<(typeof PRINTER_MODELS)[number]> {
  /** What stands on every receipt below the operator's name: where the machine is, and whom to call about a charge. Empty for nothing. */
  readonly location: string
  readonly phone: string
}

export interface ConsoleConfig {
  /** Path of its serial port; null for the socket alone. */
  readonly port: string | null
  readonly baudRate: (typeof BAUD_RATES)[number]
  /** Of the socket for those logged in on this machine. */
  readonly socketPath: string
  /** Who may log in, and the key that seals their secrets: made at the first start, in a folder of the daemon's own. */
  readonly peoplePath: string
  readonly keyPath: string
  /** Whether cash is handled by two people together. */
  readonly cashDual: boolean
}

/**
 * Reads the settings.
 * @throws BadInput naming the file and the setting
 */
export function readConfig(path: string): Config {
  return configFrom(textOf(path), path)
}

/** The text of the settings' file. @throws BadInput */
export function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT')
      throw new BadInput(`${path} is not there: 'tellerd setup' asks what is needed and writes it`, {
        cause: thrown,
      })
    throw new BadInput(`${path}: ${reasonOf(thrown)}`, {cause: thrown})
  }
}

/** The Config that a JSON text holds. @param name for the error line. @throws BadInput */
export function configFrom(text: string, name: string): Config {
  const read = readJson(text)
  if (read.kind !== 'json') throw new BadInput(`${name}: ${read.why}`)
  return new Section(name, read.json, 'setting').closed(top)
}

/** SHA-256 over the settings, for the journal's boot entry. */
export function configHash(config: Config): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('hex')
}

function top(s: Section): Config {
  const currency = s.oneOf('currency', isCurrency, 'a currency code such as EUR')
  const config: Config = {
    terminal: s.text('terminal', /^[A-Za-z0-9-]{1,16}$/, '1 to 16 letters, digits or dashes'),
    currency,
    journal: s.section('journal').closed(j => ({
      path: j.text('path', /./, 'a path'),
      keepDays: j.integer('keepDays', 90, 3_650, 400),
      warnFreeBytes: j.integer('warnFreeMegabytes', 1, 1_000_000, 1_000) * MEGABYTE_BYTES,
      stopFreeBytes: j.integer('stopFreeMegabytes', 1, 1_000_000, 200) * MEGABYTE_BYTES,
      reserveBytes: j.integer('reserveMegabytes', 4, 1_000, 16) * MEGABYTE_BYTES,
    })),
    host: s.section('host').closed(h => ({
      url: h.text('url', /^https:\/\/[^/]+$/, 'https://name:port'),
      caPath: h.text('caPath', /./, 'a path'),
      certificatePath: h.text('certificatePath', /./, 'a path'),
      keyPath: h.text('keyPath', /./, 'a path'),
      hostPins: h.list('hostPins', 1, 2, pin => pin.itself(/^[0-9a-f]{64}$/, '64 hexadecimal digits')),
      signersPath: h.text('signersPath', /./, 'a path'),
      answerTimeoutMs: h.integer('answerTimeoutMs', 10_000, 60_000, 45_000),
      cutOverAt: h.has('cutOverAt')
        ? h.text('cutOverAt', /^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'a time of the day in UTC, such as 23:00')
        : null,
    })),
    cardReader: s.section('cardReader').closed(d => device(d, READER_MODELS)),
    pinPad: s.section('pinPad').closed(d => device(d, PIN_PAD_MODELS)),
    dispenser: s.section('dispenser').closed(d => device(d, DISPENSER_MODELS)),
    printer: s.has('printer') ? s.section('printer').closed(printerFrom) : null,
    cassettes: s.list('cassettes', 1, 8, c =>
      c.closed(f => ({
        cassette: f.integer('cassette', 1, 8),
        noteMinor: f.amount('note', currency, 1, 1_000_000_00),
        initialCount: f.integer('initialCount', 0, 3_000, 0),
      })),
    ),
    payout: s.section('payout').closed(p => ({
      mix: p.oneOf(
        'mix',
        isIn(['fewestNotes', 'balanceCassettes'] as const),
        'fewestNotes or balanceCassettes',
        'fewestNotes',
      ),
      retract: p.oneOf(
        'retract',
        isIn(['off', 'on', 'onIfCounted'] as const),
        'off, on or onIfCounted',
        'onIfCounted',
      ),
      feeMinor: p.amount('fee', currency, 0, 100_00, 0),
      amountMaxMinor: p.amount('amountMax', currency, 1, 1_000_000_00),
      transferMaxMinor: p.amount('transferMax', currency, 1, 1_000_000_00, 1_000_00),
      notesMax: p.integer('notesMax', 1, 200, 40),
    })),
    timers: s.section('timers').closed(t => ({
      pinEntryTimeoutMs: t.integer('pinEntryTimeoutMs', 15_000, 120_000, 30_000),
      customerTimeoutMs: t.integer('customerTimeoutMs', 15_000, 120_000, 30_000),
      feeTimeoutMs: t.integer('feeTimeoutMs', 30_000, 120_000, 60_000),
      moreTimeTimeoutMs: t.integer('moreTimeTimeoutMs', 20_000, 60_000, 30_000),
      anotherTimeoutMs: t.integer('anotherTimeoutMs', 10_000, 60_000, 20_000),
      cardTakeTimeoutMs: t.integer('cardTakeTimeoutMs', 15_000, 60_000, 30_000),
      notesTakeTimeoutMs: t.integer('notesTakeTimeoutMs', 15_000, 60_000, 30_000),
      endingTimeoutMs: t.integer('endingTimeoutMs', 2_000, 30_000, 6_000),
      referenceTimeoutMs: t.integer('referenceTimeoutMs', 5_000, 120_000, 20_000),
      watchIntervalMs: t.integer('watchIntervalMs', 500, 60_000, 5_000),
    })),
    screen: s.section('screen').closed(d => ({
      port: d.integer('port', 0, 65_535, 8_410),
      languages: languagesFrom(d),
      brand: brandFrom(d),
    })),
    speech: s.has('speech') ? s.section('speech').closed(speechFrom) : null,
    console: s.has('console') ? s.section('console').closed(consoleFrom) : null,
  }
  if (config.journal.warnFreeBytes < config.journal.stopFreeBytes)
    s.refuse('journal.warnFreeMegabytes', 'is less than stopFreeMegabytes: it would warn too late')
  const positions = new Set(config.cassettes.map(({cassette}) => cassette))
  if (positions.size !== config.cassettes.length) s.refuse('cassettes', 'names a cassette twice')
  const {model} = config.dispenser
  const foreign = config.cassettes.find(({cassette}) => cassette > DISPENSER_CASSETTES[model])
  if (foreign !== undefined)
    s.refuse('cassettes', `names cassette ${foreign.cassette}, which ${model} does not have`)
  const smallest = Math.min(...config.cassettes.map(({noteMinor}) => noteMinor))
  if (smallest > config.payout.amountMaxMinor)
    s.refuse('payout.amountMax', `is less than one note of ${formatAmount(minorUnits(smallest), currency)}`)
  return Object.freeze(config)
}

function languagesFrom(d: Section): Config['screen']['languages'] {
  if (!d.has('languages')) return ['en']
  const tags = d.list('languages', 1, 1 + OTHER_LANGUAGES_MAX, tag => tag.itself(LANGUAGE_TAG, LANGUAGE_HINT))
  const [own, ...others] = tags.filter(isLanguage)
  if (own === undefined || new Set(tags).size !== tags.length) d.refuse('languages', 'names a language twice')
  return [own, ...others]
}

const LANGUAGE_TAG = new RegExp(`^(?:${LANGUAGES.join('|')})$`)
const LANGUAGE_HINT = `one of ${LANGUAGES.join(', ')}`

function printerFrom(p: Section): PrinterConfig {
  const line = /^[^\p{Cc}]{0,40}$/u
  const hint = 'up to 40 characters'
  return {
    ...device(p, PRINTER_MODELS),
    location: p.text('location', line, hint, ''),
    phone: p.text('phone', line, hint, ''),
  }
}

function speechFrom(s: Section): Exclude<Config['speech'], null> {
  const [program, ...args] = s.list('headset', 1, 16, word => word.itself(/./, 'a program or an argument'))
  if (program === undefined) s.refuse('headset', 'names no program')
  return {headset: [program, ...args]}
}

function consoleFrom(c: Section): ConsoleConfig {
  const baudRate = c.integer('baudRate', 9_600, 115_200, 115_200)
  const known = BAUD_RATES.find(rate => rate === baudRate)
  if (known === undefined) c.refuse('baudRate', `must be ${BAUD_RATES.join(', ')}`)
  return {
    port: c.has('port') ? c.text('port', /./, 'the path of a serial port') : null,
    baudRate: known,
    socketPath: c.text('socketPath', /^.{1,100}$/, 'a path of at most 100 characters'),
    peoplePath: c.text('peoplePath', /./, 'a path'),
    keyPath: c.text('keyPath', /./, 'a path'),
    cashDual: c.flag('cashDual', true),
  }
}

const DISPENSER_MODELS = Object.keys(DISPENSER_CASSETTES).filter(isDispenserModel)

function isDispenserModel(name: string): name is DispenserModel {
  return Object.hasOwn(DISPENSER_CASSETTES, name)
}

function device<const M extends string>(s: Section, models: readonly M[]): DeviceConfig<M> {
  return {
    model: s.oneOf('model', isIn(models), models.join(' or ')),
    port: s.text('port', /./, 'the path of a serial port'),
  }
}
