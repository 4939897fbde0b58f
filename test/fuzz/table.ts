/**
 * Every framer and decoder there is, driver's side and device's side, one row each, and every emulator as a whole.
 * `fuzz.test.ts` holds that none is missing.
 */
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import * as ebds from '../../devices/acceptor/ebds/codec.ts'
import * as ebdsDevice from '../../devices/acceptor/ebds/emulator-frames.ts'
import * as ssp from '../../devices/acceptor/itl-ssp/codec.ts'
import * as sspDevice from '../../devices/acceptor/itl-ssp/emulator-frames.ts'
import {decodeCommand, decodeResponse} from '../../devices/card-reader/apdu.ts'
import {ENQ, EOT, ACK as CRT310_ACK, NAK as CRT310_NAK} from '../../devices/card-reader/crt310/bytes.ts'
import * as crt310 from '../../devices/card-reader/crt310/codec.ts'
import {decodeTracks} from '../../devices/card-reader/crt310/tracks.ts'
import {
  ACK as CRT571_ACK,
  EOT as CRT571_EOT,
  NAK as CRT571_NAK,
} from '../../devices/card-reader/crt571/bytes.ts'
import * as crt571 from '../../devices/card-reader/crt571/codec.ts'
import {track2Of} from '../../devices/card-reader/stripe.ts'
import {readTags} from '../../devices/card-reader/tlv.ts'
import {HostReader as PuloonHostReader} from '../../devices/dispenser/emulator-puloon-frames.ts'
import {MAGNE_SAFE_BYTES, SURE_SWIPE_BYTES} from '../../devices/card-reader/magtek/bytes.ts'
import * as magtek from '../../devices/card-reader/magtek/codec.ts'
import * as f56 from '../../devices/dispenser/f56/codec.ts'
import * as f56Device from '../../devices/dispenser/f56/emulator-frames.ts'
import {
  DEVICE_ID as LCDM2000_ID,
  HANDSHAKE as LCDM2000_HANDSHAKE,
} from '../../devices/dispenser/lcdm2000/bytes.ts'
import * as lcdm2000 from '../../devices/dispenser/lcdm2000/codec.ts'
import * as lcdm2000Device from '../../devices/dispenser/lcdm2000/emulator-frames.ts'
import {
  DEVICE_ID as LCDM4000_ID,
  HANDSHAKE as LCDM4000_HANDSHAKE,
} from '../../devices/dispenser/lcdm4000/bytes.ts'
import * as lcdm4000 from '../../devices/dispenser/lcdm4000/codec.ts'
import * as lcdm4000Device from '../../devices/dispenser/lcdm4000/emulator-frames.ts'
import {HANDSHAKE as REFERENCE_HANDSHAKE} from '../../devices/dispenser/reference/bytes.ts'
import * as reference from '../../devices/dispenser/reference/codec.ts'
import * as referenceDevice from '../../devices/dispenser/reference/emulator-frames.ts'
import * as abecs from '../../devices/pin-pad/abecs/codec.ts'
import {decodeGeneral as decodeAbecsGeneral} from '../../devices/pin-pad/abecs/status.ts'
import {ACK, COMMAND_BYTES, INPUTS} from '../../devices/pin-pad/dynapro/bytes.ts'
import * as dynapro from '../../devices/pin-pad/dynapro/codec.ts'
import * as szzt from '../../devices/pin-pad/szzt/codec.ts'
import * as escpos from '../../devices/printer/escpos/codec.ts'
import * as escposDevice from '../../devices/printer/escpos/emulator-reader.ts'
import {readJson} from '../../kit/exact-json.ts'
import {emulated} from './emulated.ts'
import {framed, listening, pure, reading} from './targets.ts'
import type {Target} from './targets.ts'

const EBDS_HOST = goldenFrames('acceptor/ebds', 'host')
const EBDS_DEVICE = goldenFrames('acceptor/ebds', 'device')
const SSP_HOST = goldenFrames('acceptor/itl-ssp', 'host')
const SSP_DEVICE = goldenFrames('acceptor/itl-ssp', 'device')
const CRT310_HOST = goldenFrames('card-reader/crt310', 'host')
const CRT310_DEVICE = goldenFrames('card-reader/crt310', 'device')
const CRT571_HOST = goldenFrames('card-reader/crt571', 'host')
const CRT571_DEVICE = goldenFrames('card-reader/crt571', 'device')
const ESCPOS_HOST = goldenFrames('printer/escpos', 'host')
/** As its vectors have them: real-time bytes, the four told of its own accord, the six of a kiosk printer, a text. */
const ESCPOS_DEVICE = ['12', '16', '1a', '1000000f', '3800000f', '100f00000000', '5f4550534f4e00'].map(hex =>
  Uint8Array.from(Buffer.from(hex, 'hex')),
)
const MAGTEK = goldenFrames('card-reader/magtek')
const CARD_REPORTS_BYTES = [SURE_SWIPE_BYTES, ...Object.values(MAGNE_SAFE_BYTES)]
const DYNAPRO = goldenFrames('pin-pad/dynapro')
const F56_HOST = goldenFrames('dispenser/f56', 'host')
const F56_DEVICE = goldenFrames('dispenser/f56', 'device')
/** Inside the envelope `10 02 LEN LEN ... 10 03 CRC CRC`. */
const F56_DATA = inside(F56_DEVICE, 4, 4)
const LCDM2000_HOST = goldenFrames('dispenser/lcdm2000', 'host')
const LCDM2000_DEVICE = goldenFrames('dispenser/lcdm2000', 'device')
const LCDM4000_HOST = goldenFrames('dispenser/lcdm4000', 'host')
const LCDM4000_DEVICE = goldenFrames('dispenser/lcdm4000', 'device')
const REFERENCE_HOST = goldenFrames('dispenser/reference', 'host')
const REFERENCE_DEVICE = goldenFrames('dispenser/reference', 'device')
const ABECS_HOST = goldenFrames('pin-pad/abecs', 'host')
const ABECS_DEVICE = goldenFrames('pin-pad/abecs', 'device')
const SZZT_HOST = goldenFrames('pin-pad/szzt', 'host')
const SZZT_DEVICE = goldenFrames('pin-pad/szzt', 'device')

export const TARGETS: readonly Target[] = [
  framed('lcdm2000 framer', LCDM2000_HANDSHAKE.shape, LCDM2000_DEVICE),
  pure('lcdm2000 answers', lcdm2000.decode, LCDM2000_DEVICE),
  reading('lcdm2000 emulator', () => new PuloonHostReader(LCDM2000_ID), LCDM2000_HOST),
  pure(
    'lcdm2000 emulator counts',
    counts => lcdm2000Device.readCounts([...counts], 2),
    inside(LCDM2000_HOST, 4, 2),
  ),
  framed('lcdm4000 framer', LCDM4000_HANDSHAKE.shape, LCDM4000_DEVICE),
  pure('lcdm4000 answers', lcdm4000.decode, LCDM4000_DEVICE),
  reading('lcdm4000 emulator', () => new PuloonHostReader(LCDM4000_ID), LCDM4000_HOST),
  pure(
    'lcdm4000 emulator arguments',
    argument => [
      lcdm4000Device.readAsked([...argument], lcdm4000Device.FORMS.both),
      lcdm4000Device.readFour([...argument]),
      lcdm4000Device.readLengths([...argument]),
      lcdm4000Device.readOrder([...argument]),
    ],
    inside(LCDM4000_HOST, 4, 2),
  ),
  framed('f56 framer', f56.SHAPE, F56_DEVICE),
  pure('f56 responses', data => [f56.decode('status', data), f56.decode('count', data)], F56_DATA),
  reading('f56 emulator', () => new f56Device.HostReader(), F56_HOST),
  pure('f56 emulator counts', bytes => f56Device.readCount([...bytes]), [Uint8Array.of(0xb1, 0x30)]),
  framed('reference framer', REFERENCE_HANDSHAKE.shape, REFERENCE_DEVICE),
  pure('reference answers', reference.decode, REFERENCE_DEVICE),
  reading('reference emulator', () => new referenceDevice.HostReader(), REFERENCE_HOST),
  pure('reference emulator picks', word => referenceDevice.readPick(latin(word)), [
    bytesOf('1=3'),
    bytesOf('2=60'),
  ]),
  framed('ebds framer', ebds.SHAPE, EBDS_DEVICE),
  pure('ebds messages', ebds.decodeMessage, [...EBDS_HOST, ...EBDS_DEVICE]),
  pure('ebds states', ebdsState, EBDS_DEVICE),
  pure('ebds texts', ebds.decodeText, inside(EBDS_DEVICE, 3, 2)),
  reading('ebds emulator', () => new ebdsDevice.HostReader(), EBDS_HOST),
  framed('ssp framer', ssp.SHAPE, SSP_DEVICE),
  pure('ssp packets', ssp.decodeFrame, [...SSP_HOST, ...SSP_DEVICE]),
  pure('ssp answers', ssp.decodeAnswer, inside(SSP_DEVICE, 3, 2)),
  pure(
    'ssp events',
    data => [ssp.decodeEvents(data, 7), ssp.decodeEvents(data, 5)],
    inside(SSP_DEVICE, 4, 2),
  ),
  pure('ssp setup', ssp.decodeSetup, inside(SSP_DEVICE, 4, 2)),
  pure('ssp texts', ssp.decodeText, inside(SSP_DEVICE, 4, 2)),
  pure('ssp serial number', ssp.decodeSerial, inside(SSP_DEVICE, 4, 2)),
  pure('ssp levels', ssp.decodeLevels, inside(SSP_DEVICE, 4, 2)),
  pure('ssp counters', ssp.decodeCounters, inside(SSP_DEVICE, 4, 2)),
  reading('ssp emulator', () => new sspDevice.HostReader(), SSP_HOST),
  framed('crt310 framer', crt310.frameShape([CRT310_ACK, CRT310_NAK], 'ofReader'), CRT310_DEVICE),
  framed('crt310 emulator framer', crt310.frameShape([ENQ, EOT, CRT310_NAK], 'ofHost'), CRT310_HOST),
  pure('crt310 frames', crt310.decodeFrame, [...CRT310_HOST, ...CRT310_DEVICE]),
  pure('crt310 replies', replyToStatus, inside(CRT310_DEVICE, 3, 2)),
  pure('crt310 results', crt310.decodeResult, inside(CRT310_DEVICE, 5, 2)),
  pure('crt310 status', crt310.decodeStatus, inside(CRT310_DEVICE, 5, 2)),
  pure(
    'crt310 sensors',
    data => [crt310.decodeSensors(data, 'v2'), crt310.decodeSensors(data, 'v3')].map(entries),
    inside(CRT310_DEVICE, 5, 2),
  ),
  pure('crt310 chip', crt310.decodeChip, inside(CRT310_DEVICE, 5, 2)),
  pure('crt310 chip commands', crt310.withoutLength, inside(CRT310_HOST, 5, 2)),
  pure('crt310 serial text', crt310.decodeSerial, inside(CRT310_DEVICE, 5, 2)),
  pure('crt310 tracks', data => entries(decodeTracks(data)), inside(CRT310_DEVICE, 5, 2)),
  framed('crt571 framer', crt571.frameShape([CRT571_ACK, CRT571_NAK], 'ofReader'), CRT571_DEVICE),
  framed(
    'crt571 emulator framer',
    crt571.frameShape([CRT571_ACK, CRT571_NAK, CRT571_EOT], 'ofHost'),
    CRT571_HOST,
  ),
  pure('crt571 frames', crt571.decodeFrame, [...CRT571_HOST, ...CRT571_DEVICE]),
  pure('crt571 commands', crt571.decodeCommand, inside(CRT571_HOST, 4, 2)),
  pure('crt571 replies', text => crt571.decodeReply(text, {cm: 0x31, pm: 0x30}), inside(CRT571_DEVICE, 4, 2)),
  pure('crt571 sensors', data => entries(crt571.decodeSensors(data)), inside(CRT571_DEVICE, 10, 2)),
  pure('crt571 resets', crt571.decodeReset, inside(CRT571_DEVICE, 10, 2)),
  pure('crt571 serial text', crt571.decodeSerial, inside(CRT571_DEVICE, 10, 2)),
  pure('crt571 counts', crt571.decodeCount, inside(CRT571_DEVICE, 10, 2)),
  pure('track 2 text', text => track2Of(latin(text)), [bytesOf('4761739001010010=30122011234567890')]),
  framed('abecs framer', abecs.frameShape('host'), ABECS_DEVICE),
  framed('abecs emulator framer', abecs.frameShape('pad'), ABECS_HOST),
  pure('abecs packets', abecs.decodePacket, [...ABECS_HOST, ...ABECS_DEVICE]),
  pure('abecs replies', abecs.decodeReply, inside(ABECS_DEVICE, 1, 3)),
  pure('abecs blocks', data => abecs.decodeBlocks(data, 3), inside(ABECS_HOST, 1, 3)),
  pure('abecs lists', abecs.decodeTlvs, inside(ABECS_HOST, 7, 3)),
  pure('abecs general information', block => decodeAbecsGeneral([block]), inside(ABECS_DEVICE, 1, 3)),
  framed('szzt framer', szzt.frameShape('host', false), SZZT_DEVICE),
  framed('szzt framer, long texts', szzt.frameShape('host', true), SZZT_DEVICE),
  framed('szzt emulator framer', szzt.frameShape('pad', true), SZZT_HOST),
  pure('szzt frames', frame => szzt.decodeFrame(frame, true), [...SZZT_HOST, ...SZZT_DEVICE]),
  pure('szzt identification', szzt.decodeIdentification, inside(SZZT_DEVICE, 4, 3)),
  pure('szzt check values', szzt.decodeCheckValue, inside(SZZT_DEVICE, 4, 3)),
  pure('szzt PIN blocks', szzt.decodeBlock, inside(SZZT_DEVICE, 4, 3)),
  pure('szzt hexadecimal', text => szzt.decodeHex(text, 16), inside(SZZT_DEVICE, 4, 3)),
  framed(
    'escpos framer, own accord',
    escpos.frameShape('desktop', () => 'realtime'),
    ESCPOS_DEVICE,
  ),
  framed(
    'escpos framer, kiosk status',
    escpos.frameShape('kiosk', () => 'kiosk'),
    ESCPOS_DEVICE,
  ),
  framed(
    'escpos framer, text',
    escpos.frameShape('kiosk', () => 'text'),
    ESCPOS_DEVICE,
  ),
  pure('escpos real-time status', bytes => escpos.conditionsOfRealtime([...bytes]), ESCPOS_DEVICE),
  pure('escpos automatic status', escpos.conditionsOfAutomatic, ESCPOS_DEVICE),
  pure('escpos kiosk status', escpos.conditionsOfKiosk, ESCPOS_DEVICE),
  pure('escpos text', escpos.textOf, ESCPOS_DEVICE),
  listening('escpos emulator', () => new escposDevice.HostReader(), ESCPOS_HOST),
  pure(
    'magtek cards',
    bytes => CARD_REPORTS_BYTES.map(length => magtek.decodeCard(sized(bytes, length))),
    MAGTEK,
  ),
  pure('magtek answers', magtek.decodeAnswer, MAGTEK),
  pure('magtek emulator commands', magtek.decodeCommand, MAGTEK),
  pure('dynapro acknowledgements', bytes => dynapro.decodeAck(sized(bytes, ACK.bytes)), DYNAPRO),
  pure('dynapro states', bytes => dynapro.decodeState(sized(bytes, INPUTS.deviceState.bytes)), DYNAPRO),
  pure('dynapro PIN blocks', bytes => dynapro.decodePin(sized(bytes, INPUTS.pin.bytes)), DYNAPRO),
  pure('dynapro selections', bytes => dynapro.decodeSelection(sized(bytes, INPUTS.selection.bytes)), DYNAPRO),
  pure('dynapro texts', dynapro.decodeText, DYNAPRO),
  pure(
    'dynapro emulator PIN',
    bytes => dynapro.decodePinAsk(sized(bytes, COMMAND_BYTES.requestPin)),
    DYNAPRO,
  ),
  pure(
    'dynapro emulator session',
    bytes => dynapro.decodeSession(sized(bytes, COMMAND_BYTES.sendSession)),
    DYNAPRO,
  ),
  pure('chip responses', decodeResponse, [Uint8Array.of(0x6f, 0x00, 0x90, 0x00), Uint8Array.of(0x61, 0x10)]),
  pure('chip commands', decodeCommand, [Uint8Array.of(0x00, 0xa4, 0x04, 0x00, 2, 0x3f, 0x00, 0x00)]),
  pure('chip objects', bytes => readTags(bytes), [
    Uint8Array.of(0x6f, 0x06, 0xa5, 0x04, 0x5f, 0x2d, 0x01, 0x65),
    Uint8Array.of(0x70, 0x81, 0x02, 0x57, 0x00),
  ]),
  pure('JSON', text => readJson(latin(text)), [bytesOf('{"a": [1.50, true, null, "\\u0041"], "b": {}}')]),
]

/** Whole emulators: slower by a thousand, so they get fewer inputs. */
export const EMULATED: readonly Target[] = [
  emulated('lcdm1000', LCDM2000_HOST),
  emulated('lcdm2000', LCDM2000_HOST),
  emulated('lcdm4000', LCDM4000_HOST),
  emulated('f56', F56_HOST),
  emulated('escpos', ESCPOS_HOST),
  emulated('nv200', SSP_HOST),
  emulated('ebds', EBDS_HOST),
  emulated('crt310', CRT310_HOST),
  emulated('crt571', CRT571_HOST),
  emulated('szzt', SZZT_HOST),
  emulated('abecs', ABECS_HOST),
  emulated('magtek', MAGTEK),
  emulated('dynapro', DYNAPRO),
]

/** The frames of a model's `vectors.json` that come from that side; all that it has when left out. */
export function goldenFrames(folder: string, from?: 'host' | 'device'): readonly Uint8Array[] {
  const path = join(import.meta.dirname, '..', '..', 'devices', folder, 'vectors.json')
  const file: unknown = JSON.parse(readFileSync(path, 'utf8'))
  const list: unknown = typeof file === 'object' && file !== null && 'vectors' in file ? file.vectors : file
  const vectors: readonly unknown[] = Array.isArray(list) ? list : []
  return vectors.flatMap(vector => {
    if (typeof vector !== 'object' || vector === null || !('hex' in vector)) return []
    const isWanted = from === undefined || ('from' in vector && vector.from === from)
    return isWanted ? [Uint8Array.from(Buffer.from(String(vector.hex).replaceAll(' ', ''), 'hex'))] : []
  })
}

/** What a message tells of the acceptor. */
function ebdsState(frame: Uint8Array): unknown {
  const message = ebds.decodeMessage(frame)
  const state = message === null ? null : ebds.decodeState(message)
  return state === null ? null : {...state, bits: [...state.bits]}
}

/** Bytes as CM, PM and data of what answers a CRT-310's status command. */
function replyToStatus([cm = 0, pm = 0, ...data]: Uint8Array): unknown {
  const sent = crt310.decodeFrame(crt310.encodeCommand('status'))
  return sent === null ? null : crt310.decodeReply({cm, pm, data: Uint8Array.from(data)}, sent)
}

/** A report of that length, as HID delivers it. */
function sized(bytes: Uint8Array, lengthBytes: number): Uint8Array {
  const report = new Uint8Array(lengthBytes)
  report.set(bytes.subarray(0, lengthBytes))
  return report
}

/** What a map says, as JSON can write it. */
function entries(map: ReadonlyMap<unknown, unknown> | null): unknown {
  return map === null ? null : [...map]
}

/** What the frames carry, without so many bytes at either end. */
function inside(frames: readonly Uint8Array[], headBytes: number, tailBytes: number): readonly Uint8Array[] {
  return frames.map(frame => frame.slice(headBytes, -tailBytes))
}

function latin(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'))
}
