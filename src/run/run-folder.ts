import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { GateError } from '../errors.ts';
import { requireConsistent } from '../gate/consistency.ts';
import { type Baseline, baseline } from '../records/baseline.ts';
import { decodeDocument, digestOf, encodeDocument } from '../records/decode.ts';
import { asDiskError } from '../records/disk-error.ts';
import { type Plan, plan } from '../records/plan.ts';
import type { SampleLine, Samples } from '../records/sample.ts';
import { appendBytes, encodeLines, readSamples } from '../records/samples-file.ts';
import { type Verdict, verdict } from '../records/verdict.ts';
import { reached } from '../repository/on-disk.ts';
import type { CommandContext } from './context.ts';
import { claimFolder, isMarked, markFolder } from './own-folder.ts';

const megabyte = 1 << 20;
export const samplesName = 'samples.jsonl';

/** The files through which phases talk. Each phase reads what it needs and writes its own, so any can be rerun alone. */
export interface RunFolder {
  readonly folder: string;
  readonly samplesFile: string;
  readonly reportFolder: string;
  /**
   * Name of a file → what this process wrote to it, or read of it first. No file is read twice: code
   * under test can write here too, so what lies on disk afterwards is an output.
   */
  readonly held: Map<string, Buffer>;
}

/** The files of a run folder. */
export const runFolderAt = (folder: string): RunFolder => ({
  folder,
  samplesFile: join(folder, samplesName),
  reportFolder: join(folder, 'report'),
  held: new Map(),
});

/** Where the run folder lies, or will lie. */
export const runFolderOf = ({ root, options }: Pick<CommandContext, 'root' | 'options'>): string => resolve(root, options.runDir);

/** Opens the folder that `--run-dir` names, which is the gate's own from now on. Throws what `claimFolder` throws. */
export const openRunFolder = async (context: Pick<CommandContext, 'root' | 'options'>): Promise<RunFolder> => {
  const folder = runFolderOf(context);
  await claimFolder({ path: folder, noun: 'run folder', option: 'run-dir' }, context.root);
  return runFolderAt(folder);
};

/** Writes in the run folder. What the file system refuses becomes `disk-full` or `folder-unwritable`. */
const inFolder = <T>(folder: string, work: () => T): T => {
  try {
    return work();
  } catch (thrown) {
    throw asDiskError(thrown, { path: folder, noun: 'run folder' }) ?? thrown;
  }
};

/** Complete or as it was, for every reader, also where the disk is full. */
const writeFile = (file: string, content: string | Buffer): void =>
  inFolder(dirname(file), () => {
    // Made anew: a link that lies in its place would be followed.
    rmSync(`${file}.partial`, { force: true });
    try {
      writeFileSync(`${file}.partial`, content, { flag: 'wx' });
      renameSync(`${file}.partial`, file);
    } catch (thrown) {
      rmSync(`${file}.partial`, { force: true });
      throw thrown;
    }
  });

const writeWhole = ({ folder, held }: RunFolder, name: string, text: string): void => {
  writeFile(join(folder, name), text);
  held.set(name, Buffer.from(text));
};

const readWhole = ({ folder, held }: RunFolder, name: string, maxBytes: number): string | null => {
  const file = join(folder, name);
  const known = held.get(name);
  if (known !== undefined) return known.toString('utf8');
  if (!existsSync(file)) return null;
  if (statSync(file).size > maxBytes)
    throw new GateError('document-too-large', `A file of the run folder was read. Expected at most ${maxBytes} bytes, got more.`, {
      where: file,
    });
  const read = readFileSync(file);
  held.set(name, read);
  return read.toString('utf8');
};

const requireWhole = (run: RunFolder, name: string, maxBytes: number, phase: string): string => {
  const text = readWhole(run, name, maxBytes);
  if (text === null)
    throw new GateError(
      'document-invalid',
      `A file of the run folder was looked for. Expected it there, found none: run \`${phase}\` first.`,
      { where: join(run.folder, name) },
    );
  return text;
};

/** Writes plan.json, and removes what was decided by an earlier one. Samples of the very same plan stay, to be resumed; those of another become samples.previous.jsonl. */
export const writePlan = (run: RunFolder, value: Plan): void => {
  const text = encodeDocument(value);
  if (existsSync(run.samplesFile) && measuredFor(run.samplesFile) !== digestOf(text)) setSamplesAside(run);
  run.held.delete(samplesName);
  dropOutcome(run);
  writeWhole(run, 'plan.json', text);
};

const runLine = z.object({ line: z.literal('run'), plan: z.string() });

/** The plan that the first line of a file of samples names; null when it cannot be read. */
const measuredFor = (file: string): string | null => {
  const text = readFileSync(file, 'utf8');
  try {
    return runLine.parse(JSON.parse(text.slice(0, Math.max(0, text.indexOf('\n'))))).plan;
  } catch {
    return null;
  }
};

export const readPlan = (run: RunFolder): { readonly plan: Plan; readonly digest: string } => {
  const text = requireWhole(run, 'plan.json', 64 * megabyte, 'plan');
  return { plan: decodeDocument(plan, text, join(run.folder, 'plan.json'), 64 * megabyte), digest: digestOf(text) };
};

const baselineList = z.array(baseline);

/** Base's baselines, copied beside the plan so that the verdict can be recomputed from this folder alone. */
export const writeBaselines = (run: RunFolder, values: readonly Baseline[]): void =>
  writeWhole(run, 'baselines.json', encodeDocument(values));

export const readBaselines = (run: RunFolder): { readonly baselines: readonly Baseline[]; readonly digest: string | null } => {
  const text = readWhole(run, 'baselines.json', 256 * megabyte);
  if (text === null) return { baselines: [], digest: null };
  const baselines = decodeDocument(baselineList, text, join(run.folder, 'baselines.json'), 256 * megabyte);
  return { baselines, digest: baselines.length === 0 ? null : digestOf(text) };
};

const newline = 0x0a;

const heldSamples = ({ samplesFile, held }: RunFolder): Buffer => {
  const bytes = held.get(samplesName) ?? (existsSync(samplesFile) ? readFileSync(samplesFile) : Buffer.alloc(0));
  held.set(samplesName, bytes);
  return bytes;
};

/** The samples as this process holds them. */
export const samplesBytes = (run: RunFolder): Buffer => heldSamples(run);

/** Begins anew: what lies in the folder becomes samples.previous.jsonl. */
export const setSamplesAside = ({ folder, samplesFile, held }: RunFolder): void => {
  held.delete(samplesName);
  if (lstatSync(samplesFile, { throwIfNoEntry: false }) !== undefined)
    inFolder(folder, () => renameSync(samplesFile, join(folder, 'samples.previous.jsonl')));
};

/** Takes over samples that lie elsewhere. Throws `disk-full` and `folder-unwritable`. */
export const takeSamples = ({ samplesFile, held }: RunFolder, bytes: Buffer): void => {
  writeFile(samplesFile, bytes);
  held.set(samplesName, bytes);
};

/** Begins anew, and keeps nothing of what lies in the folder. */
export const dropSamples = ({ samplesFile, held }: RunFolder): void => {
  held.delete(samplesName);
  rmSync(samplesFile, { recursive: true, force: true });
};

const isFolder = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** What the file system says where code under test put something else in the place of the folder or the file. */
const disturbed: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENXIO', 'ESPIPE']);

/** Records what was measured. Throws `disk-full`. */
export const recordSamples = (run: RunFolder, lines: readonly SampleLine[]): void => {
  const before = heldSamples(run);
  const bytes = encodeLines(lines);
  // A torn last line of a killed run is cut off, as it is in the file.
  run.held.set(samplesName, Buffer.concat([before.subarray(0, before.lastIndexOf(newline) + 1), bytes]));
  // A link in the place of the folder would lead the samples elsewhere.
  if (!isFolder(run.folder)) return;
  try {
    appendBytes(run.samplesFile, bytes);
  } catch (thrown) {
    // It stands in memory, and `restoreFiles` writes it.
    const isTaken = before.length > 0 && thrown instanceof GateError && thrown.code === 'folder-unwritable';
    if (!isTaken && !(thrown instanceof Error && 'code' in thrown && disturbed.has(thrown.code))) throw thrown;
  }
};

/**
 * Writes again what is no longer as this process wrote it, once all measured code has ended. Returns
 * the names of those files: something else wrote in the folder meanwhile.
 */
export const restoreFiles = ({ folder, held }: RunFolder): readonly string[] => {
  if (!isFolder(folder)) inFolder(folder, () => rmSync(folder, { force: true }));
  if (!isMarked(folder)) inFolder(folder, () => markFolder(folder));
  const changed = [...held].filter(([name, content]) => !holds(join(folder, name), content));
  for (const [name, content] of changed) {
    if (isFolder(join(folder, name))) inFolder(folder, () => rmSync(join(folder, name), { recursive: true, force: true }));
    writeFile(join(folder, name), content);
  }
  return changed.map(([name]) => name);
};

const holds = (file: string, content: Buffer): boolean =>
  lstatSync(file, { throwIfNoEntry: false })?.isFile() === true &&
  statSync(file).size === content.length &&
  reached(() => readFileSync(file))?.equals(content) === true;

/**
 * The samples so far; a torn tail of a killed run is dropped. Throws `run-mismatch` for samples of
 * another plan, and `samples-contradictory` for those that contradict themselves or what the plan
 * asks for.
 */
export const readRunSamples = (run: RunFolder, value: Plan, planDigest: string): { readonly samples: Samples; readonly digest: string } => {
  const bytes = heldSamples(run);
  const samples = readSamples(bytes);
  if (samples.plan !== null && samples.plan !== planDigest)
    throw new GateError('run-mismatch', 'The samples were held against the plan. They were measured for another one.', {
      where: run.samplesFile,
    });
  requireConsistent(value, samples);
  return { samples, digest: digestOf(bytes) };
};

export const writeVerdict = (run: RunFolder, value: Verdict): void => writeWhole(run, 'verdict.json', encodeDocument(value));

export const readVerdict = (run: RunFolder): Verdict => {
  const text = requireWhole(run, 'verdict.json', 256 * megabyte, 'gate');
  return decodeDocument(verdict, text, join(run.folder, 'verdict.json'), 256 * megabyte);
};

/** Removes verdict and report of an earlier run: what ends before its own has none. */
export const dropOutcome = ({ folder, reportFolder, held }: RunFolder): void => {
  held.delete('verdict.json');
  inFolder(folder, () => {
    rmSync(join(folder, 'verdict.json'), { recursive: true, force: true });
    rmSync(reportFolder, { recursive: true, force: true });
  });
};

export const writeReport = (run: RunFolder, files: Readonly<Record<string, string>>): void => {
  // A link in its place would lead the report elsewhere.
  if (lstatSync(run.reportFolder, { throwIfNoEntry: false })?.isSymbolicLink() === true) rmSync(run.reportFolder);
  inFolder(run.reportFolder, () => mkdirSync(run.reportFolder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFile(join(run.reportFolder, name), text);
};
