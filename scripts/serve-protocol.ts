/** What is said of the protocol of `serve:` in schemas/ and docs/serve-protocol.md, from the schemas that the program itself decodes with. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { PolicyExchange } from '../src/contract/policy.ts';
import { benchmarks } from '../src/optimizations/registry.ts';
import { builtAnswer, fromSubject, toSubject } from '../src/records/protocol.ts';

interface Node {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly $ref?: string;
}

const nodeOf = (schema: z.ZodType): Node => {
  const { $schema, ...node } = z.toJSONSchema(schema, { io: 'input' });
  return node as Node;
};

const alternativesOf = ({ anyOf, oneOf }: Node): readonly Node[] => anyOf ?? oneOf ?? [];

const typeOf = (node: Node): string => {
  if (node.$ref !== undefined) return 'any JSON value';
  if (node.const !== undefined) return `\`${JSON.stringify(node.const)}\``;
  if (node.enum !== undefined) return node.enum.map((each) => `\`${JSON.stringify(each)}\``).join(' or ');
  if (node.type === 'array') return `array of ${typeOf(node.items ?? {}).replace(/^.* or .*$/, '($&)')}`;
  const alternatives = [...new Set(alternativesOf(node).map(typeOf))];
  return alternatives.length > 0 ? alternatives.join(' or ') : (node.type ?? 'any JSON value');
};

/** The object that a field holds, itself or in an array, unless it may be null. */
const objectIn = (node: Node): Node | null => {
  if (node.properties !== undefined) return node;
  if (node.items !== undefined) return objectIn(node.items);
  return alternativesOf(node).find(({ properties }) => properties !== undefined) ?? null;
};

const code = (text: string): string => `\`${text}\``;
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const rowsOf = (node: Node, path: string): readonly (readonly string[])[] =>
  Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const here = `${path}${key}`;
    const inner = objectIn(child);
    const optional = node.required?.includes(key) === true ? '' : ', may be left out';
    const row = [code(here), `${typeOf(child)}${optional}`, child.description ?? ''];
    return [row, ...(inner === null ? [] : rowsOf(inner, `${here}${child.type === 'array' ? '[]' : ''}.`))];
  });

const table = (rows: readonly (readonly string[])[]): string =>
  ['| Field | Type | Meaning |', '| --- | --- | --- |', ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`)].join('\n');

/** One table; two with "or" between them where one of two objects is said. */
const tablesOf = (node: Node): string =>
  node.properties === undefined
    ? alternativesOf(node)
        .map((each) => table(rowsOf(each, '')))
        .join('\n\nor\n\n')
    : table(rowsOf(node, ''));

const exchanges = benchmarks.flatMap(({ id, title, exchanges: own = [] }) =>
  own.map((exchange) => ({ id, title, name: exchange.task === null ? id : `${id}-${exchange.task}`, exchange })),
);

const named = (name: string): { readonly $ref: string } => ({ $ref: `#/$defs/${name}` });

const objectSchema = (properties: Readonly<Record<string, unknown>>, isOpen: boolean): object => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  ...(isOpen ? {} : { additionalProperties: false }),
});

/** The lines of one kind of episode: its `start`, its `next`, and the answers to `next`. */
const episodeSchema = (id: string, { setting, observation, action }: PolicyExchange): object => ({
  anyOf: [named('start'), named('next'), named('answer')],
  $defs: {
    setting: nodeOf(setting),
    observation: nodeOf(observation),
    action: nodeOf(action),
    start: objectSchema(
      {
        do: { const: 'start' },
        optimization: { const: id },
        episode: objectSchema(
          { point: { type: 'string' }, seed: { type: 'integer', minimum: 0 }, options: {}, setting: named('setting') },
          true,
        ),
      },
      true,
    ),
    next: objectSchema({ do: { const: 'next' }, observation: named('observation') }, true),
    answer: { anyOf: [objectSchema({ ok: named('action') }, false), alternativesOf(nodeOf(fromSubject))[1]] },
  },
});

/** File name without its ending → content, of every schema of the protocol. */
export const serveSchemas = (): ReadonlyMap<string, object> =>
  new Map<string, object>([
    ['serve-question', { ...nodeOf(toSubject), title: 'serve: one line of standard input' }],
    ['serve-answer', { ...nodeOf(fromSubject), title: 'serve: one line of standard output' }],
    ['serve-build-result', { ...nodeOf(builtAnswer), title: 'serve: `ok` of the answer to `build`' }],
    ...exchanges.map(
      ({ id, name, exchange }) =>
        [`serve-${name}`, { ...episodeSchema(id, exchange), title: `serve: one line of an episode of ${name}` }] as const,
    ),
  ]);

const questionTables = (): string =>
  alternativesOf(nodeOf(toSubject))
    .map((node) => `### ${code(String(node.properties?.['do']?.const))}\n\n${tablesOf(node)}`)
    .join('\n\n');

const transcripts = join(import.meta.dirname, '..', 'examples', 'transcripts');

const transcript = (name: string): string => `\`\`\`text\n${readFileSync(join(transcripts, `${name}.txt`), 'utf8').trimEnd()}\n\`\`\``;

const policyTables = (): string =>
  exchanges
    .map(({ title, id, name, exchange: { task, asked, setting, observation, action } }) =>
      [
        `### ${title}${task === null ? '' : `, ${task}`} ${code(id)}`,
        `${asked}\n\nSchema: [serve-${name}.schema.json](../schemas/serve-${name}.schema.json).`,
        `${code('setting')} of ${code('start')}:\n\n${tablesOf(nodeOf(setting))}`,
        `${code('observation')} of ${code('next')}:\n\n${tablesOf(nodeOf(observation))}`,
        `${code('ok')} of the answer:\n\n${tablesOf(nodeOf(action))}`,
      ].join('\n\n'),
    )
    .join('\n\n');

/** Sections of docs/serve-protocol.md. */
export const serveSections: Readonly<Record<string, () => string>> = {
  'serve-questions': questionTables,
  'serve-answers': () => tablesOf(nodeOf(fromSubject)),
  'serve-build-result': () => tablesOf(nodeOf(builtAnswer)),
  'serve-policies': policyTables,
  'serve-build-transcript': () => transcript('build'),
  'serve-transcripts': () => [...new Set(exchanges.map(({ id }) => id))].map((id) => `### ${code(id)}\n\n${transcript(id)}`).join('\n\n'),
};
