import type { Cache, CachedFile, Restored } from '../contract.ts';
import { pack, unpack } from './cache-archive.ts';
import { CacheFailure, type CacheFailureKind, transportFailure } from './cache-failure.ts';
import { type CacheService, cacheService } from './cache-service.ts';
import { type CacheLimits, download, startPace, within } from './cache-transfer.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** After these nothing else is asked of the service in this job: it would wait for the same once more. */
const endsAll: ReadonlySet<CacheFailureKind> = new Set(['token', 'proxy', 'silent', 'slow', 'network', 'server']);

/** What `cache-mode` of the workflow lets the job do; without one, the token decides. */
const modes: Readonly<Record<string, { readonly reads: boolean; readonly writes: boolean }>> = {
  none: { reads: false, writes: false },
  read: { reads: true, writes: false },
  'write-only': { reads: false, writes: true },
};

/** Where a value that was thrown comes from no service: the disk, mostly. */
const failureOf = (error: unknown, host: string): CacheFailure => {
  const { syscall } = (error ?? {}) as { syscall?: unknown };
  const onDisk = typeof syscall === 'string' && /^(open|read|write|mkdir|stat|close|f?utimes?|scandir)$/.test(syscall);
  if (onDisk) return new CacheFailure('refused', `a file could not be read or written (${(error as Error).message})`, { cause: error });
  return transportFailure(error, host);
};

/**
 * The workflow cache of the runner (`ACTIONS_RESULTS_URL`, on GitHub Enterprise Server `ACTIONS_CACHE_URL`); off without one. Each kind
 * of failure is said once. After one that would cost the same wait again, the cache is off for the rest of the job.
 */
export const workflowCache = (environment: Environment, limits: CacheLimits, say: (text: string) => void): Cache => {
  const mode = modes[(environment['ACTIONS_CACHE_MODE'] ?? '').trim().toLowerCase()] ?? { reads: true, writes: true };
  const service = cacheService(environment, limits);
  const said = new Set<string>();
  let off = false;
  let writes = mode.writes;
  const warn = (text: string): void => {
    if (!said.has(text)) say(text);
    said.add(text);
  };
  const failed = (doing: 'read' | 'written', error: unknown, host: string): CacheFailure => {
    const failure = failureOf(error, host);
    if (endsAll.has(failure.kind)) off = true;
    if (doing === 'written' && failure.kind === 'read-only') writes = false;
    const kind = `${doing} ${failure.kind}`;
    if (failure.kind !== 'taken' && !said.has(kind)) {
      said.add(kind);
      warn(`The workflow cache was not ${doing}: ${failure.message}. The run goes on without it. ${failure.remedy}`);
    }
    return failure;
  };
  const soon = <T>(host: string, work: Promise<T>): Promise<T> =>
    within(limits.findSeconds, () => new CacheFailure('silent', `${host} did not answer within ${limits.findSeconds} s`), work);

  const restoreFrom = async ({ host, find }: CacheService, prefixes: readonly string[], folder: string): Promise<Restored> => {
    let key: string | null = null;
    try {
      const found = await soon(host, find(prefixes));
      if (found === null) return { status: 'nothing' };
      key = found.key;
      await unpack(download(found.url, limits), folder);
      return { status: 'restored', key };
    } catch (error) {
      const { kind } = failed('read', error, host);
      return kind === 'damaged' && key !== null ? { status: 'damaged', key } : { status: 'nothing' };
    }
  };

  const saveTo = async ({ host, reserve }: CacheService, key: string, folder: string, files: readonly CachedFile[]) => {
    try {
      const upload = await soon(host, reserve(key));
      const pace = startPace(limits, host);
      let given = false;
      const send = async (): Promise<void> => {
        for await (const piece of pack(folder, files)) {
          if (given) return;
          await upload.put(piece, pace.moved);
        }
      };
      try {
        const sent = send();
        sent.catch(() => {});
        await Promise.race([sent, pace.late]);
      } finally {
        given = true;
        pace.stop();
      }
      await soon(host, upload.finish());
      return 'saved' as const;
    } catch (error) {
      return failed('written', error, host).kind === 'taken' ? ('exists' as const) : ('off' as const);
    }
  };

  return {
    restore: async (prefixes, folder) =>
      service === null || off || !mode.reads ? { status: 'nothing' } : restoreFrom(service, prefixes, folder),
    save: async (key, folder, files) => (service === null || off || !writes ? 'off' : saveTo(service, key, folder, files)),
    warn,
  };
};
