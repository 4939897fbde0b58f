/** The bank's folder on disk: the database, and beside it, never inside it, the keys of the PIN module. */
import {existsSync, mkdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {text, record} from './api/shape.ts'
import {newHsmKeys} from './pin.ts'
import type {HsmKeys} from './pin.ts'
import {openSqliteStore} from './store/sqlite.ts'
import type {Store} from './store/port.ts'
import {bytesOfHex, hexOf} from '../crypto/hex.ts'
import {writeDurably} from '../kit/durable-file.ts'
import {BadInput, SystemFault, reasonOf} from '../kit/errors.ts'
import {readJson, writeJson} from '../kit/exact-json.ts'
import type {Random} from '../kit/random.ts'
import {Secret} from '../kit/secret.ts'

const keyText = text('a key of 32 bytes in hex', /^[0-9A-F]{64}$/, 64)
const keysFile = record({pepper: keyText, storage_key: keyText, pan_key: keyText})

export interface BankState {
  readonly store: Store
  readonly keys: HsmKeys
  /** Where certificates are kept. */
  readonly certificatesFolder: string
}

/**
 * Opens the folder and the database, or makes a new bank in them.
 * @param openStore where the database is not the file in the folder
 * @throws BadInput when the keys are missing beside a database, or cannot be read: new ones would lock every card out
 * @throws SystemFault when the operating system or the database refuses
 */
export async function openState(
  folder: string,
  random: Random,
  openStore: () => Promise<Store> = async () => openSqliteStore(join(folder, 'bank.db')),
): Promise<BankState> {
  const keysPath = join(folder, 'pin-module.json')
  try {
    mkdirSync(folder, {recursive: true, mode: 0o700})
    const store = await openStore()
    try {
      if (!existsSync(keysPath)) {
        const atms = await store.read(tx => tx.atms.list())
        if (atms.length > 0)
          throw new BadInput(`${keysPath} is missing; without it no card and no machine can be verified`)
        writeKeys(keysPath, newHsmKeys(random))
      }
      return {keys: readKeys(keysPath), store, certificatesFolder: join(folder, 'certificates')}
    } catch (thrown) {
      await store.close()
      throw thrown
    }
  } catch (thrown) {
    if (thrown instanceof BadInput || thrown instanceof SystemFault) throw thrown
    throw new SystemFault(`cannot use the bank's folder ${folder}: ${reasonOf(thrown)}`, {cause: thrown})
  }
}

function readKeys(path: string): HsmKeys {
  const read = readJson(readFileSync(path, 'utf8'))
  if (read.kind === 'refused') throw new BadInput(`${path} is no JSON: ${read.why}`)
  const keys = keysFile.decode(read.json, 'refuse')
  if (keys.kind === 'refused') throw new BadInput(`${path} ${keys.why}`)
  const secret = (hex: string) => new Secret(bytesOfHex(hex))
  return {
    pepper: secret(keys.value.pepper),
    storageKey: secret(keys.value.storage_key),
    panKey: secret(keys.value.pan_key),
  }
}

function writeKeys(path: string, keys: HsmKeys): void {
  const json = writeJson({
    pepper: hexOf(keys.pepper.reveal()),
    storage_key: hexOf(keys.storageKey.reveal()),
    pan_key: hexOf(keys.panKey.reveal()),
  })
  // Cards come after this file, so a bank with cards has its keys on disk in full.
  writeDurably(path, `${json}\n`)
}
