import type { SourceFile } from './source-file.ts';

/** One broken rule: what is wrong, and where. */
export type Violation = string;
type Rule = (files: readonly SourceFile[]) => readonly Violation[];

/** Folder → the other folders that it may import. Every folder may import errors.ts and itself. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  statistics: [],
  onnx: ['records'],
  contract: ['records'],
  processes: [],
  records: [],
  host: ['records'],
  store: ['records'],
  config: ['records'],
  baselines: ['records'],
  runtime: ['records', 'onnx', 'contract'],
  repository: ['records', 'processes'],
  telemetry: ['records', 'processes'],
  gate: ['records', 'statistics'],
  report: ['records', 'statistics'],
  models: ['records', 'onnx', 'store'],
  optimizations: ['records', 'contract', 'onnx', 'models', 'runtime', 'statistics'],
  worker: ['records', 'contract', 'models', 'runtime', 'optimizations', 'store', 'telemetry', 'processes', 'statistics'],
  run: ['records', 'config', 'gate', 'host', 'processes', 'repository', 'store'],
  planning: ['records', 'contract', 'config', 'baselines', 'models', 'optimizations', 'processes', 'repository', 'gate', 'host', 'run'],
  building: ['records', 'contract', 'gate', 'models', 'onnx', 'optimizations', 'processes', 'repository', 'store', 'run', 'planning'],
  launching: ['records', 'gate', 'report', 'store', 'run', 'planning', 'building'],
  init: ['records', 'config', 'onnx', 'repository', 'run', 'planning'],
  checks: ['records', 'report', 'repository', 'processes', 'telemetry', 'run', 'planning', 'building'],
  commands: [
    'records',
    'statistics',
    'config',
    'onnx',
    'store',
    'models',
    'optimizations',
    'telemetry',
    'processes',
    'repository',
    'baselines',
    'gate',
    'report',
    'host',
    'run',
    'planning',
    'building',
    'launching',
    'checks',
    'init',
  ],
  local: ['records', 'host', 'processes'],
  github: ['records', 'host', 'processes'],
};

/** A folder of src, `entry` for a file at its root, `local` and `github` for the two hosts, `errors` for the error table. */
const folderOf = (path: string): string => {
  const [, first = '', second = ''] = path.split('/');
  if (path === 'src/errors.ts') return 'errors';
  if (!path.startsWith('src/')) return 'outside';
  if (first.endsWith('.ts')) return 'entry';
  return first === 'host' && !second.endsWith('.ts') ? second : first;
};

const folders: Rule = (files) =>
  files.flatMap(({ path, imports }) => {
    const from = folderOf(path);
    const allowed = mayImport[from];
    if (from !== 'entry' && from !== 'errors' && allowed === undefined) return [`${path}: the folder "${from}" has no rule`];
    return imports
      .filter((one) => one.internal)
      .flatMap(({ target }) => {
        const to = folderOf(target);
        if (to === 'entry' || to === 'outside') return [`${path} imports ${target}: nobody imports an entry or what is outside src`];
        if (from === 'errors') return [`${path} imports ${target}: the error table imports nothing`];
        const free = from === 'entry' || to === from || to === 'errors' || allowed?.includes(to) === true;
        return free ? [] : [`${path} imports ${target}: ${from} may not import ${to}`];
      });
  });

/** Package → the paths that may load it. */
const packageHomes: readonly { readonly named: RegExp; readonly home: RegExp; readonly how?: 'lazy' }[] = [
  { named: /^onnxruntime-(node|common)(\/|$)/, home: /^src\/runtime\//, how: 'lazy' },
  { named: /^child_process$/, home: /^src\/processes\// },
  { named: /^simple-statistics$/, home: /^src\/statistics\// },
  { named: /^ml-matrix$/, home: /^src\/optimizations\/tensor-decomposition\// },
  { named: /^(string-width|wrap-ansi)$/, home: /^src\/report\// },
  { named: /^(@observablehq\/plot|linkedom)$/, home: /^src\/report\/plot\// },
  { named: /^@actions\//, home: /^src\/(host\/github\/|action\.ts$)/ },
  { named: /^perf_hooks$/, home: /^src\/(worker|launching|telemetry)\// },
  { named: /^(cluster|vm|inspector)$/, home: /^$/ },
];

const packages: Rule = (files) =>
  files.flatMap(({ path, imports }) =>
    imports
      .filter((one) => !one.internal)
      .flatMap(({ target, how }) => {
        const rule = packageHomes.find(({ named }) => named.test(target));
        if (rule === undefined) return [];
        if (!rule.home.test(path)) return [`${path} imports ${target}`];
        return rule.how === 'lazy' && how === 'static' ? [`${path} imports ${target} when it is loaded: only import() may`] : [];
      }),
  );

const clockFolders = /^src\/(worker|launching|telemetry)\/|^src\/[a-z-]+\.ts$/;

const syntax: Rule = (files) =>
  files.flatMap(({ path, uses }) =>
    uses.filter((use) => !(use.startsWith('clock: ') && clockFolders.test(path))).map((use) => `${path}: ${use}`),
  );

const generous = 400;
const middling = 120;
/** One file per command, and little else. */
const ofCommands = 1400;

const sizes: Rule = (files) => {
  const sorted = files.map(({ lines }) => lines).sort((one, other) => one - other);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const commands = files.filter(({ path }) => path.startsWith('src/commands/')).reduce((sum, { lines }) => sum + lines, 0);
  return [
    ...files.filter(({ lines }) => lines > generous).map(({ path, lines }) => `${path}: ${lines} lines, more than ${generous}`),
    ...(commands > ofCommands ? [`src/commands has ${commands} lines, more than ${ofCommands}`] : []),
    ...(median >= middling ? [`the median file has ${median} lines, not less than ${middling}`] : []),
  ];
};

const names: Rule = (files) =>
  files.flatMap(({ path, text }) => [
    ...(/^src\/([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(path) ? [] : [`${path}: not kebab-case`]),
    ...(/(^|\/|-)(utils?|helpers?|common|misc|shared-code)(\/|-|\.)/.test(path) ? [`${path}: a name that says nothing`] : []),
    ...(/\/index\.ts$/.test(path) && path !== 'src/index.ts' ? [`${path}: index.ts only at the root`] : []),
    ...(/\b(TODO|FIXME|XXX|HACK)\b/.test(text) ? [`${path}: unfinished work`] : []),
  ]);

/** A reader who looks for a type by its name finds one. */
const types: Rule = (files) => {
  const homes = Map.groupBy(
    files.flatMap(({ path, text }) =>
      [...text.matchAll(/^export (?:declare )?(?:interface|type|class) (\w+)/gm)].map(([, name = '']) => ({ name, path })),
    ),
    ({ name }) => name,
  );
  return [...homes].flatMap(([name, found]) =>
    found.length > 1 ? [`the type ${name} is exported by ${found.map(({ path }) => path).join(' and ')}`] : [],
  );
};

const endings: Rule = (files) => {
  const known = new Set(files.map(({ path }) => path));
  return files.flatMap(({ path, imports }) =>
    imports
      .filter((one) => one.internal && !one.target.startsWith('src/onnx/proto/') && !one.target.endsWith('.json'))
      .flatMap(({ target, written }) => (known.has(target) ? [] : [`${path} imports ${written}: no such file`])),
  );
};

const graphOf = (files: readonly SourceFile[], how: readonly string[]): ReadonlyMap<string, readonly string[]> =>
  new Map(
    files.map(({ path, imports }) => [path, imports.filter((one) => one.internal && how.includes(one.how)).map(({ target }) => target)]),
  );

/** The first import cycle that is found, types included: what names each other belongs in one place. */
const cycles: Rule = (files) => {
  const graph = graphOf(files, ['static', 'type']);
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): readonly Violation[] => {
    if (trail.includes(path)) return [`cycle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`];
    if (done.has(path)) return [];
    const found = (graph.get(path) ?? []).flatMap((next) => walk(next, [...trail, path]));
    done.add(path);
    return found;
  };
  return files.flatMap(({ path }) => walk(path, []));
};

/** Planning, judging and reporting must work where the native library is not: nothing on their way may load it. */
const withoutRuntime: Rule = (files) => {
  const graph = graphOf(files, ['static']);
  const trailTo = (path: string, seen: Set<string>): readonly string[] | null => {
    if (path.startsWith('src/runtime/')) return [path];
    if (seen.has(path)) return null;
    seen.add(path);
    for (const next of graph.get(path) ?? []) {
      const trail = trailTo(next, seen);
      if (trail !== null) return [path, ...trail];
    }
    return null;
  };
  return files
    .filter(({ path }) =>
      /^src\/(config|run|planning|building|launching|checks|init|commands|gate|report|baselines)\/|^src\/(action|cli)\.ts$/.test(path),
    )
    .flatMap(({ path }) => {
      const trail = trailTo(path, new Set());
      return trail === null ? [] : [`a static path leads to the runtime: ${trail.join(' → ')}`];
    });
};

/** Subjects and players are loaded only where they run. */
const lazySubjects: Rule = (files) =>
  files.flatMap(({ path, imports }) =>
    imports
      .filter(({ target, how }) => how === 'static' && /^src\/optimizations\/.+\/(subject|play)\.ts$/.test(target))
      .map(({ target }) => `${path} imports ${target} statically: only import() may`),
  );

export const rules = {
  folders,
  packages,
  syntax,
  sizes,
  names,
  types,
  endings,
  cycles,
  withoutRuntime,
  lazySubjects,
} as const satisfies Record<string, Rule>;
