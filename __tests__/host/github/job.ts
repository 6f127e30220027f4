/** What a job does with the host, as a program of its own: environment, command files and cache are the real ones. */
import { join } from 'node:path';
import { githubHost } from '../../../src/host/github/host.ts';

type Step =
  | { readonly do: 'publish'; readonly text: string; readonly title: string }
  | { readonly do: 'save'; readonly key: string; readonly folder: string }
  | { readonly do: 'restore'; readonly prefixes: readonly string[]; readonly folder: string }
  | { readonly do: 'environment' };

const [, , given = '[]', limits] = process.argv;
const host = githubHost(process.env, {
  cacheWorker: join(import.meta.dirname, '..', '..', '..', 'src', 'cache-worker.ts'),
  ...(limits === undefined ? {} : { cacheLimits: JSON.parse(limits) }),
});

const play = async (step: Step): Promise<Record<string, string | number | boolean>> => {
  switch (step.do) {
    case 'publish': {
      const { text, title } = step;
      host.log.info(`info ${text}\n${text}`);
      host.log.warn(text);
      host.log.progress({ done: 1, total: 2, cell: text, secondsLeft: 90 });
      const annotation = { level: 'error', title, message: text } as const;
      const trouble = await host.publish({
        comment: text,
        summary: text,
        text,
        annotations: Array.from({ length: 12 }, () => annotation),
        opensComment: true,
        severity: 'fine',
        project: null,
      });
      return { verdict: 'regressed', count: 3, ok: false, text, huge: 'x'.repeat(1024 * 1024 + 1), trouble: JSON.stringify(trouble) };
    }
    case 'save':
      return {
        result: await host.cache.save(step.key, step.folder),
      };
    case 'restore': {
      const found = await host.cache.restore(step.prefixes, step.folder);
      return { result: found.status === 'nothing' ? found.status : `${found.status} ${found.key}` };
    }
    case 'environment':
      return { result: JSON.stringify(host.subjectEnvironment) };
  }
};

const results: unknown[] = [];
for (const step of JSON.parse(given) as Step[]) {
  const { result, ...outputs } = await play(step);
  results.push(result);
  host.setOutputs(outputs);
}
host.setOutputs({ results: JSON.stringify(results) });
host.writeOutputs();
