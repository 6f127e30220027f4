import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseCommandLine } from '../../src/config/command-line.ts';
import { parseInputs } from '../../src/config/inputs.ts';
import { outputTable } from '../../src/config/output-table.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { errorTable } from '../../src/errors.ts';
import { builtinOptimizations } from '../../src/optimizations/registry.ts';
import { configurable } from '../../src/planning/plan.ts';
import { refusal } from '../config/refusal.ts';
import { applyOverrides, parseConfig } from '../testkit/config.ts';
import { blocks, pages, root, textOf, workflows } from './documentation.ts';

interface Step {
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly if?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'runs-on': string;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}
interface Action {
  readonly inputs: Readonly<Record<string, { readonly description: string; readonly default: string }>>;
  readonly outputs: Readonly<Record<string, { readonly description: string }>>;
  readonly runs: { readonly using: string; readonly main: string };
}

const isGate = ({ uses }: Step): boolean => uses === './' || uses?.includes('optimization-gate') === true;
const action = parse(textOf('action.yml')) as Action;

/** What the runner hands over: upper case, dashes kept, expressions already evaluated. */
const environmentOf = (inputs: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, String(value).replace(/\$\{\{.*?\}\}/g, 'x')]),
  );

describe('action.yml', () => {
  it('has defaults that the program itself would choose', () => {
    const defaults = Object.fromEntries(Object.entries(action.inputs).map(([name, input]) => [name, input.default]));
    expect(parseInputs(environmentOf({ ...defaults, token: '' }))).toEqual(parseInputs({}));
  });

  it('runs on Node 24, like the scripts of this repository', () => {
    expect(action.runs).toEqual({ using: 'node24', main: 'dist/action.js' });
    expect(process.version).toMatch(/^v24\./);
  });

  it('has the outputs that the program sets', () => {
    const set = /setOutputs\(\{([\s\S]*?)\n {2}\}\)/.exec(textOf('src/commands/run.ts'))?.[1] ?? '';
    const names = [...set.matchAll(/^ {4}'?([a-z-]+)'?:/gm)].map((match) => match[1]);
    expect(names.toSorted()).toEqual(Object.keys(outputTable).toSorted());
    expect(Object.keys(action.outputs)).toEqual(Object.keys(outputTable));
  });
});

describe('workflows', () => {
  it('are shipped for pull requests and for baselines', () => {
    expect(workflows().map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'examples/workflows/pull-request.yml',
        'examples/workflows/baselines.yml',
        '.github/workflows/gate.yml',
        'README.md (block)',
      ]),
    );
  });

  it.each(workflows())('$name gives the gate inputs that it has, with least permissions', ({ text }) => {
    const workflow = parse(text) as Workflow;
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const job of Object.values(workflow.jobs)) {
      expect(job['runs-on']).toMatch(/^ubuntu-/);
      for (const step of job.steps.filter(isGate)) {
        expect(Object.keys(action.inputs)).toEqual(expect.arrayContaining(Object.keys(step.with ?? {})));
        expect(() => parseInputs(environmentOf(step.with ?? {}))).not.toThrow();
        const checkout = job.steps.find(({ uses }) => uses?.startsWith('actions/checkout@'));
        expect(checkout?.with?.['fetch-depth']).toBe(0);
      }
    }
  });

  it('would be seen to give a wrong input', () => {
    expect(refusal(() => parseInputs(environmentOf({ 'fail-ons': 'x' }))).code).toBe('usage-unknown-option');
  });
});

/** What of a workflow would let code that nobody merged write, or baselines come from it. */
const breaches = (text: string): readonly string[] => {
  const { on, jobs } = parse(text) as Workflow;
  const unmerged = ['pull_request', 'pull_request_target', 'merge_group'].filter((event) => event in on);
  return Object.entries(jobs).flatMap(([name, job]) => {
    const afterMerge = unmerged.length === 0 || job.if === "${{ github.event_name == 'push' }}";
    const writes = Object.values({ ...job.permissions, 'pull-requests': 'read' }).includes('write');
    const checkout = job.steps.find(({ uses }) => uses?.startsWith('actions/checkout@'));
    const modes = job.steps.filter(isGate).map((step) => step.with?.['mode'] ?? 'run');
    return [
      ...(checkout?.with?.['persist-credentials'] === false ? [] : [`${name}: the checkout keeps the token`]),
      ...(writes && !afterMerge ? [`${name}: may write for ${unmerged.join(', ')}`] : []),
      ...(modes.some((mode) => mode !== 'run') && !afterMerge ? [`${name}: does not only compare for ${unmerged.join(', ')}`] : []),
    ];
  });
};

describe('tokens in workflows', () => {
  it.each(workflows())('$name lets only merged code write', ({ text }) => {
    expect(breaches(text)).toEqual([]);
  });

  it('would be seen to be at hand for a pull request', () => {
    const merged = textOf('examples/workflows/baselines.yml');
    expect(breaches(merged.replace('push:', 'merge_group:'))).toEqual([
      'update: may write for merge_group',
      'update: does not only compare for merge_group',
    ]);
    expect(breaches(merged.replace('persist-credentials: false', 'lfs: false'))).toEqual(['update: the checkout keeps the token']);
  });
});

describe('configurations', () => {
  const catalogue = {
    optimizations: configurable,
    models: null,
  };

  it('of this repository is valid and names what there is', () => {
    const config = resolveConfig(parseConfig(textOf('optimization-gate.yml'), 'optimization-gate.yml'), catalogue);
    expect(config.models).toHaveLength(4);
    expect(config.optimizations.map(({ id }) => id)).toEqual(builtinOptimizations.map(({ benchmark }) => benchmark.id));
  });

  it('of this repository measure every target that there is', () => {
    const entries = ['optimization-gate.yml', 'optimization-gate.targets.yml'].flatMap(
      (name) => resolveConfig(parseConfig(textOf(name), name), catalogue).optimizations,
    );
    const measured = (optimization: string, option: string): ReadonlySet<string> =>
      new Set(
        entries
          .filter(({ id, like }) => (like ?? id) === optimization)
          .map(({ id, options }) => String((options as Readonly<Record<string, unknown>>)[option] ?? `nothing of ${id}`)),
      );
    expect(measured('structured-pruning', 'target')).toEqual(new Set(['ffn', 'heads', 'layers', 'experts', 'vision']));
    expect(measured('tensor-decomposition', 'target')).toEqual(new Set(['ffn', 'attention', 'vision']));
    // All of a decoder are its feed-forwards and its attention.
    expect(measured('sparse-network', 'target')).toEqual(new Set(['all', 'vision']));
    expect(measured('sparse-network', 'pattern')).toEqual(new Set(['2:4', 'unstructured']));
  });

  it.each(blocks('yaml').filter(({ text }) => !/^jobs:/m.test(text)))('on $page are valid: $text', ({ page, text }) => {
    expect(resolveConfig(parseConfig(text, page), catalogue).models.length).toBeGreaterThan(0);
  });
});

describe('command lines', () => {
  const lines = blocks('').flatMap(({ text }) => text.split('\n').filter((line) => /^(npm run gate|optimization-gate )/.test(line)));

  it.each(lines)('%s', (line) => {
    const argv = line
      .replace(/^(npm run gate( --)?|optimization-gate)/, '')
      .trim()
      .split(/\s+/)
      .filter((word) => word !== '');
    const { overrides } = parseCommandLine(argv);
    expect(applyOverrides(parseConfig(textOf('optimization-gate.yml'), 'c'), overrides).optimizations).toHaveLength(
      builtinOptimizations.length,
    );
  });

  it('are there', () => {
    expect(lines).toContain('npm run gate');
    expect(lines.length).toBeGreaterThan(2);
  });
});

describe('pages', () => {
  it('list every error code and no other', () => {
    const listed = [...textOf('docs/errors.md').matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1]);
    expect(listed.toSorted()).toEqual(Object.keys(errorTable).toSorted());
  });

  it.each(pages())('%s links to files that exist', (page) => {
    const targets = [...textOf(page).matchAll(/\]\(([^)#]+)[^)]*\)/g)]
      .map((match) => match[1] ?? '')
      .filter((target) => !/^https?:/.test(target));
    expect(targets.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
  });
});
