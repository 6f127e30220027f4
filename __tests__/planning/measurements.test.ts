import { describe, expect, it } from 'vitest';
import { diffPolicy } from '../../src/config/policy.ts';
import { parseConfig } from '../testkit/config.ts';
import { changed, configured, configuredModel, measured } from '../testkit/configured.ts';
import { plannedCells } from '../testkit/planned-cells.ts';

const usual = 'optimization-gate.yml';
const other = 'mini-qwen3-moe';
const program = { 'engine.py': 'print(1)' };
const on = (text: string, ...models: readonly string[]): string => text.replace(`[${configuredModel}]`, `[${models.join(', ')}]`);
const plain = configured([measured('engine')], 'gate: { tolerance: { size: 3% } }\n');
const naming = plain.replace('python3 engine.py', '"python3 engine.py {model}"');
const ids = async (base: string, head: string | null): Promise<readonly string[]> =>
  (await plannedCells(changed({ [usual]: base, ...program }, { [usual]: head, 'engine.py': 'print(2)' }))).cells;

describe('an external measurement whose command names no model', () => {
  it('is one cell, called by its own name, however many models there are', async () => {
    const two = on(plain, configuredModel, other);
    expect(await ids(two, two)).toEqual(['engine both']);
    const selected = changed({ [usual]: two, ...program }, { 'engine.py': 'print(2)' });
    const { cells, tolerances, warnings } = await plannedCells(selected, { models: [other] });
    expect({ cells, tolerances, warnings }).toEqual({ cells: ['engine both'], tolerances: { 'engine size': 0.03 }, warnings: [] });
  });

  it('loses nothing with a model that is removed', () => {
    const [both, one] = [on(plain, configuredModel, other), plain].map((text) => parseConfig(text, usual));
    const [named, fewer] = [on(naming, configuredModel, other), naming].map((text) => parseConfig(text, usual));
    if (both === undefined || one === undefined || named === undefined || fewer === undefined) throw new Error('no configuration');
    expect(diffPolicy(both, one)).toEqual([]);
    expect(diffPolicy(named, fewer)).toEqual([expect.stringMatching(/^model mini-qwen3-moe was removed/)]);
  });

  it('stands beside the cells of models', async () => {
    const mixed = on(configured(['{ id: structured-pruning }', measured('engine')]), configuredModel, other);
    expect(await ids(mixed, mixed)).toEqual([
      `${configuredModel}/structured-pruning both`,
      `${other}/structured-pruning both`,
      'engine both',
    ]);
  });

  it('is lost or renamed under its own name', async () => {
    const renamed = plain.replace('id: engine', 'id: motor');
    expect(await ids(plain, renamed)).toEqual(['motor both from engine']);
    expect(await ids(configured([measured('engine'), measured('more')]), configured([measured('more')]))).toEqual([
      'more both',
      'engine removed',
    ]);
  });
});

describe('one whose command names a model', () => {
  it('is a cell of each model', async () => {
    const two = on(naming, configuredModel, other);
    expect(await ids(two, two)).toEqual([`${configuredModel}/engine both`, `${other}/engine both`]);
    const folder = two.replace('{model}', '{model-folder}');
    expect(await ids(folder, folder)).toHaveLength(2);
  });

  it('loses nothing where one side begins or ends to name it: both are run for each model', async () => {
    expect(await ids(plain, naming)).toEqual([`${configuredModel}/engine both from engine`]);
    expect(await ids(naming, plain)).toEqual([`${configuredModel}/engine both`]);
  });

  it('is run on the models that the side lists which names one', async () => {
    const unlisted = plain.replace(/^models.*\n/, '');
    expect(await ids(unlisted, naming)).toEqual([`${configuredModel}/engine both from engine`]);
    expect(await ids(naming, unlisted)).toEqual([`${configuredModel}/engine both`]);
  });

  it('is missing where base names none, and none of the models is selected that head lists', async () => {
    const base = on(plain, configuredModel, other);
    const moved = changed({ [usual]: base, ...program }, { [usual]: naming });
    expect((await plannedCells(moved, { models: [other] })).cells).toEqual(['engine removed']);
    expect((await plannedCells(moved, { models: [configuredModel] })).cells).toEqual([`${configuredModel}/engine both from engine`]);
  });

  it('is judged by what base says of the cell under the name that base has', async () => {
    const named = plain.replace('size: 3%', 'engine/size: 3%');
    const scratch = changed({ [usual]: named, ...program }, { [usual]: named.replace('python3 engine.py', '"python3 engine.py {model}"') });
    expect(named).not.toBe(plain);
    expect((await plannedCells(scratch)).tolerances).toEqual({ [`${configuredModel}/engine size`]: 0.03 });
  });
});
