/** A receipt as the bytes of one job. The layout is the encoder package's; here it is told what to lay out, and how it ends. */
import ReceiptPrinterEncoder from '@point-of-sale/receipt-printer-encoder'
import {BAND_ROWS, COMMANDS, DLE, DOTS_PER_COLUMN, JOB_BYTES_MAX, PICTURE_JOB_BYTES_MAX} from './bytes.ts'
import type {Profile} from './bytes.ts'
import {assert} from '../../../kit/assert.ts'
import type {Picture, Receipt, ReceiptPart} from '../port.ts'

/** Lines fed so that the last one is past the cutter. Chosen: 4 lines of 1/6 inch, the cutter lies about 15 mm above the head. */
const FEED_BEFORE_CUT = 4

/** The encoder knows no paper of 40 columns; what is laid out here is told its width. */
const ENCODER_COLUMNS = 42

/**
 * The whole job: initialized, laid out, cut. Text that the printer's code pages lack is printed as `?`.
 * @throws AssertionFailed when the receipt is longer than a printer's buffer, or holds bytes that would be taken for a real-time command
 */
export function jobOf(receipt: Receipt, profile: Profile): Uint8Array {
  const {columns, family} = profile
  const encoder = new ReceiptPrinterEncoder({
    language: 'esc-pos',
    columns: ENCODER_COLUMNS,
    codepageMapping: 'epson',
    newline: '\n',
    feedBeforeCut: FEED_BEFORE_CUT,
  })
  encoder.initialize().codepage('auto')
  for (const part of receipt) lay(encoder, part, columns)
  if (family === 'kiosk') encoder.newline(FEED_BEFORE_CUT).raw([...COMMANDS.cutAndPresent.code])
  else encoder.cut('full')
  const job = encoder.encode()
  const bytesMax = receipt.some(({kind}) => kind === 'picture') ? PICTURE_JOB_BYTES_MAX : JOB_BYTES_MAX
  assert(job.length <= bytesMax, `a receipt of ${job.length} bytes is more than ${bytesMax}`)
  assert(!holdsRealtime(job), 'a receipt holds the bytes of a real-time command')
  return job
}

function lay(encoder: ReceiptPrinterEncoder, part: ReceiptPart, columns: number): void {
  switch (part.kind) {
    case 'text': {
      const times = part.size === 'large' ? 2 : 1
      encoder.align(part.align).bold(part.bold).size(times, times)
      for (const line of wrapped(printable(part.text), Math.floor(columns / times))) encoder.line(line)
      encoder.size(1, 1).bold(false).align('left')
      return
    }
    case 'pair': {
      const rightColumns = Math.min(part.right.length, columns - 1)
      encoder.table(
        [
          {width: columns - rightColumns, align: 'left', marginRight: 0},
          {width: rightColumns, align: 'right'},
        ],
        [[printable(part.left), printable(part.right)]],
      )
      return
    }
    case 'rule':
      encoder.rule({width: columns})
      return
    case 'picture':
      for (const band of bandsOf(part, columns)) encoder.raw([...band])
      return
    case 'feed':
      encoder.newline(part.linesCount)
  }
}

/** Broken at spaces; a word longer than the line is broken where it ends. */
function wrapped(text: string, columns: number): readonly string[] {
  const pieces = text.split(' ').flatMap(word => word.match(new RegExp(`.{1,${columns}}`, 'gu')) ?? [''])
  return pieces.slice(1).reduce<readonly string[]>(
    (lines, word) => {
      const longer = `${lines.at(-1) ?? ''} ${word}`
      return longer.length > columns ? [...lines, word] : [...lines.slice(0, -1), longer]
    },
    pieces.slice(0, 1),
  )
}

/** Names come from elsewhere: a control character in one is no command. Spaces of every width are one; what has no shape is left out. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zs}]/gu, ' ').replace(/\p{Cf}/gu, '')
}

/** A picture in commands of so many rows that every printer takes them. */
function bandsOf({widthDots, heightDots, bits}: Picture, columns: number): readonly Uint8Array[] {
  assert(widthDots <= columns * DOTS_PER_COLUMN, `${widthDots} dots do not fit ${columns} columns`)
  const rowBytes = Math.ceil(widthDots / 8)
  assert(bits.length === rowBytes * heightDots, 'a picture has the dots that its size says')
  const quiet = withoutRealtime(bits)
  const bands: Uint8Array[] = []
  for (let row = 0; row < heightDots; row += BAND_ROWS) {
    const rows = Math.min(BAND_ROWS, heightDots - row)
    const size = [0, rowBytes & 0xff, rowBytes >> 8, rows & 0xff, rows >> 8]
    bands.push(
      Uint8Array.of(
        ...COMMANDS.picture.code,
        ...size,
        ...quiet.subarray(row * rowBytes, (row + rows) * rowBytes),
      ),
    )
  }
  return bands
}

/** With one dot more wherever the dots would read as a real-time command: nobody sees a dot, and a printer would obey. */
function withoutRealtime(bits: Uint8Array): Uint8Array {
  return bits.map((byte, at) => (byte === DLE && REALTIME.includes(bits[at + 1] ?? -1) ? byte | 1 : byte))
}

/** Second bytes of the commands that are obeyed wherever they stand (E). */
const REALTIME: readonly number[] = [0x04, 0x05, 0x14]

/** A printer takes these out of any data and carries them out at once (E). */
function holdsRealtime(job: Uint8Array): boolean {
  return job.some((byte, at) => byte === DLE && REALTIME.includes(job[at + 1] ?? -1))
}
