import type { WorkflowCache } from '../contract.ts';
import { type CacheFailure, type CacheFailureKind, failureText } from './cache-failure.ts';
import { type CacheLimits, type CacheOutcome, runCacheProcess } from './cache-process.ts';
import type { CacheRequest } from './cache-request.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** After these nothing else is asked of the service in this job: it would wait for the same once more. */
const endsAll: ReadonlySet<CacheFailureKind> = new Set(['token', 'proxy', 'silent', 'slow', 'network', 'server']);

export interface CacheOptions {
  /** The file that does one operation (`cache-worker`); null: the cache is off. */
  readonly program: string | null;
  readonly limits: CacheLimits;
  readonly say: (text: string) => void;
}

/**
 * The workflow cache of the runner (`ACTIONS_RESULTS_URL`, on GitHub Enterprise Server `ACTIONS_CACHE_URL`), through GitHub's toolkit; off
 * without one. Each kind of failure is said once. After one that would cost the same wait again, the cache is off for the rest of the job.
 */
export const workflowCache = (environment: Environment, { program, limits, say }: CacheOptions): WorkflowCache => {
  const said = new Set<string>();
  let off = !environment['ACTIONS_RESULTS_URL'] && !environment['ACTIONS_CACHE_URL'];
  let writes = true;
  const warn = (text: string): void => {
    if (!said.has(text)) say(text);
    said.add(text);
  };
  const failed = (doing: 'read' | 'written', { kind, detail }: CacheFailure): void => {
    if (endsAll.has(kind)) off = true;
    if (doing === 'written' && kind === 'read-only') writes = false;
    if (kind === 'taken' || said.has(`${doing} ${kind}`)) return;
    said.add(`${doing} ${kind}`);
    warn(failureText(doing, kind, detail));
  };
  const run = async (request: CacheRequest, folder: string): Promise<CacheOutcome | null> => {
    if (off || program === null) return null;
    try {
      return await runCacheProcess(request, { program, folder, environment, limits });
    } catch (error) {
      return { status: 'failed', failure: { kind: 'other', detail: error instanceof Error ? error.message : String(error) }, key: null };
    }
  };
  return {
    restore: async (prefixes, folder) => {
      const outcome = await run({ do: 'restore', prefixes: [...prefixes] }, folder);
      if (outcome?.status === 'restored') return outcome;
      if (outcome?.status !== 'failed') return { status: 'nothing' };
      failed('read', outcome.failure);
      return outcome.failure.kind === 'damaged' && outcome.key !== null ? { status: 'damaged', key: outcome.key } : { status: 'nothing' };
    },
    save: async (key, folder) => {
      const outcome = writes ? await run({ do: 'save', key }, folder) : null;
      if (outcome?.status === 'saved') return 'saved';
      if (outcome?.status !== 'failed') return 'off';
      failed('written', outcome.failure);
      return outcome.failure.kind === 'taken' ? 'exists' : 'off';
    },
    warn,
  };
};
