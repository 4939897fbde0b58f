/** From a model's name in the settings to its driver on a wire. One table for each kind. */
import {LINE as CRT310_LINE, LESSER as CRT310_LESSER} from '../devices/card-reader/crt310/bytes.ts'
import {Crt310} from '../devices/card-reader/crt310/driver.ts'
import {LINE as CRT571_LINE} from '../devices/card-reader/crt571/bytes.ts'
import {Crt571} from '../devices/card-reader/crt571/driver.ts'
import {MagtekReader} from '../devices/card-reader/magtek/driver.ts'
import type {CardReader} from '../devices/card-reader/port.ts'
import {LINE as F56_LINE, PROFILES as F56_PROFILES} from '../devices/dispenser/f56/bytes.ts'
import {F56} from '../devices/dispenser/f56/driver.ts'
import {LINE as LCDM2000_LINE} from '../devices/dispenser/lcdm2000/bytes.ts'
import type {VARIANTS as LCDM2000_VARIANTS} from '../devices/dispenser/lcdm2000/bytes.ts'
import {Lcdm2000} from '../devices/dispenser/lcdm2000/driver.ts'
import {PROFILES as LCDM4000_PROFILES} from '../devices/dispenser/lcdm4000/bytes.ts'
import {Lcdm4000} from '../devices/dispenser/lcdm4000/driver.ts'
import type {Dispenser} from '../devices/dispenser/port.ts'
import {LINE as REFERENCE_LINE} from '../devices/dispenser/reference/bytes.ts'
import {ReferenceDispenser} from '../devices/dispenser/reference/driver.ts'
import {LINE as ABECS_LINE, DUKPT} from '../devices/pin-pad/abecs/bytes.ts'
import {AbecsPinPad} from '../devices/pin-pad/abecs/driver.ts'
import {PROFILE_2014 as DYNAPRO_2014} from '../devices/pin-pad/dynapro/bytes.ts'
import {DynaProPinPad} from '../devices/pin-pad/dynapro/driver.ts'
import type {PinPad} from '../devices/pin-pad/port.ts'
import {LINE as SZZT_LINE, ZT598} from '../devices/pin-pad/szzt/bytes.ts'
import {SzztPinPad} from '../devices/pin-pad/szzt/driver.ts'
import {hidAddress} from '../devices/wire/hid.ts'
import type {HidLink} from '../devices/wire/hid.ts'
import {hidLink} from '../devices/wire/hid-node.ts'
import type {ByteLink} from '../devices/wire/link.ts'
import {serialLink} from '../devices/wire/serial.ts'
import type {SerialSettings} from '../devices/wire/serial.ts'
import {tracedHid, tracedLink} from '../devices/wire/trace.ts'
import type {Trace} from '../devices/wire/trace.ts'
import type {Clock} from '../kit/clock.ts'
import type {Log} from '../kit/log.ts'
import type {Config} from './config.ts'

/** A model on a serial line: how that is set, and its driver. */
export interface SerialModel<Port> {
  readonly line: SerialSettings
  readonly on: (link: ByteLink, clock: Clock, log: Log) => Port
}

/** A model on HID, which has nothing to set. */
export interface HidModel<Port> {
  readonly line: null
  readonly on: (link: HidLink, clock: Clock, log: Log) => Port
}

export type Model<Port> = SerialModel<Port> | HidModel<Port>

/** A driver on a port of this machine. */
export interface Ported<Port> {
  readonly device: Port
  /** Why the port did not open when it was tried last, for a person; null where nothing was in the way. */
  readonly refusal: () => string | null
}

/**
 * The driver of that model on that port, not opened yet.
 * @param trace what follows its wire
 * @throws BadInput when no port of its wire is named so
 */
export function onPort<Port>(
  model: Model<Port>,
  port: string,
  clock: Clock,
  log: Log,
  trace: Trace | null = null,
): Ported<Port> {
  if (model.line === null) {
    const link = hidLink(hidAddress(port), clock, log)
    return {
      device: model.on(trace === null ? link : tracedHid(link, trace), clock, log),
      refusal: () => link.refusal,
    }
  }
  const link = serialLink(port, model.line, clock, log)
  return {
    device: model.on(trace === null ? link : tracedLink(link, trace), clock, log),
    refusal: () => link.refusal,
  }
}

export const READERS = {
  crt310: {line: CRT310_LINE, on: (link, clock, log) => new Crt310(link, clock, log)},
  'crt310-no-shutter': crt310('no-shutter'),
  'crt310-no-bin': crt310('no-bin'),
  'crt310-no-contacts': crt310('no-contacts'),
  'crt310-track-2': crt310('track-2'),
  'crt310-front-head': crt310('front-head'),
  crt571: {line: CRT571_LINE, on: (link, clock, log) => new Crt571(link, clock, log)},
  magtek: {line: null, on: (link, clock, log) => new MagtekReader(link, clock, log, 'swipe')},
  'magtek-insert': {line: null, on: (link, clock, log) => new MagtekReader(link, clock, log, 'dip')},
} as const satisfies Readonly<Record<Config['cardReader']['model'], Model<CardReader>>>

export const PIN_PADS = {
  szzt: {line: SZZT_LINE, on: (link, clock, log) => new SzztPinPad(link, clock, log)},
  'szzt-zt598': {line: SZZT_LINE, on: (link, clock, log) => new SzztPinPad(link, clock, log, ZT598)},
  abecs: {line: ABECS_LINE, on: (link, clock, log) => new AbecsPinPad(link, clock, log)},
  'abecs-dukpt': {line: ABECS_LINE, on: (link, clock, log) => new AbecsPinPad(link, clock, log, DUKPT)},
  dynapro: {line: null, on: (link, clock, log) => new DynaProPinPad(link, clock, log)},
  'dynapro-2014': {line: null, on: (link, clock, log) => new DynaProPinPad(link, clock, log, DYNAPRO_2014)},
} as const satisfies Readonly<Record<Config['pinPad']['model'], Model<PinPad>>>

export const DISPENSERS: Readonly<Record<Config['dispenser']['model'], SerialModel<Dispenser>>> = {
  lcdm1000: lcdm2000('lcdm1000'),
  'lcdm1000-19200': lcdm2000('lcdm1000', 19_200),
  'lcdm1000-38400': lcdm2000('lcdm1000', 38_400),
  lcdm2000: lcdm2000('lcdm2000'),
  'lcdm2000-19200': lcdm2000('lcdm2000', 19_200),
  'lcdm2000-38400': lcdm2000('lcdm2000', 38_400),
  lcdm4000: lcdm4000('long'),
  'lcdm4000-8n1': lcdm4000('long-8n1'),
  'lcdm4000-serial': lcdm4000('serial'),
  'lcdm4000-serial-8n1': lcdm4000('serial-8n1'),
  f56: f56('front'),
  'f56-pool': f56('pool'),
  reference: {line: REFERENCE_LINE, on: (link, clock, log) => new ReferenceDispenser(link, clock, log)},
}

function crt310(lesser: keyof typeof CRT310_LESSER): SerialModel<CardReader> {
  return {
    line: CRT310_LINE,
    on: (link, clock, log) => new Crt310(link, clock, log, CRT310_LESSER[lesser]),
  }
}

function lcdm2000(
  variant: keyof typeof LCDM2000_VARIANTS,
  baudRate: number = LCDM2000_LINE.baudRate,
): SerialModel<Dispenser> {
  return {
    line: {...LCDM2000_LINE, baudRate},
    on: (link, clock, log) => new Lcdm2000(link, clock, log, variant),
  }
}

function lcdm4000(profile: keyof typeof LCDM4000_PROFILES): SerialModel<Dispenser> {
  return {
    line: LCDM4000_PROFILES[profile].line,
    on: (link, clock, log) => new Lcdm4000(link, clock, log, profile),
  }
}

function f56(profile: keyof typeof F56_PROFILES): SerialModel<Dispenser> {
  return {line: F56_LINE, on: (link, clock, log) => new F56(link, clock, log, F56_PROFILES[profile])}
}
