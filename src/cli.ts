#!/usr/bin/env node
import { fileURLToPath } from 'node:url';
import { runCommandLine } from './commands/command-line.ts';
import { abortOnSignals, letReadersLeave, openContext, otherNode, startFolder } from './commands/entry.ts';
import { parseCommandLine } from './config/command-line.ts';
import { asGateError, formatError } from './errors.ts';
import { localHost } from './host/local/host.ts';
import { plainLines } from './host/plain-text.ts';
import { runInstead } from './processes/other-node.ts';
import { openRepository } from './repository/repository.ts';

letReadersLeave([process.stdout, process.stderr]);

/** Runs the command line and returns its exit status. */
const main = async (): Promise<number> => {
  const args = process.argv.slice(2);
  const line = parseCommandLine(args);
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
  const other = otherNode(line, process.versions.node, context.packageRoot);
  if (other !== null) return runInstead(other, [fileURLToPath(import.meta.url), ...args]);
  const { exitCode, failsJob } = await runCommandLine(line, context, process.stdout);
  if (line.options.failOn === null || failsJob || exitCode === 0) return exitCode;
  context.host.log.info(`This run ends with exit status 0 and not ${exitCode}: \`--fail-on\` does not list its outcome.`);
  return 0;
};

main().then(
  (status) => {
    process.exitCode = status;
  },
  (thrown: unknown) => {
    const error = asGateError(thrown);
    process.stderr.write(`${plainLines(formatError(error)).join('\n')}\n`);
    if (error.code === 'internal' && thrown instanceof Error) process.stderr.write(`${thrown.stack ?? ''}\n`);
    process.exitCode = error.exitCode;
  },
);
