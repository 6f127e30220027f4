import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { ActionRun } from '../testkit/run-action.ts';
import { bundleModule } from './package-copy.ts';

// Short sequences and wide tolerances on time, so that a busy machine with two cores decides in seconds; quality, size and
// arithmetic are judged as strictly as ever.
/** The configuration of a repository with pruning of its own. `loose`: time and memory decide nothing, however busy the machine. */
export const configOf = (tolerances: 'usual' | 'loose'): string => `models: [mini-qwen3-dense]
optimizations:
  - id: our-pruning
    like: structured-pruning
    module: optimize/prune.mjs
    inputs: [optimize/**]
    with: { ratio: 0.25 }
    points:
      - { id: prefill-32, length: 32, rounds: 8 }
gate:
  tolerance: ${tolerances === 'loose' ? '{ latency: 50%, peak-memory: 30% }' : '{ latency: 30%, peak-memory: 20% }'}
  must-detect: ${tolerances === 'loose' ? '100%' : '90%'}
limits: { seconds: 2m, memory: 2GiB }
`;
export const config = configOf('usual');
export const cell = 'mini-qwen3-dense/our-pruning';

export const replaced = (text: string, from: string, to: string): string => {
  if (!text.includes(from)) throw new Error(`the module holds no ${from}`);
  return text.replace(from, to);
};

interface ReportMetric {
  readonly id: string;
  readonly verdict: string | null;
  readonly head: number | null;
  readonly base: number | null;
}
interface Report {
  readonly verdict: string;
  readonly exitCode: number;
  readonly cells: readonly {
    readonly model: string;
    readonly optimization: string;
    readonly verdict: string;
    readonly metrics: readonly ReportMetric[];
  }[];
}

export const said = ({ stdout, stderr }: ActionRun): string => `${stdout.replace(/^::debug::.*\n/gm, '')}${stderr}`;

export const expectExit = (run: ActionRun, code: number): void => expect(run.code, said(run)).toBe(code);

export const report = (run: ActionRun): Report => JSON.parse(readFileSync(run.outputs['report-json'] ?? '', 'utf8')) as Report;

export const metric = (run: ActionRun, id: string): ReportMetric | undefined =>
  report(run).cells[0]?.metrics.find((each) => each.id === id);

/** Pruning that keeps the strongest channels, and a repository whose pruning still keeps the first ones. */
export const strongestFirst = async (): Promise<{ readonly strongest: string; readonly files: Readonly<Record<string, string>> }> => {
  const strongest = await bundleModule('examples/javascript/prune.ts');
  const first = replaced(strongest, 'kept(norms(model, down), left)', '[...norms(model, down).keys()].slice(0, left)');
  return { strongest, files: { 'optimization-gate.yml': config, 'optimize/prune.mjs': first, 'README.md': '# models\n' } };
};
