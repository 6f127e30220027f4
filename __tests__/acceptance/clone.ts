import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReportDocument, reportDocumentSchema } from '../../src/report/document.ts';
import type { Fault } from './faults.ts';

const repository = join(import.meta.dirname, '..', '..');

export interface Ended {
  readonly status: number | null;
  readonly text: string;
  readonly errors: string;
  readonly report: ReportDocument | null;
}

/** What the program is built from and runs with. */
const parts = ['.gitignore', 'package.json', 'src', 'scripts', 'models'];

/** This repository a second time, gated by the program that is built and committed there. */
export class Clone {
  readonly #folder = mkdtempSync(join(tmpdir(), 'optimization-gate-clone-'));
  readonly #tree = join(this.#folder, 'clone');
  readonly #environment: NodeJS.ProcessEnv;

  /**
   * @param files null: a clone of the last commit, whose measurements take turns with all others on this machine. Else what lies here, committed or
   * not, and these files beside it, built and committed anew; for numbers that no clock is in, so that it waits for nobody.
   */
  constructor(files: Readonly<Record<string, string>> | null = null) {
    if (files === null) execFileSync('git', ['clone', '--quiet', '--no-hardlinks', repository, this.#tree]);
    else for (const part of parts) cpSync(join(repository, part), join(this.#tree, part), { recursive: true });
    symlinkSync(join(repository, 'node_modules'), join(this.#tree, 'node_modules'));
    // The lock of measurements lies in the folder for temporary files.
    this.#environment = files === null ? process.env : { ...process.env, TMPDIR: this.#folder };
    if (files !== null) this.#commit(files);
  }

  #commit(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.#tree, name), text);
    this.#build();
    const git = (...args: readonly string[]) => execFileSync('git', args, { cwd: this.#tree });
    git('init', '--quiet', '--initial-branch=main');
    git('add', 'dist', ...parts, ...Object.keys(files));
    git('-c', 'user.name=clone', '-c', 'user.email=clone@example.org', 'commit', '--quiet', '--message', 'As it lies here');
  }

  /** Runs the gate in a run folder of its own; all runs share a store. */
  gate(name: string, ...options: readonly string[]): Ended {
    const run = join(this.#folder, name);
    const ended = spawnSync(process.execPath, [join(this.#tree, 'dist', 'cli.js'), '--run-dir', run, ...options], {
      cwd: this.#tree,
      encoding: 'utf8',
      env: { ...this.#environment, OPTIMIZATION_GATE_STORE: join(this.#folder, 'store'), ORT_PATH: repository },
    });
    return { status: ended.status, text: ended.stdout, errors: ended.stderr, report: reportIn(run) };
  }

  /** Makes one mistake in the sources and builds them, as someone would before a commit. */
  break({ file, from, to }: Fault): void {
    const path = join(this.#tree, file);
    const text = readFileSync(path, 'utf8');
    if (text.split(from).length !== 2) throw new Error(`${file} does not hold this once: ${from}`);
    writeFileSync(path, text.replace(from, to));
    this.#build();
  }

  #build(): void {
    execFileSync(process.execPath, ['scripts/build.ts'], { cwd: this.#tree });
  }

  mend(): void {
    execFileSync('git', ['checkout', '--quiet', '.'], { cwd: this.#tree });
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
