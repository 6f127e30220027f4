import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ignored, python } from '../commands/judged-example.ts';
import { configuration, Project, packageRoot } from '../commands/project.ts';
import { excerptOf, exchangesOf, messageOf, shapeOf } from '../testkit/transcript.ts';

const withOnnx = ['python3', '/usr/bin/python3'].find((program) => spawnSync(program, ['-c', 'import onnx']).status === 0) ?? null;

/** Names of folders differ from run to run: all stand below one. */
const placed = (transcript: string, run: string): string => transcript.replaceAll(run, '/tmp');

/** Everything that a program was asked in a run, one text for each of its processes. */
const recorded = async (
  files: readonly string[],
  program: string,
  rest: readonly string[],
): Promise<{ readonly texts: readonly string[]; readonly folder: string }> => {
  const project = Project.make();
  const folder = mkdtempSync(join(tmpdir(), 'transcript-'));
  for (const file of files) copyFileSync(join(packageRoot, 'examples', 'python', file), join(project.folder, file));
  copyFileSync(join(packageRoot, '__tests__', 'testkit', 'line-recorder.mjs'), join(project.folder, 'line-recorder.mjs'));
  const [name = ''] = files;
  const entry = ['ours', `serve: node line-recorder.mjs ${folder} ${program} ${name}`, `inputs: [${files.join(', ')}]`, ...rest];
  project.commit({ ...ignored, 'optimization-gate.yml': configuration([entry], ['limits: { seconds: 300 }']) });
  const { code, stderr } = await project.gate('--base', 'HEAD', '--quick');
  expect({ code, verdict: project.cell('ours').verdict }, stderr).toEqual({ code: 0, verdict: 'unchanged' });
  return { texts: readdirSync(folder).map((each) => readFileSync(join(folder, each), 'utf8')), folder: project.folder };
};

const longest = (texts: readonly string[], kind: string): string =>
  texts
    .filter((text) => exchangesOf(text).some(({ question }) => messageOf(question)['do'] === kind))
    .toSorted((one, other) => other.length - one.length)[0] ?? '';

/** Holds a recording against the one that is shipped; UPDATE_TRANSCRIPTS=1 ships it. */
const compare = (name: string, transcript: string): void => {
  const path = join(packageRoot, 'examples', 'transcripts', `${name}.txt`);
  if (process.env['UPDATE_TRANSCRIPTS'] !== undefined) {
    mkdirSync(join(packageRoot, 'examples', 'transcripts'), { recursive: true });
    writeFileSync(path, transcript);
  }
  expect(existsSync(path), `${path}: run this test with UPDATE_TRANSCRIPTS=1`).toBe(true);
  const shapes = (text: string): unknown =>
    exchangesOf(text).map(({ question, answer }) => [shapeOf(messageOf(question)), shapeOf(messageOf(answer))]);
  expect(shapes(transcript)).toEqual(shapes(readFileSync(path, 'utf8')));
};

describe('the transcripts of serve: are what a run says', () => {
  it.skipIf(!python).each([
    ['feedback-control', 'controller.py', ['like: feedback-control']],
    ['adaptive-batching', 'batcher.py', ['like: adaptive-batching']],
    ['automl', 'search.py', ['like: automl', 'like-with: { variants: [pruned-50], threads: [1], calls: 1 }']],
  ])(
    '%s',
    async (name, file, rest) => {
      const { texts } = await recorded([file], 'python3', rest);
      compare(name, excerptOf(longest(texts, 'next')));
    },
    240_000,
  );

  it.skipIf(withOnnx === null)(
    'architecture-search, with its builds',
    async () => {
      const shapes = '[{ depth: 1, width: 0.75 }, { depth: 1, width: 0.25 }]';
      const rest = ['like: architecture-search', `like-with: { pool: ${shapes} }`];
      const { texts, folder } = await recorded(['pool.py', 'prune.py'], withOnnx ?? '', rest);
      compare('architecture-search', excerptOf(longest(texts, 'next')));
      const store = /"folder":"([^"]*)\/[^"/]*"/.exec(longest(texts, 'build'))?.[1] ?? folder;
      compare('build', placed(excerptOf(longest(texts, 'build')), store));
    },
    240_000,
  );
});
