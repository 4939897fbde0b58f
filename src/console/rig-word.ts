/** At the log-in this is nobody's name: it asks for one command and one JSON object a line. */
export const RIG_WORD = ':lines'
