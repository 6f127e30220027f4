import { describe, expect, it } from 'vitest';
import { optionsOn } from '../../src/config/option-table.ts';
import { type ErrorCode, errorTable } from '../../src/errors.ts';
import { faultsOfError, faultsOfReason, faultsOfRemedy, type Written, writtenMessages } from './messages.ts';

const all = writtenMessages();
const errors = all.filter(({ code }) => code !== null);
const reasons = all.filter(({ code }) => code === null);
const inputs = optionsOn('action').map(({ outside }) => outside);

const remedyOf = (code: string | null): string => (code !== null && code in errorTable ? errorTable[code as ErrorCode].remedy : '');

const listed = (written: readonly Written[], faultsOf: (each: Written) => readonly string[]): readonly string[] =>
  written.flatMap((each) => faultsOf(each).map((fault) => `${each.place} ${each.code ?? ''}: ${fault}\n    ${each.text}`));

describe('messages', () => {
  it('of every error say what was done to which thing and what is wrong, in sentences that are read once', () => {
    expect(listed(errors, (each) => faultsOfError(each, remedyOf(each.code)))).toEqual([]);
  });

  it('of every reason, warning and line of the log are read once', () => {
    expect(listed(reasons, faultsOfReason)).toEqual([]);
  });

  it('have a remedy that says what to do, by the inputs of the action', () => {
    expect(
      Object.entries(errorTable).flatMap(([code, { remedy }]) => faultsOfRemedy(remedy, inputs).map((fault) => `${code}: ${fault}`)),
    ).toEqual([]);
  });

  it('are found for every code, and for reasons of every folder that gives them', () => {
    const found = new Set(errors.map(({ code }) => code));
    // Chosen by whose process it is.
    const chosen: readonly string[] = ['launch-crashed', 'launch-timeout', 'launch-memory'];
    expect(Object.keys(errorTable).filter((code) => !found.has(code) && !chosen.includes(code))).toEqual([]);
    expect(errors.length).toBeGreaterThan(380);
    for (const folder of ['gate', 'worker', 'optimizations', 'commands', 'host'])
      expect(reasons.filter(({ place }) => place.startsWith(`src/${folder}/`)).length, folder).toBeGreaterThan(3);
  });
});

describe('a bad message', () => {
  const error = (text: string, placed = true, code = 'config-invalid'): Written => ({ place: 'src/x.ts:1', code, text, placed });
  const many = Array.from({ length: 26 }, (_, at) => `word${at}`).join(' ');
  it.each([
    ['begins like no sentence', error('is a symbolic link.')],
    ['ends like no sentence', error('The file was read. It is a link')],
    ['ends like no sentence', error('The file was read. It is a link..')],
    ['does not say what was being done, nor where', error('Expected a file, found none.', false)],
    ['27 words', error(`The ${many.slice(6)} end.`)],
    ['a word of ours: arm', error('The arm was read. It is not there.')],
    ['a word of ours: cell', error('The cell was read. It is not there.')],
    ['says twice', error('The store was full. Free space on the disk that is full.')],
  ])('is seen: %s', (fault, written) => {
    const remedy = 'Free space on the disk that is full.';
    expect(faultsOfError(written, remedy).join()).toContain(fault);
  });

  it('is none where it is as it should be', () => {
    expect(faultsOfError(error('The file was read. Expected text, got: ‹x›', false), 'Correct the file.')).toEqual([]);
    expect(faultsOfReason(error('base and head are identical'))).toEqual([]);
  });

  it.each([
    ['names nothing to do first', 'The file is damaged.'],
    ['ends like no sentence', 'Correct the file'],
    ['--run-dir is no input', 'Use another folder with --run-dir.'],
    ['a word of ours', 'Remove the artefact.'],
  ])('is seen in a remedy: %s', (fault, remedy) => {
    expect(faultsOfRemedy(remedy, inputs).join()).toContain(fault);
  });

  it('is seen among reasons', () => {
    expect(faultsOfReason(error('no samples of arm head')).join()).toContain('a word of ours');
    expect(faultsOfReason(error('It ended. Look at the log')).join()).toContain('no end');
  });
});
