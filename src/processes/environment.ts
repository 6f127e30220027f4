/** Names that user code needs to run; nothing that carries a secret or commands the runner. */
const allowedNames: ReadonlySet<string> = new Set([
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LANGUAGE',
  'TZ',
  'TERM',
  'TMPDIR',
  'TEMP',
  'TMP',
  'LD_LIBRARY_PATH',
  'DYLD_LIBRARY_PATH',
  'XDG_CACHE_HOME',
  'XDG_DATA_HOME',
  'XDG_RUNTIME_DIR',
  'VIRTUAL_ENV',
  'CONDA_PREFIX',
  'CONDA_DEFAULT_ENV',
  'CC',
  'CXX',
  'CI',
  'SYSTEMROOT',
  'COMSPEC',
  'PATHEXT',
  'USERPROFILE',
  'LOCALAPPDATA',
  'APPDATA',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  // Without these no package manager reaches its registry behind the proxy of a company.
  'NODE_EXTRA_CA_CERTS',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'PIP_CERT',
  'PIP_INDEX_URL',
  'UV_DEFAULT_INDEX',
  'npm_config_cafile',
  'npm_config_registry',
  'NPM_CONFIG_CAFILE',
  'NPM_CONFIG_REGISTRY',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
]);
/** Families of settings of accelerators and their drivers, of libraries of numerics, and of ONNX Runtime. */
const runtimePrefixes: readonly string[] = [
  ...['CUDA_', 'CUDNN_', 'CUBLAS_', 'NVIDIA_', 'NCCL_', 'TENSORRT_'],
  ...['ROCM_', 'ROCR_', 'HIP_', 'HSA_', 'GPU_', 'AMD_', 'MIOPEN_', 'RCCL_'],
  ...['ZE_', 'ZES_', 'SYCL_', 'ONEAPI_', 'OCL_', 'OPENVINO_', 'VK_', 'MESA_', 'LIBGL_', 'DRI_'],
  ...['OMP_', 'GOMP_', 'KMP_', 'MKL_', 'OPENBLAS_', 'BLIS_', 'DNNL_', 'ONEDNN_', 'TBB_', 'VECLIB_', 'ORT_'],
];
/** The same, with those of Python and its libraries, and of where models are kept. */
const allowedPrefixes: readonly string[] = [
  'LC_',
  ...runtimePrefixes,
  ...['NUMEXPR_', 'NUMBA_', 'PYTHON', 'TORCH', 'PYTORCH_', 'ATEN_', 'TRITON_', 'XLA_', 'TF_', 'JAX_', 'HF_', 'TRANSFORMERS_', 'VLLM_'],
];

/** Devices of accelerators that no list knows: `ASCEND_RT_VISIBLE_DEVICES`. */
const visibleDevices = /_VISIBLE_(DEVICES|CORES|CHIPS)$/;

/** Never passed on, whatever is allowed or declared. */
const secretName =
  /TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|AUTH|(^|_)(PAT|PASS|PWD|KEY|CREDS?|COOKIE|SESSION|DSN|JWT|BEARER|NETRC|WEBHOOK|SAS)(_|$)/i;
/** Tokens of texts: `TOKENIZERS_PARALLELISM`, `MAX_NEW_TOKENS`, `VLLM_MAX_NUM_BATCHED_TOKENS`. */
const ofTexts = /TOKENIZ(ERS?|ATION)|(?<=(^|_)(MAX|MIN|NUM)_((NUM|NEW|INPUT|OUTPUT|PROMPT|BATCH|BATCHED|TOTAL)_)*)TOKENS(?=_|$)/gi;
/** Names of the runner and of the inputs of the action, and names that load code into every program. */
const refusedName = /^(GITHUB_|ACTIONS_|RUNNER_|INPUT_)|^(LD_PRELOAD|LD_AUDIT|DYLD_INSERT_LIBRARIES|NODE_OPTIONS|BASH_ENV|ENV)$/i;
const credentialsInUrl = /:\/\/[^/\s]*@/;

/**
 * The part of an environment that a child process may see: search paths, locale, temporary folder, proxies and certificates,
 * and the settings of compilers, Python, BLAS and accelerators. Never tokens, `INPUT_*`, nor `GITHUB_*`, `ACTIONS_*` and
 * `RUNNER_*`: those name the files that command the runner. A value that holds credentials in a URL is left out too.
 * @param declared names that the configuration adds
 */
export const allowedEnvironment = (
  source: Readonly<Record<string, string | undefined>>,
  declared: readonly string[] = [],
): Record<string, string> => {
  const allowed: Record<string, string> = {};
  for (const [name, value] of Object.entries(source)) {
    if (value === undefined || refusedVariable(name) !== null || credentialsInUrl.test(value)) continue;
    const isUsual = allowedNames.has(name) || visibleDevices.test(name) || allowedPrefixes.some((prefix) => name.startsWith(prefix));
    if (isUsual || declared.includes(name)) allowed[name] = value;
  }
  return allowed;
};

/** Folders of libraries that come before the system's. */
const librariesName = /^(DY)?LD_LIBRARY_PATH$/;

/**
 * The same for programs of the system that the gate starts, such as git and tar: without folders of
 * libraries, to which code under test may add.
 */
export const toolEnvironment = (source: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  withoutLibraries(allowedEnvironment(source));

/** An environment without the folders of libraries that come before the system's. */
export const withoutLibraries = (environment: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !librariesName.test(name)));

/** Why a variable never reaches measured code, whatever declares it; null for one that may. */
export const refusedVariable = (name: string): string | null => {
  if (refusedName.test(name)) return 'it belongs to the runner, or loads code into every program';
  return secretName.test(name.replace(ofTexts, 'TEXT')) ? 'its name is that of a token or another secret' : null;
};

/** Which device, driver or number of threads a library takes. */
const selection =
  /(_VISIBLE_(DEVICES|CORES|CHIPS)|_DEVICE_(ORDER|ORDINAL|SELECTOR|FILTER|SELECT|HIERARCHY)|_AFFINITY(_MASK)?|_DRIVER_FILES|_ICD_FILENAMES|_DRIVERS_(SELECT|DISABLE)|_(NUM|MAX|MAXIMUM)_THREADS|_PLATFORMS?|_GFX_VERSION)$|^DRI_PRIME$/;

/** Where something lies: that differs between machines, and says nothing of what is done. */
const place = /_(HOME|PATH|DIR|DIRECTORY|ROOT|PREFIX|CACHE)$/;

const isRuntimeSetting = (name: string): boolean => runtimePrefixes.some((prefix) => name.startsWith(prefix)) && !place.test(name);

/**
 * The variables of an environment, as measured code sees it, by which a session is another one: they
 * select devices and threads, or are settings of ONNX Runtime, of its libraries or of drivers.
 */
export const runtimeSettingsIn = (environment: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(allowedEnvironment(environment)).filter(([name]) => selection.test(name) || isRuntimeSetting(name)));

/** By these ONNX Runtime takes session options from the file of a model, or does more than to run it. */
const overridden = /^ORT_(LOAD_CONFIG_FROM_MODEL|RUNNING_UNIT_TESTS|DEBUG_NODE_IO_\w+)$/;

/** The environment of a process that holds sessions: their options are those of the plan. */
export const sessionEnvironment = (environment: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !overridden.test(name)));
