import type { GenerationSession, Prompt, SessionOptions } from '../../contract/generation.ts';
import type { Tools } from '../../contract/player.ts';
import { median } from '../../statistics/describe.ts';
import { shuffled } from '../../statistics/random.ts';

/** One request: the tokens of its prompt and the greedy steps after it. Small, so that an episode can really run a hundred of them. */
const request = { tokens: 64, steps: 2 } as const;

/** What every request asks for; drawn outside the clock. */
export const requestPrompt = (tools: Pick<Tools, 'prompt'>): Prompt => tools.prompt(1, request.tokens);

/** Serves one request. */
export const serveRequest = async (session: Pick<GenerationSession, 'prefill' | 'decode'>, prompt: Prompt): Promise<void> => {
  await session.prefill(prompt);
  await session.decode(request.steps);
};

/** Milliseconds of wall time that something took. */
export const elapsed = async ({ clock }: Pick<Tools, 'clock'>, work: () => Promise<unknown>): Promise<number> => {
  const started = clock.wall();
  await work();
  return clock.wall() - started;
};

/** How fast the machine is: what the reference model takes in this moment. */
export interface Pace {
  /** Milliseconds of one request. */
  once(): Promise<number>;
  release(): Promise<void>;
}

/**
 * Opens the reference model to tell how fast the machine is: shared machines change by a third within a second, and what is timed at two
 * moments is comparable only beside something that never changes.
 */
export const openPace = async (tools: Pick<Tools, 'session' | 'prompt' | 'clock'>): Promise<Pace> => {
  const prompt = requestPrompt(tools);
  // What is the default said aloud: an instance of its own, so that nobody who is to load the reference model finds it loaded.
  const session = await tools.session('main', { memoryPattern: true });
  await serveRequest(session, prompt);
  const once = (): Promise<number> => elapsed(tools, () => serveRequest(session, prompt));
  return { once, release: () => session.release() };
};

/** Latest requests of the reference model that tell the pace: the median of so many is not moved by one that was disturbed. */
const paceWindow = 9;

/** Does something that is timed; milliseconds. */
type Timed = () => Promise<number>;

/**
 * Milliseconds of something, as what it would have taken at the pace of a record, in which a request of the reference model took `recorded`
 * milliseconds. One of these is run right before it, as it was when the record was made: asking a policy in another process leaves the
 * processor cold, which must not be held against it. What an arm brings cannot move them.
 */
export const atRecordedPace = async (pace: Pace, recorded: number): Promise<(work: Timed) => Promise<number>> => {
  const recent: number[] = [];
  const now = async (): Promise<number> => {
    recent.push(await pace.once());
    if (recent.length > paceWindow) recent.shift();
    return median(recent);
  };
  while (recent.length < paceWindow) await now();
  return async (work) => {
    const pace = await now();
    return ((await work()) * recorded) / pace;
  };
};

/** A request, and one of the reference model right after it; milliseconds. */
export interface Pair {
  readonly own: number;
  readonly reference: number;
}

/** So many requests of a session, each beside one of the reference model. */
export const pairedTimes = async (
  tools: Pick<Tools, 'prompt' | 'clock'>,
  session: Pick<GenerationSession, 'prefill' | 'decode'>,
  pace: Pace,
  requests: number,
): Promise<readonly Pair[]> => {
  const prompt = requestPrompt(tools);
  const pairs: Pair[] = [];
  for (let at = 0; at < requests; at++)
    pairs.push({ own: await elapsed(tools, () => serveRequest(session, prompt)), reference: await pace.once() });
  return pairs;
};

/** What is served, and how. */
export interface ServedVariant {
  readonly variant: string;
  readonly sessionOptions?: SessionOptions;
}

export interface RequestTimes {
  /** Of the reference model: the pace that all times are given at. */
  readonly reference: number;
  /** In the order that was asked for. */
  readonly of: readonly ServedTimes[];
}

export interface ServedTimes {
  /** Milliseconds until it was loaded and had served its first request: the least of all passes. */
  readonly ready: number;
  /** Milliseconds of single requests after that, ascending, to the microsecond. */
  readonly requests: readonly number[];
}

const toMicrosecond = (milliseconds: number): number => Math.max(0.001, Math.round(milliseconds * 1000) / 1000);

/**
 * Times requests of several variants or settings. One is loaded at a time (beside the reference model), however large a model is; each pass
 * goes through all of them in an order drawn anew. Every request is set against one of the reference model right after it, and given as
 * what it would take at one pace of the machine: that at which the reference model takes `recorded`, or without a record the middling one.
 */
export const requestTimes = async (
  tools: Pick<Tools, 'session' | 'prompt' | 'clock' | 'random'>,
  all: readonly ServedVariant[],
  { passes, requests }: { readonly passes: number; readonly requests: number },
  recorded: number | null = null,
): Promise<RequestTimes> => {
  const prompt = requestPrompt(tools);
  const blocks: { readonly of: ServedVariant; readonly ready: number; readonly pairs: readonly Pair[] }[] = [];
  const pace = await openPace(tools);
  try {
    for (let pass = 0; pass < passes; pass++)
      for (const of of shuffled(all, tools.random)) {
        const started = tools.clock.wall();
        const session = await tools.session(of.variant, of.sessionOptions);
        try {
          await serveRequest(session, prompt);
          const ready = tools.clock.wall() - started;
          blocks.push({ of, ready, pairs: await pairedTimes(tools, session, pace, requests) });
        } finally {
          await session.release();
        }
      }
  } finally {
    await pace.release();
  }
  const paceOf = (pairs: readonly Pair[]): number => median(pairs.map(({ reference }) => reference));
  const unit = recorded ?? paceOf(blocks.flatMap(({ pairs }) => pairs));
  const timesOf = (one: ServedVariant): ServedTimes => {
    const mine = blocks.filter(({ of }) => of === one);
    return {
      ready: toMicrosecond(Math.min(...mine.map(({ ready, pairs }) => (ready * unit) / paceOf(pairs)))),
      requests: mine
        .flatMap(({ pairs }) => pairs.map(({ own, reference }) => toMicrosecond((own * unit) / reference)))
        .toSorted((a, b) => a - b),
    };
  };
  return { reference: toMicrosecond(unit), of: all.map(timesOf) };
};
