/**
 * The chip's equivalent of track 2 (tag 57), for a reader that has no head for the stripe: reached as a terminal
 * reaches it, by directory, application and records (EMV Book 1, 12; Book 3, 10.1 and 10.2), with nothing
 * authenticated. It says which card this is, and no more than a stripe would.
 */
import {Secret} from '../../kit/secret.ts'
import {encodeCommand} from './apdu.ts'
import type {CardReaderFailed, ChipContacts, ChipIoOutcome} from './port.ts'
import {track2Of} from './stripe.ts'
import {findTag, findTags, readTags} from './tlv.ts'
import type {Tlv} from './tlv.ts'

export type ChipTrack2 =
  | {readonly kind: 'read'; readonly track2: Secret<string>}
  /** The card has none that can be had. */
  | {readonly kind: 'none'; readonly detail: string}
  | CardReaderFailed

const DIRECTORY = Uint8Array.from(Buffer.from('1PAY.SYS.DDF01', 'latin1'))

/** Tried where a card has no directory: debit and credit of the large schemes. */
const APPLICATIONS: readonly string[] = [
  'A0000000031010',
  'A0000000032010',
  'A0000000041010',
  'A0000000043060',
  'A00000002501',
  'A000000333010101',
]

/** More records than this is no payment card. */
const RECORDS_MAX = 32
const APPLICATIONS_MAX = 8

const TAG = {
  fileIdentifier: 0x88,
  application: 0x4f,
  priority: 0x87,
  entry: 0x61,
  wantedByChip: 0x9f38,
  locator: 0x94,
  bareOptions: 0x80,
  track2: 0x57,
} as const

/** @param chip contacts with a card at them, in whatever state; it has power afterwards */
export async function chipTrack2(chip: ChipContacts): Promise<ChipTrack2> {
  const reset = await chip.reset('cold')
  if (reset.kind === 'failed') return reset
  if (reset.kind === 'mute') return none(reset.detail)
  const reading = new Reading(chip)
  const applications = await reading.applications()
  for (const application of applications) {
    const found = await reading.track2Of(application)
    if (found !== null) return found
    if (reading.ended !== null) return reading.ended
  }
  return reading.ended ?? none('no application of the chip gives a track 2')
}

/** One conversation. Once the chip or the reader stopped it, every further question is null at once. */
class Reading {
  ended: ChipTrack2 | null = null
  readonly #chip: ChipContacts
  #records = 0

  constructor(chip: ChipContacts) {
    this.#chip = chip
  }

  /** By the card's own priority, or the list above where it has no directory. */
  async applications(): Promise<readonly Uint8Array[]> {
    const directory = await this.#select(DIRECTORY)
    const file = directory === null ? undefined : findTag(directory, TAG.fileIdentifier)?.[0]
    if (file === undefined) return APPLICATIONS.map(hex => Uint8Array.from(Buffer.from(hex, 'hex')))
    const entries: Tlv[] = []
    for (let record = 1; entries.length < APPLICATIONS_MAX; record++) {
      const read = await this.#readRecord(file, record)
      if (read === null) break
      entries.push(...findTags(read, TAG.entry))
    }
    return entries
      .map(({inner}) => ({
        name: findTag(inner, TAG.application),
        priority: (findTag(inner, TAG.priority)?.[0] ?? 0) & 0x0f || LAST,
      }))
      .toSorted((a, b) => a.priority - b.priority)
      .flatMap(({name}) => (name === null ? [] : [name]))
  }

  /** Null when that application has none. */
  async track2Of(application: Uint8Array): Promise<ChipTrack2 | null> {
    const selected = await this.#select(application)
    if (selected === null) return null
    const options = await this.#ask(
      0x80,
      0xa8,
      0x00,
      0x00,
      optionsCommand(findTag(selected, TAG.wantedByChip)),
    )
    if (options === null) return null
    const early = findTag(options, TAG.track2)
    const bare = findTag(options, TAG.bareOptions)
    // In the short form the profile's two bytes stand before the locator.
    const locator = bare === null ? findTag(options, TAG.locator) : bare.slice(2)
    const value = early ?? (await this.#among(locator ?? new Uint8Array()))
    return value === null ? null : track2From(value)
  }

  /** The first track 2 among the records that the locator names: four bytes each, file, first, last, and signed ones. */
  async #among(locator: Uint8Array): Promise<Uint8Array | null> {
    for (let at = 0; at + 4 <= locator.length; at += 4) {
      const [file = 0, first = 0, last = 0] = locator.subarray(at)
      for (let record = first; record <= last; record++) {
        const read = await this.#readRecord(file >> 3, record)
        const value = read === null ? null : findTag(read, TAG.track2)
        if (value !== null) return value
        if (this.ended !== null) return null
      }
    }
    return null
  }

  #select(name: Uint8Array): Promise<readonly Tlv[] | null> {
    return this.#ask(0x00, 0xa4, 0x04, 0x00, name)
  }

  #readRecord(file: number, record: number): Promise<readonly Tlv[] | null> {
    this.#records += 1
    if (this.#records > RECORDS_MAX) this.ended = none('the chip has more records than a payment card')
    return this.#ask(0x00, 0xb2, record, (file << 3) | 0x04, new Uint8Array())
  }

  /** The data of a good answer, or null. */
  async #ask(
    cla: number,
    ins: number,
    p1: number,
    p2: number,
    data: Uint8Array,
  ): Promise<readonly Tlv[] | null> {
    if (this.ended !== null) return null
    const command = encodeCommand({cla, ins, p1: p1 & 0xff, p2: p2 & 0xff, data, answerBytes: 256})
    const outcome: ChipIoOutcome = await this.#chip.transmit(new Secret(command))
    if (outcome.kind === 'answered')
      return outcome.status.kind === 'success' ? readTags(outcome.answer.reveal()) : null
    this.ended = outcome.kind === 'failed' ? outcome : none(outcome.detail)
    return null
  }
}

/** An application without a priority comes after those that have one. */
const LAST = 16

/** What GET PROCESSING OPTIONS wants: template 83 with what the chip asked for, all of it unknown, which is zero. */
function optionsCommand(wanted: Uint8Array | null): Uint8Array {
  let bytes = 0
  const list = wanted ?? new Uint8Array()
  for (let at = 0; at < list.length; at++) {
    // A tag of two bytes has all low bits of its first byte set; its length follows.
    if (((list[at] ?? 0) & 0x1f) === 0x1f) at += 1
    at += 1
    bytes += list[at] ?? 0
  }
  return Uint8Array.of(0x83, bytes & 0xff, ...new Uint8Array(bytes & 0xff))
}

/** Digits two to a byte, D for the separator, F to fill up. */
function track2From(value: Uint8Array): ChipTrack2 | null {
  const text = Buffer.from(value).toString('hex').toUpperCase().replace(/F$/, '').replace('D', '=')
  const track2 = track2Of(text)
  return track2 === null
    ? none('the track 2 of the chip is not in the form of ISO/IEC 7813')
    : {kind: 'read', track2: new Secret(track2)}
}

function none(detail: string): Extract<ChipTrack2, {kind: 'none'}> {
  return {kind: 'none', detail}
}
