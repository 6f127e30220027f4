import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { builtinOptimizations } from '../../src/optimizations/registry.ts';
import { fromSubject, toSubject } from '../../src/records/protocol.ts';
import { exchangesOf, type Message, messageOf } from '../testkit/transcript.ts';
import { blocks, root, textOf } from './documentation.ts';

const scratch = mkdtempSync(join(tmpdir(), 'serve-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const published = new Map<string, z.ZodType>();
const fits = (name: string, message: unknown): boolean => {
  const schema = published.get(name) ?? z.fromJSONSchema(JSON.parse(textOf(`schemas/${name}.schema.json`)));
  published.set(name, schema);
  return schema.safeParse(message).success;
};
const transcriptOf = (name: string) => exchangesOf(textOf(`examples/transcripts/${name}.txt`));

const policies = builtinOptimizations.map(({ benchmark }) => benchmark).filter(({ needs }) => needs.includes('policy'));
const kinds = policies.flatMap(({ id, exchanges = [] }) => exchanges.map(({ task }) => [id, task] as const));
const nameOf = (id: string, task: string | null): string => `serve-${id}${task === null ? '' : `-${task}`}`;

/** Questions and answers of one kind of episode. */
const episodeOf = (id: string, task: string | null): readonly { readonly question: Message; readonly answer: Message }[] => {
  let under = false;
  return transcriptOf(id).flatMap((exchange) => {
    const question = messageOf(exchange.question) as Message & { episode?: { setting: { task?: string } } };
    if (question['do'] === 'start') under = (question.episode?.setting.task ?? null) === task;
    return under ? [{ question, answer: messageOf(exchange.answer) }] : [];
  });
};

describe('the published schemas', () => {
  it.each([...policies.map(({ id }) => id), 'build'])('hold every line of the transcript of %s, as the program does', (name) => {
    const exchanges = transcriptOf(name);
    expect(exchanges.length).toBeGreaterThan(1);
    for (const { question, answer } of exchanges) {
      expect(fits('serve-question', messageOf(question)) && toSubject.safeParse(messageOf(question)).success, question).toBe(true);
      expect(fits('serve-answer', messageOf(answer)) && fromSubject.safeParse(messageOf(answer)).success, answer).toBe(true);
    }
  });

  it('hold what a build answers', () => {
    const [, build] = transcriptOf('build');
    const { ok } = messageOf(build?.answer ?? '') as { ok: Message };
    expect(fits('serve-build-result', ok)).toBe(true);
    expect(fits('serve-build-result', { ...ok, extra: 1 })).toBe(false);
    expect(fits('serve-build-result', { stages: [] })).toBe(false);
  });

  it.each(kinds)('hold every line of an episode of %s %s, and no other observation or action', (id, task) => {
    const name = nameOf(id, task);
    const lines = episodeOf(id, task);
    const asked = lines.filter(({ question }) => question['do'] === 'next');
    expect(asked.length).toBeGreaterThan(1);
    for (const { question, answer } of lines) {
      expect(fits(name, question), JSON.stringify(question)).toBe(true);
      if (question['do'] === 'next') expect(fits(name, answer), JSON.stringify(answer)).toBe(true);
    }
    const [{ question, answer } = { question: {}, answer: {} }] = asked;
    const observation = question['observation'] as Message;
    expect(fits(name, { ...question, newer: 1, observation: { ...observation, newer: 1 } })).toBe(true);
    expect(fits(name, { ...question, observation: Object.fromEntries(Object.entries(observation).slice(1)) })).toBe(false);
    expect(fits(name, { ok: { ...(answer['ok'] as Message), extra: 1 } })).toBe(false);
    expect(fits(name, { ok: null })).toBe(false);
    expect(fits(name, { error: 'words' })).toBe(true);
  });

  it.each([{}, { do: 'stop' }, { do: 'hello', contract: 2 }, { do: 'next' }, { do: 'start', optimization: 'automl' }])(
    'refuse the question %j, as the program does',
    (question) => {
      expect(fits('serve-question', question)).toBe(false);
      expect(toSubject.safeParse(question).success).toBe(false);
    },
  );

  it.each([{}, { error: 1 }, { ok: 1, error: 'both' }, [], 'ok'])('refuse the answer %j, as the program does', (answer) => {
    expect(fits('serve-answer', answer)).toBe(false);
    expect(fromSubject.safeParse(answer).success).toBe(false);
  });

  it('let a newer gate ask with more', () => {
    for (const { question } of [...transcriptOf('build'), ...transcriptOf('automl')]) {
      const newer = JSON.parse(question.replaceAll('{', '{"newer":1,').replaceAll(',}', '}')) as unknown;
      expect(toSubject.safeParse(newer).success, question).toBe(true);
      expect(fits('serve-question', newer), question).toBe(true);
    }
  });
});

/** What a program answers to questions, one JSON text per line. */
const answersOf = (argv: readonly string[], questions: readonly string[]): readonly unknown[] => {
  const [program = '', ...args] = argv;
  const { stdout, stderr } = spawnSync(program, args, {
    input: questions.map((each) => `${each}\n`).join(''),
    encoding: 'utf8',
    cwd: root,
  });
  const lines = stdout.split('\n').filter((line) => line !== '');
  expect(lines, stderr).toHaveLength(questions.length);
  return lines.map((line) => JSON.parse(line) as unknown);
};

const can = (program: string, ...args: readonly string[]): boolean => spawnSync(program, args).status === 0;
const python = can('python3', '--version');
const withOnnx = ['python3', '/usr/bin/python3'].find((program) => can(program, '-c', 'import onnx')) ?? null;

describe('the examples', () => {
  it.skipIf(!python).each([
    ['feedback-control', 'controller.py'],
    ['adaptive-batching', 'batcher.py'],
    ['automl', 'search.py'],
  ])('answer the questions of the transcript of %s as they did', (name, file) => {
    const said = transcriptOf(name);
    const answers = answersOf(
      ['python3', `examples/python/${file}`],
      said.map(({ question }) => question),
    );
    expect(answers).toEqual(said.map(({ answer }) => messageOf(answer)));
  });

  it.skipIf(withOnnx === null)('answer the questions of the transcript of architecture-search as they did', () => {
    const said = transcriptOf('architecture-search');
    const answers = answersOf(
      [withOnnx ?? '', 'examples/python/pool.py'],
      said.map(({ question }) => question),
    );
    expect(answers).toEqual(said.map(({ answer }) => messageOf(answer)));
  });
});

describe('the loops of the page', () => {
  const questions = transcriptOf('feedback-control').map(({ question }) => question);
  const blockOf = (language: string): string => blocks(language).find(({ page }) => page === 'docs/serve-protocol.md')?.text ?? '';

  const held = (argv: readonly string[]): void => {
    const answers = answersOf(argv, questions);
    expect(answers[0]).toEqual({ ok: null });
    for (const [at, answer] of answers.entries())
      expect(fits(messageOf(questions[at] ?? '')['do'] === 'next' ? 'serve-feedback-control' : 'serve-answer', answer)).toBe(true);
  };

  it.skipIf(!python)('answer in Python', () => {
    const file = join(scratch, 'loop.py');
    writeFileSync(file, blockOf('python'));
    held(['python3', file]);
  });

  it.skipIf(!can('go', 'version'))('answer in Go', () => {
    const file = join(scratch, 'loop.go');
    writeFileSync(file, blockOf('go'));
    held(['go', 'run', file]);
  });
});
