/**
 * Small devices as somebody else would build them, who read the protocol page and none of our code: enough of each for
 * our driver to open it and do its one act. They share nothing with the emulators, the codecs or the framers.
 */

/** What a device can do to its wire and to its time. */
export interface Body {
  /** Spaced hex, or bytes. */
  readonly say: (what: string | readonly number[]) => void
  readonly after: (delayMs: number, act: () => void) => void
}

/** Takes one byte of the host. */
export type Ears = (byte: number) => void

/** What the test sees of it and does to it. */
export interface Stranger {
  readonly hear: Ears
  /** Card in, keys pressed, as the model has it. */
  readonly hand?: () => void
  /** What left it for good: notes, tickets. */
  readonly given: () => number
}

function ascii(text: string): readonly number[] {
  return Array.from(text, letter => letter.charCodeAt(0))
}

function xor(bytes: readonly number[]): number {
  return bytes.reduce((sum, byte) => sum ^ byte, 0)
}

/** Gathers bytes from a first one on, until `isWhole` says so. */
function gather(first: number, isWhole: (held: readonly number[]) => boolean, other: Ears) {
  let held: number[] = []
  return (take: (frame: readonly number[]) => void): Ears =>
    byte => {
      if (held.length === 0 && byte !== first) {
        other(byte)
        return
      }
      held.push(byte)
      if (!isWhole(held)) return
      const frame = held
      held = []
      take(frame)
    }
}

/** `04 ID 02 CMD data 03 BCC`: the byte behind the first 03. */
function isPuloon(held: readonly number[]): boolean {
  const etx = held.indexOf(0x03, 4)
  return etx > 0 && held.length === etx + 2
}

function puloonAnswer(id: number, code: number, data: readonly number[]): readonly number[] {
  const bytes = [0x01, id, 0x02, code, ...data, 0x03]
  return [...bytes, xor(bytes)]
}

/** LCDM-2000 with notes enough. */
export function lcdm2000({say, after}: Body): Stranger {
  let out = 0
  const two = (count: number): readonly number[] => ascii(count.toString().padStart(2, '0'))
  const answerTo = (code: number, data: readonly number[]): readonly number[] => {
    const counts = ascii('').concat(data)
    const upper = ((counts[0] ?? 0x30) - 0x30) * 10 + (counts[1] ?? 0x30) - 0x30
    const lower = ((counts[2] ?? 0x30) - 0x30) * 10 + (counts[3] ?? 0x30) - 0x30
    switch (code) {
      case 0x46:
        return [0x30, 0x30, 0x80, 0x80]
      case 0x47:
        return ascii('T20T5624')
      case 0x45:
      case 0x55:
        out += upper
        return [...two(upper), ...two(upper), 0x30, 0x30, ...two(0)]
      case 0x56:
        out += upper + lower
        return [
          ...[...two(upper), ...two(upper), ...two(lower), ...two(lower)],
          ...[0x30, 0x30, 0x30, ...two(0), ...two(0)],
        ]
      default:
        return [0x30]
    }
  }
  const frames = gather(0x04, isPuloon, () => undefined)
  return {
    given: () => out,
    hear: frames(frame => {
      const [, , , code = 0, ...rest] = frame
      if (xor(frame) !== 0) {
        say('15')
        return
      }
      say('06')
      after(80, () => {
        say(puloonAnswer(0x50, code, answerTo(code, rest.slice(0, -2))))
      })
    }),
  }
}

/** LCDM-4000 with two cassettes; closes each exchange with EOT, and answers a reset once. */
export function lcdm4000({say, after}: Body): Stranger {
  let out = 0
  let last: readonly number[] = [
    0x20, 0x20, 0x30, 0x20, 0x20, 0x31, 0x20, 0x20, 0x32, 0x20, 0x20, 0x30, 0x20, 0x20, 0x30,
  ]
  const answerTo = (code: number, data: readonly number[]): readonly number[] => {
    switch (code) {
      case 0x50:
        return [
          0x20,
          0x20,
          ...[0x24, 0x31, 0x20, 0x20],
          ...[0x24, 0x32, 0x20, 0x20],
          ...[0x20, 0x30, 0x20, 0x20],
          ...[0x20, 0x30, 0x20, 0x20],
        ]
      case 0x52: {
        const [one = 0x20, other = 0x20] = data
        out += one + other - 0x40
        const result = [0x20, 0x30, one, 0x20, 0x31, other, 0x20, 0x32, 0x20, 0x20, 0x30, 0x20, 0x20, 0x30]
        last = [0x52, ...result]
        return [...result, ...Array.from({length: 9}, () => 0x20)]
      }
      case 0x55:
        return last
      case 0x71:
        return ascii('LCDM-4000')
      case 0x44:
        return [0x20]
      default:
        return [0x50]
    }
  }
  const frames = gather(0x04, isPuloon, byte => {
    if (byte === 0x06) say('04')
  })
  return {
    given: () => out,
    hear: frames(frame => {
      const [, , , code = 0, ...rest] = frame
      say('06')
      after(60, () => {
        say(puloonAnswer(0x30, code, answerTo(code, rest.slice(0, -2))))
      })
    }),
  }
}

function kermit(bytes: readonly number[]): readonly number[] {
  let crc = 0
  for (const byte of bytes)
    for (let bit = 0; bit < 8; bit++) {
      const isOdd = ((crc ^ (byte >> bit)) & 1) === 1
      crc = (crc >> 1) ^ (isOdd ? 0x8408 : 0)
    }
  return [crc & 0xff, crc >> 8]
}

/** F56 with a front exit: 40 bytes of status, as a firmware has it that tells no levels. */
export function f56({say, after}: Body): Stranger {
  const parity = [0x30, 0xb1, 0xb2, 0x33, 0xb4, 0x35, 0x36, 0xb7, 0xb8, 0x39]
  let out = 0
  let waits: readonly number[] | null = null
  let held: number[] = []
  const text = (data: readonly number[]): readonly number[] => {
    const checked = [data.length >> 8, data.length & 0xff, ...data, 0x10, 0x03]
    return [0x10, 0x02, ...checked, ...kermit(checked)]
  }
  const responseTo = ([, command = 0, , , ...params]: readonly number[]): readonly number[] => {
    const length = command === 0x03 ? 0x9d : command === 0x02 ? 0x38 : 0x28
    const data = Array.from({length}, () => 0)
    data.splice(0, 3, 0xe0, command, length - 4)
    data[length - 1] = 0x1c
    if (command === 0x03)
      for (const cassette of [0, 1, 2, 3]) {
        const digits = params.slice(2 * cassette, 2 * cassette + 2)
        out += parity.indexOf(digits[0] ?? 0) * 10 + parity.indexOf(digits[1] ?? 0)
        data.splice(0x27 + 2 * cassette, 2, ...digits)
        data.splice(0x2f + 2 * cassette, 2, 0x30, 0x30)
      }
    return data
  }
  const token = (byte: number): void => {
    if (byte === 0x05) say('10 06')
    else if (byte === 0x06 && waits !== null) {
      say(text(waits))
      waits = null
    }
  }
  return {
    given: () => out,
    hear: byte => {
      held.push(byte)
      if (held[0] !== 0x10) held = []
      if (held.length < 2) return
      if (held[1] !== 0x02) {
        token(held[1] ?? 0)
        held = []
        return
      }
      const length = (held[2] ?? 0) * 256 + (held[3] ?? 0)
      if (held.length < 4 || held.length < length + 8) return
      waits = responseTo(held.slice(4, -4))
      held = []
      say('10 06')
      after(120, () => {
        say('10 05')
      })
    },
  }
}

/** `02 LEN(2) body 03 BCC` behind an optional address. */
function isCounted(held: readonly number[], lengthAt: number): boolean {
  if (held.length < lengthAt + 2) return false
  const length = (held[lengthAt] ?? 0) * 256 + (held[lengthAt + 1] ?? 0)
  return held.length === lengthAt + 2 + length + 2
}

const TRACK_2 = '4012345678909=49122011000000000'

/** CRT-310 without a chip: a card goes in, is read, and is pushed out to the customer, who takes it. */
export function crt310({say, after}: Body): Stranger {
  let at = 'N'
  let mouth = 'J'
  let rear = 'J'
  let taken = 0
  let waits: readonly number[] | null = null
  const answerTo = ([cm = 0, pm = 0, ...data]: readonly number[]): readonly number[] => {
    const order = String.fromCharCode(cm, pm)
    const done = [cm, pm, 0x59]
    switch (order) {
      case '00':
        return [cm, pm, ...ascii('CRT 310 V3.0 ')]
      case '0:':
        return [...done, ...ascii('S-77')]
      case '10':
        return [cm, pm, ...ascii(`${at}${mouth}${rear}`)]
      case '1/':
        return [cm, pm, ...ascii('0000000')]
      case '1.':
        return [cm, pm, ...ascii('00000000')]
      case 'E0': {
        const track = data[1] ?? 0
        return [cm, pm, ...data, 0x1f, ...(track === 0x32 ? ascii(`Y${TRACK_2}`) : ascii('Nà'))]
      }
      case '20':
      case '21':
        if (at !== 'J') return [cm, pm, 0x45]
        at = pm === 0x30 ? 'H' : 'I'
        after(700, () => {
          at = 'N'
          taken += 1
        })
        return done
      default:
        if (cm === 0x2f) {
          mouth = 'NIJK'.charAt(pm - 0x31)
          rear = data[0] === 0x30 ? 'J' : 'N'
          return [cm, pm, data[0] ?? 0x31, 0x59]
        }
        return cm === 0x2e ? done : [0x4e, cm, 0x00]
    }
  }
  const frames = gather(
    0x02,
    held => isCounted(held, 1),
    byte => {
      if (byte === 0x04) {
        waits = null
        say('04')
      }
      if (byte !== 0x05 || waits === null) return
      const body = answerTo(waits)
      waits = null
      const bytes = [0x02, 0, body.length, ...body, 0x03]
      after(50, () => {
        say([...bytes, xor(bytes)])
      })
    },
  )
  return {
    given: () => taken,
    hand: () => {
      if (mouth !== 'N') at = 'J'
    },
    hear: frames(frame => {
      if (xor(frame) !== 0) {
        say('15')
        return
      }
      waits = frame.slice(3, -2)
      say('06')
    }),
  }
}

/** SZZT pad that has its working key: stars, and the block of the page; its identification is a character short. */
export function szzt({say, after}: Body): Stranger {
  let inPin = false
  let given = 0
  const reply = (code: number, text = ''): void => {
    const inner = [...ascii((text.length + 1).toString().padStart(3, '0')), code, ...ascii(text), 0x03]
    after(15, () => {
      say([0x02, ...inner, ...ascii(xor(inner).toString(16).toUpperCase().padStart(2, '0'))])
    })
  }
  const answer = (text: string): void => {
    switch (text[0]) {
      case '1':
      case '2':
        reply(0x80, '2DAF03')
        break
      case '3':
        reply(
          0x81,
          `${'STRANGER'.padEnd(50)}${'FF'.repeat(24)}04001E2A040C33370A00${' '.repeat(8)}ZT588 1002001211${' '.repeat(3)}`,
        )
        break
      case '6':
        inPin = true
        reply(0x80)
        break
      case '7':
        given += 1
        inPin = false
        reply(0x80, '0004F12B8E897D89E69F')
        break
      default:
        reply(0x80)
    }
  }
  const frames = gather(
    0x02,
    held => held.length === 4 + Number(String.fromCharCode(...held.slice(1, 4))) + 3,
    () => undefined,
  )
  return {
    given: () => given,
    hand: () => {
      if (!inPin) return
      for (const byte of [0x2a, 0x2a, 0x2a, 0x2a, 0x0d]) say([byte])
    },
    hear: frames(frame => {
      answer(String.fromCharCode(...frame.slice(4, -3)))
    }),
  }
}

function xmodem(bytes: readonly number[]): readonly number[] {
  let crc = 0
  for (const byte of bytes)
    for (let bit = 7; bit >= 0; bit--) {
      const isOdd = ((crc >> 15) ^ (byte >> bit)) & 1
      crc = ((crc << 1) & 0xffff) ^ (isOdd === 1 ? 0x1021 : 0)
    }
  return [crc >> 8, crc & 0xff]
}

/** ABECS pad with a master key in slot 01; says what it shows before a block. */
export function abecs({say, after}: Body): Stranger {
  let asked = ''
  let given = 0
  const reply = (text: string): void => {
    const inner = [...ascii(text), 0x17]
    say([0x16, ...inner, ...xmodem(inner)])
  }
  const answer = (text: string): void => {
    const name = text.slice(0, 3)
    asked = name
    switch (name) {
      case 'OPN':
      case 'CLO':
      case 'DSP':
        reply(`${name}000`)
        break
      case 'GIN':
        reply(
          `GIN000100${'MAKER'.padEnd(20)}${'PAD'.padEnd(20)}${'OS'.padEnd(20)}2.121.00            ${'77'.padEnd(20)}`,
        )
        break
      case 'GIX':
        reply('GIX011')
        break
      case 'GPN':
        reply(`NTM000032${'SENHA:'.padEnd(32)}`)
        break
      default:
        reply('ERR010')
    }
  }
  const frames = gather(
    0x16,
    held => held.indexOf(0x17) > 0 && held.length === held.indexOf(0x17) + 3,
    byte => {
      if (byte === 0x18) say('04')
    },
  )
  return {
    given: () => given,
    hand: () => {
      if (asked !== 'GPN') return
      given += 1
      reply(`GPN000036F12B8E897D89E69F${'0'.repeat(20)}`)
    },
    hear: frames(frame => {
      say('06')
      after(40, () => {
        answer(String.fromCharCode(...frame.slice(1, -3)))
      })
    }),
  }
}

/** Desktop printer that obeys nothing but what a driver needs to know that it printed: prints what it is told and cuts. */
export function escpos({say, after}: Body): Stranger {
  let cuts = 0
  let tail: readonly number[] = []
  const ends = (...bytes: readonly number[]): boolean =>
    bytes.every((byte, at) => tail[tail.length - bytes.length + at] === byte)
  return {
    given: () => cuts,
    hear: byte => {
      tail = [...tail.slice(-3), byte]
      for (const n of [1, 2, 3, 4]) if (ends(0x10, 0x04, n)) say('12')
      if (ends(0x1d, 0x61, byte)) say('10 00 00 0f')
      if (
        ends(0x1d, 0x56, 0x00) ||
        ends(0x1d, 0x56, 0x01) ||
        ends(0x1d, 0x56, 0x41, byte) ||
        ends(0x1d, 0x56, 0x42, byte)
      )
        cuts += 1
      if (ends(0x1d, 0x72, 0x01))
        after(300, () => {
          say('00')
        })
      if (ends(0x1d, 0x49, byte) && byte < 0x40) say('20')
      if (ends(0x1d, 0x49, byte) && byte >= 0x41) say([0x5f, ...ascii('TM-T88'), 0x00])
    },
  }
}
