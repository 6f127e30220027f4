import { javascriptProgram } from './javascript-programs.ts';
import { type FoundGraph, onnxGraphs } from './onnx-graphs.ts';
import type { FoundProgram } from './program.ts';
import { type Installation, javascriptInstallation, projectOf, pythonInstallation } from './projects.ts';
import { type EntryPlace, graphEntry, type ProposedEntry, programEntry, type ScoringModel, scriptEntries } from './proposed-entry.ts';
import { pythonProgram } from './python-programs.ts';
import { isBelow, type RepositoryFiles } from './repository-files.ts';

/** What `init` proposes for one project of the repository. */
export interface ProjectProposal {
  /** Relative to the root of the repository; `''` for the root. */
  readonly folder: string;
  readonly active: readonly ProposedEntry[];
  /** Entries that a person has to complete. */
  readonly open: readonly ProposedEntry[];
  /** Entries that there was no room for. */
  readonly dropped: number;
  /** What runs in the checkout of each side first, and what that needs of the runner. */
  readonly setup: { readonly command: string; readonly needs: readonly string[]; readonly active: boolean } | null;
  /** `gate: { quality: none }` */
  readonly unscored: boolean;
  /** Whether an active program uses a GPU framework, whose programs take gigabytes. */
  readonly heavy: boolean;
}

const mostActive = 12;
const mostOpen = 12;
/** Folders of what was built, and of what tests or describes the rest. */
const passedOver = /(^|\/)(dist|build|\.[^/]+|tests?|__tests__|docs?)\//;
const testFile = /(^|\/)(test_[^/]*|[^/]*_test|conftest)\.py$|\.(test|spec|config)\.[cm]?[jt]s$|\.d\.[cm]?ts$|\.min\.js$/;
const framework = /^[ \t]*(?:import|from)[ \t]+(?:torch|vllm|tensorflow|jax|cupy|tensorrt)\b/m;

interface Found {
  readonly programs: readonly FoundProgram[];
  readonly graphs: readonly FoundGraph[];
  readonly graphsLeftOut: number;
  /** Programs that load a GPU framework. */
  readonly heavy: ReadonlySet<string>;
}

const find = (files: RepositoryFiles, top: string): Found => {
  const programs: FoundProgram[] = [];
  const heavy = new Set<string>();
  for (const path of files.paths.filter((each) => isBelow(each, top))) {
    const read = /\.py$/.test(path) ? pythonProgram : /\.[cm]?[jt]s$/.test(path) ? javascriptProgram : null;
    if (read === null || passedOver.test(path) || testFile.test(path)) continue;
    const text = files.text(path);
    const program = text === null ? null : read(path, text);
    if (program === null) continue;
    programs.push(program);
    if (text !== null && framework.test(text)) heavy.add(path);
  }
  const { graphs, leftOut } = onnxGraphs(files, top);
  return { programs, graphs, graphsLeftOut: leftOut, heavy };
};

/** No two entries have one id. */
const distinct = (entries: readonly ProposedEntry[]): readonly ProposedEntry[] => {
  const seen = new Map<string, number>();
  return entries.map((entry) => {
    const times = (seen.get(entry.id) ?? 0) + 1;
    seen.set(entry.id, times);
    if (times === 1) return entry;
    const id = `${entry.id}-${times}`;
    seen.set(id, 1);
    return { ...entry, id, lines: entry.lines.map((line) => (line === `id: ${entry.id}` ? `id: ${id}` : line)) };
  });
};

const setupOf = (installations: readonly Installation[], active: boolean): ProjectProposal['setup'] => {
  if (installations.length === 0) return null;
  const command = installations.map((each) => each.command).join(' && ');
  const needs = installations.flatMap((each) => each.needs ?? []);
  return { command: /[&"$]/.test(command) ? `sh -c '${command}'` : command, needs, active };
};

const proposeProject = (files: RepositoryFiles, folder: string, root: string, found: Found, fixed: FixedFacts): ProjectProposal => {
  const programs = found.programs.filter(({ path }) => projectOf(files, path, fixed.top) === folder);
  const graphs = found.graphs.filter(({ path }) => projectOf(files, path, fixed.top) === folder);
  const pythons = programs.filter(({ language }) => language === 'python').map(({ path }) => path);
  const installations = { python: pythonInstallation(files, folder, pythons), javascript: javascriptInstallation(files, folder, root) };
  const place: EntryPlace = { files, project: folder, installations, reserved: fixed.reserved };
  const ofPrograms = programs.map((program) => programEntry(program, place));
  const scripts = scriptEntries(
    place,
    programs.map(({ path }) => path),
  );
  const judged = ofPrograms.some(({ open, key }) => open === null && key !== 'measure');
  const ofGraphs = graphs
    .map((graph) => graphEntry(graph, place, fixed.model))
    // The loss of the other entries would not be judged either.
    .map((entry) =>
      entry.unscored && judged ? { ...entry, open: 'Add `gate: { quality: none }`, or put it into a configuration of its own.' } : entry,
    );
  const entries = distinct([...ofPrograms, ...ofGraphs, ...scripts]);
  const sure = entries.filter(({ open }) => open === null);
  const active = sure.slice(0, mostActive);
  const waiting = entries.filter(({ open }) => open !== null);
  const open = waiting.slice(0, mostOpen);
  const neededBy = (list: readonly ProposedEntry[]): readonly Installation[] =>
    (['python', 'javascript'] as const).flatMap((language) =>
      list.some(({ packages }) => packages === language) ? (installations[language] ?? []) : [],
    );
  const isActive = neededBy(active).length > 0;
  return {
    folder,
    active,
    open,
    dropped: entries.length - active.length - open.length,
    setup: setupOf(isActive ? neededBy(active) : neededBy(open), isActive),
    unscored: active.some(({ unscored }) => unscored),
    heavy: active.some(({ path }) => found.heavy.has(path)),
  };
};

/** What the search is given besides the files. */
export interface FixedFacts {
  /** Folder that the configuration is asked for, relative to the root of the repository. */
  readonly top: string;
  /** Ids of built-ins. */
  readonly reserved: ReadonlySet<string>;
  /** The model that a decoder of one's own is held against. */
  readonly model: ScoringModel;
}

/** What was found in a repository. */
export interface Proposal {
  /** At least one project. */
  readonly projects: readonly ProjectProposal[];
  /** Files of other projects that a person would have to complete. */
  readonly others: readonly string[];
  /** ONNX files that were not read. */
  readonly graphsLeftOut: number;
}

/**
 * Looks for optimizations in the files of a repository. Every project with an entry that runs as it is
 * gets a configuration of its own; without any, the folder that was asked for gets one.
 */
export const propose = (files: RepositoryFiles, root: string, fixed: FixedFacts): Proposal => {
  const found = find(files, fixed.top);
  const paths = [...found.programs, ...found.graphs].map(({ path }) => path);
  const folders = [...new Set([fixed.top, ...paths.map((path) => projectOf(files, path, fixed.top))])].sort();
  const all = folders.map((folder) => proposeProject(files, folder, root, found, fixed));
  const sure = all.filter(({ active }) => active.length > 0);
  const projects = sure.length > 0 ? sure : all.filter(({ folder }) => folder === fixed.top);
  const others = all.filter((each) => !projects.includes(each)).flatMap(({ open }) => open.map(({ path }) => path));
  return { projects, others, graphsLeftOut: found.graphsLeftOut };
};
