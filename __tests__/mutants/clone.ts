import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeDocument } from '../../src/records/decode.ts';
import { type Plan, plan } from '../../src/records/plan.ts';
import { type ReportDocument, reportDocumentSchema } from '../../src/report/document.ts';
import type { Edit } from './mutant.ts';

const repository = join(import.meta.dirname, '..', '..');

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
   * A clone of the last commit with its programs built, whose measurements take turns with all others on this machine.
   * @param files text of files that are committed there on top
   */
  constructor(files: Readonly<Record<string, string>> = {}) {
    this.#git('clone', '--quiet', '--no-hardlinks', repository, this.#tree);
    symlinkSync(join(repository, 'node_modules'), join(this.#tree, 'node_modules'));
    for (const [path, text] of Object.entries(files)) writeFileSync(join(this.#tree, path), text);
    this.#build();
    const author = ['-c', 'user.name=Clone', '-c', 'user.email=clone@example.invalid'];
    this.#git('-C', this.#tree, ...author, 'commit', '--quiet', '--all', '--allow-empty', '--message', 'Build and configure');
  }

  #build(): void {
    execFileSync(process.execPath, ['scripts/build.ts'], { cwd: this.#tree });
  }

  #git(...argv: readonly string[]): void {
    execFileSync('git', argv);
  }

  #command(run: string, ...words: readonly string[]): Omit<Ended, 'report'> {
    const ended = spawnSync(process.execPath, [join(this.#tree, 'dist', 'cli.js'), '--run-dir', run, ...words], {
      cwd: this.#tree,
      encoding: 'utf8',
      env: { ...process.env, OPTIMIZATION_GATE_STORE: join(this.#folder, 'store'), ORT_PATH: repository },
    });
    return { status: ended.status, text: ended.stdout, errors: ended.stderr };
  }

  /** Runs the gate in a run folder of its own; all runs share a store. */
  gate(name: string, ...options: readonly string[]): Ended {
    const run = join(this.#folder, name);
    return { ...this.#command(run, ...options), report: reportIn(run) };
  }

  /** The same, but the plan is changed before anything is measured. */
  gatePart(name: string, part: (plan: Plan) => Plan, ...options: readonly string[]): Ended {
    const run = join(this.#folder, name);
    const planned = this.#command(run, 'plan', ...options);
    if (planned.status !== 0) return { ...planned, report: null };
    const file = join(run, 'plan.json');
    writeFileSync(file, encodeDocument(part(plan.parse(JSON.parse(readFileSync(file, 'utf8'))))));
    const measured = this.#command(run, 'measure');
    if (measured.status !== 0) return { ...measured, report: null };
    return { ...this.#command(run, 'gate'), report: reportIn(run) };
  }

  /** Edits the sources and builds them, as someone would before a commit. */
  edit(edits: readonly Edit[]): void {
    for (const { file, from, to } of edits) {
      const path = join(this.#tree, file);
      const text = readFileSync(path, 'utf8');
      if (text.split(from).length !== 2) throw new Error(`${file} does not hold this once: ${from}`);
      writeFileSync(
        path,
        text.replace(from, () => to),
      );
    }
    this.#build();
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
