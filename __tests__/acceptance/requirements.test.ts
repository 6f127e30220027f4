import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Project } from '../commands/project.ts';

const configuration = (require: string): string => `optimizations:
  - id: engine
    measure: node bench.mjs
    inputs: [bench.mjs]
    metrics: [{ id: size, unit: bytes, better: lower, kind: exact }]
gate: { require: { ${require} } }
`;

const program = (size: number): string =>
  `import { createInterface } from 'node:readline';\nfor await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify({ size: ${size} }));\n`;

const at200 = configuration('size: "<= 200"');
const files = (size: number, config = at200) => ({
  '.gitignore': '.optimization-gate\n',
  'optimization-gate.yml': config,
  'bench.mjs': program(size),
});

describe('what the configuration requires', { timeout: 120_000 }, () => {
  it('holds from the change on that brings the configuration, which says what the next one is held to', async () => {
    const project = Project.make();
    project.commit({ 'README.md': 'none yet\n' });
    project.commit(files(900));
    const over = await project.gate('--base', 'HEAD~1');
    expect(over.code, over.stderr).toBe(1);
    expect(over.stdout).toMatch(/^REQUIREMENT NOT MET {2}engine: size is 900 bytes, required at most 200\n/);
    expect(project.cell('engine')).toMatchObject({
      verdict: 'unmet',
      requirements: [{ outcome: 'unmet', head: 900, base: null, bound: 200 }],
    });
    expect(project.text('report/comment.md')).toContain('#### Requirements');

    project.git('checkout', '--quiet', 'HEAD~1');
    project.commit(files(150));
    const within = await project.gate('--base', 'HEAD~1');
    expect(within.code, within.stdout).toBe(0);
    expect(within.stdout).toContain('after the merge, these may get worse by at most: size');
    expect(project.text('report/comment.md')).toContain('#### What the next pull request is held to');

    project.commit({ 'optimization-gate.yml': configuration('sze: "<= 200"') });
    const refused = await project.gate('--base', 'HEAD~1');
    expect(refused.stderr).toContain('error[config-unknown-key]');
    // What the run before decided is no verdict on this commit.
    expect(existsSync(join(project.run, 'report'))).toBe(false);
    expect(existsSync(join(project.run, 'verdict.json'))).toBe(false);
  });

  it("is base's once base has it: head's edit waits for the merge, and what base misses is no fault of head", async () => {
    const project = Project.make();
    project.commit(files(200));
    project.commit(files(201, configuration('size: "<= 999"')));
    const edited = await project.gate('--base', 'HEAD~1');
    expect(edited.code, edited.stdout).toBe(1);
    expect(project.cell('engine').requirements).toMatchObject([{ outcome: 'unmet', bound: 200 }]);
    expect(project.verdict().policyChanges).toEqual([
      'gate.require.size was changed from <= 200 to <= 999; <= 200 is in force until the merge.',
    ]);

    project.commit(files(900));
    project.commit({ ...files(900), 'bench.mjs': `// the same\n${program(900)}` });
    const inherited = await project.gate('--base', 'HEAD~1');
    expect(inherited.code, inherited.stdout).toBe(0);
    expect(project.cell('engine').requirements).toMatchObject([{ outcome: 'unmet-by-base', base: 900, head: 900 }]);
    expect(inherited.stdout.replaceAll(/\s+/g, ' ')).toContain('engine size@rounds: 900 B, required ≤ 200 B: not met, as in base');
  });
});
