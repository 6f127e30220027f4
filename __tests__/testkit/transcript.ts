/** What a program and the gate said to each other, as `line-recorder.mjs` writes it down. */

/** Questions of an episode that a transcript shows, and their answers. */
const shownQuestions = 6;

interface Exchange {
  readonly question: string;
  readonly answer: string;
}

export type Message = Readonly<Record<string, unknown>>;
export const messageOf = (line: string): Message => JSON.parse(line) as Message;

/** Questions with their answers; a line that tells of others left out is none. */
export const exchangesOf = (transcript: string): readonly Exchange[] => {
  const lines = transcript.split('\n').filter((line) => /^[<>] /.test(line));
  return lines.flatMap((line, at) => (line.startsWith('> ') ? [{ question: line.slice(2), answer: (lines[at + 1] ?? '').slice(2) }] : []));
};

const taskOf = (question: string): string => {
  const { do: kind, episode } = messageOf(question) as { do: string; episode?: { setting: { task?: string } } };
  return `${kind} ${episode?.setting.task ?? ''}`;
};

/** The greeting and the first episode of each kind, each to its sixth question. */
export const excerptOf = (transcript: string): string => {
  const seen = new Set<string>();
  const lines: string[] = [];
  let asked = Number.POSITIVE_INFINITY;
  let hidden = 0;
  const note = (): void => {
    if (hidden > 0) lines.push(`… ${hidden} more questions of this episode`);
    hidden = 0;
  };
  for (const { question, answer } of exchangesOf(transcript)) {
    if (messageOf(question)['do'] === 'next') {
      asked += 1;
      if (asked > shownQuestions) {
        hidden += Number.isFinite(asked) ? 1 : 0;
        continue;
      }
    } else {
      note();
      const task = taskOf(question);
      asked = seen.has(task) ? Number.POSITIVE_INFINITY : 0;
      if (seen.has(task)) continue;
      seen.add(task);
    }
    lines.push(`> ${question}`, `< ${answer}`);
  }
  note();
  return `${lines.join('\n')}\n`;
};

/** A message without what differs from run to run: numbers, texts, how many there are of a kind. */
export const shapeOf = (value: unknown): unknown => {
  if (Array.isArray(value)) return [...new Set(value.map((each) => JSON.stringify(shapeOf(each))))].sort();
  if (value === null || typeof value !== 'object') return value === null ? null : typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, each]) => [key, key === 'do' || key === 'task' ? each : shapeOf(each)]),
  );
};
