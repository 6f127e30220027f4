import { mkdirSync } from 'node:fs';
import { verbOf } from '../config/command-table.ts';
import { GateError } from '../errors.ts';
import { lastOutput, telling } from '../processes/last-output.ts';
import { describeEnd } from '../processes/process-group.ts';
import { type CommandResult, runCommand } from '../processes/run-command.ts';
import { asDiskError } from '../records/disk-error.ts';
import { hostProvider } from '../records/provider.ts';
import { type CommandContext, workerProgram } from '../run/context.ts';
import { locateRuntime } from '../run/runtime-description.ts';
import { pinnedRuntime, type RuntimePlace, runtimePlace } from '../run/runtime-place.ts';
import { askWorker, fixedLimits } from '../run/worker-process.ts';
import type { CommandOutput } from './command-output.ts';

/** A package manager downloads some 120 MB. */
const installSeconds = 1800;

/**
 * `runtime add cpu` installs the pinned ONNX Runtime where the gate finds it, by the package manager
 * of the project and without install scripts. Then it calculates with it. Where a fitting runtime is
 * found already, nothing is installed. Throws `usage-bad-value`, `runtime-not-added`,
 * `runtime-not-found` and what a probe of the provider throws.
 */
export const runtimeCommand = async (operands: readonly string[], context: CommandContext): Promise<CommandOutput> => {
  const [word, provider, extra] = operands;
  const verb = verbOf('runtime', word);
  if (provider !== hostProvider || extra !== undefined)
    throw new GateError('usage-bad-value', `Expected \`runtime ${verb} cpu\`, got \`${['runtime', ...operands].join(' ')}\`.`, {
      where: `runtime ${verb}`,
    });
  const there = await located(context);
  if (there !== null) {
    await probe(context);
    return {
      exitCode: 0,
      text: `ONNX Runtime is there already: ${there}. Provider cpu calculates.`,
      json: { provider, added: null, folder: there, command: null, advice: null },
    };
  }
  const place = runtimePlace(context);
  await add(context, place);
  const found = { ...context, ortPath: place.found };
  await probe(found);
  const folder = await locateRuntime(found);
  const { advice } = place;
  return {
    exitCode: 0,
    text: `ONNX Runtime ${pinnedRuntime} was added: ${folder.folder}. Provider cpu calculates.${advice === null ? '' : `\n${advice}`}`,
    json: { provider, added: pinnedRuntime, folder: folder.folder, command: [...place.argv], advice },
  };
};

/** Folder of a runtime that fits; null where none is found. */
const located = async (context: CommandContext): Promise<string | null> => {
  try {
    return (await locateRuntime(context)).folder;
  } catch (thrown) {
    if (thrown instanceof GateError && thrown.code === 'runtime-not-found') return null;
    throw thrown;
  }
};

const probe = async (context: CommandContext): Promise<void> => {
  await askWorker(workerProgram(context), { type: 'probe', provider: hostProvider, threads: 1 }, 'probed', fixedLimits(60), hostProvider);
};

const add = async ({ host, signal }: CommandContext, { folder, argv }: RuntimePlace): Promise<void> => {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw (
      asDiskError(cause, { path: folder, noun: 'folder of the runtime' }) ??
      new GateError(
        'runtime-not-added',
        'The folder of the runtime was to be made. Expected a folder or nothing there, got something else.',
        {
          where: folder,
          cause,
        },
      )
    );
  }
  const command = argv.join(' ');
  host.log.info(`Running \`${command}\` in ${folder}.`);
  const result = await runCommand({
    argv,
    cwd: folder,
    // Package managers find their registries, proxies and credentials here.
    environment: Object.fromEntries(Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
    timeoutSeconds: installSeconds,
    maxOutputBytes: 1 << 20,
    signal,
  });
  if (result.status === 'exited' && result.code === 0) return;
  if (result.status === 'killed')
    throw new GateError('interrupted', 'ONNX Runtime was being added. The command was interrupted.', { where: folder });
  throw new GateError('runtime-not-added', `ONNX Runtime was to be added. \`${command}\` ${ended(result)}`, { where: folder });
};

const ended = (result: CommandResult): string => {
  switch (result.status) {
    case 'exited':
      return `ended with exit status ${result.code}. ${lastOutput(telling(result))}`;
    case 'failed-to-start':
      return `${describeEnd({ status: result.status, message: result.stderr })}.`;
    default:
      return `took too long or was ended. ${lastOutput(telling(result))}`;
  }
};
