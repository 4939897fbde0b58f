/**
 * The tables that the tidy rules read: who may import whom, and the named files that may do what no other
 * file may. A name that is no longer needed is itself a complaint, so the tables stay true.
 */

/** A room of the house: its files, and what they may import. */
export interface Zone {
  readonly name: string
  /** Path of a file, or of a folder with its closing slash; `*` stands for one name. The first zone that fits counts. */
  readonly files: readonly string[]
  /** Paths as above, `packages` aside. A zone may always import itself. `{kind}` and `{model}` repeat the importer's own. */
  readonly may: readonly string[]
  /** What only `import type` may reach. */
  readonly types?: readonly string[]
  /** npm packages; `node:*` stands for Node's own modules, of which RAW_MODULES are granted file by file. */
  readonly packages: readonly string[]
}

export const ZONES: readonly Zone[] = [
  {name: 'kit', files: ['kit/'], may: [], packages: ['node:*']},
  {name: 'crypto', files: ['crypto/'], may: ['kit/'], packages: ['node:crypto', 'otpauth']},
  {
    name: 'what draws pages',
    files: ['fsm/draw.ts', 'fsm/draw-recovery.ts'],
    may: ['fsm/', 'kit/'],
    packages: ['node:fs', 'node:path'],
  },
  {name: 'fsm', files: ['fsm/'], may: ['kit/assert.ts', 'kit/money.ts'], packages: ['xstate']},
  {
    name: 'devices/wire',
    files: ['devices/wire/'],
    may: ['kit/'],
    packages: ['node:*', 'serialport', '@serialport/parser-readline', 'node-hid', '@lydell/node-pty'],
  },
  {
    name: 'what the models of a kind share',
    files: ['devices/outcome.ts', 'devices/*/*.ts'],
    may: ['kit/', 'crypto/', 'devices/wire/', 'devices/outcome.ts', 'devices/{kind}/*.ts'],
    packages: ['node:*'],
  },
  {
    name: 'a printer model',
    files: ['devices/printer/*/'],
    may: ['kit/', 'devices/wire/', 'devices/outcome.ts', 'devices/{kind}/*.ts', 'devices/{kind}/{model}/'],
    packages: ['node:*', '@point-of-sale/receipt-printer-encoder'],
  },
  {
    name: 'a device model',
    files: ['devices/*/*/'],
    may: [
      'kit/',
      'crypto/',
      'devices/wire/',
      'devices/outcome.ts',
      'devices/{kind}/*.ts',
      'devices/{kind}/{model}/',
    ],
    packages: ['node:*'],
  },
  {
    name: 'journal',
    files: ['journal/'],
    may: ['kit/'],
    types: ['fsm/'],
    packages: ['node:*', 'better-sqlite3'],
  },
  {
    name: 'src/link',
    files: ['src/link/'],
    may: ['kit/', 'crypto/', 'journal/', 'host/api/schema.ts'],
    types: ['fsm/'],
    packages: ['node:*'],
  },
  {
    name: 'host',
    files: ['host/'],
    may: ['kit/', 'crypto/'],
    packages: ['node:*', 'better-sqlite3', 'fastify', 'pg', '@peculiar/x509', 'reflect-metadata'],
  },
  {
    name: 'src/session',
    files: ['src/session/'],
    may: ['kit/', 'fsm/', 'journal/', 'src/link/', 'devices/outcome.ts', 'devices/*/port.ts'],
    packages: [],
  },
  {
    // A screen is computed from the state: with the machine's own arithmetic, and without its turning of events.
    name: 'src/screen',
    files: ['src/screen/'],
    may: ['kit/', 'fsm/context.ts', 'fsm/decide.ts', 'fsm/mix.ts'],
    types: ['fsm/', 'devices/pin-pad/port.ts', 'devices/printer/port.ts', 'src/link/port.ts'],
    packages: ['node:*'],
  },
  {
    name: 'src/console',
    files: ['src/console/'],
    may: ['kit/', 'crypto/', 'journal/'],
    types: [
      'fsm/',
      'devices/wire/serial.ts',
      'devices/wire/trace.ts',
      'src/link/port.ts',
      'src/session/places.ts',
      'src/session/suspense.ts',
    ],
    packages: ['node:*', '@serialport/parser-readline'],
  },
  {
    // Watches from the side, so nothing of it can be in a customer's way.
    name: 'src/status',
    files: ['src/status/'],
    may: ['kit/', 'fsm/', 'src/session/suspense.ts'],
    types: ['journal/', 'src/link/port.ts', 'src/machine.ts'],
    packages: ['node:*'],
  },
  {
    name: 'src/paper',
    files: ['src/paper/'],
    may: ['kit/', 'devices/printer/port.ts', 'src/screen/'],
    types: ['fsm/'],
    packages: ['node:*', 'canvaskit-wasm'],
  },
  {name: 'src/bench', files: ['src/bench/'], may: ['*'], packages: ['*']},
  {
    name: 'src, the top floor',
    files: ['src/'],
    may: ['kit/', 'crypto/', 'fsm/', 'devices/', 'journal/', 'src/'],
    packages: ['node:*'],
  },
  {name: 'package', files: ['package/'], may: [], packages: ['node:*', 'esbuild']},
  {name: 'test', files: ['test/'], may: ['*'], packages: ['*']},
]

/** Nobody imports these, whatever the zone may: bench and test are never installed. */
export const NEVER_IMPORTED: Readonly<Record<string, readonly string[]>> = {
  'src/bench/': ['src/bench/', 'test/'],
  'test/': ['test/'],
}

/** The far ends of the wires, and who may reach them. A model's emulator may be made of several files named so. */
export const EMULATOR = /(^|\/)emulator(-[a-z-]+)?\.ts$/
export const EMULATOR_USERS: readonly string[] = ['src/bench/', 'test/']

/** A global, or a member of one, that only the named files may use. */
export interface Grant {
  /** `Date`, or `process.env`. */
  readonly what: string
  readonly files: readonly string[]
  /** What every other file does instead. */
  readonly instead: string
  /** Whether tests are held to it as well. */
  readonly inTests: boolean
}

const TIME = 'take a Clock of kit/clock.ts as an argument'

export const GLOBALS: readonly Grant[] = [
  {what: 'setTimeout', files: ['kit/clock.ts'], instead: TIME, inTests: true},
  {what: 'setInterval', files: [], instead: TIME, inTests: true},
  {what: 'performance', files: ['kit/clock.ts'], instead: TIME, inTests: true},
  {what: 'Date.now', files: ['kit/clock.ts'], instead: TIME, inTests: true},
  // The certificate library takes its dates as Date; they are made of the clock's milliseconds.
  {
    what: 'Date',
    files: ['kit/clock.ts', 'host/certificates.ts', 'package/build.ts'],
    instead: TIME,
    inTests: false,
  },
  {
    what: 'setImmediate',
    files: ['kit/clock.ts', 'src/bench/server.ts'],
    instead: 'await what is to come first',
    inTests: false,
  },
  {what: 'Math.random', files: [], instead: 'take a Random of kit/random.ts as an argument', inTests: true},
  {what: 'console', files: [], instead: 'take a Log of kit/log.ts, or write where main says', inTests: true},
  {
    what: 'process.exit',
    files: ['src/program.ts'],
    instead: 'set process.exitCode and come to an end',
    inTests: true,
  },
  {
    what: 'process.env',
    files: ['host/main.ts', 'package/debian.ts', 'package/main.ts', 'src/service/surroundings.ts'],
    instead: 'read a setting of src/config.ts, or what the surroundings of src/service tell',
    inTests: false,
  },
  {
    what: 'process.stdout',
    files: ['host/main.ts', 'package/main.ts', 'src/bench/tellerd.ts', 'src/program.ts'],
    instead: 'take a function that writes a line',
    inTests: false,
  },
  {
    what: 'process.stderr',
    files: ['host/main.ts', 'src/program.ts'],
    instead: 'take a Log of kit/log.ts',
    inTests: false,
  },
  {
    what: 'process.stdin',
    files: ['src/bench/tellerd.ts', 'src/program.ts'],
    instead: 'take a stream as an argument',
    inTests: false,
  },
  {
    what: 'process.argv',
    files: ['host/main.ts', 'src/bench/tellerd.ts', 'src/program.ts'],
    instead: 'take the words of the command line as an argument',
    inTests: false,
  },
  {what: 'fetch', files: [], instead: 'use the link of src/link', inTests: false},
]

/** Node's modules that reach outside the program, and the files whose job that is. `import type` needs no grant. */
export const RAW_MODULES: Readonly<Record<string, readonly string[]>> = {
  'node:fs': [
    'devices/wire/hid-bus.ts',
    'devices/wire/hid-node.ts',
    'devices/wire/hid-uhid.ts',
    'devices/wire/pty.ts',
    'devices/wire/serial.ts',
    'fsm/draw-recovery.ts',
    'fsm/draw.ts',
    'host/guard/demo-people.ts',
    'host/documents.ts',
    'host/main.ts',
    'host/state.ts',
    'journal/room.ts',
    'kit/durable-file.ts',
    'package/build.ts',
    'package/bundle.ts',
    'package/debian.ts',
    'package/main.ts',
    'src/audit/copy.ts',
    'src/bench/control-socket.ts',
    'src/bench/emulate-options.ts',
    'src/bench/main.ts',
    'src/bench/table.ts',
    'src/bench/transcript-file.ts',
    'src/bench/visit.ts',
    'src/bench/world-file.ts',
    'src/config.ts',
    'src/console/doors.ts',
    'src/console/draw.ts',
    'src/console/people.ts',
    'src/link/identity.ts',
    'src/main.ts',
    'src/paper/fonts.ts',
    'src/paper/picture-thread.ts',
    'src/screen/local-http.ts',
    'src/service/surroundings.ts',
    'src/setup.ts',
    'src/site-names.ts',
    'src/status/sensors.ts',
    'src/supervisor/settings.ts',
  ],
  'node:fs/promises': ['host/certificates.ts'],
  'node:net': ['src/bench/control-socket.ts', 'src/console/client.ts', 'src/console/doors.ts'],
  'node:tls': ['host/tls.ts'],
  'node:http': ['src/screen/local-http.ts'],
  'node:https': ['host/tls.ts', 'src/link/tls.ts'],
  'node:dgram': [],
  'node:dns': [],
  'node:child_process': ['package/debian.ts', 'package/main.ts', 'src/screen/speech-engine.ts'],
  'node:worker_threads': [
    'journal/parallel.ts',
    'journal/range-thread.ts',
    'src/paper/picture-thread.ts',
    'src/paper/picture.ts',
  ],
  'node:readline': ['src/program.ts'],
  'node:tty': ['devices/wire/pty.ts'],
  'node:timers': [],
  'node:timers/promises': [],
  'node:perf_hooks': [],
}

/** Names of node:crypto that draw from the system's generator. */
export const RANDOM_NAMES: readonly string[] = ['randomBytes', 'randomInt', 'randomUUID', 'randomFillSync']
export const RANDOM_FILES: readonly string[] = ['kit/random.ts']

/** Where a secret leaves its wrapper: each of these hands it to one destination and keeps no copy. */
export const REVEALING: readonly string[] = [
  'devices/card-reader/chip-track2.ts',
  'devices/card-reader/crt310/commands.ts',
  'devices/card-reader/crt571/commands.ts',
  'crypto/atm-message.ts',
  'devices/pin-pad/abecs/driver.ts',
  'devices/pin-pad/dynapro/driver.ts',
  'devices/pin-pad/szzt/driver.ts',
  'host/certificates.ts',
  'host/guard/guard.ts',
  'crypto/one-time.ts',
  'crypto/passwords.ts',
  'crypto/vault.ts',
  'host/pin.ts',
  'host/state.ts',
  'host/tls.ts',
  'src/console/ceremony.ts',
  'src/console/conversation.ts',
  'src/console/enrol.ts',
  'src/console/people.ts',
  'src/link/client.ts',
  'src/link/identity.ts',
  'src/link/tls.ts',
  'src/session/pocket.ts',
]

/** Programs that are started rather than imported. Test files are found by their names. */
export const ENTRY_POINTS: readonly string[] = [
  'src/cli.ts',
  'src/console/draw.ts',
  'src/bench/main.ts',
  'src/bench/tellerd.ts',
  'src/bench/visit.ts',
  'host/main.ts',
  'journal/range-thread.ts',
  'fsm/draw-recovery.ts',
  'fsm/draw.ts',
  'package/main.ts',
  'src/paper/picture-thread.ts',
  'test/run.ts',
  'test/bank/host.ts',
  'test/bank/main.ts',
  'test/canary/main.ts',
  'test/system/boot.ts',
  'test/fuzz/main.ts',
  'test/model/main.ts',
  'test/perf/main.ts',
  'test/screens/escape-main.ts',
  'test/screens/main.ts',
  'test/sim/die.ts',
  'test/sim/main.ts',
  'test/sim/planted/main.ts',
  'test/sim/watch.ts',
  // Started by main.ts in the guest.
  'test/system/hid/guest.ts',
  'test/system/hid/main.ts',
]
