import { describe, expect, it } from 'vitest';
import { configuration, Project } from '../commands/project.ts';
import type { ScratchRepository } from '../repository/scratch-repository.ts';
import { changed, configured, measured, configuredModel as model } from '../testkit/configured.ts';
import { plannedCells } from '../testkit/planned-cells.ts';

const file = 'optimization-gate.yml';
const text = (rest: string): string => configured([measured('a'), measured('b', { metric: 'decode-latency' })], rest);
const good = text('');

/** A pull request on top of what a commit holds. */
const onTop = (scratch: ScratchRepository, files: Readonly<Record<string, string>>): ScratchRepository => {
  scratch.commit(files);
  return scratch;
};
const other = { 'README.md': 'other' };

const mistakes: readonly (readonly [what: string, broken: string, code: string, message: RegExp])[] = [
  [
    'a misspelt tolerance',
    'gate: { tolerance: { latncy: 3% } }\n',
    'config-unknown-key',
    /gate\.tolerance\.latncy: .*Did you mean "latency"\?/,
  ],
  [
    'a tolerance of no metric',
    'gate: { tolerance: { top1-agreement: 3% } }\n',
    'config-unknown-key',
    /Known: size, decode-latency, latency/,
  ],
  ['a tolerance that is no share', 'gate: { tolerance: { size: 0.5 } }\n', 'config-invalid', /gate\.tolerance\.size: .*Write 50%/],
  [
    'a misspelt key',
    'gate: { tolerence: { size: 3% } }\n',
    'config-unknown-key',
    /gate: Unknown key "tolerence". Did you mean "tolerance"\?/,
  ],
  ['a wrong outcome', 'gate: { fail-on: [regresed] }\n', 'config-invalid', /gate\.fail-on\[0\]/],
  ['a limit of a wrong unit', 'limits: { seconds: 4GiB }\n', 'config-invalid', /limits\.seconds: must be a duration/],
  ['a memory limit of a wrong unit', 'limits: { memory: 10m }\n', 'config-invalid', /limits\.memory: must be a size/],
  ['an unknown section', 'gat: {}\n', 'config-unknown-key', /Unknown key "gat"/],
];

describe('a mistake in what says how is judged', () => {
  it.each(mistakes)('ends the change that brings it, with its place: %s', async (_, broken, code, message) => {
    await expect(plannedCells(changed({ [file]: good }, { [file]: text(broken) }))).rejects.toMatchObject({
      code,
      where: expect.stringMatching(/^optimization-gate\.yml:5:\d+$/),
      message: expect.stringMatching(message),
    });
  });

  it.each(mistakes)('ends a first configuration: %s', async (_, broken, code) => {
    await expect(plannedCells(changed({}, { [file]: text(broken) }))).rejects.toMatchObject({ code });
  });

  it.each(mistakes)(
    'is a note once base has it, for other changes, the repair and the default branch: %s',
    async (_, broken, __, message) => {
      const note = expect.stringMatching(new RegExp(`^optimization-gate\\.yml:5:\\d+ of base: .*${message.source}`));
      const scratch = onTop(changed({}, { [file]: text(broken) }), other);
      const cells = [`a both`, `b both`];
      expect(await plannedCells(scratch)).toMatchObject({ cells, warnings: [note] });
      expect(await plannedCells(scratch, { event: 'default-branch' })).toMatchObject({ cells, warnings: [note] });
      expect(await plannedCells(onTop(scratch, { [file]: good }))).toMatchObject({ cells, warnings: [note] });
      expect(await plannedCells(onTop(scratch, other))).toMatchObject({ cells, warnings: [] });
    },
  );

  it('is new where the change writes it otherwise, however wrong base is', async () => {
    const scratch = onTop(changed({}, { [file]: text('gate: { tolerance: { latncy: 3% } }\n') }), {
      [file]: text('gate: { tolerance: { latncy: 90% } }\n'),
    });
    await expect(plannedCells(scratch)).rejects.toMatchObject({ code: 'config-unknown-key' });
    await expect(plannedCells(scratch, { event: 'default-branch' })).resolves.toMatchObject({
      warnings: [expect.stringContaining('of base: '), expect.stringContaining('of head: ')],
    });
  });

  it('leaves the default in force, never head’s value', async () => {
    const scratch = changed(
      { [file]: text('gate: { tolerance: { size: 0.5, latency: 2% } }\n') },
      { [file]: text('gate: { tolerance: { size: 50% } }\n') },
    );
    const { tolerances } = await plannedCells(scratch);
    const plain = (await plannedCells(changed({ [file]: good }, other))).tolerances;
    expect(tolerances[`a size`]).toBe(plain[`a size`]);
    expect(tolerances[`b decode-latency`]).toBe(0.02);
  });
});

describe('a mistake in an entry', () => {
  const broken = `{ id: a, measure: 5, metrics: [{ id: size, unit: bytes, better: lower, kind: exact }] }`;

  it('ends the change that brings it; once base has it, the other entries are judged', async () => {
    const bad = configured([broken, measured('b')]);
    await expect(plannedCells(changed({ [file]: configured([measured('a'), measured('b')]) }, { [file]: bad }))).rejects.toMatchObject({
      code: 'config-invalid',
    });
    const scratch = onTop(changed({}, { [file]: bad }), other);
    const warnings = [expect.stringMatching(/^optimization-gate\.yml:3:\d+ of base: optimizations\[0\]\.measure/)];
    expect(await plannedCells(scratch)).toMatchObject({ cells: [`b both`], warnings });
    expect(await plannedCells(onTop(scratch, { [file]: configured([measured('a'), measured('b')]) }))).toMatchObject({
      cells: [`a new`, `b both`],
      warnings,
    });
  });

  it.each([
    ['an unknown key', `{ id: a, like: model, module: a.js, inputs: [a/**], input: [x] }`, `${model}/a both`],
    ['points that the bench has none of', '{ id: a, like: streaming, module: a.js, points: [{ id: x, length: 4 }] }', null],
    ['an option that there is not', '{ id: structured-pruning, with: { rato: 0.5 } }', null],
    ['a built-in that there is not', '{ id: a, like: pruning, module: a.js }', null],
    ['a policy by a command', '{ id: a, like: adaptive-batching, command: "run {model} {output}" }', null],
  ])('is known by its place: %s', async (_, entry, cell) => {
    const bad = configured([entry, measured('b')]);
    await expect(plannedCells(changed({ [file]: configured([measured('b')]) }, { [file]: bad }))).rejects.toMatchObject({
      code: expect.stringMatching(/^(config-invalid|config-unknown-key|option-invalid|optimization-unknown)$/),
    });
    expect(await plannedCells(onTop(changed({}, { [file]: bad }), other))).toMatchObject({
      cells: [...(cell === null ? [] : [cell]), `b both`],
      warnings: [expect.stringMatching(/ of base: /)],
    });
  });
});

describe('a configuration of base that cannot be read', () => {
  const syntax = `${good}gate: { tolerance: [\n`;
  const worse = good.replace('python3 a.py', 'python3 a.py slower');

  it('counts as the last version that could be, for the repair too', async () => {
    const scratch = onTop(changed({ [file]: good }, { [file]: syntax }), other);
    const last = scratch.git('rev-parse', 'HEAD~2').slice(0, 12);
    const note = new RegExp(
      `^optimization-gate\\.yml:\\d+:\\d+ of base: .* The file cannot be read, so its last readable version counts: that of commit ${last}`,
      's',
    );
    const cells = [`a both`, `b both`];
    expect(await plannedCells(scratch)).toMatchObject({ cells, warnings: [expect.stringMatching(note)] });
    expect(await plannedCells(scratch, { event: 'default-branch' })).toMatchObject({ cells });
    expect(await plannedCells(onTop(scratch, { [file]: worse }))).toMatchObject({ cells, warnings: [expect.stringMatching(note)] });
    // What the former version lists and the repair drops is missing.
    const dropping = onTop(changed({ [file]: good }, { [file]: syntax }), {
      [file]: configured([measured('b', { metric: 'decode-latency' })]),
    });
    expect(await plannedCells(dropping)).toMatchObject({ cells: [`b both`, `a removed`] });
  });

  it('does not excuse a change that breaks it, or breaks it otherwise', async () => {
    await expect(plannedCells(changed({ [file]: good }, { [file]: syntax }))).rejects.toMatchObject({ code: 'config-syntax' });
    await expect(plannedCells(onTop(changed({ [file]: good }, { [file]: syntax }), { [file]: `${syntax}#` }))).rejects.toMatchObject({
      code: 'config-syntax',
    });
  });

  it('leaves every cell new only where it never could be read', async () => {
    const scratch = onTop(changed({}, { [file]: syntax }), { [file]: good });
    expect(await plannedCells(scratch)).toMatchObject({
      cells: [`a new`, `b new`],
      warnings: [expect.stringContaining('No version of the file can be read')],
    });
  });

  it('is looked for below a shallow clone', async () => {
    const scratch = onTop(changed({ [file]: good }, { [file]: syntax }), other);
    const shallow = scratch.clone('--depth=2');
    expect(await plannedCells(shallow)).toMatchObject({ cells: [`a both`, `b both`] });
    const cut = scratch.clone('--depth=2');
    cut.git('remote', 'remove', 'origin');
    await expect(plannedCells(cut)).rejects.toMatchObject({ code: 'shallow-clone' });
  });

  it('is a Git LFS pointer, too large, or a link to nowhere', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 1234\n`;
    for (const bad of [pointer, `# ${'x'.repeat(300_000)}\n`, 'optimizations: [{ id: }]\n']) {
      const scratch = onTop(changed({ [file]: good }, { [file]: bad }), { [file]: good });
      expect(await plannedCells(scratch)).toMatchObject({ cells: [`a both`, `b both`] });
    }
  });

  it('had another name', async () => {
    const scratch = changed({ [file]: good }, { [file]: syntax });
    scratch.git('rm', '--quiet', file);
    scratch.commit({ 'gate.yml': good });
    expect(await plannedCells(scratch, { config: 'gate.yml' })).toMatchObject({
      cells: [`a both`, `b both`],
      warnings: [expect.stringContaining('cannot be read'), expect.stringContaining('gate.yml was renamed from optimization-gate.yml')],
    });
  });
});

describe('acceptances', () => {
  const pruning = configuration([['structured-pruning', 'points: [{ id: quick, length: 4, batch: 1, rounds: 20 }]']]);
  const cell = `${model}/structured-pruning`;
  const granted = { expires: '2999-01-01', reason: 'agreed' };
  const accepting = (...entries: readonly unknown[]): Readonly<Record<string, string>> => ({
    'baselines/accepted.json': JSON.stringify({ schema: 'optimization-gate/accepted/1', accepted: entries }),
  });
  const fine = { cell, metric: 'nll-delta', bound: 0.1, ...granted };
  const plan = async (
    project: Project,
  ): Promise<{ readonly code: number | null; readonly stderr: string; readonly warnings: readonly string[] }> => {
    const { code, stderr } = await project.gate('plan', '--base', 'HEAD~1');
    return { code, stderr, warnings: code === 0 ? project.plan().warnings : [] };
  };
  const project = (): Project => {
    const made = Project.make();
    made.commit({ '.gitignore': '.optimization-gate\n', [file]: pruning });
    return made;
  };

  it.each([
    [
      'of a cell that is not',
      { ...fine, cell: `${model}/structured-prunning` },
      /or a MODEL\/OPTIMIZATION ".*prunning"\. Did you mean ".*\/structured-pruning"\?/,
    ],
    ['of a metric that is not', { ...fine, metric: 'nll-detla' }, /has no metric "nll-detla"\. Did you mean "nll-delta"\?/],
    ['of another point', { ...fine, metric: 'nll-delta@decode-b1' }, /has no metric "nll-delta@decode-b1"\. .*nll-delta@evaluation/],
    [
      'that retires a cell that is not',
      { cell: `${model}/gone`, retire: true, ...granted },
      /Neither base nor head has a measurement or a MODEL\/OPTIMIZATION/,
    ],
    ['with a bound that accepts nothing', { ...fine, bound: 0 }, /expected a number above 0, got 0/],
    ['with a bound in percent', { ...fine, metric: 'model-size', bound: 30 }, /Write 0\.3 if 30 % is meant/],
    ['without a reason', { ...fine, reason: undefined }, /reason/],
  ])('end the change that brings one %s; in base it is a note', { timeout: 60_000 }, async (_, entry, message) => {
    const made = project();
    made.commit(accepting(fine, entry));
    const own = await plan(made);
    expect(own).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/error\[acceptance-invalid\] baselines\/accepted\.json: accepted\[1\]/),
    });
    expect(own.stderr).toMatch(message);
    made.commit({ 'README.md': 'other' });
    const later = await plan(made);
    expect(later, later.stderr).toMatchObject({ code: 0 });
    const isRetirement = 'retire' in entry;
    expect(later.warnings).toEqual(isRetirement ? [] : [expect.stringMatching(/^baselines\/accepted\.json: accepted\[1\] of base: /)]);
    expect(made.plan().policy.accepted).toContainEqual(fine);
  });

  it('hold for what either side has, for cells of other configurations, and when they are over', { timeout: 60_000 }, async () => {
    const made = project();
    const elsewhere = configuration([['tensor-decomposition']]);
    made.commit({
      'other.yml': elsewhere,
      ...accepting(
        fine,
        { ...fine, cell: `${model}/tensor-decomposition` },
        { ...fine, metric: 'model-size@inspection', expires: '2001-01-01' },
      ),
    });
    const result = await plan(made);
    expect(result, result.stderr).toMatchObject({ code: 0, warnings: [] });
  });
});
