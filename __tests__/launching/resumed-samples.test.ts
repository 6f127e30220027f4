import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { WorkflowCache } from '../../src/host/contract.ts';
import { keepSamples, resumeSamples } from '../../src/launching/resumed-samples.ts';
import { digestOf } from '../../src/records/decode.ts';
import type { SampleLine } from '../../src/records/sample.ts';
import type { CommandContext } from '../../src/run/context.ts';
import { readRunSamples, recordSamples, runFolderAt } from '../../src/run/run-folder.ts';
import { cell, planOf } from '../gate/fixtures.ts';
import { testFolder } from '../testkit/folder.ts';

const plan = planOf([cell('mini/pruning')]);
const digest = 'a'.repeat(64);
const resumption = { plan, digest, runnerClass: 'class-1' };
const run = (environment: string): SampleLine => ({
  line: 'run',
  schema: 'optimization-gate/samples/1',
  plan: digest,
  at: '2026-06-01T10:00:00.000Z',
  runnerClass: 'class-1',
  environment,
});

/** A cache of one runner: each entry is the one file that was saved. */
const cacheOf = (entries: Map<string, string>, said: string[]): WorkflowCache => ({
  restore: async (prefixes, folder) => {
    const [key, text] = [...entries].findLast(([name]) => prefixes.some((each) => name.startsWith(each))) ?? [];
    if (key === undefined || text === undefined) return { status: 'nothing' };
    // An entry may hold a link, where it should hold the file.
    if (text.startsWith('/')) symlinkSync(text, join(folder, 'samples.jsonl'));
    else writeFileSync(join(folder, 'samples.jsonl'), text);
    return { status: 'restored', key };
  },
  save: async (key, folder) => {
    entries.set(key, readFileSync(join(folder, 'samples.jsonl'), 'utf8'));
    return 'saved';
  },
  warn: (text) => void said.push(text),
});

const contextOf = (kind: 'developer' | 'change', entries = new Map<string, string>(), said: string[] = []): CommandContext =>
  ({
    options: { event: 'auto', cache: true },
    host: {
      event: { kind },
      cache: cacheOf(entries, said),
      log: { info: (text: string) => said.push(text), warn: (text: string) => said.push(text) },
    },
  }) as unknown as CommandContext;

const environmentIn = (folder: ReturnType<typeof runFolderAt>) => readRunSamples(folder, plan, digest).samples.environment;

describe('samples that are resumed', () => {
  it('are a developer’s own, as they lie there, and none that lie there for a host', async () => {
    const folder = testFolder();
    recordSamples(runFolderAt(folder), [run('left')]);
    const own = runFolderAt(folder);
    await resumeSamples(contextOf('developer'), own, resumption);
    expect(environmentIn(own)).toBe('left');
    const hosted = runFolderAt(folder);
    await resumeSamples(contextOf('change'), hosted, resumption);
    expect(environmentIn(hosted)).toBeNull();
    expect([existsSync(join(folder, 'samples.jsonl')), existsSync(join(folder, 'samples.previous.jsonl'))]).toEqual([false, true]);
  });

  it('are not spoken of where nothing was measured', async () => {
    const folder = testFolder();
    const said: string[] = [];
    recordSamples(runFolderAt(folder), [run('left')]);
    await resumeSamples(contextOf('developer', new Map(), said), runFolderAt(folder), resumption);
    expect(said).toEqual([]);
  });

  it('are those that an earlier run of the plan saved, of this class of runner, whatever lies there', async () => {
    const entries = new Map<string, string>();
    const earlier = runFolderAt(testFolder());
    recordSamples(earlier, [run('honest')]);
    await keepSamples(contextOf('change', entries), earlier, resumption);
    expect([...entries.keys()]).toEqual([expect.stringMatching(/^optimization-gate-samples-[0-9a-f]{64}-[0-9a-f]{64}$/)]);
    const folder = testFolder();
    recordSamples(runFolderAt(folder), [run('left')]);
    const later = runFolderAt(folder);
    await resumeSamples(contextOf('change', entries), later, resumption);
    expect(environmentIn(later)).toBe('honest');
    for (const other of [
      { ...resumption, runnerClass: 'class-2' },
      { ...resumption, digest: 'b'.repeat(64) },
    ]) {
      const empty = runFolderAt(testFolder());
      await resumeSamples(contextOf('change', entries), empty, other);
      expect(existsSync(empty.samplesFile)).toBe(false);
    }
  });

  it('are none where the entry cannot be read, and it is said', async () => {
    const entries = new Map<string, string>();
    const earlier = runFolderAt(testFolder());
    recordSamples(earlier, [run('honest')]);
    await keepSamples(contextOf('change', entries), earlier, resumption);
    const [[key, honest] = ['', '']] = entries;
    const forged = honest.replace('honest', 'forged');
    const broken = 'broken\n';
    const brokenKey = key.replace(/[0-9a-f]+$/, digestOf(broken));
    for (const [name, text, says] of [
      [key, forged, /not used \(document-invalid\)\. .* those that the key/],
      [brokenKey, broken, /not used \(document-invalid\)\. The samples were read\. /],
      [key, earlier.samplesFile, /not used \(document-invalid\)\. .* those that the key/],
    ] as const) {
      const said: string[] = [];
      const later = runFolderAt(testFolder());
      await resumeSamples(contextOf('change', new Map([[name, text]]), said), later, resumption);
      expect(environmentIn(later)).toBeNull();
      expect(said).toEqual([expect.stringMatching(says)]);
    }
  });

  it('are kept by no developer, and not where nothing was measured', async () => {
    const entries = new Map<string, string>();
    const folder = runFolderAt(testFolder());
    await keepSamples(contextOf('change', entries), folder, resumption);
    recordSamples(folder, [run('own')]);
    await keepSamples(contextOf('developer', entries), folder, resumption);
    expect(entries.size).toBe(0);
    rmSync(folder.folder, { recursive: true });
  });
});
