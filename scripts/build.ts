import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build, type OutputChunk, type Plugin, type RolldownOutput } from 'rolldown';
import { buildTypes } from './types.ts';

const repository = join(import.meta.dirname, '..');

/**
 * The toolkit's own way to GitHub is undici's `fetch`, for which it makes a dispatcher when it is loaded; requests go through the toolkit's HTTP
 * client here (src/host/github/transport.ts), so that neither is ever asked. The package would be a quarter of what the action can load.
 */
const withoutUndici: Plugin = {
  name: 'without-undici',
  resolveId: (id) => (id === 'undici' ? '\0undici' : null),
  load: (id) =>
    id === '\0undici'
      ? `export class ProxyAgent {} export const fetch = () => { throw new Error('undici is not part of this bundle'); }; export default { ProxyAgent, fetch };`
      : null,
};

const packageOf = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/;

/** Names, versions and licences of the packages that some chunk holds code of. Throws for a package without a licence file or word. */
const licencesIn = (chunks: readonly OutputChunk[]): string => {
  const ids = chunks.flatMap(({ modules }) =>
    Object.entries(modules).flatMap(([id, { renderedLength }]) => (renderedLength > 0 ? [id] : [])),
  );
  const folders = new Set(ids.flatMap((id) => packageOf.exec(id)?.[0] ?? []));
  const entries = [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder)
      .sort()
      .find((one) => /^licen[cs]e/i.test(one));
    if (file === undefined && typeof license !== 'string') throw new Error(`${name} has no licence`);
    const text = file === undefined ? '' : `\n${readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim()}\n`;
    return `${name} ${version}: ${license}\n${text}`;
  });
  return entries.sort().join(`\n${'-'.repeat(80)}\n\n`);
};

const chunksOf = (results: readonly RolldownOutput[]): readonly OutputChunk[] =>
  results.flatMap(({ output }) => output.filter((one) => one.type === 'chunk'));

const optimizationPart = /src\/optimizations\/([^/]+)\/([^/]+)\.ts$/;

/**
 * Parts of the worker are named after what they hold and never by a running number, so that a change of one optimization leaves the files of
 * the others as they are: `ID-subject.js` is where the digest of a built-in's own code begins (src/planning/subjects.ts).
 */
const workerPart = ({ facadeModuleId, moduleIds, name }: { facadeModuleId: string | null; moduleIds: string[]; name: string }): string => {
  const held = (facadeModuleId === null ? moduleIds : [facadeModuleId]).toSorted();
  const [, optimization, noun] = held.map((id) => optimizationPart.exec(id)).find((match) => match !== null) ?? [];
  return `worker/${optimization === undefined ? name : `${optimization}-${noun}`}.js`;
};

/**
 * Bundles the four programs into `folder`, with the reader of command lines (scripts/gate.mjs) and with the licences of what they hold in `licences.txt`. GitHub's toolkit goes into chunks that are
 * loaded when first used: parsing it would cost most of the start. The worker's parts lie in a folder of their own: it is also what a tree
 * brings as its own subjects. onnxruntime-node stays outside: it is found at run time (src/runtime/library.ts).
 */
export const buildPrograms = async (folder: string): Promise<void> => {
  const shared: BuildOptions = {
    cwd: repository,
    platform: 'node',
    external: [/^onnxruntime-node/],
    plugins: [withoutUndici],
    checks: { ineffectiveDynamicImport: false },
    // An older Node has to read the program before it can say that it is too old.
    transform: { target: 'node20' },
  };
  const output = { dir: folder, format: 'esm', minify: true, comments: false } as const;
  const results = await build([
    {
      ...shared,
      input: { action: 'src/action.ts', cli: 'src/cli.ts', 'command-line': 'src/config/command-line.ts' },
      output: { ...output, chunkFileNames: 'chunks/[name].js' },
    },
    { ...shared, input: { worker: 'src/worker.ts' }, output: { ...output, chunkFileNames: workerPart } },
    { ...shared, input: { 'cache-worker': 'src/cache-worker.ts' }, output: { ...output, chunkFileNames: 'cache-worker/[name].js' } },
  ]);
  writeFileSync(join(folder, 'licences.txt'), licencesIn(chunksOf(results)));
};

if (import.meta.main) {
  const [dist, types] = [join(repository, 'dist'), join(repository, 'types')];
  for (const folder of [dist, types]) rmSync(folder, { recursive: true, force: true });
  await buildPrograms(dist);
  buildTypes(types);
}
