/**
 * `npm run model`: checks the protocol model and every mistake planted in it, a line each; about a minute.
 * With `--write` it writes the tables that the model includes anew instead.
 */
import {writeFileSync} from 'node:fs'
import {DESIGNS, ENDING, PLANTED, brokenPromise, comesToAnEnd} from './check.ts'
import {TABLES_FILE, tablesText} from './tables.ts'

let failedCount = 0

function tell(isRight: boolean, what: string): void {
  if (!isRight) failedCount += 1
  process.stdout.write(`${isRight ? 'ok  ' : 'BAD '} ${what}\n`)
}

async function checkAll(): Promise<void> {
  for (const flags of DESIGNS) {
    const broken = await brokenPromise(flags)
    tell(broken === null, `holds: ${flags.join(' ')} ${broken ?? ''}`)
  }
  for (const flags of ENDING) tell(await comesToAnEnd(flags), `ends: ${flags.join(' ')}`)
  for (const {bug, machine, breaks} of PLANTED) {
    const broken = await brokenPromise([`-DBUG_${bug}`, ...machine])
    tell(broken === breaks, `finds ${bug} (${machine.join(' ')}): ${broken ?? 'nothing'}`)
  }
}

if (process.argv.includes('--write')) writeFileSync(TABLES_FILE, tablesText())
else await checkAll()
if (failedCount > 0) process.exitCode = 1
