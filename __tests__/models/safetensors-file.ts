import { writeFileSync } from 'node:fs';

export interface Written {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Writes a safetensors file; `edit` may spoil the table before it is written. */
export const writeSafetensors = (
  path: string,
  tensors: Readonly<Record<string, Written>>,
  edit: (table: Record<string, unknown>) => unknown = (table) => table,
): void => {
  const table: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let at = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    table[name] = { dtype, shape, data_offsets: [at, at + data.length] };
    at += data.length;
  }
  const head = Buffer.from(JSON.stringify(edit(table)));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(head.length));
  writeFileSync(path, Buffer.concat([size, head, ...Object.values(tensors).map(({ data }) => data)]));
};
