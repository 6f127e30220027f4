import { type Ended, runCommandLine } from './commands/command-line.ts';
import { abortOnSignals, checkNode, openContext, programBeside } from './commands/entry.ts';
import { errorOutputs, errorReport, publishError } from './commands/error-report.ts';
import { parseInputs, parseReportInputs } from './config/inputs.ts';
import { asGateError, formatError } from './errors.ts';
import type { Host } from './host/contract.ts';
import { publishWithoutHost } from './host/github/early-error.ts';
import { githubHost } from './host/github/host.ts';
import { runUrl } from './host/github/run-url.ts';
import { plainLines } from './host/plain-text.ts';
import { projectName } from './planning/project-name.ts';
import { settledInputs } from './planning/workflow-inputs.ts';
import type { RunVerdict } from './records/verdict.ts';

/** Where this job tells its outcome. What is wrong before that is known is told in the summary and the outputs. */
const openReporting = async (): Promise<{ readonly host: Host; readonly project: string | null }> => {
  try {
    checkNode(process.versions.node);
    const options = parseReportInputs(process.env);
    const { token, comment, commentKey } = options;
    const cacheWorker = programBeside(import.meta.url, 'cache-worker');
    const host = githubHost(process.env, { token: token ?? process.env['GITHUB_TOKEN'] ?? null, comment, commentKey, cacheWorker });
    return { host, project: projectName(options) };
  } catch (thrown) {
    const error = asGateError(thrown);
    const { summary } = errorReport(error, runUrl(process.env), null);
    await publishWithoutHost(process.env, summary, errorOutputs(error));
    throw error;
  }
};

const main = async (): Promise<Ended> => {
  const opened = await openReporting();
  const { host } = opened;
  let { project } = opened;
  try {
    const { command, options, overrides } = parseInputs(process.env);
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
    const { line, notes, baseOverrides } = await settledInputs(given, openContext(given, around));
    for (const note of notes) host.log.warn(note);
    project = projectName(line.options);
    return await runCommandLine(
      line,
      openContext(line, { ...around, inputNotes: notes, baseOverrides, ownOverrides: overrides }),
      process.stdout,
    );
  } catch (thrown) {
    const error = asGateError(thrown);
    await publishError(host, error, project);
    throw error;
  } finally {
    host.writeOutputs();
  }
};

/** A command of the job log. Written by hand: loading the toolkit for one line would double the start. */
const say = (level: 'error' | 'warning', message: string): void => {
  const escaped = plainLines(message).join('\n').replace(/%/g, '%25').replace(/\n/g, '%0A');
  process.stdout.write(`::${level}::${escaped}\n`);
};

const undecided = 'It could not be decided whether this change is a regression. The reasons are above and in the job summary.';

const outcomes: Readonly<Partial<Record<RunVerdict, string>>> = {
  regressed: 'A regression was found. The report is above and in the job summary.',
  unmet: 'What is required of a number is not met. The report is above and in the job summary.',
  failed: 'The code under test failed; nothing shows a regression. The report is above and in the job summary.',
  inconclusive: undecided,
  unfit: undecided,
};

// Kept-alive sockets would hold the job for seconds: everything is written when this ends.
main().then(
  ({ exitCode, failsJob, verdict }) => {
    const outcome = verdict === null ? undefined : outcomes[verdict];
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
