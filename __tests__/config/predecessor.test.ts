import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { type Former, predecessorOf, withTakenOver } from '../../src/config/predecessor.ts';
import { renamedEntries } from '../../src/config/renamed.ts';
import { findUsableConfig, parseConfig } from '../testkit/config.ts';
import { configured, measured } from '../testkit/configured.ts';

const config = (...ids: readonly string[]): Config => parseConfig(configured(ids.map((id) => measured(id))), 'gate.yml');
const idsOf = (found: { readonly config: Config } | null) => found?.config.optimizations.map(({ id }) => id) ?? null;
const former = (path: string, ids: readonly string[], stays: readonly string[] | null = null): Former => ({
  path,
  folder: posix.dirname(path),
  text: ids.join(),
  config: config(...ids),
  stays: stays === null ? null : config(...stays),
});
const head = (...ids: readonly string[]) => ({ path: 'gate.yml', text: ids.join(), config: config(...ids) });

describe('the predecessor', () => {
  it('is a removed file before one that stays, then the one of equal text, of most cells, of the usual name', () => {
    const of = (...formers: readonly Former[]) => predecessorOf(formers, head('a', 'b'), 'usual.yml')?.former.path;
    expect(of(former('stays.yml', ['a', 'b'], ['a', 'b']), former('removed.yml', ['c']))).toBe('removed.yml');
    expect(of(former('usual.yml', ['a', 'b', 'c']), former('same.yml', ['a', 'b']))).toBe('same.yml');
    expect(of(former('usual.yml', ['a']), former('most.yml', ['a', 'b', 'c']))).toBe('most.yml');
    expect(of(former('another.yml', ['a']), former('usual.yml', ['a', 'c']))).toBe('usual.yml');
    const moved = { ...head('a', 'b'), path: 'libs/b/gate.yml' };
    const two = [former('packages/a/gate.yml', ['a', 'b', 'c']), former('packages/b/gate.yml', ['a'])];
    expect(predecessorOf(two, moved, '')?.former.path).toBe('packages/b/gate.yml');
    const [none, copied] = [former('first.yml', ['x'], ['x']), former('last.yml', ['y'], ['y'])];
    const renamed = {
      path: 'new.yml',
      text: '',
      config: parseConfig(configured([measured('z', { program: 'y', inputs: 'y/**' })]), 'new.yml'),
    };
    expect(predecessorOf([none, copied], renamed, '')?.former.path).toBe('last.yml');
    expect(of()).toBeUndefined();
  });

  it('of a file that stays is held to what head lists, and to what the file lists no more', () => {
    const of = (stays: readonly string[], ...ids: readonly string[]) =>
      idsOf(predecessorOf([former('x.yml', ['a', 'b', 'c'], stays)], head(...ids), ''));
    expect(of(['a', 'b', 'c'], 'b', 'd')).toEqual(['b']);
    expect(of(['a', 'b'], 'b', 'd')).toEqual(['b', 'c']);
    expect(of(['a', 'b', 'c'], 'd')).toBeNull();
  });

  it('leaves out what another file lists that head added, where that is a cell of it', () => {
    const of = (ids: readonly string[], ...added: readonly Config[]) =>
      idsOf(predecessorOf([former('x.yml', ['a', 'b', 'c'])], head(...ids), '', added));
    expect(of(['a'], config('b'))).toEqual(['a', 'c']);
    expect(of(['a'], config('b', 'c'))).toEqual(['a']);
    expect(of(['d'], config('a', 'b', 'c'))).toBeNull();
    const elsewhere: Config = { ...config('b', 'c'), models: [{ kind: 'id', id: 'another' }] };
    expect(of(['a'], elsewhere)).toEqual(['a']);
    const modelled = (given: Config): Config => ({
      ...given,
      optimizations: given.optimizations.map((entry) => ({ ...entry, like: 'model' })),
    });
    const x = { ...former('x.yml', ['a']), config: modelled(config('a', 'b', 'c')) };
    const onModels = predecessorOf([x], { ...head('a'), config: modelled(config('a')) }, '', [modelled(elsewhere)]);
    expect(idsOf(onModels)).toEqual(['a', 'b', 'c']);
  });

  it('names a file of another folder that is just as likely', () => {
    const of = (...formers: readonly Former[]) => predecessorOf(formers, { ...head('a'), path: 'new/gate.yml' }, '')?.alike;
    expect(of(former('one/gate.yml', ['a', 'x']), former('other/gate.yml', ['a', 'y']))).toBe('other/gate.yml');
    expect(of(former('one/gate.yml', ['a', 'x']), former('other/gate.yml', ['b']))).toBeNull();
    expect(of(former('one.yml', ['a', 'x']), former('other.yml', ['a', 'y']))).toBeNull();
  });

  it('compares nothing with an entry that another project has by the same name, and loses none', () => {
    const two = [former('a/gate.yml', ['x', 'y', 'z']), former('b/gate.yml', ['x'])];
    expect(idsOf(predecessorOf(two, { ...head('x'), path: 'libs/b/gate.yml' }, ''))).toEqual(['x', 'y', 'z']);
    const apart = { ...config('x', 'y'), optimizations: config('x', 'y').optimizations.map((entry) => ({ ...entry, inputs: ['b/**'] })) };
    expect(idsOf(predecessorOf(two, { text: '', config: apart, path: 'libs/b/gate.yml' }, ''))).toEqual(['x', 'z']);
  });

  it('loses no entry of any file that head removed, whatever else there is', () => {
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 });
    const some = fc.array(fc.record({ ids: names, stays: fc.option(names) }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(some, names, (files, ids) => {
        const formers = files.map(({ ids: of, stays }, at) => former(`${at}.yml`, of, stays));
        const found = idsOf(predecessorOf(formers, head(...ids), 'usual.yml')) ?? [];
        const removed = files.filter(({ stays }) => stays === null).flatMap(({ ids: of }) => of);
        const known: readonly string[] = files.flatMap(({ ids: of }) => of);
        return removed.every((id) => found.includes(id)) && new Set(found).size === found.length && found.every((id) => known.includes(id));
      }),
    );
  });

  it('takes over entries with the tolerances of their own file', () => {
    const other = parseConfig(configured([measured('b'), measured('c')], 'gate: { tolerance: { size: 5% } }\n'), 'b.yml');
    const joined = withTakenOver(config('a'), [other], config('a', 'b'));
    expect(joined.optimizations.map(({ id, bounds }) => [id, bounds?.tolerance['size']?.value])).toEqual([
      ['a', undefined],
      ['b', 0.05],
    ]);
  });
});

describe('renamed entries', () => {
  const list = fc.uniqueArray(
    fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd'), program: fc.constantFrom('x', 'y'), inputs: fc.constantFrom('one/**', 'two/**') }),
    { minLength: 1, selector: ({ id }) => id },
  );
  const of = (entries: readonly { readonly id: string; readonly program: string; readonly inputs: string }[]): Config =>
    parseConfig(configured(entries.map(({ id, ...fields }) => measured(id, fields))), 'gate.yml');

  it('are pairs of names of which each side has one and the other not, each once, with equal inputs', () => {
    fc.assert(
      fc.property(list, list, (before, after) => {
        const renamed = [...renamedEntries(of(before), of(after))];
        const lost = renamed.map(([, was]) => was);
        return (
          new Set(lost).size === lost.length &&
          renamed.every(([now, was]) => {
            const [one, other] = [after.find(({ id }) => id === now), before.find(({ id }) => id === was)];
            const alone = !before.some(({ id }) => id === now) && !after.some(({ id }) => id === was);
            return alone && one !== undefined && one.inputs === other?.inputs;
          })
        );
      }),
    );
  });

  it('do not depend on the order of entries', () => {
    fc.assert(
      fc.property(list, list, (before, after) => {
        const one = new Map([...renamedEntries(of(before), of(after))].sort());
        const other = new Map([...renamedEntries(of(before.toReversed()), of(after.toReversed()))].sort());
        expect(one).toEqual(other);
      }),
    );
  });
});

describe('findUsableConfig', () => {
  it.each([
    ['with a byte order mark and Windows line ends', `\uFEFF${configured([measured('a')]).replaceAll('\n', '\r\n')}`, 'a'],
    ['in JSON', JSON.stringify({ optimizations: [{ id: 'a', like: 'model', module: 'm.js' }] }), 'a'],
    ['of models alone', 'models: [mini-qwen3-dense]\n', 'structured-pruning'],
  ])('finds a configuration %s', (_what, text, first) => {
    expect(findUsableConfig(text, 'x')?.config.optimizations[0]?.id).toBe(first);
  });

  it.each([
    ['nothing', ''],
    ['comments', '# optimizations\n'],
    ['a workflow', 'on: push\njobs: {}\n'],
    ['other keys beside its own', 'version: 2\nmodels: [{ name: x }]\n'],
    ['prose', 'The gate: it reads\na file.'],
    ['bytes', '\0\0gate:\0'],
  ])('finds none in %s', (_what, text) => {
    expect(findUsableConfig(text, 'x')).toBeNull();
  });

  it('throws what is wrong with one that lists optimizations', () => {
    expect(() => findUsableConfig('optimizations:\n  - { id: }\n', 'gate.yml of base')).toThrow(
      expect.objectContaining({ where: expect.stringContaining('gate.yml of base:2') }),
    );
  });
});
