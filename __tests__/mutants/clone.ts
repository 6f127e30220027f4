import { type ExecFileOptions, execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeDocument } from '../../src/records/decode.ts';
import { plan } from '../../src/records/plan.ts';
import { type ReportDocument, reportDocumentSchema } from '../../src/report/document.ts';
import { exactPlan } from './exact-plan.ts';
import type { Edit } from './mutant.ts';

const repository = join(import.meta.dirname, '..', '..');

/** Types do not depend on what is planted, and are half of the time. */
const buildsPrograms = "const { buildPrograms } = await import('./scripts/build.ts'); await buildPrograms('dist');";

/** Runs Node to its end, whatever that is. */
const node = (argv: readonly string[], options: ExecFileOptions): Promise<Omit<Ended, 'report'>> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, argv, { ...options, encoding: 'utf8', maxBuffer: 2 ** 26 }, (_, text, errors) =>
      resolve({ status: child.exitCode, text, errors }),
    );
  });

export interface Ended {
  readonly status: number | null;
  readonly text: string;
  readonly errors: string;
  readonly report: ReportDocument | null;
}

/** This repository a second time, gated by its own program. */
export class Clone {
  readonly #folder = mkdtempSync(join(tmpdir(), 'optimization-gate-clone-'));
  readonly #tree = join(this.#folder, 'clone');

  /**
   * A clone of the last commit with its programs built.
   * @param files text of files that are committed there on top
   */
  constructor(files: Readonly<Record<string, string>> = {}) {
    this.#git('clone', '--quiet', '--no-hardlinks', repository, this.#tree);
    symlinkSync(join(repository, 'node_modules'), join(this.#tree, 'node_modules'));
    for (const [path, text] of Object.entries(files)) writeFileSync(join(this.#tree, path), text);
    execFileSync(process.execPath, ['scripts/build.ts'], { cwd: this.#tree });
    const author = ['-c', 'user.name=Clone', '-c', 'user.email=clone@example.invalid'];
    this.#git('-C', this.#tree, ...author, 'commit', '--quiet', '--all', '--allow-empty', '--message', 'Build and configure');
  }

  #git(...argv: readonly string[]): void {
    execFileSync('git', argv);
  }

  #command(run: string, words: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Omit<Ended, 'report'>> {
    return node([join(this.#tree, 'dist', 'cli.js'), '--run-dir', run, ...words], {
      cwd: this.#tree,
      env: { ...process.env, OPTIMIZATION_GATE_STORE: join(this.#folder, 'store'), ORT_PATH: repository, ...more },
    });
  }

  /** Runs the gate in a run folder of its own; all runs share a store. Measurements take turns with all others on this machine. */
  async gate(name: string, ...options: readonly string[]): Promise<Ended> {
    const run = join(this.#folder, name);
    return { ...(await this.#command(run, options)), report: reportIn(run) };
  }

  /** The same for exact metrics alone, which other measurements beside these do not disturb; `without` the ones of these ids. */
  async gateExactly(name: string, without: readonly string[], ...options: readonly string[]): Promise<Ended> {
    const run = join(this.#folder, name);
    const temporary = join(this.#folder, 'tmp');
    mkdirSync(temporary, { recursive: true });
    const command = (...words: readonly string[]): Promise<Omit<Ended, 'report'>> => this.#command(run, words, { TMPDIR: temporary });
    const planned = await command('plan', ...options);
    if (planned.status !== 0) return { ...planned, report: null };
    const file = join(run, 'plan.json');
    writeFileSync(file, encodeDocument(exactPlan(plan.parse(JSON.parse(readFileSync(file, 'utf8'))), without)));
    const measured = await command('measure');
    if (measured.status !== 0) return { ...measured, report: null };
    return { ...(await command('gate')), report: reportIn(run) };
  }

  /** Edits the sources and builds them, as someone would before a commit. */
  async edit(edits: readonly Edit[]): Promise<void> {
    for (const { file, from, to } of edits) {
      const path = join(this.#tree, file);
      const text = readFileSync(path, 'utf8');
      if (text.split(from).length !== 2) throw new Error(`${file} does not hold this once: ${from}`);
      writeFileSync(
        path,
        text.replace(from, () => to),
      );
    }
    const { status, errors } = await node(['--input-type=module', '--eval', buildsPrograms], { cwd: this.#tree });
    if (status !== 0) throw new Error(errors);
  }

  /** Undoes all edits. */
  mend(): void {
    this.#git('-C', this.#tree, 'checkout', '--quiet', '.');
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const reportIn = (run: string): ReportDocument | null => {
  try {
    return reportDocumentSchema.parse(JSON.parse(readFileSync(join(run, 'report', 'report.json'), 'utf8')));
  } catch {
    return null;
  }
};

/** `MODEL/OPTIMIZATION POINT` → verdict of one metric. */
export const verdictsOf = ({ report }: Ended, metric: string): Readonly<Record<string, string | null>> =>
  Object.fromEntries(
    (report?.cells ?? []).flatMap((cell) =>
      cell.metrics.filter(({ id }) => id === metric).map((found) => [`${cell.model}/${cell.optimization} ${found.point}`, found.verdict]),
    ),
  );
