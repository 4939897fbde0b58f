/** One payout told at the console, as `tellerd journal dispute` tells it. Loaded when somebody asks. */
import {anchorIn, knownKeys} from '../audit/anchors.ts'
import {DisputeFold} from '../audit/dispute.ts'
import {disputeText} from '../audit/dispute-pages.ts'
import type {Told} from '../console/port.ts'
import type {Journal} from '../../journal/journal.ts'
import type {Clock} from '../../kit/clock.ts'
import type {Config} from '../config.ts'
import {Follower} from '../session/follow.ts'

/** @throws SystemFault when the journal cannot be read, or a file of keys holds none */
export async function disputeTold(
  journal: Journal,
  config: Pick<Config, 'terminal' | 'currency' | 'host'>,
  clock: Clock,
  reference: string,
): Promise<Told> {
  const {terminal, currency} = config
  const known = knownKeys(config)
  const fold = new DisputeFold(row => anchorIn(row, terminal, known))
  await new Follower(journal, clock, row => {
    fold.add(row)
  }).catchUp()
  const answer = fold.answer(reference)
  if (answer.kind !== 'found') return {kind: 'silent', why: 'no operation here has that reference'}
  const {dispute} = answer
  const {visit} = dispute.disputed
  const text = disputeText({
    origin: {terminal, currency},
    dispute,
    visit: visit === null ? [] : journal.session(visit),
    verdict: journal.verify(),
  })
  return {kind: 'told', lines: text.split('\n')}
}
