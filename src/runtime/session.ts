import { basename } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import type { SessionOptions } from '../contract/generation.ts';
import { GateError } from '../errors.ts';
import { runWithHalves } from './half-values.ts';
import type { Runtime } from './library.ts';

/** What a session is made with; everything here is part of the runtime's digest. What is left out is ONNX Runtime's own default, apart from `graphOptimization: 'all'`. */
export type ProviderSessionOptions = SessionOptions & {
  /** Asked for means required: nothing falls back to another provider. */
  readonly provider: string;
  readonly threads: number;
  readonly spinning: boolean;
};

const providerName = /^[a-z][a-z0-9]{0,31}$/;

/** Refuses what the native runtime would silently ignore or replace. Throws `option-invalid` or `provider-unavailable`. */
const checkSettings = (settings: ProviderSessionOptions, runtime: Runtime): void => {
  if (!Number.isInteger(settings.threads) || settings.threads < 1 || settings.threads > 256)
    throw new GateError(
      'option-invalid',
      `ONNX Runtime was configured. Expected a whole number of threads from 1 to 256, got ${settings.threads}.`,
      {
        where: 'runtime.threads',
      },
    );
  if (!providerName.test(settings.provider) || !runtime.providers.includes(settings.provider))
    throw new GateError(
      'provider-unavailable',
      `Provider ${JSON.stringify(settings.provider)} was to be used. This build of ONNX Runtime has ${runtime.providers.join(', ')}.`,
    );
};

/** The options as the native runtime takes them. */
export const sessionOptions = (settings: ProviderSessionOptions): InferenceSession.SessionOptions => ({
  executionProviders: [settings.provider],
  intraOpNumThreads: settings.threads,
  interOpNumThreads: 1,
  executionMode: settings.executionMode ?? 'sequential',
  graphOptimizationLevel: settings.graphOptimization ?? 'all',
  enableCpuMemArena: settings.arena ?? true,
  enableMemPattern: settings.memoryPattern ?? true,
  logSeverityLevel: 4,
  extra: { session: { intra_op: { allow_spinning: settings.spinning ? '1' : '0' } } },
});

/** What is driven: a graph in memory, or several that hand tensors on to each other. */
export interface Session extends Pick<InferenceSession, 'inputMetadata' | 'outputMetadata' | 'release'> {
  /** Fetches are names, or an earlier run's outputs of the same shapes, which are written over. */
  run(feeds: Feeds, fetches: InferenceSession.FetchesType): Promise<Feeds>;
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/**
 * Opens a graph by path, so that its external data is found beside it, or from the bytes of one that has none.
 * Throws `session-failed` or `provider-unavailable`.
 */
export const openSession = async (runtime: Runtime, graph: string | Uint8Array, settings: ProviderSessionOptions): Promise<Session> => {
  checkSettings(settings, runtime);
  try {
    const options = sessionOptions(settings);
    const { InferenceSession } = runtime.ort;
    const session = await (typeof graph === 'string' ? InferenceSession.create(graph, options) : InferenceSession.create(graph, options));
    return {
      inputMetadata: session.inputMetadata,
      outputMetadata: session.outputMetadata,
      run: runWithHalves(session),
      release: () => session.release(),
    };
  } catch (cause) {
    // A path in a store says nothing to whoever reads it, and takes the place of the reason.
    const shown = typeof graph === 'string' ? basename(graph) : null;
    const message = shown === null ? messageOf(cause) : messageOf(cause).replaceAll(String(graph), shown);
    const missing = /AppendExecutionProvider|no available backend|Failed to get a WebGPU adapter/.test(message);
    throw new GateError(missing ? 'provider-unavailable' : 'session-failed', `ONNX Runtime opened the graph. It refused: ${message}`, {
      where: shown ?? settings.provider,
      cause,
    });
  }
};

type Feeds = InferenceSession.OnnxValueMapType;

const failedRun = (cause: unknown): never => {
  if (cause instanceof GateError) throw cause;
  throw new GateError('session-failed', `ONNX Runtime ran the graph. It failed: ${messageOf(cause)}`, { cause });
};

/** One run. Rejects with `session-failed` and the runtime's message. One promise more than the bare run: this is inside the clock. */
export const runSession = (session: Session, feeds: Feeds, fetches: InferenceSession.FetchesType): Promise<Feeds> =>
  session.run(feeds, fetches).catch(failedRun);
