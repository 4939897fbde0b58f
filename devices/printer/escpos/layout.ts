/** A receipt as the bytes of one job. The layout is the encoder package's; here it is told what to lay out, and how it ends. */
import ReceiptPrinterEncoder from '@point-of-sale/receipt-printer-encoder'
import {COMMANDS, DLE, JOB_BYTES_MAX} from './bytes.ts'
import type {Profile} from './bytes.ts'
import {assert} from '../../../kit/assert.ts'
import type {Receipt, ReceiptPart} from '../port.ts'

/** Lines fed so that the last one is past the cutter. Chosen: 4 lines of 1/6 inch, the cutter lies about 15 mm above the head. */
const FEED_BEFORE_CUT = 4

/**
 * The whole job: initialized, laid out, cut. Text that the printer's code pages lack is printed as `?`.
 * @throws AssertionFailed when the receipt is longer than a printer's buffer, or holds bytes that would be taken for a real-time command
 */
export function jobOf(receipt: Receipt, profile: Profile): Uint8Array {
  const {columns, family} = profile
  const encoder = new ReceiptPrinterEncoder({
    language: 'esc-pos',
    columns,
    codepageMapping: 'epson',
    newline: '\n',
    feedBeforeCut: FEED_BEFORE_CUT,
  })
  encoder.initialize().codepage('auto')
  for (const part of receipt) lay(encoder, part, columns)
  if (family === 'kiosk') encoder.newline(FEED_BEFORE_CUT).raw([...COMMANDS.cutAndPresent.code])
  else encoder.cut('full')
  const job = encoder.encode()
  assert(job.length <= JOB_BYTES_MAX, `a receipt of ${job.length} bytes is more than ${JOB_BYTES_MAX}`)
  assert(!holdsRealtime(job), 'a receipt holds the bytes of a real-time command')
  return job
}

function lay(encoder: ReceiptPrinterEncoder, part: ReceiptPart, columns: number): void {
  switch (part.kind) {
    case 'text':
      encoder
        .align(part.align)
        .bold(part.bold)
        .size(part.size === 'large' ? 2 : 1, part.size === 'large' ? 2 : 1)
        .line(printable(part.text))
        .size(1, 1)
        .bold(false)
        .align('left')
      return
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
      encoder.rule()
      return
    case 'feed':
      encoder.newline(part.linesCount)
  }
}

/** Names come from elsewhere: a control character in one is no command. Spaces of every width are one; what has no shape is left out. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zs}]/gu, ' ').replace(/\p{Cf}/gu, '')
}

/** A printer takes these out of any data and carries them out at once (E). */
function holdsRealtime(job: Uint8Array): boolean {
  return job.some((byte, at) => byte === DLE && [0x04, 0x05, 0x14].includes(job[at + 1] ?? -1))
}
