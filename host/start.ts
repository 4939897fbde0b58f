/** Puts a bank together and opens its door. */
import {buildApp} from './app.ts'
import type {Bank} from './bank.ts'
import {demoCertificates} from './certificates.ts'
import {seedDemo} from './demo.ts'
import {admitDemoPeople} from './guard/demo-people.ts'
import type {DemoPerson} from './guard/demo-people.ts'
import {openGuard} from './guard/guard.ts'
import {firstInvitation} from './guard/invitations.ts'
import {messageSeal} from './guard/messages.ts'
import {DEFAULT_POLICY} from './guard/policy.ts'
import type {Policy} from './guard/policy.ts'
import {softPinModule} from './pin.ts'
import {openState} from './state.ts'
import type {BankState} from './state.ts'
import {openPostgresStore} from './store/postgres.ts'
import {authenticateCaller, spkiPin, tlsServerFactory} from './tls.ts'
import {signerOf} from '../crypto/atm-message.ts'
import {assert, present} from '../kit/assert.ts'
import type {Clock} from '../kit/clock.ts'
import {SystemFault, reasonOf} from '../kit/errors.ts'
import type {Log} from '../kit/log.ts'
import type {Random} from '../kit/random.ts'

export interface HostOptions {
  /** Folder of database, keys and certificates. */
  readonly stateFolder: string
  /** Address to listen on; `127.0.0.1` unless the machines are elsewhere. */
  readonly address: string
  /** 0 takes any free one. */
  readonly port: number
  /** Machines that get a demo certificate. */
  readonly atmIds: readonly string[]
  /** `DEFAULT_POLICY` unless told. */
  readonly policy?: Policy
  /** Fills an empty bank with demo people, cards and these machines. */
  readonly seedDemo: boolean
  /** `postgres://...`; a file in the folder when left out. */
  readonly database?: string | undefined
  /** Development: a PostgreSQL without a standby will do. */
  readonly singleServer?: boolean
}

export interface RunningHost {
  readonly bank: Bank
  /** `https://127.0.0.1:8443`. */
  readonly url: string
  readonly port: number
  /** Pin of the server's key, for the machines' settings. */
  readonly hostPin: string
  /** PEM, for the machines’ settings: whose signature the answers bear. */
  readonly signingCertificate: string
  /** For the first supervisor, to be shown to whoever started the bank; null when it has people. */
  readonly firstCode: string | null
  /** With `seedDemo`, and only in a bank without other people. */
  readonly demoPeople: readonly DemoPerson[]
  close(): Promise<void>
}

/** The bank's folder, and its database wherever that is. @throws BadInput, SystemFault */
export function openBankState(
  {stateFolder, database, singleServer = false}: HostOptions,
  clock: Clock,
  random: Random,
  log: Log,
): Promise<BankState> {
  if (database === undefined) return openState(stateFolder, random)
  const durability = singleServer ? 'server' : 'standby'
  return openState(stateFolder, random, () =>
    openPostgresStore({url: database, durability, clock, random, log: log.named('store')}),
  )
}

/** @throws BadInput, SystemFault */
export async function startHost(
  options: HostOptions,
  clock: Clock,
  random: Random,
  log: Log,
): Promise<RunningHost> {
  const state = await openBankState(options, clock, random, log)
  const certificates = await demoCertificates(
    state.certificatesFolder,
    options.atmIds,
    clock.wallMs(),
    random,
  )
  const signer = present(signerOf(certificates.signing.key), 'a signing key on P-256')
  const bank: Bank = {
    store: state.store,
    pin: softPinModule(state.keys, random),
    guard: openGuard(state.keys, random, {
      issue: certificates.issue,
      policy: options.policy ?? DEFAULT_POLICY,
      anchorSigner: signer,
    }),
    clock,
    random,
    log,
  }
  if (options.seedDemo) await seedDemo(bank, options.atmIds)
  const demoPeople = options.seedDemo ? await admitDemoPeople(bank, options.stateFolder) : []
  const firstCode = await firstInvitation(bank)
  await bank.store.transact(async tx => {
    // A renewed certificate has a new key; one that was revoked stays so.
    for (const [atmId, {certificate}] of certificates.atms)
      if ((await tx.atms.find(atmId)) !== null) await tx.atms.addPin(atmId, spkiPin(certificate))
  })
  const app = buildApp(bank, authenticateCaller(bank), {
    serverFactory: tlsServerFactory(certificates.host, certificates.authority),
    messages: messageSeal(signer),
  })
  try {
    await app.listen({host: options.address, port: options.port})
  } catch (thrown) {
    await app.close()
    await bank.store.close()
    throw new SystemFault(`cannot listen on ${options.address}:${options.port}: ${reasonOf(thrown)}`, {
      cause: thrown,
    })
  }
  const bound = app.server.address()
  assert(bound !== null && typeof bound === 'object', 'a listening server has no address')
  const {port} = bound
  return {
    bank,
    url: `https://${options.address.includes(':') ? `[${options.address}]` : options.address}:${port}`,
    port,
    hostPin: spkiPin(certificates.host.certificate),
    signingCertificate: certificates.signing.certificate,
    firstCode,
    demoPeople,
    async close() {
      await app.close()
      await bank.store.close()
    },
  }
}
