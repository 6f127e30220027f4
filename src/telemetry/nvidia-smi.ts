import { ProcessGroup } from '../processes/process-group.ts';
import { runCommand } from '../processes/run-command.ts';

const queryTimeoutSeconds = 20;
const maxLineBytes = 64 * 1024;
/** Newer drivers, older drivers. */
const reasonFields = ['clocks_event_reasons.active', 'clocks_throttle_reasons.active'] as const;
const powerFields = ['power.draw.instant', 'power.draw'] as const;

/** Bits of the reasons mask (NVML, `nvmlClocksEventReasons`): hardware slowdown, heat by software and hardware, power brake. */
const slowdownBits = 0x8 | 0x20 | 0x40 | 0x80;
const powerCapBit = 0x4;

/** What a GPU is, without its serial numbers. */
export interface GpuFacts {
  readonly name: string;
  readonly driver: string;
  readonly memoryMiB: number | null;
}

/** One look at a GPU; null where the driver does not say. */
export interface GpuSample {
  /** Milliseconds, on the clock that the driver prints. */
  readonly at: number;
  readonly watts: number | null;
  readonly smMHz: number | null;
  readonly celsius: number | null;
  readonly memoryMiB: number | null;
  /** The reasons mask. */
  readonly reasons: number | null;
}

/** A stretch of samples in a few numbers. */
export interface GpuSummary {
  readonly samples: number;
  /** Slowed down by heat, by the hardware, or by a power brake: such a launch does not count. Null: the driver does not say. */
  readonly throttled: boolean | null;
  /** Slowed down to hold the power limit: recorded, not held against a launch. */
  readonly powerCapped: boolean | null;
  /** Power integrated over time, with null when fewer than two samples have it. */
  readonly joules: number | null;
  readonly maxCelsius: number | null;
  readonly minSmMHz: number | null;
}

export interface GpuMeter {
  /** Samples since the meter was opened, or since the last call. */
  take(): readonly GpuSample[];
  close(): Promise<void>;
}

type Environment = Readonly<Record<string, string>>;

/** The GPUs that `nvidia-smi` lists; empty where there is no such program, driver or GPU. */
export const listGpus = async (environment: Environment): Promise<readonly GpuFacts[]> =>
  (await query(environment, ['name', 'driver_version', 'memory.total'], null)).map(([name = '', driver = '', memory = '']) => ({
    name,
    driver,
    memoryMiB: numberOf(memory),
  }));

/** A long-lived `nvidia-smi` that looks at one GPU every `periodMs`; null where it cannot. */
export const openGpuMeter = async (environment: Environment, gpu: number, periodMs: number): Promise<GpuMeter | null> => {
  const power = await firstKnown(environment, powerFields, gpu);
  const reasons = await firstKnown(environment, reasonFields, gpu);
  const fields = [
    'timestamp',
    'clocks.sm',
    'temperature.gpu',
    'memory.used',
    ...(power === null ? [] : [power]),
    ...(reasons === null ? [] : [reasons]),
  ];
  if ((await query(environment, fields, gpu)).length !== 1) return null;
  const group = new ProcessGroup({
    argv: [...queryArguments(fields, gpu), `--loop-ms=${periodMs}`],
    cwd: '/',
    environment,
    memoryBytes: null,
    confinement: null,
    stdin: 'ignore',
    ipc: false,
  });
  let samples: GpuSample[] = [];
  let partial = '';
  group.child?.stderr?.resume();
  group.child?.stdout?.on('data', (chunk: Buffer) => {
    const lines = `${partial}${chunk.toString('latin1')}`.split('\n');
    partial = (lines.pop() ?? '').slice(-maxLineBytes);
    samples.push(...lines.flatMap((line) => parseSample(line, power !== null, reasons !== null) ?? []));
  });
  return {
    take: () => {
      const taken = samples;
      samples = [];
      return taken;
    },
    close: async () => {
      group.stop('killed');
      await group.ended;
    },
  };
};

/** Judges a stretch of samples; all unknown when there are none. */
export const summarizeGpu = (samples: readonly GpuSample[]): GpuSummary => {
  const masks = known(samples.map((sample) => sample.reasons));
  const powered = samples.flatMap((sample) => (sample.watts === null ? [] : [{ at: sample.at, watts: sample.watts }]));
  const celsius = known(samples.map((sample) => sample.celsius));
  const clocks = known(samples.map((sample) => sample.smMHz));
  return {
    samples: samples.length,
    throttled: masks.length === 0 ? null : masks.some((mask) => (mask & slowdownBits) !== 0),
    powerCapped: masks.length === 0 ? null : masks.some((mask) => (mask & powerCapBit) !== 0),
    joules: powered.length < 2 ? null : integrate(powered),
    maxCelsius: celsius.length === 0 ? null : Math.max(...celsius),
    minSmMHz: clocks.length === 0 ? null : Math.min(...clocks),
  };
};

const integrate = (points: readonly { readonly at: number; readonly watts: number }[]): number => {
  let joules = 0;
  let previous = points[0];
  for (const point of points.slice(1)) {
    if (previous !== undefined) joules += ((point.watts + previous.watts) / 2) * (Math.max(0, point.at - previous.at) / 1000);
    previous = point;
  }
  return joules;
};

const known = (numbers: readonly (number | null)[]): readonly number[] => numbers.filter((one) => one !== null);

const firstKnown = async (environment: Environment, fields: readonly string[], gpu: number): Promise<string | null> => {
  for (const field of fields) {
    const [row] = await query(environment, [field], gpu);
    if (row !== undefined && numberOf(row[0] ?? '') !== null) return field;
  }
  return null;
};

const queryArguments = (fields: readonly string[], gpu: number | null): readonly string[] => [
  'nvidia-smi',
  `--query-gpu=${fields.join(',')}`,
  '--format=csv,noheader,nounits',
  ...(gpu === null ? [] : [`--id=${gpu}`]),
];

/** One row per GPU, or none when the program is missing, fails, or does not know a field. */
const query = async (environment: Environment, fields: readonly string[], gpu: number | null): Promise<readonly (readonly string[])[]> => {
  const result = await runCommand({
    argv: queryArguments(fields, gpu),
    cwd: '/',
    environment,
    timeoutSeconds: queryTimeoutSeconds,
    maxOutputBytes: maxLineBytes,
  });
  if (result.status !== 'exited' || result.code !== 0) return [];
  const rows = result.stdout
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
  return rows.map((row) => row.split(',').map((cell) => cell.trim())).filter((row) => row.length === fields.length);
};

const parseSample = (line: string, hasPower: boolean, hasReasons: boolean): GpuSample | null => {
  const cells = line.split(',').map((cell) => cell.trim());
  const [timestamp = '', clock = '', temperature = '', memory = '', ...rest] = cells;
  const at = Date.parse(timestamp);
  if (!Number.isFinite(at)) return null;
  return {
    at,
    smMHz: numberOf(clock),
    celsius: numberOf(temperature),
    memoryMiB: numberOf(memory),
    watts: hasPower ? numberOf(rest[0] ?? '') : null,
    reasons: hasReasons ? numberOf(rest[hasPower ? 1 : 0] ?? '') : null,
  };
};

/** `[N/A]` and the like are null; masks are printed as 0x…. */
const numberOf = (text: string): number | null => (/^(0x[0-9a-fA-F]+|-?\d+(\.\d+)?)$/.test(text) ? Number(text) : null);
