/** How long things take to move. */
export interface Pace {
  readonly cardMoveMs: number
  readonly noteMs: number
  /** Of paper. */
  readonly lineMs: number
}

/** As on iron, or as fast as the wire: what is moved is there before the next byte. */
export const PACES = {
  iron: {cardMoveMs: 500, noteMs: 150, lineMs: 30, resetMs: 2_000},
  fast: {cardMoveMs: 0, noteMs: 0, lineMs: 0, resetMs: 0},
} as const satisfies Readonly<Record<string, Pace & {readonly resetMs: number}>>
