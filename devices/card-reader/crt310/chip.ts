/** Creator CRT-310: how it reaches the chip of a card. */
import {decodeResponse} from '../apdu.ts'
import type {ChipWire} from '../contacts.ts'
import type {CardReaderFailed} from '../port.ts'
import type {Commands, FromChip} from './commands.ts'
import {failedAs, failedWith, mediaAt, shown} from './meaning.ts'

export function chipWire(commands: Commands): ChipWire {
  return {
    prepare: () => prepare(commands),
    reset: async how => {
      const said = await commands.chipReset(how)
      if (said.kind === 'failed') return said
      if (said.kind === 'nothing') return withoutCard(said) ?? {kind: 'mute', detail: 'no answer to reset'}
      return {kind: 'answered', protocol: said.protocol, atr: said.bytes}
    },
    exchange: async (protocol, command) => {
      const said = await commands.apdu(protocol, command)
      if (said.kind === 'failed') return said
      if (said.kind === 'nothing')
        return withoutCard(said) ?? {kind: 'mute', detail: 'the chip does not answer'}
      const response = decodeResponse(said.bytes)
      return response ?? failedWith('nonsense', `${said.bytes.length} bytes are no answer of a chip`)
    },
    powerOff: () => commands.chipPower('off'),
  }
}

async function prepare(commands: Commands): Promise<CardReaderFailed | null> {
  const before = await commands.look()
  if (before.kind === 'failed') return before
  if (mediaAt(before.status.card) !== 'present')
    return failedWith('no-card', `no card for the chip contacts: ${shown(before.status)}`)
  if (before.status.card !== 'insideContact') {
    const order = await commands.order('toContact')
    const after = await commands.look()
    if (after.kind === 'failed') return order ?? after
    if (after.status.card !== 'insideContact')
      return order ?? failedWith('jam', `the card did not reach the contacts: ${shown(after.status)}`)
  }
  const power = await commands.chipPower('on')
  // Some readers may power the chip by the reset alone, so only silence ends it here.
  return power === null || power.fault === 'chip' || power.fault === 'not-now' ? null : power
}

/** The letters that speak of the card rather than of its chip. */
function withoutCard({result}: Extract<FromChip, {kind: 'nothing'}>): CardReaderFailed | null {
  return result === 'failed' ? null : failedAs('coldReset', result)
}
