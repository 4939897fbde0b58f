/** The system call that a process ends before: the kernel kills it as the call is made for that time. */
export interface LastCall {
  /** As strace names it. */
  readonly name: string
  /** From 1 to 65,535; counted for each thread of its own, from when somebody looks. */
  readonly time: number
}

/** What strace is told: to look at those calls of all threads alone, and to end the process at that one. */
export function tracing({name, time}: LastCall): readonly string[] {
  const what = [`trace=${name}`, `inject=${name}:signal=SIGKILL:when=${time}`]
  return ['-f', '-qqq', '-o', '/dev/null', ...what.flatMap(each => ['-e', each])]
}

/** A command under strace as its grandchild, so that the process itself stays whose child it was. */
export function endingAt(last: LastCall, command: readonly string[]): readonly string[] {
  return ['strace', '-D', ...tracing(last), ...command]
}
