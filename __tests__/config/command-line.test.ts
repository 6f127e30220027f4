import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../src/config/command-line.ts';
import { helpText } from '../../src/config/help.ts';
import { parseInputs } from '../../src/config/inputs.ts';
import { optionsOn } from '../../src/config/option-table.ts';
import { GateError } from '../../src/errors.ts';
import { nearest } from '../../src/records/nearest.ts';
import { refusal } from './refusal.ts';

describe('parseCommandLine', () => {
  it('does `run` with every default when nothing is given', () => {
    const { command, operands, options, overrides } = parseCommandLine([]);
    expect({ command, operands, overrides }).toEqual({ command: 'run', operands: [], overrides: [] });
    expect(options).toMatchObject({
      config: null,
      seed: 1,
      runDir: '.optimization-gate',
      json: false,
      cache: true,
      models: null,
      event: 'auto',
    });
  });

  it('reads lists, integers, switches and repeated overrides anywhere on the line', () => {
    const line = parseCommandLine([
      '--seed=7',
      'plan',
      '--models',
      'a,b',
      '--json',
      '--set',
      'x.y=1',
      '--set=z=--',
      '--optimizations',
      'c,d',
    ]);
    expect(line.command).toBe('plan');
    expect(line.options).toMatchObject({ seed: 7, models: ['a', 'b'], json: true, optimizations: ['c', 'd'] });
    expect(line.overrides).toEqual(['x.y=1', 'z=--']);
  });

  it('keeps the operands of models and shows help and version from anywhere', () => {
    expect(parseCommandLine(['models', 'inspect', 'a.onnx'])).toMatchObject({ command: 'models', operands: ['inspect', 'a.onnx'] });
    expect(parseCommandLine(['plan', '-h'])).toMatchObject({ command: 'help', operands: ['plan'] });
    expect(parseCommandLine(['--version', '--seed', 'x']).command).toBe('version');
  });

  it.each([
    [['--modles', 'a'], 'usage-unknown-option', '--modles', 'Did you mean "models"'],
    [['--run_dir', 'x'], 'usage-unknown-option', '--run_dir', 'Did you mean "run-dir"'],
    [['--comment'], 'usage-unknown-option', '--comment', ''],
    [['--fail-on', 'absent'], 'usage-bad-value', '--fail-on', 'regressed, unmet, missing'],
    [['--token', 'x'], 'usage-unknown-option', '--token', ''],
    [['-j'], 'usage-unknown-option', '-j', ''],
    [['--no-seed'], 'usage-unknown-option', '--no-seed', ''],
    [['plam'], 'usage-unknown-command', 'plam', 'Did you mean "plan"'],
    [['store', 'claen'], 'usage-unknown-command', 'store claen', 'Did you mean "clean"'],
    [['models', 'no'], 'usage-unknown-command', 'models no', '`models list`, `models verify` or `models inspect`'],
    [['runtime', 'install'], 'usage-unknown-command', 'runtime install', 'Expected `runtime add`'],
    [['plan', 'extra'], 'usage-bad-value', 'extra', 'takes no argument'],
    [['--dry-run'], 'usage-bad-value', '--dry-run', 'belongs to `init`'],
    [['update', '--force'], 'usage-bad-value', '--force', 'belongs to `init`'],
    [['--seed', '--json'], 'usage-bad-value', '--seed', 'value is missing'],
    [['--seed'], 'usage-bad-value', '--seed', 'value is missing'],
    [['--seed', '1e3'], 'usage-bad-value', '--seed', 'whole number'],
    [['--seed=4294967296'], 'usage-bad-value', '--seed', '4294967295'],
    [['--seed=1', '--seed=2'], 'usage-bad-value', '--seed', 'more than once'],
    [['--json=false'], 'usage-bad-value', '--json', 'no value'],
    [['--models', 'a,,b'], 'usage-bad-value', '--models', 'empty'],
    [['--models', 'a,a'], 'usage-bad-value', '--models', 'twice'],
    [['--config='], 'usage-bad-value', '--config', 'empty'],
    [['--event', 'chnage'], 'usage-bad-value', '--event', 'Did you mean "change"'],
  ])('refuses %j', (argv, code, where, part) => {
    expect(refusal(() => parseCommandLine(argv))).toMatchObject({ code, where, message: expect.stringContaining(part) });
  });

  it('answers any arguments with a result or a coded error', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom('--seed', '--set', '--', '-', '--__proto__', '--no-json', 'constructor'))),
        (argv) => {
          try {
            expect(parseCommandLine(argv).options.runDir).not.toBe('');
          } catch (error) {
            expect(error).toBeInstanceOf(GateError);
          }
        },
      ),
    );
  });
});

describe('parseInputs', () => {
  it('reads the variables of the runner; empty ones mean the default', () => {
    const inputs = parseInputs({
      'INPUT_RUN-DIR': ' out ',
      INPUT_MODE: 'gate',
      INPUT_CACHE: 'False',
      INPUT_SEED: '',
      INPUT_SET: 'a=1\n\n b=2 \n',
      INPUT_TOKEN: 't',
      PATH: 'x',
    });
    expect(inputs.command).toBe('gate');
    expect(inputs.options).toMatchObject({ runDir: 'out', cache: false, seed: 1, token: 't', comment: true });
    expect(inputs.overrides).toEqual(['a=1', 'b=2']);
  });

  it.each([
    [{ INPUT_COMMENT: 'yes' }, 'usage-bad-value', 'with: comment', 'neither true nor false'],
    [{ INPUT_SEED: '0x10' }, 'usage-bad-value', 'with: seed', 'whole number'],
    [{ INPUT_RUN_DIR: 'x' }, 'usage-unknown-option', 'with: run_dir', 'Did you mean "run-dir"'],
    [{ INPUT_JSON: 'true' }, 'usage-unknown-option', 'with: json', 'no such input'],
    [{ INPUT_MODE: 'doctor' }, 'usage-bad-value', 'with: mode', 'run, plan'],
    [{ 'INPUT_FAIL-ON': 'everything' }, 'usage-bad-value', 'with: fail-on', 'regressed, unmet, missing'],
    [{ INPUT_MODE: 'toString' }, 'usage-bad-value', 'with: mode', 'run, plan'],
  ])('refuses %j', (environment, code, where, part) => {
    expect(refusal(() => parseInputs(environment))).toMatchObject({ code, where, message: expect.stringContaining(part) });
  });
});

describe('helpText', () => {
  it('names every option of the command line and fits a terminal', () => {
    const text = helpText();
    for (const { outside, row } of optionsOn('cli'))
      expect(text).toContain(`--${row.kind === 'switch' && row.default ? 'no-' : ''}${outside}`);
    expect(text).not.toContain('--token');
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(160);
  });
});

describe('nearest', () => {
  it('finds small slips and nothing far away', () => {
    expect(nearest('importnace', ['ratio', 'importance'])).toBe('importance');
    expect(nearest('FAIL_ON', ['fail-on'])).toBe('fail-on');
    expect(nearest('pruning', ['structured-pruning'])).toBe('structured-pruning');
    expect(nearest('zebra', ['ratio', 'importance'])).toBeNull();
  });

  it('finds every known word after one letter is lost', () => {
    const known = optionsOn('cli').map((option) => option.outside);
    fc.assert(
      fc.property(fc.constantFrom(...known.filter((word) => word.length > 5)), fc.nat(), (word, at) => {
        const cut = at % word.length;
        expect(nearest(word.slice(0, cut) + word.slice(cut + 1), known)).toBe(word);
      }),
    );
  });
});
