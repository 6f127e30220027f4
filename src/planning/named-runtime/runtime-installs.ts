import { assignedValues } from './assigned-values.ts';
import { type CommandText, withoutProse } from './command-text.ts';
import { escaped, firstMatches, quoteBefore, wordAt } from './command-words.ts';
import { library } from './named-version.ts';

/** A spec of the package as a text gives it, and where. */
export interface InstallSpec {
  readonly spec: string;
  readonly of: CommandText;
  readonly at: number;
}

/** Mentions of one text. */
const most = 200;

const managers = new Set(['npm', 'pnpm', 'yarn', 'bun', 'cnpm', 'npm.cmd', 'pnpm.cmd', 'yarn.cmd']);
const verbs = new Set(['install', 'i', 'in', 'ins', 'isntall', 'add', 'update', 'up', 'upgrade']);

/** `$(COMMAND)`, which names the package for another reason. */
const computed = /\$\((?:[^()\n]|\([^()\n]*\))*\)/g;

/** Where a package manager is told to install the package and no version of it. */
const bareInstalls = (text: string): readonly number[] => {
  const found: number[] = [];
  let at = 0;
  for (const command of text.replace(computed, (whole) => ' '.repeat(whole.length)).split(/[;&|\n]/)) {
    if (command.includes(library)) {
      const words = command.split(/[\s,"'[\]()]+/);
      const manager = words.findIndex((word) => managers.has(word));
      const verb = words.findIndex((word, place) => place > manager && verbs.has(word));
      if (manager !== -1 && verb !== -1 && words.indexOf(library) > verb) found.push(at + command.indexOf(library));
    }
    at += command.length + 1;
  }
  return found;
};

/** What may stand behind the name as its version: no word of a sentence. */
const isSpec = (word: string): boolean =>
  /^(?:[\d^~<>=*$%{!`]|v\d|npm:|file:|git|https?:|(?:latest|next|dev|nightly|beta|rc)\b)/.test(word) && word.length <= 300;

/** The name of the package, and the ways to write a variable that holds it. */
const written = (holders: readonly string[]): string => {
  const names = holders.map(escaped);
  const variables = names.flatMap((name) => [
    `\\$(?:env:)?${name}(?!\\w)`,
    `\\$\\{${name}\\}`,
    `\\$\\(${name}\\)`,
    `\\$\\{\\{[^}\\n]{0,200}\\.${name}\\s*\\}\\}`,
    `%${name}%`,
  ]);
  return `(?:${[`(?<![\\w-])${library}`, ...variables].join('|')})`;
};

/** Names of variables that hold the name of the package. */
export const holdersIn = (texts: readonly CommandText[]): readonly string[] => {
  const found = texts.flatMap(({ text }) =>
    [...text.matchAll(/(?<![\w-])(\w+)["']?\s*:?[=:]\s*["']?onnxruntime-node["']?(?=[\s;,}]|$)/gm)].map(([, name = '']) => name),
  );
  return [...new Set(found)].filter((name) => !/^(?:name|package|with|uses|dependency|title)$/i.test(name)).slice(0, 20);
};

/** Where a text installs the package, or says with which version: never a sentence that speaks of it. */
export const installSpecs = (of: CommandText, holders: readonly string[] = []): readonly InstallSpec[] => {
  const text = withoutProse(of);
  const found: InstallSpec[] = [];
  const add = (spec: string, at: number): void => {
    const plain = spec.trim().replace(/[.:]+$/, '');
    if (plain !== '') found.push({ spec: plain, of, at });
  };
  for (const { index, 0: whole } of firstMatches(text, new RegExp(`${written(holders)}(["']?)@(["']?)`, 'g'), most)) {
    const start = index + whole.length;
    const inner = /["']$/.exec(whole)?.[0] ?? null;
    // A text of another language that ends here, or has a hole: its version stands behind it.
    const joined = /^["'`]\s*\+\s*([\w.[\]'"]+)|^(?:\{\}|%s)[^"'`\n]*["'`]\s*(?:\.format\(|%\s*\(?)\s*([\w.]+)/.exec(
      text.slice(inner === null ? start : start - 1, start + 300),
    );
    if (joined !== null) {
      add(`{{ ${joined[1] ?? joined[2] ?? ''} }}`, index);
      continue;
    }
    const spec = wordAt(text, start, inner ?? (/["']@/.test(whole) ? null : quoteBefore(text, index)));
    add(spec, index);
  }
  for (const { index, 0: whole } of firstMatches(text, new RegExp(`${written(holders)}-(?=[\\d$%{])`, 'g'), most)) {
    const file = /^(.+?)\.(?:tgz|tar\.gz)/.exec(wordAt(text, index + whole.length, quoteBefore(text, index)));
    if (file !== null) add(file[1] ?? '', index);
  }
  for (const { value, at, by } of assignedValues(library, text)) {
    const line = text.slice(text.lastIndexOf('\n', at) + 1, at);
    if (isSpec(value) && (by === 'shell' ? /(?:^|[\s"'])$/ : /^\s*(?:- )?["']?$|[{,]\s*["']?$/).test(line))
      add(value.replace(/^=+/, ''), at);
  }
  for (const at of bareInstalls(text)) add('latest', at);
  return found;
};
