import type { FoundGraph } from './onnx-graphs.ts';
import { exampleMetric, type FoundMetric, type FoundProgram } from './program.ts';
import { type Installation, manifestOf } from './projects.ts';
import { folderOf, inFolder, type RepositoryFiles, seenFrom } from './repository-files.ts';

/** An entry of the configuration, as it is to be written. */
export interface ProposedEntry {
  readonly id: string;
  /** The file that it was made of, relative to the root of the repository. */
  readonly path: string;
  readonly key: FoundProgram['key'];
  /** Its YAML without the indentation, `id` first. */
  readonly lines: readonly string[];
  /** Why it is there, in sentences. */
  readonly comment: string;
  /** What a person has to do first; null: it is written active. */
  readonly open: string | null;
  /** Whose packages `setup` has to install for it; null for none. */
  readonly packages: 'python' | 'javascript' | null;
  /** Whether no loss on held-out text can be judged of it. */
  readonly unscored: boolean;
}

/** What the entries of one project are made with. */
export interface EntryPlace {
  readonly files: RepositoryFiles;
  /** Folder of the project, relative to the root of the repository; `''` for the root. */
  readonly project: string;
  readonly installations: { readonly python: Installation | null; readonly javascript: Installation | null };
  /** Ids that entries may not have: those of built-ins. */
  readonly reserved: ReadonlySet<string>;
}

/** Names that say too little alone. */
const generic: ReadonlySet<string> = new Set([
  'main',
  'index',
  'run',
  'bench',
  'benchmark',
  'cli',
  'app',
  'model',
  'decoder',
  'encoder',
  'decode',
  '__main__',
]);
const notText = /^(true|false|null|yes|no|on|off)$/;

const plainId = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);

/** An id for a file that no built-in has, and that YAML reads as text. */
export const entryId = (path: string, reserved: ReadonlySet<string>): string => {
  const name = path.slice(folderOf(path) === '' ? 0 : folderOf(path).length + 1).replace(/\.[^.]*$/, '');
  const folder = folderOf(path).split('/').at(-1) ?? '';
  const id = plainId(generic.has(name.toLowerCase()) ? `${folder}-${name}` : name);
  return /^[a-z]/.test(id) && !notText.test(id) && !reserved.has(id) ? id : plainId(`our-${id === '' ? 'code' : id}`);
};

/** The globs that a program at a path depends on: its folder, or the file alone at the top of a project. */
const globsOf = (path: string, project: string): readonly string[] => [
  folderOf(path) === project ? path : `${inFolder(project, seenFrom(project, path).split('/')[0] ?? '')}/**`,
];

const inputsLine = (globs: readonly string[]): string => `inputs: [${[...new Set(globs)].join(', ')}]`;

const metricLine = ({ id, unit, better, kind, role }: FoundMetric): string =>
  `  - { id: ${JSON.stringify(id) === `"${id}"` && /^[a-z]/.test(id) && !notText.test(id) ? id : JSON.stringify(id)}, unit: ${unit}, better: ${better}, kind: ${kind}${role === 'gate' ? '' : `, role: ${role}`} }`;

const metricsLines = (metrics: readonly FoundMetric[]): readonly string[] => ['metrics:', ...metrics.map(metricLine)];

const interpreterOf = ({ language }: FoundProgram, { python }: EntryPlace['installations']): string => {
  if (language === 'javascript') return 'node';
  return python === null ? 'python3' : '.venv/bin/python';
};

/** Says of metrics whose direction is not known what can be done. */
const described = (metrics: readonly FoundMetric[]): string =>
  metrics.some(({ role }) => role === 'described')
    ? ' Metrics with `role: described` decide nothing: remove the role, and say which direction is better.'
    : '';

/** Built-ins whose benchmarks see more than the shared metrics, by what a file that does the same is called. */
const kinds: readonly (readonly [RegExp, string])[] = [
  [/prun/i, 'structured-pruning'],
  [/spars/i, 'sparse-network'],
  [/svd|decompos|factori|low[_-]?rank/i, 'tensor-decomposition'],
];

const betterKind = ({ path, like }: FoundProgram): string => {
  const kind = like === 'model' ? kinds.find(([name]) => name.test(path))?.[1] : undefined;
  return kind === undefined ? '' : ` Where it does the same as the built-in, \`like: ${kind}\` judges more.`;
};

/** The entry of a program. */
export const programEntry = (program: FoundProgram, place: EntryPlace): ProposedEntry => {
  const { project, installations } = place;
  const file = seenFrom(project, program.path);
  const line = `${interpreterOf(program, installations)} ${file}${program.words === '' ? '' : ` ${program.words}`}`;
  const packages = program.language === 'python' || program.installed ? program.language : null;
  const installed = packages === null ? null : installations[packages];
  const id = entryId(program.path, place.reserved);
  const like = program.like === null ? [] : [`like: ${program.like}`];
  const run = program.key === 'module' ? `module: ${file}` : `${program.key}: ${line}`;
  return {
    id,
    path: program.path,
    key: program.key,
    lines: [
      `id: ${id}`,
      ...like,
      run,
      inputsLine([...globsOf(program.path, project), ...(installed?.files ?? [])]),
      ...(program.key === 'measure' ? metricsLines(program.metrics) : []),
    ],
    comment: `${file} ${program.seen}.${betterKind(program)}${described(program.metrics)}`,
    open: program.open,
    packages: installed === null ? null : packages,
    unscored: false,
  };
};

/** A model that a configuration can name, as far as a decoder of one's own is held against it. */
export interface ScoringModel {
  readonly vocabulary: number;
  readonly inputs: readonly string[];
}

/** The entry of an ONNX file: a decoder takes the place of a build, anything else needs a program. */
export const graphEntry = (graph: FoundGraph, place: EntryPlace, model: ScoringModel): ProposedEntry => {
  const { project } = place;
  const file = seenFrom(project, graph.path);
  const id = entryId(graph.path, place.reserved);
  if (graph.kind === 'other') {
    const program = inFolder(project, `bench/${id}.py`);
    return {
      id,
      path: graph.path,
      key: 'measure',
      lines: [
        `id: ${id}`,
        `measure: python3 ${seenFrom(project, program)}`,
        inputsLine([graph.path, program]),
        ...metricsLines([exampleMetric]),
      ],
      comment: `${file} ${graph.seen}.`,
      open:
        graph.open ??
        `Write ${seenFrom(project, program)}: it runs the graph and answers each line \`round N\` with one JSON line of numbers.`,
      packages: null,
      unscored: false,
    };
  }
  const [data, ...more] = graph.data.map((path) => seenFrom(project, path));
  const copied = [file, ...(data === undefined ? [] : [data]), ...more];
  const command =
    data === undefined
      ? `cp ${file} {output}`
      : `sh -c 'cp ${file} "$1" && cp ${copied.slice(1).join(' ')} "$2"' sh {output} {output-folder}`;
  const scored = graph.vocabulary === model.vocabulary && model.inputs.every((name) => graph.inputs.includes(name));
  const judged = scored
    ? 'It has the inputs and the vocabulary of the model above, so its loss on held-out text is judged too.'
    : 'Its speed, size, memory and work are judged, but not its answers.';
  return {
    id,
    path: graph.path,
    key: 'command',
    lines: [`id: ${id}`, 'like: model', `command: ${command}`, inputsLine([graph.path, ...graph.data])],
    comment: `${file} is a decoder with a cache. This entry compares the committed file of both sides. ${judged}`,
    open: null,
    packages: null,
    unscored: !scored,
  };
};

const benchScript = /^(bench|benchmark|perf)(:[a-z0-9-]+)?$/;

/** Entries of the scripts of a package.json that measure by their names. `known`: files that have an entry already. */
export const scriptEntries = (place: EntryPlace, known: readonly string[]): readonly ProposedEntry[] => {
  const { files, project, installations } = place;
  const scripts = manifestOf(files, project)?.['scripts'];
  if (typeof scripts !== 'object' || scripts === null) return [];
  return Object.entries(scripts).flatMap(([name, text]): readonly ProposedEntry[] => {
    if (!benchScript.test(name) || typeof text !== 'string' || known.some((path) => text.includes(seenFrom(project, path)))) return [];
    const id = plainId(`script-${name}`);
    const path = inFolder(project, 'package.json');
    return [
      {
        id,
        path,
        key: 'measure',
        lines: [
          `id: ${id}`,
          `measure: npm run --silent ${name}`,
          inputsLine([path, ...(installations.javascript?.files ?? [])]),
          ...metricsLines([exampleMetric]),
        ],
        comment: `package.json has the script \`${name}\`.`,
        open: 'Let it answer each line `round N` with one JSON line of numbers (docs/plug-ins.md), and name them and its files below.',
        packages: installations.javascript === null ? null : 'javascript',
        unscored: false,
      },
    ];
  });
};
