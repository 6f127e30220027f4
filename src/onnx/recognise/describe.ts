import type { Architecture, FeedForward, Layer, Linear, Port } from './architecture.ts';

const shape = (linear: Linear): string => `${linear.rows}→${linear.columns}${linear.quantized ? ' (quantized)' : ''}`;
/** Inputs or outputs without the caches, which get a line of their own. */
const others = (ports: readonly Port[], { layers }: Architecture): string => {
  const caches = new Set(
    layers.flatMap(({ attention: { cache } }) =>
      cache === null ? [] : [cache.pastKey, cache.pastValue, cache.presentKey, cache.presentValue],
    ),
  );
  return ports
    .filter((port) => !caches.has(port.name))
    .map(portText)
    .join('; ');
};

const cacheText = ({ inputs, layers }: Architecture): string => {
  const cache = layers.find(({ attention }) => attention.cache !== null)?.attention.cache;
  const port = (name: string | undefined): string => {
    const found = inputs.find((each) => each.name === name);
    return found === undefined ? 'none' : `${found.type} [${found.dims.join(', ')}]`;
  };
  return cache === undefined
    ? 'none'
    : `${layers.filter(({ attention }) => attention.cache !== null).length} × key ${port(cache?.pastKey)}, value ${port(cache?.pastValue)}`;
};

const portText = (port: Port): string => `${port.name} ${port.type} [${port.dims.join(', ')}]`;

const feedForwardText = (each: FeedForward): string =>
  `${each.gate === null ? 'feed-forward' : each.gate.linear === each.up.linear ? 'gated feed-forward, packed' : 'gated feed-forward'} ${each.up.linear.rows}→${each.width}→${each.down.columns}`;

const layerText = ({ attention, feedForwards, experts }: Layer): string => {
  const heads = `${attention.heads} heads${attention.kvHeads === attention.heads ? '' : ` on ${attention.kvHeads}`} × ${attention.headSize}${attention.valueSize === attention.headSize ? '' : `/${attention.valueSize}`}`;
  const packed = attention.query.linear === attention.key.linear ? ', packed' : '';
  const latent =
    attention.latent === null
      ? ''
      : `, latent ${attention.latent.queryDown === null ? '' : `q ${shape(attention.latent.queryDown)}, `}kv ${shape(attention.latent.keyValueDown)}`;
  const parts = [
    `${attention.op}, ${heads}${packed}${latent}${attention.cache === null ? ', no cache' : ''}`,
    ...(experts === null ? [] : [`${experts.op}: ${experts.chosen} of ${experts.count} experts × ${experts.width}`]),
    ...feedForwards.map((each) => (experts === null ? feedForwardText(each) : `shared ${feedForwardText(each)}`)),
  ];
  return parts.join('; ');
};

/** Several lines of text for people: what was recognised, equal layers on one line, and what was not. */
export const describeArchitecture = (architecture: Architecture): string => {
  const lines: string[] = [];
  let first = 0;
  const texts = architecture.layers.map(layerText);
  for (const [at, text] of texts.entries()) {
    if (texts[at + 1] === text) continue;
    lines.push(`  ${first === at ? `layer ${at}` : `layers ${first}–${at}`}: ${text}`);
    first = at + 1;
  }
  return [
    `inputs: ${others(architecture.inputs, architecture)}`,
    `outputs: ${others(architecture.outputs, architecture)}`,
    `cache: ${cacheText(architecture)}`,
    `embedding: ${architecture.embedding === null ? 'none' : `${architecture.embedding.weight} [${architecture.embedding.rows}, ${architecture.embedding.columns}]`}`,
    `layers: ${architecture.layers.length}`,
    ...lines,
    ...architecture.projections.map((each) => `projection: ${feedForwardText(each)}`),
    `norms: ${architecture.norms.length}`,
    `head: ${architecture.head === null ? 'none' : `${architecture.head.weight} ${shape(architecture.head)}`}`,
    `linears: ${architecture.linears.length}`,
    ...(architecture.unclaimed.length === 0 ? [] : [`not explained: ${architecture.unclaimed.join(', ')}`]),
    ...architecture.warnings.map((warning) => `warning: ${warning}`),
    ...architecture.notRecognised.map((reason) => `not recognised: ${reason}`),
  ].join('\n');
};
