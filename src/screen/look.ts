/** How the screen looks to one customer: the operator's own way, and the others that a key or a touch goes round. */
import type {Key} from '../../devices/pin-pad/port.ts'

/** `plain` as designed; `large` no small text; `contrast` light on black; `dark` nothing, for who only listens. */
export type Look = 'plain' | 'large' | 'contrast' | 'dark'

/** What an operator may begin with. */
export const OWN_LOOKS = ['plain', 'large', 'contrast'] as const satisfies readonly Look[]
export type OwnLook = (typeof OWN_LOOKS)[number]

/** Name of the touch that goes to the next look; no choice of a screen is called so. */
export const LOOK_ID = 'look'
/** The key that does the same, where it means nothing else. */
export const LOOK_KEY = '00' satisfies Key

/**
 * The look after this one.
 * @param listens whether the screen is spoken: only then may it be dark
 */
export function lookAfter(look: Look, listens: boolean): Look {
  const round: readonly Look[] = listens ? [...OWN_LOOKS, 'dark'] : OWN_LOOKS
  return round[(round.indexOf(look) + 1) % round.length] ?? 'plain'
}
