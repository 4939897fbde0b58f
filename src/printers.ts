/** Receipt printers by their names in the settings: a table of its own, so that a machine without one loads none of it. */
import {PROFILES} from '../devices/printer/escpos/bytes.ts'
import type {ProfileName} from '../devices/printer/escpos/bytes.ts'
import {EscPosPrinter} from '../devices/printer/escpos/driver.ts'
import type {Printer} from '../devices/printer/port.ts'
import type {PrinterConfig} from './config.ts'
import type {SerialModel} from './drivers.ts'

export const PRINTERS: Readonly<Record<PrinterConfig['model'], SerialModel<Printer>>> = {
  escpos: escPos('desktop'),
  'escpos-kiosk': escPos('kiosk'),
}

function escPos(profile: ProfileName): SerialModel<Printer> {
  return {
    line: PROFILES[profile].line,
    on: (link, clock, log) => new EscPosPrinter(link, clock, log, PROFILES[profile]),
  }
}
