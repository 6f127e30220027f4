import type { Architecture, FeedForward, Layer, Linear, Port } from './architecture.ts';

const shape = (linear: Linear): string => `${linear.rows}→${linear.columns}${linear.quantized ? ' (quantized)' : ''}`;
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
    `inputs: ${architecture.inputs.map(portText).join('; ')}`,
    `outputs: ${architecture.outputs.map(portText).join('; ')}`,
    `embedding: ${architecture.embedding === null ? 'none' : `${architecture.embedding.weight} [${architecture.embedding.rows}, ${architecture.embedding.columns}]`}`,
    `layers: ${architecture.layers.length}`,
    ...lines,
    ...architecture.projections.map((each) => `projection: ${feedForwardText(each)}`),
    `norms: ${architecture.norms.length}`,
    `head: ${architecture.head === null ? 'none' : `${architecture.head.weight} ${shape(architecture.head)}`}`,
    `linears: ${architecture.linears.length}`,
    ...(architecture.unclaimed.length === 0 ? [] : [`not explained: ${architecture.unclaimed.join(', ')}`]),
    ...architecture.warnings.map((warning) => `warning: ${warning}`),
  ].join('\n');
};
