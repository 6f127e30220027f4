import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { type SampleLine, sampleLine } from '../../src/records/sample.ts';
import { checkLine } from '../../src/records/sample-line.ts';
import { appendLines, readSamples } from '../../src/records/samples-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'samples-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const plan = 'a'.repeat(64);
const run: SampleLine = {
  line: 'run',
  schema: 'optimization-gate/samples/1',
  plan,
  at: '2026-06-15T12:00:00.000Z',
  runnerClass: 'class-1',
  environment: { cpu: 'x' },
};
const launchLines = (id: string, status: 'complete' | 'failed' = 'complete', latency: readonly number[] = [1, 2, 3]): SampleLine[] => [
  { line: 'launch', launch: id, cell: 'model/opt', purpose: 'screen', index: 0, selfCheck: false },
  { line: 'point', launch: id, point: 'decode-b1', values: { head: { latency }, base: { latency } }, warnings: [] },
  { line: 'end', launch: id, status, error: null, process: null },
];
const text = (...lines: readonly SampleLine[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

describe('readSamples', () => {
  it('puts launches together', () => {
    const samples = readSamples(text(run, ...launchLines('l1')));
    expect(samples).toMatchObject({ plan, runnerClass: 'class-1', environment: { cpu: 'x' }, stopped: null, warnings: [] });
    expect(samples.launches).toHaveLength(1);
    expect(samples.launches[0]?.points['decode-b1']?.values['head']?.['latency']).toEqual([1, 2, 3]);
  });

  it('reads any prefix of a file without an error, and never a launch that is not whole', () => {
    const whole = text(run, ...launchLines('l1'), ...launchLines('l2', 'complete', [4]), { line: 'stopped', reason: 'budget' });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length }), (cut) => {
        const samples = readSamples(whole.slice(0, cut));
        const ends = whole
          .slice(0, cut)
          .split('\n')
          .slice(0, -1)
          .filter((line) => line.includes('"end"')).length;
        expect(samples.launches).toHaveLength(ends);
        expect(samples.launches.every((launch) => launch.points['decode-b1'] !== undefined)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('warns about what it dropped', () => {
    const torn = readSamples(`${text(run, ...launchLines('l1').slice(0, 2))}{"line":"end","laun`);
    expect(torn.launches).toEqual([]);
    expect(torn.warnings).toEqual([
      'The last line of the samples (samples.jsonl:4) was not written to its end, and does not count.',
      'Launch l1 has no end in the samples (samples.jsonl), and does not count.',
    ]);
  });

  it.each([
    ['a broken line in the middle', `${text(run)}{"line":\n${text(...launchLines('l1'))}`, 'samples.jsonl:2'],
    ['a broken last line that has its newline', `${text(run)}{"line":\n`, 'samples.jsonl:2'],
    ['no run line', text(...launchLines('l1')), 'samples.jsonl:1'],
    ['a point without a launch', text(run, ...launchLines('l1').slice(1)), 'samples.jsonl:2'],
    ['an unknown kind of line', `${text(run)}{"line":"other"}\n`, 'samples.jsonl:2'],
    ['an infinite number', text(run, ...launchLines('l1')).replace('[1,2,3]', '[1,1e999,3]'), 'samples.jsonl:3'],
    ['a null among numbers', text(run, ...launchLines('l1')).replace('[1,2,3]', '[1,null,3]'), 'samples.jsonl:3'],
    ['an unknown arm', text(run, ...launchLines('l1')).replace('"head"', '"other"'), 'samples.jsonl:3'],
    ['a prototype key', text(run, ...launchLines('l1')).replace('"head"', '"__proto__"'), 'samples.jsonl:3'],
    ['an extra key', text(run, ...launchLines('l1')).replace('"warnings":[]', '"warnings":[],"x":1'), 'samples.jsonl:3'],
  ])('refuses %s with the line number', (_, content, where) => {
    expect(() => readSamples(content)).toThrow(expect.objectContaining({ code: 'document-invalid', where }));
  });

  it('reads bytes as it reads text, in any language', () => {
    const lines = [run, ...launchLines('l1'), ...launchLines('Größe 漢字')];
    for (const content of [text(...lines), text(...lines.slice(0, 4)), `${text(...lines)}{"torn`])
      expect(readSamples(Buffer.from(content))).toEqual(readSamples(content));
  });

  it('checks by hand what the schema would: never more, never less', () => {
    const facts = { seconds: 1, vmHwmBytes: null, cpuSeconds: null, runNs: null, waitNs: null, pressure: null, throttled: null };
    const good = [...launchLines('l1'), { line: 'end', launch: 'l1', status: 'complete', error: null, process: facts }];
    const odd = fc.constantFrom<unknown>(
      null,
      -1,
      1.5,
      1e300,
      '',
      'x',
      'a/b',
      [],
      ['x'],
      [1],
      {},
      true,
      'none',
      'screen',
      'failed',
      facts,
      { ...facts, seconds: -1 },
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...good),
        fc.string(),
        fc.nat(),
        odd,
        fc.constantFrom('change', 'add', 'drop'),
        (line, name, at, value, how) => {
          const entries = Object.entries(line);
          const [key] = entries[at % entries.length] ?? [''];
          if (key === 'line' || key === 'values') return;
          const edited: unknown = JSON.parse(
            JSON.stringify(
              Object.fromEntries([
                ...entries.filter(([each]) => how !== 'drop' || each !== key),
                ...(how === 'drop' ? [] : [[how === 'add' ? name : key, value]]),
              ]),
            ),
          );
          let accepted = true;
          try {
            checkLine(edited, 'here');
          } catch {
            accepted = false;
          }
          expect(accepted).toBe(sampleLine.safeParse(edited).success);
        },
      ),
      { numRuns: 1500 },
    );
  });

  describe('a second version', () => {
    const refused = (...lines: readonly SampleLine[]): string | null => {
      try {
        readSamples(text(...lines));
        return null;
      } catch (thrown) {
        return thrown instanceof GateError ? `${thrown.code} ${thrown.where}: ${thrown.message}` : String(thrown);
      }
    };
    const build = (fields: Partial<Extract<SampleLine, { line: 'built' }>> = {}): SampleLine => ({
      line: 'built',
      key: plan,
      status: 'built',
      artefact: plan,
      bytes: 1,
      seconds: 1,
      repeatSeconds: null,
      facts: {},
      error: null,
      ...fields,
    });
    const settle = (status: 'changed' | 'unchanged'): SampleLine => ({
      line: 'settled',
      cell: 'model/opt',
      status,
      arms: {},
      error: null,
      warnings: [],
    });
    const error = { code: 'subject-crashed', message: 'it ended', arm: 'head' as const };
    const failed = (starting: boolean, id = 'l1'): SampleLine[] => {
      const [start] = launchLines(id) as [SampleLine];
      return [start, { line: 'end', launch: id, status: 'failed', error: starting ? { ...error, starting } : error, process: null }];
    };
    const failedBuild = (code: string, starting = false): SampleLine =>
      build({ status: 'failed', artefact: null, error: { ...error, code, ...(starting ? { starting } : {}) } });

    it('of the same content is no contradiction', () => {
      const lines = [build(), settle('changed'), settle('changed'), ...launchLines('l1'), ...launchLines('l1')];
      expect(readSamples(text(run, build(), ...lines)).launches).toHaveLength(1);
    });

    it.each([
      [
        'numbers of a launch',
        [...launchLines('l1'), ...launchLines('l1', 'complete', [7])],
        /samples\.jsonl:7: .*launch l1 .* samples\.jsonl:4/,
      ],
      ['a launch that failed', [...failed(false), ...launchLines('l1')], /launch l1/],
      ['a third attempt', [...failed(true), ...launchLines('l1'), ...launchLines('l1', 'complete', [7])], /launch l1/],
      ['a launch that ended well', [...launchLines('l1'), ...failed(true)], /launch l1/],
      ['a launch in a later part', [...launchLines('l1'), run, ...launchLines('l1', 'complete', [7])], /launch l1/],
      ['a start within a launch', [...launchLines('l1').slice(0, 2), ...launchLines('l1')], /begins again/],
      ['a digest', [build(), build({ artefact: 'b'.repeat(64) })], /build aaaaaaaaaaaa .* samples\.jsonl:2/],
      ['a digest in a later part', [build(), run, build({ artefact: 'b'.repeat(64) })], /build aaaaaaaaaaaa/],
      ['a build in a later part', [build(), run, failedBuild('build-failed')], /build aaaaaaaaaaaa/],
      ['a build that failed', [failedBuild('build-failed'), build()], /build aaaaaaaaaaaa/],
      ['a build that ended well', [build(), failedBuild('build-failed')], /build aaaaaaaaaaaa/],
      ['a status', [settle('changed'), settle('unchanged')], /settling of model\/opt/],
      ['a status after launches', [settle('changed'), ...launchLines('l1'), settle('unchanged')], /settling of model\/opt/],
      ['a first status after launches', [...launchLines('l1'), settle('unchanged')], /settled after launches/],
      ['a build after the cells were settled', [settle('changed'), build()], /after the cells were settled/],
      ['a launch after the stop', [{ line: 'stopped', reason: 'budget' }, ...launchLines('l1')], /stopped/],
    ] as const)('%s is refused', (_, lines, says) => {
      const said = refused(run, ...lines);
      expect(said).toMatch(/^samples-contradictory samples\.jsonl:\d+: /);
      expect(said).toMatch(says);
    });

    it('of what could not be started counts', () => {
      const samples = readSamples(text(run, failedBuild('subject-crashed', true), build(), ...failed(true), ...launchLines('l1')));
      expect(samples.built.get(plan)?.status).toBe('built');
      expect(samples.launches.map(({ status }) => status)).toEqual(['complete']);
      expect([...samples.failedStarts]).toEqual([
        [plan, { ...error, starting: true }],
        ['l1', { ...error, starting: true }],
      ]);
    });

    it('in a later part: a cell is settled anew, and a launch without its end is dropped', () => {
      const samples = readSamples(
        text(run, settle('changed'), ...launchLines('l1').slice(0, 2), run, build(), settle('unchanged'), ...launchLines('l1')),
      );
      expect(samples.settled.get('model/opt')?.status).toBe('unchanged');
      expect(samples.settlements.map(({ line, built, where }) => [line.status, built.size, where])).toEqual([
        ['changed', 0, 'samples.jsonl:2'],
        ['unchanged', 1, 'samples.jsonl:7'],
      ]);
      expect(samples.warnings).toEqual(['Launch l1 has no end in the samples (samples.jsonl:5), and does not count.']);
    });
  });

  it('counts the last built and settled line, and forgets an earlier stop after a resumption', () => {
    const built = (status: 'failed' | 'built'): SampleLine => ({
      line: 'built',
      key: plan,
      status,
      artefact: null,
      bytes: null,
      seconds: null,
      repeatSeconds: null,
      facts: {},
      error: null,
    });
    const samples = readSamples(text(run, built('failed'), { line: 'stopped', reason: 'budget' }, run, built('built')));
    expect(samples.built.get(plan)?.status).toBe('built');
    expect(samples.stopped).toBeNull();
  });

  it('reads a run of the largest planned size', () => {
    const rounds = Array.from({ length: 60 }, (_, index) => 3.0001 + index / 7);
    const lines: SampleLine[] = [run];
    for (let launch = 0; launch < 33 * 36; launch += 1) {
      const [start, , end] = launchLines(`launch-${launch}`) as [SampleLine, SampleLine, SampleLine];
      lines.push(
        start,
        ...[1, 2, 3, 4].map(
          (point): SampleLine => ({
            line: 'point',
            launch: `launch-${launch}`,
            point: `p${point}`,
            values: { head: { latency: rounds }, base: { latency: rounds } },
            warnings: [],
          }),
        ),
        end,
      );
    }
    expect(readSamples(text(...lines)).launches).toHaveLength(33 * 36);
  });
});

describe('a resumed file', () => {
  it('joins the parts of one plan and refuses another plan', () => {
    const merged = readSamples(text(run, ...launchLines('l1'), run, ...launchLines('l2'), { line: 'stopped', reason: 'budget' }));
    expect(merged.launches.map((launch) => launch.id)).toEqual(['l1', 'l2']);
    expect(merged.stopped).toBe('budget');
    expect(() => readSamples(text(run, { ...run, plan: 'b'.repeat(64) }))).toThrow(
      expect.objectContaining({ code: 'run-mismatch', where: 'samples.jsonl:2' }),
    );
  });

  it('dates the samples by the first beginning, whatever was resumed later', () => {
    const at = (time: string): SampleLine => ({ ...run, at: time }) as SampleLine;
    const [early, late] = [at('2026-06-14T23:59:59.000Z'), at('2026-06-16T00:00:00.000Z')];
    expect(readSamples(text(early, late)).at).toBe('2026-06-14T23:59:59.000Z');
    expect(readSamples(text(late, early)).at).toBe('2026-06-14T23:59:59.000Z');
    expect(readSamples('').at).toBeNull();
    expect(() => readSamples(text(at('yesterday')))).toThrow(expect.objectContaining({ code: 'document-invalid' }));
  });

  it('forgets what failed before the last run line', () => {
    const build = (key: string, status: 'built' | 'failed'): SampleLine => ({
      line: 'built',
      key: key.repeat(64),
      status,
      artefact: status === 'built' ? key.repeat(64) : null,
      bytes: null,
      seconds: null,
      repeatSeconds: null,
      facts: {},
      error: null,
    });
    const before = [run, build('a', 'failed'), build('b', 'built'), ...launchLines('l1', 'failed'), ...launchLines('l2')];
    const known = (...lines: readonly SampleLine[]) => {
      const { built, launches } = readSamples(text(...lines));
      return [[...built.keys()].map((key) => key.charAt(0)), launches.map(({ id }) => id)];
    };
    expect(known(...before)).toEqual([
      ['a', 'b'],
      ['l1', 'l2'],
    ]);
    expect(known(...before, run)).toEqual([['b'], ['l2']]);
    expect(known(...before, run, build('a', 'failed'), ...launchLines('l1'))).toEqual([
      ['b', 'a'],
      ['l2', 'l1'],
    ]);
  });

  it('claims no runner class when the parts had several', () => {
    const merged = readSamples(text(run, { ...run, runnerClass: 'class-2' }));
    expect(merged.runnerClass).toBeNull();
    expect(merged.warnings).toEqual([
      'The samples were measured on several runner classes, so no stored baseline counts: class-1, class-2.',
    ]);
  });
});

describe('appendLines', () => {
  it('writes what readSamples reads, and cuts off what a killed writer left', () => {
    const path = join(folder, 'torn.jsonl');
    appendLines(path, [run, ...launchLines('l1')]);
    appendFileSync(path, JSON.stringify(launchLines('l2')[0]).slice(0, 20));
    appendLines(path, launchLines('l2'));
    const samples = readSamples(readFileSync(path, 'utf8'));
    expect(samples.launches.map((launch) => launch.id)).toEqual(['l1', 'l2']);
    expect(samples.warnings).toEqual([]);
  });

  it('cuts off a torn line that is all of the file or longer than a read', () => {
    const path = join(folder, 'long.jsonl');
    writeFileSync(path, 'x'.repeat(200_000));
    appendLines(path, [run]);
    expect(readFileSync(path, 'utf8')).toBe(text(run));
  });

  it('writes nothing when a number is not finite', () => {
    const path = join(folder, 'finite.jsonl');
    appendLines(path, [run]);
    expect(() => appendLines(path, launchLines('l1', 'complete', [1, Number.NaN]))).toThrow(expect.objectContaining({ code: 'internal' }));
    expect(readFileSync(path, 'utf8')).toBe(text(run));
  });

  it.runIf(existsSync('/dev/full'))('says that the disk is full', () => {
    expect(() => appendLines('/dev/full', [run])).toThrow(expect.objectContaining({ code: 'disk-full' }));
  });
});
