import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitCommand } from '../../src/processes/command-line.ts';
import { allowedEnvironment } from '../../src/processes/environment.ts';

describe('splitCommand', () => {
  it.each([
    ['python prune.py --model {model}', ['python', 'prune.py', '--model', '/a b/m.onnx']],
    ['python  "my script.py"\t--out={model}', ['python', 'my script.py', '--out=/a b/m.onnx']],
    [`sh -c 'echo "$1" | cat' x`, ['sh', '-c', 'echo "$1" | cat', 'x']],
    ['a\\ b "q\\"uo\\\\te\\n" \'\' e""f', ['a b', 'q"uo\\te\\n', '', 'ef']],
    ['tool {{literal}} $HOME *.py', ['tool', '{literal}', '$HOME', '*.py']],
    ['node {"a":1}', ['node', '{a:1}']],
  ])('splits %s', (template, argv) => {
    expect(splitCommand(template, { model: '/a b/m.onnx' }, 'x')).toEqual(argv);
  });

  it.each([
    ['', 'empty'],
    ['   ', 'empty'],
    ['python "x', 'never closed'],
    ["python 'x", 'never closed'],
    ['python \\', 'backslash'],
    ['a | b', 'without a shell'],
    ['a && b', 'without a shell'],
    ['a > {model}', 'without a shell'],
    ['a `b`', 'without a shell'],
    ['a {modle}', 'Known: {model}'],
    ['a {constructor}', 'is no placeholder'],
    ['a \0', 'NUL'],
  ])('refuses %j', (template, message) => {
    expect(() => splitCommand(template, { model: 'm' }, 'optimizations[0].command')).toThrow(
      expect.objectContaining({ code: 'config-invalid', where: 'optimizations[0].command', message: expect.stringContaining(message) }),
    );
  });

  it('keeps any value one argument, unchanged', () => {
    fc.assert(
      fc.property(fc.string(), (model) => {
        expect(splitCommand('run --x {model} "{model}" a{model}b', { model }, 'x')).toEqual(['run', '--x', model, model, `a${model}b`]);
      }),
    );
  });

  it('undoes single quotes around any words', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string().filter((word) => !/[\0{}]/.test(word)),
          { minLength: 1 },
        ),
        (words) => {
          const template = ['p', ...words].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
          expect(splitCommand(template, {}, 'x')).toEqual(['p', ...words]);
        },
      ),
    );
  });
});

it('allowedEnvironment passes on what programs need, and no secret', () => {
  const wanted = {
    PATH: '/bin',
    HOME: '/h',
    LC_ALL: 'C',
    CUDA_VISIBLE_DEVICES: '0',
    ROCR_VISIBLE_DEVICES: '0',
    ZE_AFFINITY_MASK: '0.1',
    VK_DRIVER_FILES: '/v.json',
    HF_HUB_CACHE: '/h/cache',
    NUMEXPR_NUM_THREADS: '1',
    PYTHONPATH: '/p',
    LD_LIBRARY_PATH: '/l',
    TMPDIR: '/t',
    HTTPS_PROXY: 'http://proxy:3128',
  };
  const unwanted = {
    GITHUB_TOKEN: 'x',
    GITHUB_ENV: '/f',
    GITHUB_OUTPUT: '/f',
    INPUT_MODELS: 'x',
    ACTIONS_RUNTIME_TOKEN: 'x',
    ACTIONS_CACHE_URL: 'x',
    RUNNER_TEMP: '/r',
    AWS_SECRET_ACCESS_KEY: 'x',
    HF_TOKEN: 'x',
    HF_HUB_TOKEN_PATH: '/t',
    VLLM_API_KEY: 'x',
    CUDA_API_KEY: 'x',
    NODE_OPTIONS: '--require x',
    LD_PRELOAD: 'x',
    NPM_CONFIG_X: 'x',
    HTTP_PROXY: 'http://user:word@proxy',
    GIT_DIR: '/g',
    PYTHON_KEYRING_PASSWORD: 'x',
  };
  expect(allowedEnvironment({ ...wanted, ...unwanted, LANG: undefined })).toEqual(wanted);
});
