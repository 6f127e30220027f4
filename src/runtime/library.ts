import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type * as OnnxRuntime from 'onnxruntime-node';
import { GateError } from '../errors.ts';

export type OrtModule = typeof OnnxRuntime;

/** The oldest runtime whose operators were tried. */
const oldest = [1, 30] as const;

/** Where the native runtime was found; nothing of it is loaded yet. */
export interface RuntimeLocation {
  /** Folder of the package onnxruntime-node. */
  readonly folder: string;
  readonly version: string;
  /** Folder of the native libraries of this platform. */
  readonly libraries: string;
}

export interface Runtime {
  readonly location: RuntimeLocation;
  readonly ort: OrtModule;
  /** Providers that this build knows; whether they work here shows only when a session is made. */
  readonly providers: readonly string[];
}

/** The folders to look in, in order: the one given explicitly (an option or ORT_PATH), the current one, the program's own. */
export const runtimeRoots = (explicit: string | null, current: string): readonly string[] =>
  explicit === null || explicit === '' ? [current, dirname(fileURLToPath(import.meta.url))] : [explicit];

const locateIn = (root: string): RuntimeLocation | string => {
  let manifest = join(root, 'package.json');
  let version: unknown;
  try {
    const own: unknown = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')) : null;
    const isPackage = typeof own === 'object' && own !== null && 'name' in own && own.name === 'onnxruntime-node';
    if (!isPackage) manifest = createRequire(join(root, 'noop.js')).resolve('onnxruntime-node/package.json');
    const parsed: unknown = JSON.parse(readFileSync(manifest, 'utf8'));
    version = typeof parsed === 'object' && parsed !== null && 'version' in parsed ? parsed.version : undefined;
  } catch {
    return 'no onnxruntime-node is there';
  }
  if (typeof version !== 'string') return 'a package without a version';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major !== oldest[0] || !(minor >= oldest[1])) return `onnxruntime-node ${version}; ${oldest.join('.')} or newer is needed`;
  const folder = dirname(manifest);
  const libraries = join(folder, 'bin', 'napi-v6', process.platform, process.arch);
  if (!existsSync(join(libraries, 'onnxruntime_binding.node')))
    return `onnxruntime-node ${version} without libraries for ${process.platform}/${process.arch}`;
  return { folder, version, libraries };
};

/** Finds onnxruntime-node from the first root that has a fitting one. Throws `runtime-not-found`, saying what each root held. */
export const locateRuntime = (roots: readonly string[]): RuntimeLocation => {
  const refused: string[] = [];
  for (const root of roots) {
    const found = locateIn(root);
    if (typeof found !== 'string') return found;
    refused.push(`${root}: ${found}`);
  }
  throw new GateError('runtime-not-found', `ONNX Runtime was looked for. None can be used. ${refused.join('; ')}.`);
};

/** Loads the native runtime. Throws `runtime-not-found` when none is found or the operating system refuses its libraries. */
export const loadRuntime = async (roots: readonly string[]): Promise<Runtime> => {
  const location = locateRuntime(roots);
  try {
    const ort: OrtModule = createRequire(join(location.folder, 'noop.js'))(location.folder);
    const providers = ort.listSupportedBackends().map((backend) => backend.name);
    ort.env.logLevel = 'error';
    return { location, ort, providers };
  } catch (cause) {
    throw new GateError(
      'runtime-not-found',
      `ONNX Runtime was loaded. The system refuses its libraries: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        where: location.folder,
        cause,
      },
    );
  }
};

/** sha256 over the names and bytes of the platform's native libraries. */
export const libraryDigest = async (location: RuntimeLocation): Promise<string> => {
  const whole = createHash('sha256');
  for (const name of readdirSync(location.libraries).sort()) {
    const one = createHash('sha256');
    await pipeline(createReadStream(join(location.libraries, name)), one);
    whole.update(`${one.digest('hex')}  ${name}\n`);
  }
  return whole.digest('hex');
};
