import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { localHost } from '../../../src/host/local/host.ts';
import { terminalLog, terminalOf } from '../../../src/host/local/log.ts';
import { duration } from '../../../src/host/progress-line.ts';
import { testFolder } from '../../testkit/folder.ts';

const forCommit = '1'.repeat(40);

const screen = (stream: { isTTY?: boolean; columns?: number }, environment: Record<string, string> = {}) => {
  const parts: string[] = [];
  const log = terminalLog(terminalOf({ ...stream, write: (text) => parts.push(text) }, environment));
  return { log, text: () => parts.join('') };
};

/** What a terminal shows in the end: a carriage return and "erase to the end" take a line back. */
const visible = (text: string): readonly string[] =>
  text.split('\n').map((line) => line.slice(line.lastIndexOf('\r') + 1).replace('\u001b[K', ''));

const state = (done: number, secondsLeft: number | null = 200) => ({ done, total: 40, cell: 'tiny/pruning', secondsLeft });

describe('terminal', () => {
  test('a bar stays below the lines and leaves nothing behind', () => {
    const { log, text } = screen({ isTTY: true, columns: 100 });
    log.progress(state(10));
    log.info('a line');
    expect(visible(text())).toEqual(['a line', '[#####...............] 10/40 (25 %) tiny/pruning, 4 min left']);
    log.progress(state(20, null));
    log.warn('careful');
    log.endProgress();
    expect(visible(text())).toEqual(['a line', '\u001b[33mwarning: careful\u001b[39m', '']);
  });

  test('the bar fits the terminal', () => {
    const { log, text } = screen({ isTTY: true, columns: 30 });
    log.progress(state(40));
    expect(text()).toHaveLength(29);
  });

  test.each([
    ['a pipe', {}, {}],
    ['CI', { isTTY: true }, { CI: 'true' }],
    ['a dumb terminal', { isTTY: true }, { TERM: 'dumb' }],
  ])('%s gets plain lines, at most one per tenth of the work', (_, stream, environment: Record<string, string>) => {
    const { log, text } = screen(stream, environment);
    for (let done = 0; done <= 40; done += 1) log.progress(state(done));
    log.warn('careful');
    const lines = text().trimEnd().split('\n');
    expect(lines).toHaveLength(12);
    expect(lines[0]).toBe('0/40 (0 %) tiny/pruning, 4 min left');
    expect(lines.at(-1)).toBe('warning: careful');
    for (const control of ['\r', '\u001b']) expect(text()).not.toContain(control);
  });

  test('NO_COLOR keeps the bar and drops the color', () => {
    const { log, text } = screen({ isTTY: true }, { NO_COLOR: '1' });
    log.warn('careful');
    log.progress(state(1));
    expect(text()).toContain('[#');
    expect(text()).not.toContain('\u001b[33m');
  });

  test('escape sequences in text do not reach the terminal', () => {
    const { log, text } = screen({ isTTY: true });
    log.info('a\u001b]52;c;eA==\u0007b\r\nc\td\u009b2J');
    expect(text()).toBe('a]52;c;eA==b\nc\td2J\n');
  });

  test.each([
    [0, '0 s'],
    [-3, '0 s'],
    [Number.NaN, '0 s'],
    [1.2, '2 s'],
    [99, '99 s'],
    [100, '2 min'],
    [5_940, '99 min'],
    [7_500, '2 h 5 min'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});

describe('local host', () => {
  const open = (root: string) => {
    const printed: string[] = [];
    const sink = { write: (text: string) => printed.push(text) };
    return {
      host: localHost(
        { PATH: '/bin', GITHUB_TOKEN: 'ghs_x' },
        { root: async () => root, descends: async () => false, logTo: { write: () => true }, printTo: sink },
      ),
      printed,
    };
  };

  test('prints the report, keeps tokens from user code and has no cache', async () => {
    const { host, printed } = open(testFolder());
    expect(
      await host.publish({
        comment: 'c',
        summary: 's',
        text: 'the text\n\n',
        annotations: [],
        opensComment: true,
        severity: 'fine',
        project: null,
      }),
    ).toEqual([]);
    expect(printed).toEqual(['the text\n']);
    expect(host.subjectEnvironment).toEqual({ PATH: '/bin' });
    expect(await host.cache.restore(['k'], 'folder')).toEqual({ status: 'nothing' });
    expect(await host.cache.save('k', 'folder')).toBe('off');
  });

  test('writes baselines whole into the working tree, from what is there', async () => {
    const root = testFolder();
    const { host } = open(root);
    const files = async (read: (path: string) => Promise<string | null>) => ({
      'cpu/tiny.json': `${(await read('cpu/tiny.json')) ?? ''}x`,
    });
    expect(await host.writeBaselines({ forCommit, files })).toBe('written');
    expect(await host.writeBaselines({ forCommit, files })).toBe('written');
    expect(readFileSync(join(root, 'baselines/cpu/tiny.json'), 'utf8')).toBe('xx');
    expect(await host.writeBaselines({ forCommit, files: async () => ({ 'cpu/tiny.json': 'xx' }) })).toBe('already');
    expect(readdirSync(join(root, 'baselines/cpu'))).toEqual(['tiny.json']);
  });

  test('never writes outside baselines/, neither by a path nor through a link', async () => {
    const root = testFolder();
    const outside = testFolder();
    const { host } = open(root);
    const write = (path: string) => host.writeBaselines({ forCommit, files: async () => ({ [path]: '{}' }) });
    await expect(write('../package.json')).rejects.toMatchObject({ code: 'baseline-invalid' });
    mkdirSync(join(root, 'baselines'));
    symlinkSync(outside, join(root, 'baselines/cpu'));
    await expect(write('cpu/tiny.json')).rejects.toMatchObject({ code: 'baseline-invalid', where: join(root, 'baselines/cpu') });
    expect(readdirSync(outside)).toEqual([]);
  });

  test('a folder in the place of a file is an error that leaves no draft behind', async () => {
    const root = testFolder();
    mkdirSync(join(root, 'baselines/cpu/tiny.json'), { recursive: true });
    const written = open(root).host.writeBaselines({ forCommit, files: async () => ({ 'cpu/tiny.json': '{}' }) });
    await expect(written).rejects.toMatchObject({ code: 'baseline-invalid' });
    expect(readdirSync(join(root, 'baselines/cpu'))).toEqual(['tiny.json']);
  });
});
