import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { asGateError, codeSaid, type ErrorCode, errorTable, GateError } from '../errors.ts';
import { readModel } from '../onnx/read.ts';
import { writeModel } from '../onnx/write.ts';
import { memoryLimit } from '../processes/channel-error.ts';
import { splitCommand } from '../processes/command-line.ts';
import type { Confinement } from '../processes/confinement.ts';
import { lastOutput, telling } from '../processes/last-output.ts';
import { type LineChannel, openLineChannel } from '../processes/line-channel.ts';
import { runCommand } from '../processes/run-command.ts';
import { decodeValue } from '../records/decode.ts';
import type { PlannedBuild } from '../records/plan.ts';
import { type ArtefactRef, type BuiltAnswer, builtAnswer, fromSubject } from '../records/protocol.ts';
import type { BuiltLine } from '../records/sample.ts';
import type { Coded } from '../records/words.ts';
import { faultOf } from '../run/machine-fault.ts';
import { codedOf } from '../run/worker-process.ts';
import { openSharedSubject, type SharedSubject } from './shared-subject.ts';
import type { StoredBuild } from './stored-build.ts';
import { subjectArgv } from './subject-command.ts';

/** Where and within what limits a subject runs. */
export interface SubjectSetting {
  /** Folder of the arm's own tree: head's checkout, or base's worktree. */
  readonly tree: string;
  /** The running gate's worker program: the built-in subjects, unless the tree brings its own. */
  readonly worker: string;
  /** Allow-listed: no tokens, no inputs, no command files of the runner. */
  readonly environment: Readonly<Record<string, string>>;
  readonly confinement: Confinement;
  readonly seconds: number;
  readonly memoryBytes: number;
  readonly clock: () => number;
  /** The process that made the build before this one and may make this one too; null: a fresh one, that ends with the build. */
  readonly shared: SharedSubject | null;
}

export interface BuildStore {
  /** An empty folder to write into. */
  readonly output: () => Promise<string>;
  readonly discard: (folder: string) => Promise<void>;
  /** Takes over, checks, digests and keeps what lies in such a folder. */
  readonly seal: (
    folder: string,
    answer: BuiltAnswer,
    where: string,
  ) => Promise<{ readonly artefact: ArtefactRef; readonly bytes: number }>;
}

export interface BuildInput {
  /** The model's source files: configuration and calibration text. */
  readonly source: string;
  /** What the build starts from: the reference model, or another build. */
  readonly artefact: ArtefactRef;
}

export interface Built {
  readonly line: BuiltLine;
  readonly artefact: ArtefactRef | null;
}

/**
 * Runs one arm's optimization code over one model, in the arm's tree and in a process of its own or a shared one. Whatever that code does
 * (crash, hang, eat memory, write nonsense) becomes the `failed` line of this build; the rest of the run goes on. Throws what is no fault of
 * that code (`isInfrastructure`).
 */
export const buildArtefact = async (build: PlannedBuild, input: BuildInput, subject: SubjectSetting, store: BuildStore): Promise<Built> => {
  const where = `${build.cell} ${build.arm}`;
  const started = subject.clock();
  const folder = await store.output();
  try {
    const answer = await askSubject(build, input, subject, folder, where);
    const seconds = (subject.clock() - started) / 1000;
    const { artefact, bytes } = await store.seal(folder, answer, where);
    const line: BuiltLine = {
      line: 'built',
      key: build.key,
      status: 'built',
      artefact: artefact.digest,
      bytes,
      seconds,
      repeatSeconds: null,
      facts: answer.facts ?? {},
      error: null,
    };
    return { line, artefact };
  } catch (thrown) {
    // What the code left there may resist; the next run removes the rest.
    await store.discard(folder).catch(() => {});
    faultOf(thrown);
    return { line: failedBuild(build, thrown), artefact: null };
  }
};

/** The line of a build that could not be done. */
export const failedBuild = (build: PlannedBuild, thrown: unknown, arm: Coded['arm'] = build.arm): BuiltLine => ({
  line: 'built',
  key: build.key,
  status: 'failed',
  artefact: null,
  bytes: null,
  seconds: null,
  repeatSeconds: null,
  facts: {},
  error: { ...named(codedOf(thrown), build), arm },
});

/** Which of several builds of a cell it was. */
const named = (error: Coded, { variant }: PlannedBuild): Coded =>
  variant === 'main' ? error : { ...error, message: `The variant \`${variant}\` was to be built. ${error.message}` };

/** The line of a build that the store had already. */
export const foundBuild = (build: PlannedBuild, { artefact, bytes, seconds, facts }: StoredBuild): BuiltLine => ({
  line: 'built',
  key: build.key,
  status: 'found',
  artefact,
  bytes,
  seconds,
  repeatSeconds: null,
  facts,
  error: null,
});

/**
 * Runs one arm's optimization code over one model, and returns what it says of the files that it
 * wrote into the empty folder `output`. Throws what that code does wrong.
 */
export const askSubject = async (
  build: PlannedBuild,
  input: BuildInput,
  subject: SubjectSetting,
  output: string,
  where: string,
): Promise<BuiltAnswer> => {
  const { door } = build.subject;
  if (door.kind === 'command') return runBuildCommand(door.command, build.told, input, subject, output, where);
  return askLines(subjectArgv(door, subject.tree, subject.worker, where), build, input, subject, output, where);
};

const askLines = async (
  argv: readonly string[],
  build: PlannedBuild,
  input: BuildInput,
  subject: SubjectSetting,
  output: string,
  where: string,
): Promise<BuiltAnswer> => {
  const start = async (): Promise<LineChannel> => {
    const { tree: cwd, environment, confinement, memoryBytes } = subject;
    const channel = openLineChannel({ where, argv, cwd, environment, confinement, memoryBytes });
    try {
      answered(await channel.ask({ do: 'hello', contract: 1 }, subject.seconds, lateness('start', subject)), build.subject, where);
    } catch (thrown) {
      await channel.close(2);
      throw thrown;
    }
    return channel;
  };
  const shared = subject.shared ?? openSharedSubject();
  const question = {
    do: 'build',
    optimization: build.optimization,
    source: input.source,
    options: build.options,
    variant: build.told,
    output,
    seed: build.seed,
    input: { folder: input.artefact.folder, stages: input.artefact.stages },
  };
  let done = false;
  try {
    const channel = await shared.channel(where, start);
    const answer = answered(await channel.ask(question, subject.seconds, lateness('build', subject)), build.subject, where);
    const built = asProtocol(() => decodeValue(builtAnswer, answer, where));
    done = true;
    return built;
  } finally {
    // A process in which a build failed makes no other.
    if (!done || subject.shared === null) await shared.close();
  }
};

const lateness = (what: string, { seconds }: Pick<SubjectSetting, 'seconds'>): string =>
  `its ${what} did not end within ${seconds} s (limits.seconds)`;

/** A program of one's own cannot tell of the machine; the gate's own subject process can, whose code this is. */
const answered = (answer: unknown, { door }: PlannedBuild['subject'], where: string): unknown => {
  const decoded = asProtocol(() => decodeValue(fromSubject, answer, where));
  if ('ok' in decoded) return decoded.ok;
  const { code = '', error } = decoded;
  const isOurs = door.kind !== 'serve' && Object.hasOwn(errorTable, code);
  throw new GateError(isOurs ? (code as ErrorCode) : codeSaid(code, 'build-failed'), error, { where });
};

const asProtocol = <T>(decode: () => T): T => {
  try {
    return decode();
  } catch (thrown) {
    throw new GateError('subject-protocol', `The program answered. ${asGateError(thrown).message}`, { cause: thrown });
  }
};

/** ONNX in, ONNX out: the command reads the graph that {model} names and writes the one that {output} names; graphs it leaves alone are taken over. */
const runBuildCommand = async (
  template: string,
  variant: PlannedBuild['told'],
  input: BuildInput,
  subject: SubjectSetting,
  output: string,
  where: string,
): Promise<BuiltAnswer> => {
  const [decoder] = input.artefact.stages.filter(({ id }) => id === 'decoder');
  const main = decoder ?? input.artefact.stages[0];
  if (main === undefined) throw new GateError('internal', 'The model has no ONNX file.', { where });
  const argv = splitCommand(
    template,
    {
      model: join(input.artefact.folder, main.graph),
      output: join(output, main.graph),
      'model-folder': input.artefact.folder,
      'output-folder': output,
      source: input.source,
      variant: variant.name,
      'variant-options': JSON.stringify(variant.options),
    },
    where,
  );
  const result = await runCommand({
    argv,
    cwd: subject.tree,
    environment: subject.environment,
    confinement: subject.confinement,
    timeoutSeconds: subject.seconds,
    memoryBytes: subject.memoryBytes,
    maxOutputBytes: 64 * 1024,
  });
  const said = telling(result);
  if (result.status === 'timeout')
    throw new GateError(
      'subject-timeout',
      `The build command did not end within ${subject.seconds} s (limits.seconds). ${lastOutput(said)}`,
      { where },
    );
  if (result.status === 'memory')
    throw new GateError(
      'subject-memory',
      `The build command used too much memory and was ended: ${memoryLimit(subject.memoryBytes)}. ${lastOutput(said)}`,
      { where },
    );
  // The files are the only answer of a command, so that it has not answered before it ends well.
  const starting = true;
  if (result.status !== 'exited')
    throw new GateError('subject-crashed', `The build command was ended (${result.signal ?? result.status}). ${lastOutput(said)}`, {
      where,
      starting,
    });
  if (result.code !== 0)
    throw new GateError('build-failed', `The build command ended with exit status ${result.code}. ${lastOutput(said)}`, {
      where,
      starting,
    });
  if (!existsSync(join(output, main.graph)))
    throw new GateError(
      'build-no-output',
      `The build command ended well. Expected it to write ${main.graph} into the output folder, found none. ${lastOutput(said)}`,
      { where },
    );
  for (const { graph } of input.artefact.stages) if (!existsSync(join(output, graph))) takeOver(input.artefact.folder, output, graph);
  return { stages: input.artefact.stages };
};

/** A graph that the command left alone, with the data files that it refers to. */
const takeOver = (from: string, to: string, graph: string): void =>
  writeModel({ proto: readModel(join(from, graph)).proto, sourceFolder: from }, to, graph, new Map());
