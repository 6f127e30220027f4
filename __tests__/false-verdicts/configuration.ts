import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parseCommandLine } from '../../src/config/command-line.ts';
import { renamedEntries } from '../../src/config/renamed.ts';
import { type GateSteps, gateSteps } from '../../src/config/workflow-steps.ts';
import { launchLimits } from '../../src/launching/launch-request.ts';
import { withLostSteps } from '../../src/planning/lost-steps.ts';
import { allowedEnvironment } from '../../src/processes/environment.ts';
import { acceptance, type Plan } from '../../src/records/plan.ts';
import type { LaunchRequest } from '../../src/records/protocol.ts';
import { measureExternally } from '../../src/worker/external.ts';
import type { LaunchTools } from '../../src/worker/launch-tools.ts';
import { cell, measure, planOf, policy, samplesOf, settle, verdictOf } from '../gate/fixtures.ts';
import { ScratchRepository } from '../repository/scratch-repository.ts';
import { parseConfig } from '../testkit/config.ts';
import { changed, configured, measured, configuredModel as model } from '../testkit/configured.ts';
import { type Asked, plannedCells } from '../testkit/planned-cells.ts';
import type { Situation } from './situation.ts';

const usual = 'optimization-gate.yml';
const two = configured([measured('a'), measured('b')]);

/** The cells of the plan without their model, such as `a both`. */
const cellsOf = async (scratch: ScratchRepository, asked?: Asked): Promise<readonly string[]> =>
  (await plannedCells(scratch, asked)).cells.map((cell) => cell.replaceAll(`${model}/`, ''));

const bench = (id: string, program: string): string => measured(id, { program, inputs: 'bench/**' });

/** Renamed entries between two lists of them: name in head → name in base. */
const pairs = (base: readonly string[], head: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(renamedEntries(parseConfig(configured(base), 'base'), parseConfig(configured(head), 'head')));

/** A metric that one model has in the plan and another has not. */
const metricOfOne = async (scratch: ScratchRepository, one: string, other: string): Promise<string> => {
  const named = Object.keys((await plannedCells(scratch)).tolerances).map((key) => ({
    of: key.split('/')[0],
    metric: key.split(' ')[1] ?? '',
  }));
  const theirs = named.filter(({ of }) => of === other).map(({ metric }) => metric);
  const found = named.find(({ of, metric }) => of === one && !theirs.includes(metric));
  if (found === undefined) throw new Error(`${one} has no metric of its own`);
  return found.metric;
};

/** What a program in Python throws as the head of an external measurement with this `limits.seconds`. */
const askedFor = (seconds: number, program: string): Promise<unknown> => {
  const head = {
    argv: ['python3', '-c', program],
    cwd: '.',
    environment: allowedEnvironment(process.env),
    optimization: 'external-measurement',
    options: null,
    reports: [],
    seconds,
    memoryBytes: 2 ** 30,
  };
  const point = { id: 'rounds', kind: 'external', series: ['ms'], rounds: 1, warmUp: 0, arms: ['head'] } as const;
  const request = { launch: 'm/x#screen-0', seed: 1, policies: { head } } as unknown as LaunchRequest;
  const tools = { clock: { wall: () => 0, cpu: () => 0 }, beat: () => {} } as unknown as LaunchTools;
  return measureExternally(point, request, tools).catch((thrown: unknown) => thrown);
};

const row = (
  fields: Omit<Situation, 'kind' | 'speed'> & Partial<Pick<Situation, 'speed'>>,
  kind: Situation['kind'] = 'first-configuration',
): Situation => ({
  kind,
  speed: 'fast',
  ...fields,
});

const files: readonly Situation[] = [
  row({
    example: 'the first configuration of a repository',
    before: '44 cells missing, exit 1',
    now: 'every cell is new',
    source: 'reported',
    check: async () => {
      const scratch = changed({ 'ci.yml': 'on: push\njobs: {}\n', 'docs.md': 'models: none\n' }, { [usual]: two });
      expect(await plannedCells(scratch)).toMatchObject({
        cells: [`a new`, `b new`],
        warnings: [expect.stringContaining('Base has no configuration')],
      });
    },
  }),
  row({
    example: 'the configuration is renamed',
    before: '44 cells missing, exit 1',
    now: 'compared with the one of the former name',
    source: 'reported',
    check: async () =>
      expect(await cellsOf(changed({ [usual]: two }, { [usual]: null, 'gate.yml': two }), { config: 'gate.yml' })).toEqual([
        'a both',
        'b both',
      ]),
  }),
  row({
    example: 'a step of the job writes the configuration, which no commit holds',
    before: 'every cell is new in every run, PASSED',
    now: 'config-missing; on a developer’s machine every cell is new',
    source: 'reported',
    check: async () => {
      const scratch = changed({ '.gitignore': usual }, { 'README.md': 'models' });
      scratch.write(usual, two);
      await expect(plannedCells(scratch, { inJob: true })).rejects.toMatchObject({ code: 'config-missing', where: usual });
      expect(await cellsOf(scratch)).toEqual(['a new', 'b new']);
      scratch.git('add', '--force', usual);
      scratch.commit({});
      expect(await cellsOf(scratch, { inJob: true })).toEqual(['a new', 'b new']);
    },
  }),
  row({
    example: 'the configuration is named by its absolute path, which a link may lead to',
    before: 'error, git-failed',
    now: 'compared with the one of that name',
    source: 'reported',
    check: async () => {
      const scratch = changed({ 'ci/gate.yml': two }, { 'ci/gate.yml': configured([measured('a')]) });
      const link = `${scratch.folder}-link`;
      symlinkSync(scratch.folder, link);
      for (const folder of [scratch.folder, link])
        expect(await cellsOf(scratch, { config: join(folder, 'ci/gate.yml') })).toEqual(['a both', 'b removed']);
    },
  }),
  row({
    example: 'the configuration is a link through a linked folder',
    before: '44 cells missing, exit 1',
    now: 'compared: base follows links as head does',
    source: 'reported',
    check: async () => {
      const scratch = ScratchRepository.create();
      scratch.write('conf.d/gate.yml', two);
      symlinkSync('conf.d', join(scratch.folder, 'config'));
      symlinkSync('config/gate.yml', join(scratch.folder, usual));
      scratch.commit({});
      scratch.commit({ 'conf.d/gate.yml': configured([measured('a')]) });
      expect(await cellsOf(scratch)).toEqual(['a both', 'b removed']);
      scratch.git('rm', '--quiet', usual);
      symlinkSync('conf.d/gate.yml', join(scratch.folder, 'new.yml'));
      scratch.commit({});
      expect(await cellsOf(scratch, { config: 'new.yml' })).toEqual(['a both']);
    },
  }),
  row({
    example: 'a configuration is renamed to another ending, and an entry dropped and one added in the same commit',
    before: '44 cells missing, exit 1',
    now: 'the dropped cell is missing, the added one new',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const text = configured([measured('a', { program: 'x', inputs: 'src/**' }), measured('c')]);
      const scratch = changed({ 'ci/gate.conf': two }, { 'ci/gate.conf': null, 'gate/all.yaml': text });
      expect(await cellsOf(scratch, { config: 'gate/all.yaml' })).toEqual(['a both', 'c new', 'b removed']);
    },
  }),
  row({
    example: 'a project of a monorepo moves to another folder, with its configuration',
    before: 'base is started in a folder that it lacks, inconclusive, the job passes',
    now: 'base is started in the former folder',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const moved = changed({ [`a/${usual}`]: two, 'b/README.md': '' }, { [`a/${usual}`]: null, [`b/${usual}`]: two });
      expect(await plannedCells(moved, { folder: 'b' })).toMatchObject({
        cells: [`a both`, `b both`],
        baseFolder: 'a',
        warnings: [expect.stringContaining(`b/${usual} was renamed from a/${usual}`)],
      });
      const below = changed({ 'a/ci/gate.yml': two }, { 'a/ci/gate.yml': null, 'x/b/ci/gate.yml': two });
      expect(await plannedCells(below, { folder: 'x/b', config: 'ci/gate.yml' })).toMatchObject({ baseFolder: 'a' });
      const within = changed({ 'a/gate.yml': two }, { 'a/gate.yml': null, 'a/ci/gate.yml': two });
      expect(await plannedCells(within, { folder: 'a', config: 'ci/gate.yml' })).toMatchObject({ baseFolder: 'a' });
    },
  }),
  row({
    example: 'the working directory is a link, which head leads to a slower engine that base has too',
    before: 'the slower engine against itself, PASSED',
    now: 'against the engine that base leads it to',
    source: 'neighbour',
    check: async () => {
      const scratch = ScratchRepository.create();
      for (const engine of ['v1', 'v2']) scratch.write(`${engine}/${usual}`, two);
      symlinkSync('v1', join(scratch.folder, 'current'));
      scratch.commit({});
      scratch.git('rm', '--quiet', 'current');
      symlinkSync('v2', join(scratch.folder, 'current'));
      scratch.commit({});
      expect(await plannedCells(scratch, { folder: 'current' })).toMatchObject({
        cells: [`a both`, `b both`],
        baseFolder: 'v1',
        warnings: [],
      });
      symlinkSync('v2', join(scratch.folder, 'mine'));
      expect(await plannedCells(scratch, { folder: 'mine' })).toMatchObject({ baseFolder: 'v2', warnings: [] });
    },
  }),
  row({
    example: 'a folder takes the place of the configuration',
    before: 'error[internal]: EISDIR, exit 3',
    now: 'config-missing, exit 2',
    source: 'neighbour',
    check: async () => {
      const scratch = changed({ [usual]: two }, { [usual]: null });
      scratch.commit({ [`${usual}/README.md`]: '' });
      await expect(plannedCells(scratch, { base: 'HEAD~2' })).rejects.toMatchObject({ code: 'config-missing' });
    },
  }),
  row({
    example: 'a project is added to a monorepo, and has entries of the same names',
    before: 'compared with the other project, in a folder that base lacks',
    now: 'new; an entry with the same inputs is compared',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const other = configured([measured('a', { inputs: 'b/**' }), measured('b')]);
      expect(await plannedCells(changed({ [`a/${usual}`]: two }, { [`b/${usual}`]: other }), { folder: 'b' })).toMatchObject({
        cells: [`a new`, `b both`],
        baseFolder: 'a',
      });
      const apart = configured([measured('a', { inputs: 'b/**' })]);
      expect(await plannedCells(changed({ [usual]: two }, { [`b/${usual}`]: apart }), { folder: 'b' })).toMatchObject({
        cells: [`a new`],
        baseFolder: 'b',
      });
    },
  }),
  row({
    example: 'a project is added to a monorepo beside another of the same entry without inputs, or the root becomes one',
    before: 'compared with the other project: regressed, or inconclusive where the root lacks its program',
    now: 'new; what the other project gives up is compared',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const [bare, own] = [
        configured([measured('a').replace('inputs: [a/**], ', '')]),
        configured([measured('a', { inputs: 'bench/**' })]),
      ];
      const beside = (path: string, text: string, stays: string) => changed({ [`a/${usual}`]: stays }, { [path]: text });
      expect(await plannedCells(beside(`b/${usual}`, bare, bare), { folder: 'b' })).toMatchObject({ cells: [`a new`] });
      for (const stays of [bare, two]) expect(await cellsOf(beside(usual, own, stays))).toEqual(['a new']);
      const moved = changed({ [`a/${usual}`]: bare }, { [`a/${usual}`]: configured([measured('b')]), [`b/${usual}`]: bare });
      expect(await plannedCells(moved, { folder: 'b' })).toMatchObject({ cells: [`a both`], baseFolder: 'a' });
      const unmoved = changed({ 'ci/gate.yml': bare }, { 'ci/new.yml': bare });
      expect(await cellsOf(unmoved, { config: 'ci/new.yml' })).toEqual(['a both']);
    },
  }),
  row({
    example: 'a configuration is renamed in the working tree, known to git or not',
    before: '44 cells missing, exit 1',
    now: 'compared with the one of the former name',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const scratch = changed({ [usual]: two }, {});
      scratch.git('mv', usual, 'gate.yml');
      expect(await cellsOf(scratch, { config: 'gate.yml', base: 'HEAD' })).toEqual(['a both', 'b both']);
      scratch.git('reset', '--quiet');
      expect(await cellsOf(scratch, { config: 'gate.yml', base: 'HEAD' })).toEqual(['a both', 'b both']);
    },
  }),
  row({
    example: 'a second configuration beside one that stays',
    before: '44 cells missing, exit 1',
    now: 'its own cells are new, shared and copied ones are compared, the others are not missed',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const text = configured([measured('b'), measured('v'), measured('c', { program: 'a', inputs: 'a/**' })]);
      expect(await cellsOf(changed({ 'teams/text.yml': two }, { 'gate.yml': text }), { config: 'gate.yml' })).toEqual([
        'b both',
        'v new',
        'c both from a',
      ]);
    },
  }),
  row({
    example: 'the configuration is moved, and its old file kept with other content',
    before: '44 cells missing, exit 1',
    now: 'what it listed is compared or missing',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const scratch = changed({ 'gate.yml': two }, { 'gate.yml': 'on: push\n', 'new.yml': configured([measured('a')]) });
      expect(await cellsOf(scratch, { config: 'new.yml' })).toEqual(['a both', 'b removed']);
    },
  }),
  row({
    example: 'a removed configuration is merged into one that stays, or a removed one hides behind one that shares a cell',
    before: 'its cells are new, or 44 cells missing',
    now: 'its cells are compared, with the smaller tolerance, or missing',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const text = (id: string, tolerance: string) => configured([measured(id)], `gate: { tolerance: { size: ${tolerance} } }\n`);
      const merged = await plannedCells(changed({ 'a.yml': text('a', '9%'), 'b.yml': text('b', '5%') }, { 'b.yml': null, 'a.yml': two }), {
        config: 'a.yml',
      });
      expect(merged).toMatchObject({ cells: [`a both`, `b both`], tolerances: { [`b size`]: 0.05 } });
      const scratch = changed({ 'gate.yml': two, 'other.yml': text('c', '1%') }, { 'gate.yml': null, 'new.yml': text('c', '99%') });
      expect(await cellsOf(scratch, { config: 'new.yml' })).toEqual(['c both', 'a removed', 'b removed']);
    },
  }),
  row({
    example: 'a removed configuration is merged into one that stays, but for an entry or a model that is forgotten',
    before: 'the forgotten cell is gone without a word, PASSED',
    now: 'it is missing, unless another file lists it; what was merged is compared, also on another model',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const of = (...ids: readonly string[]) => configured(ids.map((id) => measured(id)));
      const before = { [usual]: of('a'), 'b.yml': of('b', 'c') };
      expect(await cellsOf(changed(before, { [usual]: of('a', 'b'), 'b.yml': null }))).toEqual(['a both', 'b both', 'c removed']);
      const apart = { [usual]: of('a', 'b'), 'b.yml': null, 'c.yml': of('c') };
      expect(await cellsOf(changed(before, apart))).toEqual(['a both', 'b both']);
      const moved = changed(before, { [usual]: of('a', 'b'), 'b.yml': of('c') });
      expect(await cellsOf(moved)).toEqual(['a both', 'b both']);
      expect(await cellsOf(moved, { config: 'b.yml' })).toEqual(['c both', 'b removed']);
      const renamed = of('a', 'd').replace('inputs: [d/**]', 'inputs: [b/**]');
      expect(await cellsOf(changed({ ...before, 'b.yml': of('b') }, { [usual]: renamed, 'b.yml': null }))).toEqual([
        'a both',
        'd both from b',
      ]);
      expect(await cellsOf(changed(before, { 'b.yml': null }))).toEqual(['a both']);
      const on = (...models: readonly string[]) =>
        of('a')
          .replace('python3 a.py', '"python3 a.py {model}"')
          .replace(`[${model}]`, `[${models.join(', ')}]`);
      const other = 'mini-qwen3-moe';
      const models = changed({ [usual]: on(model), 'b.yml': on(other) }, { [usual]: on(model, other), 'b.yml': null });
      expect((await plannedCells(models)).cells).toEqual([`${model}/a both`, `${other}/a both`]);
    },
  }),
  row({
    example: 'a measurement without a model moves to a file, or to one with other models, that guards it from then on',
    before: 'new, PASSED; merged with others, cells of models that base never measured are missing',
    now: 'compared; nothing else is missing',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const other = 'mini-qwen3-moe';
      const engine = measured('engine');
      const named = measured('other').replace('python3 other.py', '"python3 other.py {model}"');
      const plain = `optimizations:\n  - ${engine}\n`;
      const both = configured([named, engine]).replace(model, other);
      const one = configured([named]).replace(model, other);
      const own = configured([measured('own')]);
      const taken = configured([measured('own'), engine]);
      const of = async (...[base, head]: Parameters<typeof changed>) =>
        (await plannedCells(changed(base, head), { config: 'a.yml' })).cells;
      expect(await of({ [usual]: both }, { [usual]: one, 'a.yml': `models: [${model}]\n${plain}` })).toEqual(['engine both']);
      expect(await of({ [usual]: both, 'a.yml': own }, { [usual]: one, 'a.yml': taken })).toEqual(['own both', 'engine both']);
      expect(await of({ 'b.yml': plain, 'a.yml': one }, { 'b.yml': null, 'a.yml': both })).toEqual([`${other}/other both`, 'engine both']);
    },
  }),
  row({
    example: 'the configuration is a link out of the repository, in a circle, or to nothing',
    before: 'followed on the side of head only',
    now: 'an error that says where it leads',
    source: 'neighbour',
    check: async () => {
      for (const [target, code] of [
        ['/etc/hostname', 'link-invalid'],
        [usual, 'link-invalid'],
        ['nothing.yml', 'config-missing'],
      ] as const) {
        const scratch = ScratchRepository.create();
        symlinkSync(target, join(scratch.folder, usual));
        scratch.commit({});
        await expect(plannedCells(scratch, { base: 'HEAD' })).rejects.toMatchObject({ code });
      }
    },
  }),
  row({
    example: 'the configuration is called optimization-gate.yaml, or removed',
    before: 'the defaults are measured in its place',
    now: 'an error that says which name is read',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const other = changed({}, { 'optimization-gate.yaml': two });
      await expect(plannedCells(other)).rejects.toMatchObject({
        code: 'config-missing',
        message: expect.stringContaining('found optimization-gate.yaml'),
      });
      const removed = changed({ [usual]: two }, { [usual]: null });
      await expect(plannedCells(removed)).rejects.toMatchObject({
        code: 'config-missing',
        message: expect.stringContaining('although base has optimization-gate.yml'),
      });
    },
  }),
  row({
    example: "base's configuration cannot be read, under its name or a former one",
    before: 'an error, or 44 cells missing',
    now: 'compared with the last version that could be read; new only where none could',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const broken = 'optimizations: [{ id: }]\n';
      const mended = changed({ [usual]: two }, { [usual]: broken });
      mended.commit({ [usual]: two });
      expect(await cellsOf(mended)).toEqual(['a both', 'b both']);
      const renamed = changed({ [usual]: two }, { [usual]: broken });
      renamed.git('rm', '--quiet', usual);
      renamed.commit({ 'gate.yml': two });
      expect(await cellsOf(renamed, { config: 'gate.yml' })).toEqual(['a both', 'b both']);
      expect(await cellsOf(changed({ [usual]: broken }, { [usual]: two }))).toEqual(['a new', 'b new']);
    },
  }),
];

const entries: readonly Situation[] = [
  row({
    example: 'an entry is renamed, and given a larger tolerance',
    before: 'its cell is missing and another new',
    now: "compared with its predecessor, with base's tolerance; either name selects it",
    source: 'reported',
    check: async () => {
      const text = (id: string, tolerance: string) =>
        configured([measured(id, { program: 'run', inputs: 'bench/**' }), measured('z')], `gate: { tolerance: { size: ${tolerance} } }\n`);
      const scratch = changed({ [usual]: text('a', '1%') }, { [usual]: text('b', '50%') });
      const { tolerances, warnings } = await plannedCells(scratch);
      expect(tolerances[`b size`]).toBe(0.01);
      expect(warnings).toEqual([expect.stringContaining('b was renamed from a')]);
      for (const name of ['a', 'b']) expect(await cellsOf(scratch, { optimizations: [name] })).toEqual(['b both from a']);
    },
  }),
  row({
    example: 'two entries swap their names, or one takes the name of another that is dropped',
    before: 'compared by name',
    now: 'compared by name: nothing is paired that both sides have',
    source: 'neighbour',
    check: () => {
      expect(pairs([bench('a', 'fast'), bench('b', 'slow')], [bench('a', 'slow'), bench('b', 'fast')])).toEqual({});
      expect(pairs([bench('a', 'fast'), bench('b', 'slow')], [bench('a', 'slow')])).toEqual({});
    },
  }),
  row({
    example: 'a slow new entry stands beside a slower one that is dropped, and a fast one is lost',
    before: 'two cells missing, one new',
    now: 'what fits several is paired with none: both are missing; equal content is paired first',
    source: 'neighbour',
    check: () => {
      expect(pairs([bench('fast', 'fast'), bench('slower', 'slower')], [bench('slow', 'slow')])).toEqual({});
      expect(pairs([bench('fast', 'fast'), bench('slower', 'slower')], [bench('x', 'slower'), bench('y', 'slow')])).toEqual({
        x: 'slower',
        y: 'fast',
      });
      expect(pairs([bench('a', 'run')], [measured('b', { program: 'run', inputs: 'other/**' })])).toEqual({});
      expect(pairs([bench('a', 'run')], [measured('b', { program: 'run', inputs: 'bench/**', metric: 'queue' })])).toEqual({});
    },
  }),
  row({
    example: 'an entry is renamed to a name for which base has a larger tolerance',
    before: 'passed within that tolerance',
    now: 'judged by the tolerance of its former name',
    source: 'neighbour',
    check: async () => {
      const gate = 'gate: { tolerance: { "lossy-*/size": 50%, engine/size: 1% } }\n';
      const of = (id: string) => configured([bench(id, 'engine'), bench('lossy-cache', 'cache')], gate);
      const { cells, tolerances } = await plannedCells(changed({ [usual]: of('engine') }, { [usual]: of('lossy-engine') }));
      expect(cells).toEqual(['lossy-engine both from engine', 'lossy-cache both']);
      expect(tolerances).toEqual({ 'lossy-engine size': 0.01, 'lossy-cache size': 0.5 });
    },
  }),
  row({
    example: "a renamed cell regresses beyond what base's acceptance of the former name allows, or within it",
    before: 'missing, and new',
    now: 'regressed beyond it, passed within it; an acceptance of the new name counts for nothing',
    source: 'neighbour',
    check: () => {
      const judged = (name: string, bound: number) => {
        const accepted = [{ cell: name, metric: 'model-size', bound, expires: '2026-12-31', reason: 'known' }];
        const plan = planOf([cell('mini/b', { renamedFrom: 'mini/a' })], { policy: { ...policy, accepted } });
        const larger = { noise: 0.004, size: (arm: string) => (arm === 'head' ? 1100 : 1000) };
        return verdictOf(plan, measure(plan, samplesOf([settle('mini/b', 'changed')]), larger)).verdict;
      };
      expect([judged('mini/a', 0.05), judged('mini/b', 0.15), judged('mini/a', 0.15)]).toEqual(['regressed', 'regressed', 'passed']);
    },
  }),
  row({
    example: 'a cell is given up on purpose',
    before: 'missing for ever, with no word on how to give it up',
    now: "missing, and the entry to write is named; passed while base's acceptances retire it",
    source: 'reported',
    check: () => {
      const of = (accepted: Plan['policy']['accepted']) =>
        verdictOf(planOf([cell('mini/pruning', { presence: 'removed' })], { policy: { ...policy, accepted } }), samplesOf([]));
      const lost = of([]);
      expect(lost).toMatchObject({ verdict: 'regressed', exitCode: 1 });
      const entry = acceptance.parse(JSON.parse(/\{.*\}/.exec(lost.cells[0]?.reason ?? '')?.[0] ?? 'null'));
      expect(entry).toMatchObject({ cell: 'mini/pruning', retire: true, expires: '2026-07-15' });
      expect(of([entry])).toMatchObject({
        verdict: 'passed',
        exitCode: 0,
        cells: [{ verdict: 'passed', reason: 'retired until 2026-07-15: why' }],
      });
      expect(of([{ ...entry, cell: 'mini/other' }]).verdict).toBe('regressed');
      const ended = of([{ ...entry, expires: '2026-06-14' }]);
      expect(ended).toMatchObject({
        verdict: 'regressed',
        cells: [{ reason: expect.stringContaining('its retirement ended on 2026-06-14') }],
      });
    },
  }),
];

const workflowFile = '.github/workflows/gate.yml';
/** Steps that run the gate, of a workflow whose jobs select some models. */
const gateStepsOf = (jobs: Readonly<Record<string, string>>) => {
  const list = Object.entries(jobs).map(
    ([id, models]) => `  ${id}: { steps: [{ uses: octo/optimization-gate@v1, with: { models: ${models} } }] }\n`,
  );
  return gateSteps(
    workflowFile,
    async () => `on: pull_request\njobs:\n${list.join('')}`,
    () => true,
  );
};

const selections: readonly Situation[] = [
  row(
    {
      example: 'a pull request merges two jobs of the workflow, each with models of its own, and keeps those of one',
      before: 'the other models are not measured, passed',
      now: 'this run measures them too, until the merge',
      source: 'reported',
      check: async () => {
        const [base, head] = [await gateStepsOf({ dense: 'one', moe: 'two' }), await gateStepsOf({ dense: 'one' })];
        const [kept] = base.steps;
        if (kept === undefined) throw new Error('no step');
        const models = (steps: GateSteps) =>
          withLostSteps({ line: parseCommandLine(['run', '--models', 'one']), notes: [] }, kept, {
            base,
            head: steps,
            file: workflowFile,
            isGone: () => false,
          }).line.options.models;
        expect([models(head), models(base)]).toEqual([['one', 'two'], ['one']]);
      },
    },
    'nothing-measured',
  ),
  row(
    {
      example: 'a tolerance of an optimization that is not selected',
      before: 'config-unknown-key, exit 2',
      now: 'it is known; a misspelt one stays an error, selected or not',
      source: 'reported',
      check: async () => {
        const text = (key: string) =>
          configured([measured('engine'), measured('policy', { metric: 'queue' })], `gate: { tolerance: { ${key}: 5% } }\n`);
        const scratch = changed({}, { [usual]: text('queue') });
        expect(await cellsOf(scratch, { optimizations: ['engine'] })).toEqual(['engine new']);
        scratch.write(usual, text('quue'));
        for (const optimizations of [['engine'], ['engine', 'policy']])
          await expect(plannedCells(scratch, { optimizations })).rejects.toMatchObject({
            code: 'config-unknown-key',
            message: expect.stringContaining('Did you mean "queue"'),
          });
      },
    },
    'selection',
  ),
  row(
    {
      example: 'what is selected, or has a tolerance, is configured on one side only',
      before: 'optimization-unknown or config-unknown-key, exit 2',
      now: 'names of either side count',
      source: 'neighbour',
      speed: 'slow',
      check: async () => {
        const policy = measured('policy', { metric: 'queue' });
        const tolerance = 'gate: { tolerance: { queue: 5% } }\n';
        const scratch = changed(
          { [usual]: configured([measured('engine'), policy], tolerance) },
          { [usual]: configured([measured('engine')], tolerance) },
        );
        expect(await cellsOf(scratch, { optimizations: ['policy'] })).toEqual(['policy removed']);
        expect(await cellsOf(scratch, { optimizations: ['engine'] })).toEqual(['engine both']);
        await expect(plannedCells(scratch, { optimizations: ['polcy'] })).rejects.toMatchObject({ code: 'optimization-unknown' });
      },
    },
    'selection',
  ),
  row(
    {
      example: 'a tolerance of a metric that no selected model has',
      before: 'config-unknown-key, exit 2',
      now: 'it is known from the models that are not selected',
      source: 'neighbour',
      speed: 'slow',
      check: async () => {
        const text = (key: string) =>
          `models: [${model}, mini-qwen3-vl]\noptimizations: [{ id: sparse-network, with: { target: vision } }]\n${key}`;
        const only = await metricOfOne(changed({}, { [usual]: text('') }), 'mini-qwen3-vl', model);
        const scratch = changed({}, { [usual]: text(`gate: { tolerance: { ${only}: 0.5 } }\n`) });
        expect(await cellsOf(scratch, { models: [model] })).toHaveLength(1);
      },
    },
    'selection',
  ),
  row(
    {
      example: 'a change corrects a tolerance that is misspelt in base',
      before: 'config-unknown-key until it is merged by force',
      now: "head's are checked, base's are not",
      source: 'neighbour',
      check: async () => {
        const text = (key: string) => configured([measured('a')], `gate: { tolerance: { ${key}: 5% } }\n`);
        expect(await cellsOf(changed({ [usual]: text('sise') }, { [usual]: text('size') }))).toEqual(['a both']);
      },
    },
    'selection',
  ),
];

const limits: readonly Situation[] = [
  row(
    {
      example: 'the start of a program hangs',
      before: 'it took too long: no word on which limit, or how long it is',
      now: 'the error names the limit, its value and what was waited for',
      source: 'reported',
      check: async () => {
        const hang = await askedFor(1, 'import time; time.sleep(60)');
        expect(hang).toMatchObject({
          arm: 'head',
          cause: { code: 'subject-timeout' },
          message: expect.stringMatching(/its start and its answer to `round 1` was missing after 1 s/),
        });
      },
    },
    'failed-start',
  ),
  row(
    {
      example: 'a start takes longer than a minute and less than limits.seconds',
      before: 'subject-timeout after 60 s, whatever limits.seconds says',
      now: 'the limit of a start is limits.seconds',
      source: 'reported',
      check: () => {
        const plan = { limits: { seconds: 1800, memoryBytes: 2 ** 30 } };
        const policies = { base: {}, head: {} } as unknown as LaunchRequest['policies'];
        expect(launchLimits(plan, { policies })).toMatchObject({ seconds: 3 * 1800, silenceSeconds: 1830, named: 'limits.seconds' });
        expect(launchLimits(plan, { policies: {} }).seconds).toBe(1800);
      },
    },
    'failed-start',
  ),
];

export const situations: readonly Situation[] = [...files, ...entries, ...selections, ...limits];
