import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { guideFiles, guideSteps } from '../testkit/guide.ts';
import { pages, textOf } from './documentation.ts';

const scratch = mkdtempSync(join(tmpdir(), 'guides-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const names = pages().flatMap((page) => /^docs\/guides\/([a-z]+)\.md$/.exec(page)?.[1] ?? []);

describe('guides', () => {
  it('are all linked from their first page', () => {
    expect(names.toSorted()).toEqual(['engine', 'monorepo', 'node', 'python']);
    for (const name of names) expect(textOf('docs/guides/README.md')).toContain(`(${name}.md)`);
  });

  it.each(names)('%s tells files to write and commands that judge a change', (name) => {
    const steps = guideSteps(name);
    expect(steps.some((step) => 'file' in step && step.file.endsWith('optimization-gate.yml'))).toBe(true);
    const commands = steps.flatMap((step) => ('commands' in step ? step.commands : []));
    expect(commands.filter((line) => line.startsWith('optimization-gate ')).length).toBeGreaterThanOrEqual(2);
    expect(commands.some((line) => line.endsWith('|| test $? -eq 1'))).toBe(true);
  });
});

/** Stands in for vLLM, and prints as it does. */
const vllm = `
print("INFO engine starts")
class SamplingParams:
    def __init__(self, temperature, max_tokens, ignore_eos):
        self.max_tokens = max_tokens
class Output:
    def __init__(self, **values):
        self.__dict__.update(values)
class LLM:
    def __init__(self, model, seed, gpu_memory_utilization, enable_prefix_caching):
        assert gpu_memory_utilization < 0.5 and not enable_prefix_caching
    def generate(self, prompts, params, use_tqdm):
        print("INFO generates")
        assert len(prompts[0]["prompt_token_ids"]) == 256
        return [Output(outputs=[Output(token_ids=[0] * params.max_tokens)])]
`;

describe.skipIf(spawnSync('python3', ['--version']).status !== 0)('the program of the guide to engines', () => {
  const place = (files: Readonly<Record<string, string>>): string => {
    const folder = mkdtempSync(join(scratch, 'engine-'));
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    return folder;
  };
  const asked = (folder: string): readonly string[] => {
    const { stdout, stderr, status } = spawnSync('python3', ['-m', 'bench.decode'], {
      cwd: folder,
      input: 'round 1\nround 2\n',
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    return stdout.split('\n').filter((line) => line !== '');
  };
  const answer = z.strictObject({ 'decode-latency': z.number().positive(), tokens: z.literal(32) });

  it('answers with numbers alone, whatever vLLM prints', () => {
    const lines = asked(place({ ...guideFiles('engine', 'last'), 'vllm.py': vllm }));
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(answer.safeParse(JSON.parse(line)).success, line).toBe(true);
  });

  it('would be seen to print beside its answers', () => {
    const files = guideFiles('engine', 'last');
    const careless = (files['bench/decode.py'] ?? '').replace('os.dup2(2, 1)\n', '');
    expect(asked(place({ ...files, 'bench/decode.py': careless, 'vllm.py': vllm })).length).toBeGreaterThan(2);
  });
});
