/** Card numbers: the check digit, and as much of one as may be shown. */

/** Whether the last digit is the one that the others ask for (ISO/IEC 7812-1, annex B: Luhn). */
export function hasCheckDigit(pan: string): boolean {
  let sum = 0
  for (let at = 0; at < pan.length; at += 1) {
    const doubled = Number(pan.at(-1 - at)) * (at % 2 === 1 ? 2 : 1)
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

/** First six and last four digits, all that PCI DSS 4.0.1 (3.4.1) lets be shown. @param pan 13 to 19 digits */
export function shownPan(pan: string): string {
  return `${pan.slice(0, 6)}${'*'.repeat(pan.length - 10)}${pan.slice(-4)}`
}
