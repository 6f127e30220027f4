#!/usr/bin/env node
import { type Ended, runCommandLine } from './commands/command-line.ts';
import { abortOnSignals, checkNode, letReadersLeave, openContext, startFolder } from './commands/entry.ts';
import { parseCommandLine } from './config/command-line.ts';
import { asGateError, formatError } from './errors.ts';
import { localHost } from './host/local/host.ts';
import { plainLines } from './host/plain-text.ts';
import { openRepository } from './repository/repository.ts';

letReadersLeave([process.stdout, process.stderr]);

const main = async (): Promise<Ended> => {
  checkNode(process.versions.node);
  const line = parseCommandLine(process.argv.slice(2));
  const context = openContext(line, {
    entry: import.meta.url,
    folder: startFolder(process.env, process.cwd()),
    environment: process.env,
    host: (root) =>
      localHost(process.env, {
        root: async () => (await openRepository(root)).folder,
        descends: async (commit, ancestor) => (await openRepository(root)).descends(commit, ancestor),
        ...(line.options.json ? { printTo: null } : {}),
      }),
    clock: () => performance.now(),
    now: () => new Date(),
    signal: abortOnSignals(),
  });
  return runCommandLine(line, context, process.stdout);
};

main().then(
  ({ exitCode }) => {
    process.exitCode = exitCode;
  },
  (thrown: unknown) => {
    const error = asGateError(thrown);
    process.stderr.write(`${plainLines(formatError(error)).join('\n')}\n`);
    if (error.code === 'internal' && thrown instanceof Error) process.stderr.write(`${thrown.stack ?? ''}\n`);
    process.exitCode = error.exitCode;
  },
);
