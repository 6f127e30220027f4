/** What is left of the time that the program of one arm has in a launch, for its start and all its answers. */
export interface AnswerTime {
  /** Asks within what is left. `late` says what was waited for, and the limit, where the time runs out. */
  within<T>(question: string, ask: (seconds: number, late: string) => Promise<T>): Promise<T>;
}

/** Time is counted only while an answer is waited for. @param seconds `limits.seconds` */
export const openAnswerTime = (seconds: number): AnswerTime => {
  let spent = 0;
  let answers = 0;
  return {
    within: async (question, ask) => {
      const started = performance.now();
      const waited = answers === 0 ? `its start and its answer to ${question}` : `its answer to ${question}`;
      try {
        const late = `${waited} was missing after ${seconds} s (limits.seconds, for all answers)`;
        return await ask(Math.max(0, seconds - spent), late);
      } finally {
        spent += (performance.now() - started) / 1000;
        answers += 1;
      }
    },
  };
};
