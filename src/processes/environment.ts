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
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
]);
/** Families of settings: of accelerators and their drivers, of libraries of numerics, and of where models are kept. */
const allowedPrefixes: readonly string[] = [
  'LC_',
  ...['CUDA_', 'CUDNN_', 'CUBLAS_', 'NVIDIA_', 'NCCL_', 'TENSORRT_'],
  ...['ROCM_', 'ROCR_', 'HIP_', 'HSA_', 'GPU_', 'AMD_', 'MIOPEN_', 'RCCL_'],
  ...['ZE_', 'ZES_', 'SYCL_', 'ONEAPI_', 'OCL_', 'OPENVINO_', 'VK_', 'MESA_', 'LIBGL_', 'DRI_'],
  ...['OMP_', 'GOMP_', 'KMP_', 'MKL_', 'OPENBLAS_', 'BLIS_', 'DNNL_', 'ONEDNN_', 'TBB_', 'VECLIB_', 'NUMEXPR_', 'NUMBA_'],
  ...['PYTHON', 'TORCH', 'PYTORCH_', 'ATEN_', 'TRITON_', 'XLA_', 'TF_', 'JAX_', 'HF_', 'TRANSFORMERS_', 'VLLM_', 'ORT_'],
];

/** Never passed on, whatever the lists above allow. */
const secretName = /TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|AUTH/i;
const credentialsInUrl = /:\/\/[^/\s]*@/;

/**
 * The part of an environment that a child process may see: search paths, locale, temporary folder, proxies and certificates,
 * and the settings of compilers, Python, BLAS and accelerators. Never tokens, `INPUT_*`, nor `GITHUB_*`, `ACTIONS_*` and
 * `RUNNER_*`: those name the files that command the runner. A value that holds credentials in a URL is left out too.
 */
export const allowedEnvironment = (source: Readonly<Record<string, string | undefined>>): Record<string, string> => {
  const allowed: Record<string, string> = {};
  for (const [name, value] of Object.entries(source)) {
    if (value === undefined || secretName.test(name) || credentialsInUrl.test(value)) continue;
    if (allowedNames.has(name) || allowedPrefixes.some((prefix) => name.startsWith(prefix))) allowed[name] = value;
  }
  return allowed;
};
