import { expect } from 'vitest';
import { acceptancesAt, baselineEdits } from '../../src/planning/base-files.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { environment, root as temporary } from '../repository/scratch-repository.ts';
import { changed, configured, measured } from '../testkit/configured.ts';
import { plannedCells } from '../testkit/planned-cells.ts';
import type { Situation } from './situation.ts';

const usual = 'optimization-gate.yml';
const neighbour = { source: 'neighbour', speed: 'slow' } as const;

/** A project in a folder, which has the usual entry and others. */
const projectIn = (folder: string, ...others: readonly string[]): string =>
  configured([measured('engine', { inputs: `${folder}/**` }), ...others.map((id) => measured(id, { inputs: `${folder}/**` }))]);

/** The configurations of some projects, each in its folder. */
const projects = (folders: readonly string[], ...others: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(folders.map((folder) => [`${folder}/${usual}`, projectIn(folder, ...others)]));

const gone = (folders: readonly string[]): Readonly<Record<string, null>> =>
  Object.fromEntries(folders.map((folder) => [`${folder}/${usual}`, null]));

const [before, after] = [
  ['packages/a', 'packages/b'],
  ['libs/a', 'libs/b'],
];

const [bytes, kilobytes] = [
  measured('engine', { program: 'new' }),
  measured('engine', { program: 'new' }).replace('unit: bytes', 'unit: kB'),
];

export const situations: readonly Situation[] = [
  {
    ...neighbour,
    kind: 'first-configuration',
    example: 'all projects of a monorepo move to another folder, and one of them gets worse',
    before: 'each is compared with the first of them: 900 → 800 B in place of 100 → 800 B, PASSED',
    now: 'each is compared with itself; an error where nothing tells which is which',
    check: async () => {
      const moved = changed(projects(before), { ...gone(before), ...projects(after) });
      for (const name of ['a', 'b'])
        expect(await plannedCells(moved, { folder: `libs/${name}` })).toMatchObject({
          cells: [`engine both`],
          baseFolder: `packages/${name}`,
        });
      const grown = changed(
        { ...projects(['packages/a'], 'more'), ...projects(['packages/b']) },
        { ...gone(before), ...projects(after, 'more') },
      );
      expect(await plannedCells(grown, { folder: 'libs/b' })).toMatchObject({
        cells: [`engine both`, `more new`],
        baseFolder: 'packages/b',
      });
      const unlike = changed(projects(before), { ...gone(before), ...projects(['libs/x', 'libs/y']) });
      await expect(plannedCells(unlike, { folder: 'libs/y' })).rejects.toMatchObject({
        code: 'config-invalid',
        message: expect.stringMatching(/packages\/a.*packages\/b/),
      });
    },
  },
  {
    ...neighbour,
    kind: 'first-configuration',
    example: 'configurations with a job each move, or one is split, and the change adds a file for each',
    before: 'the cells of the other files are missing, exit 1',
    now: 'each guards what it lists; what none of them lists is missing',
    check: async () => {
      const [fast, slow] = [configured([measured('fast')]), configured([measured('slow')])];
      const moved = changed(
        { 'fast.yml': fast, 'slow.yml': slow },
        { 'fast.yml': null, 'slow.yml': null, 'ci/fast.yml': fast, 'ci/slow.yml': slow },
      );
      expect(await plannedCells(moved, { config: 'ci/fast.yml' })).toMatchObject({ cells: [`fast both`] });
      expect(await plannedCells(moved, { config: 'ci/slow.yml' })).toMatchObject({ cells: [`slow both`] });
      const all = configured(['fast', 'slow', 'lost'].map((id) => measured(id)));
      const split = changed({ 'all.yml': all }, { 'all.yml': null, 'fast.yml': fast, 'slow.yml': slow });
      expect(await plannedCells(split, { config: 'fast.yml' })).toMatchObject({ cells: [`fast both`, `lost removed`] });
    },
  },
  {
    ...neighbour,
    kind: 'what-is-run',
    example: 'a change gives a metric another unit or direction, in the program and in the configuration',
    before: 'improved: 100 bytes → 90 kB',
    now: 'error, config-invalid; a new unit beside an equal program is no error',
    check: async () => {
      const head = async (entry: string, of = bytes) =>
        plannedCells(changed({ [usual]: configured([of]) }, { [usual]: configured([entry]) }));
      await expect(head(kilobytes, measured('engine'))).rejects.toMatchObject({
        code: 'config-invalid',
        message: expect.stringContaining('Expected size in bytes (lower is better), as base has it, got kB (lower is better)'),
      });
      await expect(head(bytes.replace('lower', 'higher'), measured('engine'))).rejects.toMatchObject({ code: 'config-invalid' });
      expect((await head(kilobytes)).cells).toEqual([`engine both`]);
      expect((await head(bytes, measured('engine'))).cells).toEqual([`engine both`]);
      const renamed = await head(kilobytes.replace('id: engine', 'id: motor'), measured('engine', { inputs: 'engine/**' }));
      expect(renamed.cells).toEqual([`motor new`, `engine removed`]);
    },
  },
  {
    ...neighbour,
    kind: 'first-configuration',
    example: 'two projects of a monorepo have cells of one name, and a regression of one of them is accepted',
    before: 'that of the other passes, too',
    now: 'each project has acceptances of its own, which move with it',
    check: async () => {
      const accepted = (bound: number): string => {
        const entry = { cell: `engine`, metric: 'size', bound, expires: '2030-01-01', reason: 'larger' };
        return JSON.stringify({ schema: 'optimization-gate/accepted/1', accepted: [entry] });
      };
      const [from, to] = ['packages/a/baselines/accepted.json', 'libs/a/baselines/accepted.json'];
      const scratch = changed({ [from]: accepted(2) }, { [from]: null, [to]: accepted(2) });
      const repository = await openRepository(scratch.folder, { environment, temporary });
      const commits = { base: scratch.git('rev-parse', 'HEAD~1'), head: scratch.git('rev-parse', 'HEAD') };
      expect(await acceptancesAt(repository, commits.base, 'packages/a')).toMatchObject({
        file: { entries: [{ acceptance: { bound: 2 } }] },
      });
      expect(await acceptancesAt(repository, commits.base, 'packages/b')).toEqual({ file: { entries: [], flaws: [] }, warnings: [] });
      expect(await acceptancesAt(repository, commits.base, '')).toEqual({ file: { entries: [], flaws: [] }, warnings: [] });
      expect(await baselineEdits(repository, commits, { base: 'packages/a', head: 'libs/a' })).toEqual([]);
      expect(await baselineEdits(repository, commits, { base: 'libs/a', head: 'libs/a' })).toEqual([
        expect.stringContaining(`${to} was added`),
      ]);
    },
  },
];
