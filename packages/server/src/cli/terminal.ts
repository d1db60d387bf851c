/** The person at the keyboard, or the program that feeds this one. */
export interface Terminal {
  /** Whether somebody can be asked: standard input is a terminal. */
  readonly isInteractive: boolean;
  /**
   * Asks; nothing that is typed is shown, from the first question to the last, nor taken when it was
   * typed before its question.
   *
   * @throws {Error} when it is broken off (Ctrl-C, Ctrl-D).
   */
  askHidden<T>(work: (ask: (question: string) => Promise<string>) => Promise<T>): Promise<T>;
  /** All of standard input, 64 KiB at most, by lines; empty ones are left out. */
  readLines(): Promise<readonly string[]>;
}
