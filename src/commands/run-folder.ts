import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { GateError } from '../errors.ts';
import { requireConsistent } from '../gate/consistency.ts';
import { type Baseline, baseline } from '../records/baseline.ts';
import { decodeDocument, digestOf, encodeDocument } from '../records/decode.ts';
import { type Plan, plan } from '../records/plan.ts';
import type { Samples } from '../records/sample.ts';
import { readSamples } from '../records/samples-file.ts';
import { type Verdict, verdict } from '../records/verdict.ts';
import type { CommandContext } from './context.ts';
import { claimFolder } from './own-folder.ts';

const megabyte = 1 << 20;

/** The files through which phases talk. Each phase reads what it needs and writes its own, so any can be rerun alone. */
export interface RunFolder {
  readonly folder: string;
  readonly samplesFile: string;
  readonly reportFolder: string;
}

/** The files of a run folder. */
export const runFolderAt = (folder: string): RunFolder => ({
  folder,
  samplesFile: join(folder, 'samples.jsonl'),
  reportFolder: join(folder, 'report'),
});

/** Where the run folder lies, or will lie. */
export const runFolderOf = ({ root, options }: Pick<CommandContext, 'root' | 'options'>): string => resolve(root, options.runDir);

/** Opens the folder that `--run-dir` names, which is the gate's own from now on. Throws what `claimFolder` throws. */
export const openRunFolder = async (context: Pick<CommandContext, 'root' | 'options'>): Promise<RunFolder> => {
  const folder = runFolderOf(context);
  await claimFolder({ path: folder, noun: 'run folder', option: '--run-dir' }, context.root);
  return runFolderAt(folder);
};

const writeWhole = (file: string, text: string): void => {
  // Made anew: a link that lies in its place would be followed.
  rmSync(`${file}.partial`, { force: true });
  writeFileSync(`${file}.partial`, text, { flag: 'wx' });
  renameSync(`${file}.partial`, file);
};

const readWhole = (file: string, maxBytes: number, phase: string): string => {
  if (!existsSync(file)) throw new GateError('document-invalid', `is missing: run \`${phase}\` first`, { where: file });
  if (statSync(file).size > maxBytes) throw new GateError('document-too-large', `at most ${maxBytes} bytes are read`, { where: file });
  return readFileSync(file, 'utf8');
};

/** Writes plan.json. Samples of the very same plan stay, to be resumed; those of another become samples.previous.jsonl. */
export const writePlan = (run: RunFolder, value: Plan): void => {
  const text = encodeDocument(value);
  if (existsSync(run.samplesFile) && measuredFor(run.samplesFile) !== digestOf(text))
    renameSync(run.samplesFile, join(run.folder, 'samples.previous.jsonl'));
  writeWhole(join(run.folder, 'plan.json'), text);
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
  const file = join(run.folder, 'plan.json');
  const text = readWhole(file, 64 * megabyte, 'plan');
  return { plan: decodeDocument(plan, text, file, 64 * megabyte), digest: digestOf(text) };
};

const baselineList = z.array(baseline);

/** Base's baselines, copied beside the plan so that the verdict can be recomputed from this folder alone. */
export const writeBaselines = (run: RunFolder, values: readonly Baseline[]): void =>
  writeWhole(join(run.folder, 'baselines.json'), encodeDocument(values));

export const readBaselines = (run: RunFolder): { readonly baselines: readonly Baseline[]; readonly digest: string | null } => {
  const file = join(run.folder, 'baselines.json');
  if (!existsSync(file)) return { baselines: [], digest: null };
  const text = readWhole(file, 256 * megabyte, 'plan');
  const baselines = decodeDocument(baselineList, text, file, 256 * megabyte);
  return { baselines, digest: baselines.length === 0 ? null : digestOf(text) };
};

/**
 * The samples so far; a torn tail of a killed run is dropped. Throws `run-mismatch` for samples of
 * another plan, and `samples-contradictory` for those that contradict themselves or what the plan
 * asks for.
 */
export const readRunSamples = (run: RunFolder, value: Plan, planDigest: string): { readonly samples: Samples; readonly digest: string } => {
  const bytes = existsSync(run.samplesFile) ? readFileSync(run.samplesFile) : Buffer.alloc(0);
  const samples = readSamples(bytes);
  if (samples.plan !== null && samples.plan !== planDigest)
    throw new GateError('run-mismatch', 'the samples were measured for another plan', { where: run.samplesFile });
  requireConsistent(value, samples);
  return { samples, digest: digestOf(bytes) };
};

export const writeVerdict = (run: RunFolder, value: Verdict): void => writeWhole(join(run.folder, 'verdict.json'), encodeDocument(value));

export const readVerdict = (run: RunFolder): Verdict => {
  const file = join(run.folder, 'verdict.json');
  return decodeDocument(verdict, readWhole(file, 256 * megabyte, 'gate'), file, 256 * megabyte);
};

export const writeReport = (run: RunFolder, files: Readonly<Record<string, string>>): void => {
  // A link in its place would lead the report elsewhere.
  if (lstatSync(run.reportFolder, { throwIfNoEntry: false })?.isSymbolicLink() === true) rmSync(run.reportFolder);
  mkdirSync(run.reportFolder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeWhole(join(run.reportFolder, name), text);
};
