import { join } from 'node:path';
import { expect } from 'vitest';
import { events } from '../../testkit/events.ts';
import { testFolder } from '../../testkit/folder.ts';
import { type ActionRun, runAction } from '../../testkit/run-action.ts';

const program = join(import.meta.dirname, 'job.ts');

/** A job that takes some steps with the host, and what each of them gave. */
export const job = async (
  steps: readonly unknown[],
  options: {
    readonly cwd?: string;
    readonly environment?: Record<string, string>;
    readonly inputs?: Record<string, string>;
    /** How long the cache may take. */
    readonly limits?: Readonly<Record<string, number>>;
  } = {},
): Promise<ActionRun & { readonly results: readonly unknown[] }> => {
  const { cwd = testFolder(), limits, ...rest } = options;
  const run = await runAction({
    program,
    arguments: [JSON.stringify(steps), ...(limits === undefined ? [] : [JSON.stringify(limits)])],
    cwd,
    eventName: 'push',
    event: events.push('refs/heads/topic'),
    ...rest,
  });
  expect(run).toMatchObject({ code: 0, stderr: '' });
  return { ...run, results: JSON.parse(run.outputs['results'] ?? '') as unknown[] };
};

export const publish = { do: 'publish', text: 'the report', title: 'title' };
export const save = (key: string, folder: string) => ({ do: 'save', key, folder });
export const restore = (folder: string, ...prefixes: readonly string[]) => ({ do: 'restore', folder, prefixes });
