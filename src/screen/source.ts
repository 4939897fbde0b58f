/** Where the screen's server gets its views from, and where it brings what was touched. */
import type {ViewModel} from './view-model.ts'

export interface ScreenSource {
  current(): ViewModel
  /** Calls after every change of the view. @returns stops it */
  onChange(listener: () => void): () => void
  /** A touch on a choice of the current view. An id that this moment does not have does nothing. */
  choose(id: string): void
}
