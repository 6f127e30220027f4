/** A part of a spec that stands for something else. */
export type SpecReference =
  /** A variable of a shell, of make, of another tool; `instead`: its default. */
  | { readonly kind: 'variable'; readonly name: string; readonly instead: string | null }
  /** `$1`, or all of them. */
  | { readonly kind: 'argument'; readonly place: number | 'all'; readonly instead: string | null }
  | { readonly kind: 'command'; readonly command: string }
  /** `inputs.NAME` and the like, in an expression of a workflow. */
  | { readonly kind: 'context'; readonly context: string; readonly name: string }
  | { readonly kind: 'literal'; readonly value: string };

/** A spec in pieces: what it says itself, and what stands for something else (any of several). */
export type SpecPiece = string | { readonly written: string; readonly any: readonly SpecReference[] };

const pattern =
  /\$\{\{([\s\S]*?)\}\}|\{\{([^{}]*)\}\}|\$\(((?:[^()]|\([^()]*\))*)\)|`([^`]*)`|\$\{(?:env:)?(\w+|[@*])((?:[^{}]|\{[^{}]*\})*)\}|\$(?:env:)?([a-z_]\w*|\d|[@*])|%~?(\d|\*)|%(\w+)%|!(\w+)!|\bgetInput\(\s*["']([^"'\n]+)["'][^)\n]*\)|\b(?:process\.env\.|process\.env\[["']|os\.(?:environ(?:\.get)?|getenv)[[(]["'])(\w+)(?:["'](?:, *["']([^"'\n]*)["'])?[\])])?|\{([a-z_]\w*)\}/gi;

const property =
  /\b(env|inputs|matrix|steps|needs|vars|github|secrets|runner|job|strategy|parameters|variables)((?:\s*\.\s*[\w-]+|\[\s*['"][^'"]*['"]\s*\])+)/gi;

const inExpression = (expression: string): readonly SpecReference[] => {
  const contexts = [...expression.matchAll(property)].map(([, context = '', path = '']): SpecReference => {
    const names = [...path.matchAll(/[\w-]+/g)].map(([name]) => name);
    const isInput = context.toLowerCase() === 'github' && names.includes('inputs');
    return { kind: 'context', context: isInput ? 'inputs' : context.toLowerCase(), name: names.at(-1) ?? '' };
  });
  const plain = expression.replace(property, ' ');
  const literals = [...plain.matchAll(/'([^']*)'|"([^"]*)"/g)].map(
    ([, one, other]): SpecReference => ({ kind: 'literal', value: one ?? other ?? '' }),
  );
  const words = contexts.length > 0 ? [] : [...plain.replace(/'[^']*'|"[^"]*"/g, ' ').matchAll(/[a-z_][\w-]*/gi)];
  const variables = words.map(([name]): SpecReference => ({ kind: 'variable', name, instead: null }));
  return [...contexts, ...literals.filter((each) => each.kind === 'literal' && /\d/.test(each.value)), ...variables];
};

const byName = (name: string, behind: string): readonly SpecReference[] => {
  const instead = /^:?[-=+]([\s\S]*)$/.exec(behind)?.[1]?.replace(/^["']|["']$/g, '') ?? null;
  if (/^(?:\d|[@*])$/.test(name)) return [{ kind: 'argument', place: /\d/.test(name) ? Number(name) : 'all', instead }];
  // `$args` of PowerShell, and what `getopts` gives.
  if (name === 'args' || name === 'OPTARG') return [{ kind: 'argument', place: 'all', instead }];
  return [{ kind: 'variable', name, instead }];
};

const inCommand = (command: string): readonly SpecReference[] => {
  const plain = command.trim();
  // One word alone is a variable of a Makefile.
  return /^[\w-]+$/.test(plain) ? [{ kind: 'variable', name: plain, instead: null }] : [{ kind: 'command', command: plain }];
};

/** A spec in its pieces, in their order. */
export const specPieces = (spec: string): readonly SpecPiece[] => {
  const pieces: SpecPiece[] = [];
  let end = 0;
  for (const match of spec.matchAll(pattern)) {
    const [
      written,
      expression,
      template,
      command,
      ticked,
      braced,
      behind = '',
      plain,
      placed,
      percent,
      delayed,
      input,
      variable,
      instead,
      field,
    ] = match;
    if (match.index > end) pieces.push(spec.slice(end, match.index));
    const inner = expression ?? template;
    const run = command ?? ticked;
    const name = braced ?? plain ?? placed ?? percent ?? delayed ?? variable ?? field ?? '';
    pieces.push({
      written,
      any:
        input !== undefined
          ? [{ kind: 'context', context: 'inputs', name: input }]
          : inner !== undefined
            ? inExpression(inner)
            : run !== undefined
              ? inCommand(run)
              : byName(name, instead === undefined ? behind : `-${instead}`),
    });
    end = match.index + written.length;
  }
  if (end < spec.length) pieces.push(spec.slice(end));
  return pieces;
};
