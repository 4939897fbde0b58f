/** What systemd is told of the machine: `man sd_notify` has the words. */
import type {Standing} from '../../fsm/session.ts'
import type {SendDatagram} from './surroundings.ts'

export interface Manager {
  /** Tells the state for `systemctl status`; the first one after recovery also says that the service is ready. */
  standing(standing: Standing): void
  alive(): void
  stopping(): void
}

/** @param send null when nobody listens */
export function manager(send: SendDatagram | null): Manager {
  const encoder = new TextEncoder()
  const tell = (...lines: readonly string[]): void => {
    send?.(encoder.encode(lines.join('\n')))
  }
  let isReady = false
  return {
    standing({state, context}) {
      const becomesReady = !isReady && state !== 'starting' && state !== 'recovering'
      isReady ||= becomesReady
      const failed = Object.entries(context.devices).flatMap(([device, health]) =>
        health === 'failed' ? [device] : [],
      )
      const why = failed.length > 0 ? `; failed: ${failed.join(', ')}` : ''
      tell(`STATUS=${state}, bank ${context.host}${why}`, ...(becomesReady ? ['READY=1'] : []))
    },
    alive() {
      tell('WATCHDOG=1')
    },
    stopping() {
      tell('STOPPING=1', 'STATUS=stopping')
    },
  }
}
