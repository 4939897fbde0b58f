/** A limit on work that cannot be called off: what a system call is given before we go on without it. */
import type {Clock} from '../../kit/clock.ts'

/** What the work gives, or `late` when it takes longer; the work goes on by itself then. */
export function within<T>(clock: Clock, limitMs: number, work: Promise<T>): Promise<T | 'late'> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(limitMs, () => {
      resolve('late')
    })
    work.then(resolve, reject).finally(() => {
      timer.cancel()
    })
  })
}
