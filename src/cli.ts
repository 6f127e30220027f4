#!/usr/bin/env node
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Ended, runCommandLine } from './commands/command-line.ts';
import { checkNode } from './commands/entry.ts';
import { parseCommandLine } from './config/command-line.ts';
import { asGateError, formatError } from './errors.ts';
import { localHost } from './host/local/host.ts';
import { killAllProcesses } from './processes/process-group.ts';
import { openRepository } from './repository/repository.ts';
import { defaultStoreRoot } from './store/store.ts';

const main = async (): Promise<Ended> => {
  checkNode(process.versions.node);
  const line = parseCommandLine(process.argv.slice(2));
  const here = dirname(fileURLToPath(import.meta.url));
  const packageRoot = resolve(here, '..');
  const root = resolve(line.options.workingDirectory);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop.abort();
      killAllProcesses();
      process.exitCode = 3;
    });
  }
  return runCommandLine(
    line,
    {
      host: localHost(process.env, {
        root: async () => (await openRepository(root)).folder,
        ...(line.options.json ? { printTo: null } : {}),
      }),
      options: line.options,
      overrides: line.overrides,
      root,
      packageRoot,
      worker: join(here, import.meta.url.endsWith('.ts') ? 'worker.ts' : 'worker.js'),
      storeRoot:
        line.options.store === null
          ? (defaultStoreRoot(process.env) ?? join(root, '.optimization-gate', 'store'))
          : resolve(line.options.store),
      ortPath: line.options.ortPath ?? process.env['ORT_PATH'] ?? null,
      clock: () => performance.now(),
      now: () => new Date(),
      signal: stop.signal,
    },
    process.stdout,
  );
};

main().then(
  ({ exitCode }) => {
    process.exitCode = exitCode;
  },
  (thrown: unknown) => {
    const error = asGateError(thrown);
    process.stderr.write(`${formatError(error)}\n`);
    if (error.code === 'internal' && thrown instanceof Error) process.stderr.write(`${thrown.stack ?? ''}\n`);
    process.exitCode = error.exitCode;
  },
);
