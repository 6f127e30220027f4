import { describe, expect, it } from 'vitest';
import { allowedEnvironment, refusedVariable, runtimeSettingsIn, sessionEnvironment } from '../../src/processes/environment.ts';

const environmentOf = (...names: readonly string[]): Record<string, string> => Object.fromEntries(names.map((name) => [name, 'x']));

describe('declared variables', () => {
  const source = { ...environmentOf('PATH', 'MY_DEVICE', 'OTHER', 'MY_TOKEN', 'GITHUB_OUTPUT'), PROXY_OF_MINE: 'http://user:word@host' };

  it('reach measured code besides the usual ones, and no others', () => {
    expect(allowedEnvironment(source)).toEqual({ PATH: 'x' });
    expect(allowedEnvironment(source, ['MY_DEVICE', 'ABSENT'])).toEqual({ PATH: 'x', MY_DEVICE: 'x' });
  });

  it('include what package managers need behind the proxy of a company, without credentials', () => {
    const ofCompany = environmentOf('NODE_EXTRA_CA_CERTS', 'REQUESTS_CA_BUNDLE', 'npm_config_registry', 'npm_config__auth');
    const { npm_config__auth: _auth, ...seen } = ofCompany;
    expect(allowedEnvironment({ ...ofCompany, PIP_INDEX_URL: 'https://user:word@host/simple' })).toEqual(seen);
  });

  it('never carry secrets or command the runner', () => {
    expect(allowedEnvironment(source, ['MY_TOKEN', 'GITHUB_OUTPUT', 'PROXY_OF_MINE'])).toEqual({ PATH: 'x' });
  });

  it.each([
    'HF_TOKEN',
    'GH_PAT',
    'PAT',
    'DB_PASS',
    'MY_PASSPHRASE',
    'AWS_SECRET_ACCESS_KEY',
    'SIGNING_KEY',
    'SSH_AUTH_SOCK',
    'SESSION',
    'MY_JWT',
    'github_token',
    'GITHUB_ENV',
    'ACTIONS_RUNTIME_URL',
    'INPUT_BASE',
    'RUNNER_TEMP',
    'LD_PRELOAD',
    'NODE_OPTIONS',
    'BASH_ENV',
    'TOKENIZER_TOKEN',
    'API_TOKENS',
    'MAX_TOKENS_PASSWORD',
  ])('are refused: %s', (name) => {
    expect(refusedVariable(name)).toEqual(expect.any(String));
    expect(allowedEnvironment(environmentOf(name), [name])).toEqual({});
  });

  it.each([
    'MY_DEVICE',
    'COMPASS',
    'KEYBOARD',
    'PATHOLOGY',
    'ENVIRONMENT',
    'MODEL_PATH',
    'TOKENIZERS_PARALLELISM',
    'MAX_NEW_TOKENS',
    'OUR_MAX_NUM_BATCHED_TOKENS',
  ])('may be: %s', (name) => {
    expect(refusedVariable(name)).toBeNull();
  });
});

describe('variables of devices and files', () => {
  it.each([
    'CUDA_VISIBLE_DEVICES',
    'ROCR_VISIBLE_DEVICES',
    'HIP_VISIBLE_DEVICES',
    'ZE_AFFINITY_MASK',
    'ONEAPI_DEVICE_SELECTOR',
    'GPU_DEVICE_ORDINAL',
    'VK_DRIVER_FILES',
    'VK_ICD_FILENAMES',
    'MESA_VK_DEVICE_SELECT',
    'DRI_PRIME',
    'NUMEXPR_NUM_THREADS',
    'NUMEXPR_MAX_THREADS',
    'OMP_NUM_THREADS',
    'VECLIB_MAXIMUM_THREADS',
    'ASCEND_RT_VISIBLE_DEVICES',
    'NEURON_RT_VISIBLE_CORES',
    'JAX_PLATFORMS',
    'HSA_OVERRIDE_GFX_VERSION',
    'KMP_AFFINITY',
  ])('reach measured code, and select: %s', (name) => {
    expect(allowedEnvironment(environmentOf(name))).toEqual({ [name]: 'x' });
    expect(runtimeSettingsIn(environmentOf(name))).toEqual({ [name]: 'x' });
  });

  it.each([
    'ORT_INTRA_OP_NUM_THREADS',
    'ORT_GQA_DISABLE_FLASH_ATTENTION',
    'ORT_TENSORRT_FP16_ENABLE',
    'NVIDIA_TF32_OVERRIDE',
    'OMP_DYNAMIC',
  ])('are settings of the runtime: %s', (name) => {
    expect(runtimeSettingsIn(environmentOf(name))).toEqual({ [name]: 'x' });
    expect(sessionEnvironment(environmentOf(name))).toEqual({ [name]: 'x' });
  });

  it.each(['ORT_LOAD_CONFIG_FROM_MODEL', 'ORT_DEBUG_NODE_IO_DUMP_INPUT_DATA'])('reach measured code, and no session: %s', (name) => {
    expect(allowedEnvironment(environmentOf(name))).toEqual({ [name]: 'x' });
    expect(sessionEnvironment(environmentOf(name, 'PATH'))).toEqual({ PATH: 'x' });
  });

  it.each(['HF_HUB_CACHE', 'PYTHONPATH', 'CUDA_HOME', 'ORT_PATH', 'ORT_TENSORRT_CACHE_PATH', 'PATH', 'HOME'])(
    'reach measured code, and select nothing: %s',
    (name) => {
      expect(allowedEnvironment(environmentOf(name))).toEqual({ [name]: 'x' });
      expect(runtimeSettingsIn(environmentOf(name))).toEqual({});
    },
  );
});
