import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openRecordBook, type RecordBook } from '../../src/store/record-book.ts';
import { cachedParts, digestOfCached, digestOfRecords, type RecordPart, recordFolder } from '../../src/store/record-files.ts';
import { testFolder } from '../testkit/folder.ts';

const schema = z.strictObject({ artefact: z.string(), seconds: z.number() });
const digest = (letter: string): string => letter.repeat(64);
const fileOf = (root: string, part: RecordPart, kind = 'build', key = digest('a')): string =>
  join(recordFolder(root, part), kind, `${key}.json`);
const local = { reads: ['local'], writes: 'local' } as const;
const change = { reads: ['default-branch', 'changes'], writes: 'changes' } as const;
const branch = { reads: ['default-branch'], writes: 'default-branch' } as const;
const value = (artefact: string): { readonly artefact: string; readonly seconds: number } => ({ artefact, seconds: 1 });

const digestHeld = (book: RecordBook): string => digestOfRecords(cachedParts.flatMap((part) => [...book.held(part).values()]));

describe('records', () => {
  it('are read back by kind and key, by this book and the next', async () => {
    const root = testFolder();
    const book = await openRecordBook(root, local);
    expect(book.read('build', digest('a'), schema)).toBeNull();
    await book.write('build', digest('a'), value('x'));
    await book.write('build', digest('a'), value('y'));
    for (const each of [book, await openRecordBook(root, local)]) {
      expect(each.read('build', digest('a'), schema)).toEqual(value('y'));
      expect(each.read('evaluation', digest('a'), schema)).toBeNull();
      expect(each.read('build', digest('a'), z.string())).toBeNull();
      expect(each.all('build', schema)).toEqual([value('y')]);
    }
    await expect(book.write('../x', digest('a'), null)).rejects.toMatchObject({ code: 'internal' });
    await expect(book.write('build', '../x', null)).rejects.toMatchObject({ code: 'internal' });
  });

  it('that were evicted are given up', async () => {
    const root = testFolder();
    const book = await openRecordBook(root, change);
    const empty = digestHeld(book);
    await book.write('build', digest('a'), value('x'));
    expect(digestHeld(book)).not.toBe(empty);
    book.forget([{ kind: 'build', key: digest('a') }]);
    expect([digestHeld(book), book.read('build', digest('a'), schema)]).toEqual([empty, null]);
  });

  it('that are damaged, a link, or belong to another key or kind, count as absent', async () => {
    const root = testFolder();
    const path = fileOf(root, 'local');
    mkdirSync(join(path, '..'), { recursive: true });
    const whole = { kind: 'build', key: digest('a'), value: value('x') };
    for (const text of ['{"key":', JSON.stringify({ ...whole, key: digest('b') }), JSON.stringify({ ...whole, kind: 'seen' })]) {
      writeFileSync(path, text);
      expect((await openRecordBook(root, local)).read('build', digest('a'), schema)).toBeNull();
    }
    writeFileSync(path, JSON.stringify(whole));
    expect((await openRecordBook(root, local)).read('build', digest('a'), schema)).toEqual(value('x'));
    const elsewhere = join(testFolder(), 'record.json');
    writeFileSync(elsewhere, JSON.stringify(whole));
    rmSync(path);
    symlinkSync(elsewhere, path);
    expect((await openRecordBook(root, local)).read('build', digest('a'), schema)).toBeNull();
  });

  it('of a change are read by changes only, and those of the default branch come first', async () => {
    const root = testFolder();
    await (await openRecordBook(root, change)).write('build', digest('a'), value('of a change'));
    await (await openRecordBook(root, local)).write('build', digest('a'), value('of a developer'));
    expect((await openRecordBook(root, branch)).read('build', digest('a'), schema)).toBeNull();
    expect((await openRecordBook(root, change)).read('build', digest('a'), schema)).toEqual(value('of a change'));
    await (await openRecordBook(root, branch)).write('build', digest('a'), value('of the branch'));
    expect((await openRecordBook(root, change)).read('build', digest('a'), schema)).toEqual(value('of the branch'));
    expect((await openRecordBook(root, local)).read('build', digest('a'), schema)).toEqual(value('of a developer'));
  });

  it('that are written beside an open book are not read, and are gone once it is restored', async () => {
    const root = testFolder();
    const book = await openRecordBook(root, change);
    await book.write('build', digest('a'), value('mine'));
    for (const part of ['changes', 'default-branch'] as const) {
      mkdirSync(join(recordFolder(root, part), 'build'), { recursive: true });
      for (const key of [digest('a'), digest('b')])
        writeFileSync(fileOf(root, part, 'build', key), JSON.stringify({ kind: 'build', key, value: value('forged') }));
    }
    expect([book.read('build', digest('a'), schema), book.read('build', digest('b'), schema)]).toEqual([value('mine'), null]);
    expect([...book.held('changes').keys(), ...book.held('default-branch').keys()]).toEqual([`records/changes/build/${digest('a')}.json`]);
    const digestBefore = digestHeld(book);
    await book.restore();
    expect([digestHeld(book), await digestOfCached(root)]).toEqual([digestBefore, digestBefore]);
    expect(existsSync(recordFolder(root, 'default-branch'))).toBe(false);
    expect(readdirSync(join(recordFolder(root, 'changes'), 'build'))).toEqual([`${digest('a')}.json`]);
    expect((await openRecordBook(root, change)).read('build', digest('a'), schema)).toEqual(value('mine'));
  });
});
