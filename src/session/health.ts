/** Whether each device could serve now, asked without moving anything. */
import type {CardReader, CardReaderStatus} from '../../devices/card-reader/port.ts'
import type {Dispenser, DispenserStatus} from '../../devices/dispenser/port.ts'
import type {PinPad, PinPadStatus} from '../../devices/pin-pad/port.ts'
import type {Printer, PrinterStatus} from '../../devices/printer/port.ts'
import type {Business} from './business.ts'

/** `fault` is null when the device can serve. `cardInside`: the reader sees a card that nobody asked for. */
export interface Health {
  readonly fault: string | null
  readonly cardInside: boolean
}

const WELL: Health = {fault: null, cardInside: false}

function unwell(fault: string): Health {
  return {fault, cardInside: false}
}

/** A dispenser with something in its way must not be used, whoever put it there. */
export function dispenserHealth(status: DispenserStatus): Health {
  if (status.path === 'blocked') return unwell('something is in the path')
  if (status.stacker === 'notEmpty') return unwell('notes are in the stacker')
  if (status.rejectBin === 'missing') return unwell('the reject bin is missing')
  if (status.cassettes.every(cassette => cassette.state === 'missing'))
    return unwell('every cassette is missing')
  return WELL
}

/** A reader whose bin is full could not keep the next card that is left, so it takes none. */
function readerHealth(status: CardReaderStatus): Health {
  const cardInside = CARD_THERE.includes(status.media)
  return {fault: status.retainBin === 'full' ? 'the retain bin is full' : null, cardInside}
}

const CARD_THERE: readonly CardReaderStatus['media'][] = ['present', 'latched', 'entering', 'jammed']

/** A pad without keys, or one that was opened, makes no PIN block that means anything. */
function padHealth(status: PinPadStatus): Health {
  if (status.tamper === 'tampered') return unwell('the PIN pad was opened')
  if (status.masterKey === 'missing') return unwell('the PIN pad has no master key')
  return WELL
}

export async function openReader(reader: CardReader): Promise<Health> {
  const opened = await reader.open()
  return opened.kind === 'open' ? readerHealth(opened.status) : unwell(opened.detail)
}

/**
 * The pad serves only with the bank's PIN key in it; while there is none to load, it counts as well and the bank as away.
 * @param signedOn the sign-on under way that brings the key, which opening the pad need not wait for
 */
export async function openPinPad(
  pinPad: PinPad,
  business: Business,
  signedOn: Promise<unknown>,
): Promise<Health> {
  const [opened] = await Promise.all([pinPad.open(), signedOn])
  if (opened.kind === 'failed') return unwell(opened.detail)
  const health = padHealth(opened.status)
  if (health.fault !== null || business.date === '') return health
  const why = await business.loadPinKey()
  return why === null ? WELL : unwell(why)
}

export async function openDispenser(dispenser: Dispenser): Promise<Health> {
  const opened = await dispenser.open()
  return opened.kind === 'open' ? dispenserHealth(opened.status) : unwell(opened.detail)
}

export async function askPinPad(pinPad: PinPad): Promise<Health> {
  const status = await pinPad.status()
  return status.kind === 'failed' ? unwell(status.detail) : padHealth(status)
}

export async function askDispenser(dispenser: Dispenser): Promise<Health> {
  const status = await dispenser.status()
  return status.kind === 'failed' ? unwell(status.detail) : dispenserHealth(status)
}

/** A printer that is not there has nothing wrong with it. */
export async function openPrinter(printer: Printer | null): Promise<Health> {
  if (printer === null) return WELL
  const opened = await printer.open()
  return opened.kind === 'open' ? printerHealth(opened.status) : unwell(opened.detail)
}

export async function askPrinter(printer: Printer | null): Promise<Health> {
  if (printer === null) return WELL
  const status = await printer.status()
  return status.kind === 'failed' ? unwell(status.detail) : printerHealth(status)
}

function printerHealth({fault, detail}: PrinterStatus): Health {
  return fault === null ? WELL : unwell(detail)
}
