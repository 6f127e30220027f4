import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { decodeDocument } from '../../src/records/decode.ts';
import { type Plan, plan } from '../../src/records/plan.ts';
import type { Samples } from '../../src/records/sample.ts';
import { readSamples } from '../../src/records/samples-file.ts';
import { type CellVerdict, type Verdict, verdict } from '../../src/records/verdict.ts';
import { removeRoot, ScratchRepository } from '../repository/scratch-repository.ts';
import { builtPrograms } from '../testkit/built-programs.ts';
import { processesIn } from '../testkit/processes.ts';

export const packageRoot = resolve(import.meta.dirname, '..', '..');
export const model = 'mini-qwen3-dense';

const shared = mkdtempSync(join(tmpdir(), 'gate-run-'));
const installed = join(shared, 'package');

beforeAll(async () => {
  mkdirSync(installed);
  for (const name of ['examples', 'models', 'node_modules', 'package.json']) symlinkSync(join(packageRoot, name), join(installed, name));
  cpSync(await builtPrograms(), join(installed, 'dist'), { recursive: true });
}, 120_000);

afterAll(() => {
  rmSync(shared, { recursive: true, force: true });
  removeRoot();
});

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A user's repository and the command line run in it. All of one test file share a store. */
export class Project extends ScratchRepository {
  #searched = '';

  static make(): Project {
    return new Project(ScratchRepository.create().folder);
  }

  /** Variables besides the usual ones. */
  environment: Readonly<Record<string, string>> = {};

  get run(): string {
    return join(this.folder, '.optimization-gate');
  }

  /** The store that all repositories of one test file share. */
  get store(): string {
    return join(shared, 'store');
  }

  get samplesFile(): string {
    return join(this.run, 'samples.jsonl');
  }

  start(...args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
    return this.#spawn(this.#commandLine(args));
  }

  /** The command line with more variables of the environment. */
  gateWith(variables: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ended> {
    return this.#spawn(this.#commandLine(args), variables).ended;
  }

  /** Puts a folder in front of those in which programs are looked for, after Node's. */
  searchFirst(folder: string): void {
    this.#searched = `${folder}${delimiter}`;
  }

  /** Puts the gate's own program into the repository, where `gateItself` runs it. */
  embed(): void {
    for (const name of ['models', 'node_modules', 'package.json']) symlinkSync(join(packageRoot, name), join(this.folder, name));
    cpSync(join(installed, 'dist'), join(this.folder, 'dist'), { recursive: true });
  }

  gateItself(...args: readonly string[]): Promise<Ended> {
    return this.#spawn(this.#commandLine(args, this.folder)).ended;
  }

  gate(...args: readonly string[]): Promise<Ended> {
    return this.start(...args).ended;
  }

  /** The command line in front of a pipe; `code` is its own exit status, not the reader's. */
  async gateInto(reader: string, ...args: readonly string[]): Promise<Ended> {
    const status = join(shared, 'status');
    const { ended } = this.#spawn(['sh', '-c', `{ "$@"; echo $? > '${status}'; } | ${reader}`, 'sh', ...this.#commandLine(args)]);
    return { ...(await ended), code: Number(readFileSync(status, 'utf8')) };
  }

  /** The command line after the shell's `cd` to a folder, which may be a link. */
  gateFrom(folder: string, ...args: readonly string[]): Promise<Ended> {
    return this.#spawn(['sh', '-c', `cd '${folder}' && "$@"`, 'sh', ...this.#commandLine(args)]).ended;
  }

  #commandLine(args: readonly string[], program = installed): readonly string[] {
    return [
      process.execPath,
      join(program, 'dist', 'cli.js'),
      ...args,
      ...(args.includes('--store') ? [] : ['--store', join(shared, 'store')]),
    ];
  }

  #spawn(
    [program = '', ...args]: readonly string[],
    variables: Readonly<Record<string, string>> = {},
  ): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
    const temporary = join(shared, 'temporary');
    mkdirSync(temporary, { recursive: true });
    const child = spawn(program, args, {
      cwd: this.folder,
      env: {
        PATH: `${dirname(process.execPath)}${delimiter}${this.#searched}${process.env['PATH'] ?? ''}`,
        HOME: shared,
        TMPDIR: temporary,
        ...this.environment,
        GIT_CONFIG_NOSYSTEM: '1',
        ...variables,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const texts = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      texts.stdout += chunk.toString('utf8');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      texts.stderr += chunk.toString('utf8');
    });
    const ended = new Promise<Ended>((done) => child.once('close', (code, signal) => done({ code, signal, ...texts })));
    return { child, ended };
  }

  /** Processes that run in this repository's folder: the command line, workers and user code. */
  processes(): readonly number[] {
    return processesIn(this.folder);
  }

  text(name: string): string {
    return readFileSync(join(this.run, name), 'utf8');
  }

  plan(): Plan {
    return decodeDocument(plan, this.text('plan.json'), 'plan.json', 1 << 26);
  }

  samples(file = this.samplesFile): Samples {
    return readSamples(existsSync(file) ? readFileSync(file, 'utf8') : '');
  }

  verdict(): Verdict {
    return decodeDocument(verdict, this.text('verdict.json'), 'verdict.json', 1 << 26);
  }

  cell(optimization: string): CellVerdict {
    const found = this.verdict().cells.find(({ id }) => id === `${model}/${optimization}` || id === optimization);
    if (found === undefined) throw new Error(`no cell ${optimization}`);
    return found;
  }
}

/** One operating point that takes milliseconds. */
export const quickPoint = 'points: [{ id: quick, length: 4, batch: 1, rounds: 20 }]';

/** A configuration with one model; each optimization is a list of YAML lines, its id first. */
export const configuration = (optimizations: readonly (readonly string[])[], rest: readonly string[] = []): string =>
  [
    `models: [${model}]`,
    'optimizations:',
    ...optimizations.flatMap(([id = '', ...lines]) => [`  - id: ${id}`, ...lines.map((line) => `    ${line}`)]),
    ...rest,
    '',
  ].join('\n');

/** An optimization by a command that copies the model as `copy.mjs` says. */
export const copied = (id: string, ...more: readonly string[]): readonly string[] => [
  id,
  'like: structured-pruning',
  'command: node copy.mjs {model} {output}',
  'inputs: [copy.mjs]',
  quickPoint,
  ...more,
];

/** Copies the model; with `changed`, through a node that does nothing, so that the artefact differs. */
export const copyProgram = (changed: boolean, comment = ''): string => `// ${comment}
import { copyFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { readModel } from ${JSON.stringify(join(packageRoot, 'src/onnx/read.ts'))};
import { writeModel } from ${JSON.stringify(join(packageRoot, 'src/onnx/write.ts'))};
const [from, to] = process.argv.slice(2);
if (${changed}) {
  const model = readModel(from);
  const { output, node } = model.proto.graph;
  const last = node.find((each) => each.output.includes(output[0].name));
  last.output = last.output.map((name) => (name === output[0].name ? 'before_identity' : name));
  node.push({ ...last, name: 'identity', opType: 'Identity', domain: '', attribute: [], input: ['before_identity'], output: [output[0].name] });
  writeModel({ proto: model.proto, sourceFolder: dirname(from) }, dirname(to), basename(to), new Map());
} else {
  copyFileSync(from, to);
  copyFileSync(\`\${from}.data\`, \`\${to}.data\`);
}
`;

/** Names a tensor after the time: other bytes in each build. */
export const varyingProgram = copyProgram(true)
  .replaceAll("'before_identity'", 'mark')
  .replace('const [from, to]', 'const mark = `before_${process.hrtime.bigint()}`;\nconst [from, to]');
