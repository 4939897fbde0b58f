/** A terminal's glass: as much of one as the console needs, so that a test reads what a person would. */
export class Glass {
  readonly #lines: string[] = ['']
  #column = 0
  /** Everything as it came, for what must never be shown even for a moment. */
  raw = ''
  bells = 0

  write(text: string): void {
    this.raw += text
    for (const letter of text) this.#put(letter)
  }

  #put(letter: string): void {
    const at = this.#lines.length - 1
    const line = this.#lines[at] ?? ''
    if (letter === '\r') this.#column = 0
    else if (letter === '\n') this.#lines.push('')
    else if (letter === '\b') this.#column = Math.max(0, this.#column - 1)
    else if (letter === '\x07') this.bells += 1
    else {
      this.#lines[at] =
        line.slice(0, this.#column).padEnd(this.#column) + letter + line.slice(this.#column + 1)
      this.#column += 1
    }
  }

  /** What stands on the glass, blanks at the ends of lines left out. */
  get text(): string {
    return this.#lines.map(line => line.trimEnd()).join('\n')
  }

  get lastLine(): string {
    return this.#lines.at(-1) ?? ''
  }

  /** The line that is being written, under the one before. */
  get lastTwo(): string {
    return this.#lines.slice(-2).join('\n')
  }

  clear(): void {
    this.#lines.splice(0, this.#lines.length, '')
    this.#column = 0
  }
}
