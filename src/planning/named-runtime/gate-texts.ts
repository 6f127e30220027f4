import { posix } from 'node:path';
import type { CommandText } from './command-text.ts';
import { type CommandTree, commandFiles, valueFiles } from './command-tree.ts';
import { escaped } from './command-words.ts';
import { jsonMap } from './json-map.ts';

/** Files, and rounds of callers, that are followed. */
const mostTexts = 400;
const deepest = 6;

/** Files whose folder or tool is named instead of them. */
const calledBy = ({ path, part }: Pick<CommandText, 'path' | 'part'>): string => {
  const [name, folder] = [posix.basename(path), posix.dirname(path)];
  if (name === 'package.json')
    return `(npm|pnpm|yarn|bun|node --run|turbo|nx|lerna)([^;&|]*[ :])?${escaped(part ?? '')}([^[:alnum:]_:-]|$)`;
  if (/^action\.ya?ml$/.test(name))
    return folder === '.' ? '\\./["\']?[[:space:]]*$' : `${escaped(folder)}(/?["']|/?[[:space:]]|/?$|/action)`;
  if (/^(GNUm|m|M)akefile$/.test(name)) return '(^|[^[:alnum:]_-])g?make([^[:alnum:]_-]|$)';
  if (/^justfile$/i.test(name)) return '(^|[^[:alnum:]_-])just([^[:alnum:]_-]|$)';
  if (/^(Docker|Container)file|\.Dockerfile$/.test(name))
    return `(^|[^[:alnum:]_-])(docker|podman|buildah|${escaped(name)})([^[:alnum:]_-]|$)`;
  return `(^|[^[:alnum:]_-])${escaped(name)}([^[:alnum:]_-]|$)`;
};

const scripted = (expression: string): RegExp =>
  new RegExp(
    expression.replaceAll('[^[:alnum:]_:-]', '[^\\w:-]').replaceAll('[^[:alnum:]_-]', '[^\\w-]').replaceAll('[[:space:]]', '\\s'),
    'm',
  );

/** Scripts of a manifest that an installation starts. */
const byInstall = /^(?:pre|post)?install$|^prepare$/;
const installs = /\b(?:npm|pnpm|yarn|bun)\b[^;&|\n]*\b(?:ci|install|i)\b|\byarn *(?:$|[;&|\n])/m;

/** Whether a text starts another one, as it is or by a path that ends like it. */
const starts = (caller: CommandText, called: CommandText, expression: RegExp): boolean => {
  if (called.part !== null && byInstall.test(called.part) && posix.basename(called.path) === 'package.json' && installs.test(caller.text))
    return true;
  if (!expression.test(caller.text)) return false;
  const name = posix.basename(called.path);
  const written = [...caller.text.matchAll(new RegExp(`[\\w./@-]*/${escaped(name)}(?![\\w-])`, 'g'))].map(([word]) => word);
  const bare = new RegExp(`(?<![\\w./-])${escaped(name)}(?![\\w-])`).test(caller.text);
  if (written.length === 0 || bare) return true;
  // `$FOLDER/NAME` and `../NAME` say nothing of the folder.
  const paths = written.map((word) => posix.normalize(word.replace(/^.*\.\.\//, '')).replace(/^\/+/, ''));
  return paths.some((path) => called.path === path || called.path.endsWith(`/${path}`));
};

/** The jobs that one needs. */
const needs = (job: CommandText, other: CommandText): boolean => {
  if (job.path !== other.path || job.part === null) return false;
  const needed = job.data['needs'];
  return other.part === null || (Array.isArray(needed) ? needed : [needed]).includes(other.part);
};

/** A text that says by itself that it runs the gate: neither a comment nor a name for readers. */
const runsGate = (names: RegExp, { path, text }: CommandText): boolean =>
  names.test(posix.basename(path) === 'package.json' ? text : text.replace(/^\s*(?:- )?(?:run-)?name:.*$/gm, ''));

/** Texts that were found, each once. */
class Found {
  private readonly texts = new Map<string, CommandText>();

  add(text: CommandText): boolean {
    const key = JSON.stringify([text.path, text.part]);
    if (this.texts.has(key) || this.texts.size >= mostTexts) return false;
    this.texts.set(key, text);
    return true;
  }

  /** All of them, with those that are added meanwhile. */
  all(): MapIterator<CommandText> {
    return this.texts.values();
  }
}

const globs = [...commandFiles, '**/package.json'];

/** Adds the texts that start some others, and those that start these. */
const addCallers = async (tree: CommandTree, found: Found, first: readonly CommandText[]): Promise<void> => {
  let called = first;
  for (let round = 0; round < deepest && called.length > 0; round++) {
    const expressions = [...new Set(called.map(calledBy))];
    const callers = await tree.textsOf(await tree.with(expressions.join('|'), globs));
    const tests = called.map((text) => ({ text, expression: scripted(calledBy(text)) }));
    called = callers.filter(
      (caller) => tests.some(({ text, expression }) => caller.path !== text.path && starts(caller, text, expression)) && found.add(caller),
    );
  }
};

/** Some texts, and those that start them. */
export const withCallers = async (tree: CommandTree, texts: readonly CommandText[]): Promise<readonly CommandText[]> => {
  const found = new Found();
  for (const text of texts) found.add(text);
  await addCallers(tree, found, texts);
  return [...found.all()];
};

/** What tells the texts that run the gate. */
export interface GateNames {
  /** `OWNER/NAME` of the gate where its own workflow names it so. */
  readonly action: string | null;
  /** The running workflow and its job, where the host names them. */
  readonly workflow: { readonly path: string; readonly job: string | null } | null;
  /** Path of the configuration. */
  readonly configuration: string;
}

/** The texts that lead to the gate, and those that they start: what can install the library that it takes. */
export const gateTexts = async (tree: CommandTree, { action, workflow, configuration }: GateNames): Promise<readonly CommandText[]> => {
  const names = ['optimization-gate', ...(action === null ? [] : [action])].map(escaped).join('|');
  const naming = new RegExp(names, 'i');
  const found = new Found();
  const running = workflow === null ? [] : [workflow.path];
  const first = await tree.textsOf([...new Set([configuration, ...running, ...(await tree.with(names, globs))])]);
  const isShared = (text: CommandText): boolean =>
    text.part === null && first.some(({ path, part }) => path === text.path && part !== null);
  const runs = (text: CommandText): boolean =>
    text.path === configuration ||
    (text.path === workflow?.path && text.part === workflow.job) ||
    (!isShared(text) && runsGate(naming, text));
  const sure = first.filter(runs);
  // What all jobs of a workflow share names it, and none of them.
  const unsure = first.filter(
    ({ path }) =>
      !sure.some((text) => text.path === path) &&
      first.some((text) => text.path === path && (path === workflow?.path || runsGate(naming, text))),
  );
  for (const text of [...sure, ...unsure]) found.add(text);
  await addCallers(
    tree,
    found,
    [...sure, ...unsure].filter(({ path }) => path !== configuration),
  );

  const paths = await tree.with('.', [...globs, ...valueFiles]);
  const others = [...new Set([...paths, ...(await tree.with('onnxruntime-node', ['**']))])].filter(
    (path) => !/(?:^|\/)tsconfig[^/]*\.json$/.test(path),
  );
  for (const text of found.all()) {
    const mentioned = others.filter((path) => isMentioned(text, path));
    for (const other of await tree.textsOf(mentioned))
      if (other.path !== text.path && starts(text, other, scripted(calledBy(other)))) found.add(other);
    for (const other of await tree.textsOf([text.path])) if (needs(text, other)) found.add(other);
  }
  return [...found.all()];
};

/** A quick look whether a text may start a file. */
const isMentioned = ({ text, data }: CommandText, path: string): boolean => {
  const name = posix.basename(path);
  if (/^action\.ya?ml$/.test(name)) return text.includes(posix.dirname(path));
  if (/^(?:package\.json|(?:GNUm|m|M)akefile|[Jj]ustfile)$/.test(name))
    return /\b(?:g?make|just|npm|pnpm|yarn|bun|turbo|nx|lerna|node)\b/.test(text);
  if (/^(?:Docker|Container)file|\.Dockerfile$/.test(name)) return /\b(?:docker|podman|buildah)\b/.test(text) || text.includes(name);
  return text.includes(name) || JSON.stringify(jsonMap(data)['uses'] ?? '').includes(name);
};
