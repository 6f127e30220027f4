import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { asGateError } from '../src/errors.ts';
import { killAllProcesses } from '../src/processes/process-group.ts';
import { machineFacts } from '../src/telemetry/machine.ts';
import { artefactHashing } from './artefact-hashing.ts';
import { batchedDecode } from './batched-decode.ts';
import { coldStart } from './cold-start.ts';
import { type Comparison, isMet, type Row } from './comparison.ts';
import { gateSpeed } from './gate-speed.ts';
import { installation } from './installation.ts';
import { lowRankFactors } from './low-rank-factors.ts';
import { modulePipeline } from './module-pipeline.ts';
import { pruningSpeedup } from './pruning-speedup.ts';
import { recovery } from './recovery.ts';
import { searchQuality } from './search-quality.ts';
import { servingPolicies } from './serving-policies.ts';
import { sparseAttentionSpeed } from './sparse-attention.ts';
import { streamingSavings } from './streaming.ts';
import { failureLines, headLine, rowLines, type TableStyle } from './table.ts';
import { timedRegion } from './timed-region.ts';
import { wholeRun } from './whole-run.ts';

const benchmarks: readonly Comparison[] = [
  timedRegion,
  pruningSpeedup,
  lowRankFactors,
  recovery,
  modulePipeline,
  sparseAttentionSpeed,
  streamingSavings,
  batchedDecode,
  servingPolicies,
  searchQuality,
  gateSpeed,
  coldStart,
  artefactHashing,
  installation,
  wholeRun,
];
const usage = `npm run bench -- [--only NAME[,NAME]] [--all] [--seed N] [--json FILE]
  ${benchmarks.map(({ name, onRequest }) => (onRequest ? `${name} (only when named, or with --all)` : name)).join('\n  ')}`;

type Result =
  | { readonly status: 'measured'; readonly benchmark: string; readonly met: boolean | null; readonly row: Row }
  | { readonly status: 'failed'; readonly benchmark: string; readonly code: string; readonly message: string };

const print = (text: string): void => void process.stdout.write(`${text}\n`);

const folders = new Set<string>();

/** Ends what was started and removes what was written, when the benchmarks are interrupted. */
const stop = (status: number): never => {
  killAllProcesses();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  process.exit(status);
};

const runOne = async (benchmark: Comparison, seed: number, style: TableStyle): Promise<readonly Result[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  folders.add(folder);
  const results: Result[] = [];
  try {
    await benchmark.run({ root: resolve(import.meta.dirname, '..'), folder, seed }, (row) => {
      print(rowLines(benchmark.name, row, style));
      results.push({ status: 'measured', benchmark: benchmark.name, met: isMet(row), row });
    });
  } catch (thrown) {
    const error = asGateError(thrown);
    print(failureLines(benchmark.name, `${error.where === null ? '' : `${error.where}: `}${error.message}`, style));
    results.push({ status: 'failed', benchmark: benchmark.name, code: error.code, message: error.message });
  } finally {
    rmSync(folder, { recursive: true, force: true });
    folders.delete(folder);
  }
  return results;
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      all: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(usage);
  const only = values.only.flatMap((names) => names.split(','));
  const unknown = only.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name));
  const seed = Number(values.seed);
  if (unknown.length > 0) throw new Error(`there is no benchmark ${unknown.join(', ')}`);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff) throw new Error(`--seed takes a whole number from 0 to ${0xffff_ffff}`);
  const chosen = benchmarks.filter(({ name, onRequest }) => (only.length > 0 ? only.includes(name) : values.all || !onRequest));
  const style = { colour: process.stdout.isTTY === true && !process.env['NO_COLOR'] };
  const machine = await machineFacts();
  const [load = 0] = loadavg();
  print(`Node ${process.versions.node} on ${machine.platform}, ${machine.cores} × ${machine.cpu}, load ${load.toFixed(1)}, seed ${seed}`);
  print(load > machine.cores / 2 ? 'This machine is busy: times are longer than they need be; ratios are less so.\n' : '');
  print(headLine(style));
  const results: Result[] = [];
  for (const benchmark of chosen) results.push(...(await runOne(benchmark, seed, style)));
  const judged = results.flatMap((result) => (result.status === 'measured' && result.met !== null ? [result.met] : []));
  const failed = results.filter(({ status }) => status === 'failed').length;
  print(`\n${judged.filter((met) => met).length} of ${judged.length} targets met${failed === 0 ? '' : `, ${failed} without a number`}`);
  if (values.json === undefined) return;
  const document = { schema: 'optimization-gate/bench/1', node: process.versions.node, machine, load, seed, results };
  writeFileSync(values.json, `${JSON.stringify(document, null, 2)}\n`);
};

process.once('SIGINT', () => stop(130));
process.once('SIGTERM', () => stop(143));

// Benchmarks show numbers and judge nobody: only a wrong command line is an error.
main().catch((thrown: unknown) => {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n${usage}\n`);
  process.exitCode = 2;
});
