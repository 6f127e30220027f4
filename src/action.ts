import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFailed } from '@actions/core';
import { runCommandLine } from './commands/command-line.ts';
import { checkNode } from './commands/entry.ts';
import { parseInputs } from './config/inputs.ts';
import { asGateError, formatError } from './errors.ts';
import { githubHost } from './host/github/host.ts';
import { defaultStoreRoot } from './store/store.ts';

const main = async (): Promise<number> => {
  checkNode(process.versions.node);
  const { command, options, overrides } = parseInputs(process.env);
  const here = dirname(fileURLToPath(import.meta.url));
  const root = resolve(process.env['GITHUB_WORKSPACE'] ?? '.', options.workingDirectory);
  return runCommandLine(
    { command, operands: [], options, overrides },
    {
      host: githubHost(process.env, {
        token: options.token ?? process.env['GITHUB_TOKEN'] ?? null,
        comment: options.comment,
        commentKey: options.commentKey,
        baselineBranch: options.baselineBranch,
      }),
      options,
      overrides,
      root,
      packageRoot: resolve(here, '..'),
      worker: join(here, 'worker.js'),
      storeRoot: options.store === null ? (defaultStoreRoot(process.env) ?? join(root, '.optimization-gate', 'store')) : resolve(options.store),
      ortPath: options.ortPath ?? process.env['ORT_PATH'] ?? null,
      clock: () => performance.now(),
      now: () => new Date(),
      signal: new AbortController().signal,
    },
    process.stdout,
  );
};

main().then(
  (code) => {
    if (code !== 0) setFailed(code === 1 ? 'A regression was found; see the report above.' : 'The gate could not pass this change; see the report above.');
    process.exitCode = code;
  },
  (thrown: unknown) => {
    const error = asGateError(thrown);
    setFailed(formatError(error));
    process.exitCode = error.exitCode;
  },
);
