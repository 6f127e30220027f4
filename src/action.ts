import { type Ended, runCommandLine, runUrl } from './commands/command-line.ts';
import { abortOnSignals, checkNode, openContext, programBeside } from './commands/entry.ts';
import { errorOutputs, errorReport, publishError } from './commands/error-report.ts';
import { projectName } from './commands/project-name.ts';
import { settledInputs } from './commands/workflow-inputs.ts';
import { parseInputs } from './config/inputs.ts';
import { asGateError, formatError } from './errors.ts';
import type { Host } from './host/contract.ts';
import { publishWithoutHost } from './host/github/early-error.ts';
import { githubHost } from './host/github/host.ts';

/** The host of this job. Bad inputs end the run before there is one: then the summary and the outputs say so. */
const openHost = async (): Promise<{ readonly inputs: ReturnType<typeof parseInputs>; readonly host: Host }> => {
  try {
    checkNode(process.versions.node);
    const inputs = parseInputs(process.env);
    const { token, comment, commentKey } = inputs.options;
    const cacheWorker = programBeside(import.meta.url, 'cache-worker');
    return {
      inputs,
      host: githubHost(process.env, { token: token ?? process.env['GITHUB_TOKEN'] ?? null, comment, commentKey, cacheWorker }),
    };
  } catch (thrown) {
    const error = asGateError(thrown);
    const { summary } = errorReport(error, runUrl(process.env), null);
    await publishWithoutHost(process.env, summary, errorOutputs(error));
    throw error;
  }
};

const main = async (): Promise<Ended> => {
  const { inputs, host } = await openHost();
  const { command, options, overrides } = inputs;
  let project = projectName(options);
  try {
    const around = {
      entry: import.meta.url,
      folder: process.env['GITHUB_WORKSPACE'] ?? process.cwd(),
      environment: process.env,
      host: () => host,
      clock: () => performance.now(),
      now: () => new Date(),
      signal: abortOnSignals(),
    };
    const given = { command, operands: [], options, overrides };
    const { line, notes } = await settledInputs(given, openContext(given, around));
    for (const note of notes) host.log.warn(note);
    project = projectName(line.options);
    return await runCommandLine(line, openContext(line, { ...around, inputNotes: notes }), process.stdout);
  } catch (thrown) {
    const error = asGateError(thrown);
    await publishError(host, error, runUrl(process.env), project);
    throw error;
  } finally {
    host.writeOutputs();
  }
};

/** A command of the job log. Written by hand: loading the toolkit for one line would double the start. */
const say = (level: 'error' | 'warning', message: string): void => {
  const escaped = message.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
  process.stdout.write(`::${level}::${escaped}\n`);
};

const outcomes: Readonly<Record<number, string>> = {
  1: 'A regression was found, or the code under test failed. The report is above and in the job summary.',
  3: 'It could not be decided whether this change is a regression. The reasons are above and in the job summary.',
};

// Kept-alive sockets would hold the job for seconds: everything is written when this ends.
main().then(
  ({ exitCode, failsJob }) => {
    const outcome = outcomes[exitCode];
    if (outcome !== undefined)
      say(failsJob ? 'error' : 'warning', failsJob ? outcome : `${outcome} This job passes all the same, because of \`fail-on\`.`);
    process.exit(failsJob ? exitCode : 0);
  },
  (thrown: unknown) => {
    const error = asGateError(thrown);
    say('error', formatError(error));
    process.exit(error.exitCode);
  },
);
