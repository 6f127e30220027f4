import { describe, expect, it } from 'vitest';
import { flawNote, newFlaws, refuseFlaws } from '../../src/config/flaw.ts';
import { parseConfig, readUsableConfig } from '../testkit/config.ts';
import { refusal } from './refusal.ts';

const good = `models: [mini-qwen3-dense, mini-qwen3-moe]
optimizations:
  - { id: a, like: model, module: a.js, inputs: [a/**] }
  - { id: b, like: model, module: b.js, points: [{ id: x, length: 4 }] }
gate: { tolerance: { latency: 2% }, must-detect: 5% }
limits: { seconds: 90 }
`;
const read = (from: string, to: string) => readUsableConfig(good.replace(from, to), 'gate.yml');

describe('readUsableConfig', () => {
  it('is what parseConfig reads of a sound file', () => {
    expect(readUsableConfig(good, 'gate.yml')).toEqual({ config: parseConfig(good, 'gate.yml'), flaws: [] });
  });

  it.each([
    ['latency: 2%', 'latency: 2 percent, size: 1%', ['5'], { gate: { tolerance: { size: { value: 0.01 } }, mustDetect: 0.05 } }],
    ['must-detect: 5%', 'must-detect: 0%, alpha: 7', ['5', '5'], { gate: { tolerance: { latency: {} }, mustDetect: 0.1, alpha: 0.05 } }],
    ['limits: {', 'limts: {', ['6'], { limits: { seconds: 600 } }],
    ['seconds: 90', 'seconds: 4GiB, memory: 1MiB', ['6'], { limits: { seconds: 600, memoryBytes: 2 ** 20 } }],
    ['length: 4', 'past: 4, length: 4', ['4'], { optimizations: [{ id: 'a' }, { id: 'b', points: null }] }],
    ['inputs: [a/**]', 'inputs: [../a]', ['3'], { optimizations: [{ id: 'a', inputs: [] }, { id: 'b' }] }],
    ['inputs: [a/**]', 'input: [a]', ['3'], { optimizations: [{ id: 'a', inputs: [] }, { id: 'b' }] }],
    ['like: model, module: a.js', 'like: [model]', ['3'], { optimizations: [{ id: 'b', place: 'gate.yml:4:5' }] }],
    ['id: a,', 'id: b,', ['4'], { optimizations: [{ id: 'b', door: { module: 'a.js' } }] }],
    ['mini-qwen3-moe', '"no model at all"', ['1'], { models: [{ id: 'mini-qwen3-dense' }] }],
  ])('leaves out the smallest part that is wrong: %s → %s', (from, to, lines, expected) => {
    const { config, flaws } = read(from, to);
    expect(config).toMatchObject(expected);
    expect(flaws.map(({ error: { where } }) => where?.split(':')[1])).toEqual(lines);
  });

  it.each(['5', '{ user: X }', '{ user: a, base-user: a }', '{ user: a, base-user: B }', '{ user: a, users: b }', '{ base-user: a }'])(
    'refuses a file that does not say as which users code runs: %s',
    (users) => {
      expect(refusal(() => readUsableConfig(`${good}isolation: ${users}\n`, 'gate.yml')).where).toMatch(/^gate\.yml:7/);
    },
  );

  it.each(['gate: [', 'models: 5', 'optimizations: {}', 'models: []', 'optimizations: [{ id: }]', '[]', 'x'])(
    'refuses a file that does not say which cells there are: %s',
    (text) => {
      expect(refusal(() => readUsableConfig(text, 'gate.yml')).where).toMatch(/^gate\.yml/);
    },
  );
});

describe('flaws', () => {
  const { flaws } = read('gate: {', 'gate: { tolerence: 5,');

  it('are told as they stand in the file where nothing is left without them', () => {
    const text = 'models: [mini-qwen3-dense]\noptimizations: [structured-pruning]\n';
    expect(() => readUsableConfig(text, 'x.yml')).toThrow('optimizations[0]: must be a map of keys and values.');
  });

  it('are the same wherever they stand, until what they say is changed', () => {
    const moved = readUsableConfig(`# a line more\n${good.replace('gate: {', 'gate: { tolerence: 5,')}`, 'gate.yml').flaws;
    const other = read('gate: {', 'gate: { tolerence: 6,').flaws;
    expect(newFlaws(moved, flaws)).toEqual([]);
    expect(newFlaws(other, flaws)).toEqual(other);
    expect(newFlaws(flaws, [])).toEqual(flaws);
  });

  it('name file, line and key', () => {
    expect(flaws.map((flaw) => flawNote(flaw, 'base'))).toEqual([
      'gate.yml:5:9 of base: gate: Unknown key "tolerence". Did you mean "tolerance"? This part counts as absent until a change corrects it.',
    ]);
    expect(refusal(() => refuseFlaws(flaws))).toMatchObject({ code: 'config-unknown-key', where: 'gate.yml:5:9' });
    expect(() => refuseFlaws([])).not.toThrow();
  });
});
