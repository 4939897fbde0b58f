/** `config ...` and `reload`: a candidate of the settings, compared, committed for good or on trial, and taken back. */
import {arg, look} from '../command.ts'
import type {Command, Scene} from '../command.ts'
import {DONE, refused, text} from '../view.ts'
import type {Reply} from '../view.ts'
import {SETTINGS} from './roles.ts'

const MINUTE_MS = 60_000

function told(why: string | null, next?: string): Reply {
  if (why !== null) return refused(why)
  return next === undefined ? DONE : text([next])
}

function committed({settings}: Scene, minutes: number | null): Reply {
  const trial = minutes === null ? '' : `; 'config confirm' within ${minutes} min keeps it`
  return told(
    settings.commit(minutes === null ? null : minutes * MINUTE_MS),
    `committed; the machine starts anew with it${trial}`,
  )
}

const candid = {may: SETTINGS, kind: 'talk', dual: 'never', when: 'ever'} as const
const binding = {may: SETTINGS, kind: 'act', dual: 'always', when: 'resting'} as const

export const settingsCommands: readonly Command[] = [
  {
    ...candid,
    words: 'config set SETTING VALUE',
    purpose: 'changes the candidate',
    example: 'config set timers.customerTimeoutMs 45000',
    run: scene => told(scene.settings.set(arg(scene, 'SETTING'), arg(scene, 'VALUE'))),
  },
  {
    ...candid,
    words: 'config delete SETTING',
    purpose: 'the candidate goes back to the default there',
    example: 'config delete timers.customerTimeoutMs',
    run: scene => told(scene.settings.remove(arg(scene, 'SETTING'))),
  },
  {
    ...candid,
    words: 'config discard',
    purpose: 'forgets the candidate',
    example: 'config discard',
    run: ({settings}) => {
      settings.discard()
      return DONE
    },
  },
  look('config diff', 'what a commit would change', SETTINGS, ({settings}) => text(settings.diff())),
  {
    ...binding,
    words: 'config commit',
    purpose: 'the candidate comes into force',
    example: 'config commit',
    says: 'write the settings and start the machine anew',
    run: scene => committed(scene, null),
  },
  {
    ...binding,
    words: 'config commit confirmed MINUTES',
    purpose: 'the same, taken back by itself unless confirmed',
    example: 'config commit confirmed 5',
    says: 'write the settings on trial and start the machine anew',
    run: scene => committed(scene, Number(arg(scene, 'MINUTES'))),
  },
  {
    ...candid,
    words: 'config confirm',
    purpose: 'keeps what is on trial',
    example: 'config confirm',
    run: ({settings}) => told(settings.confirm()),
  },
  {
    ...candid,
    words: 'config rollback',
    purpose: 'the settings before the last commit become the candidate',
    example: 'config rollback',
    run: ({settings}) => told(settings.rollback()),
  },
  {
    ...binding,
    words: 'reload',
    purpose: 'starts the machine anew, between visits',
    example: 'reload',
    dual: 'never',
    says: 'start the machine anew',
    run: ({settings}) => {
      settings.reload()
      return DONE
    },
  },
]
