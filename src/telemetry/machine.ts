import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { allowedEnvironment } from '../processes/environment.ts';
import { listGpus } from './nvidia-smi.ts';

/** What this machine is, as far as numbers depend on it. */
export interface MachineFacts {
  readonly cpu: string;
  /** Processors that this process may use. */
  readonly cores: number;
  readonly memoryBytes: number;
  /** Such as `linux-x64`. */
  readonly platform: string;
  /** Of the operating system's kernel. */
  readonly release: string;
  /** Whether a hypervisor says that it is there; null where nothing can be read. */
  readonly virtual: boolean | null;
  /** Name of the first GPU (and how many there are, if more); null: none that `nvidia-smi` lists. */
  readonly gpu: string | null;
  readonly gpuDriver: string | null;
  readonly gpuMemoryMiB: number | null;
}

/** Asks the operating system and, where it is installed, `nvidia-smi`. Never fails: what is not known is null. */
export const machineFacts = async (
  environment: Readonly<Record<string, string>> = allowedEnvironment(process.env),
): Promise<MachineFacts> => {
  const gpus = await listGpus(environment);
  const [first] = gpus;
  const alike = gpus.filter((gpu) => gpu.name === first?.name).length;
  return {
    cpu: cpus()[0]?.model.replace(/\s+/g, ' ').trim() || 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${platform()}-${arch()}`,
    release: release(),
    virtual: isVirtual(),
    gpu: first === undefined ? null : `${alike > 1 ? `${alike} × ` : ''}${first.name}`,
    gpuDriver: first?.driver ?? null,
    gpuMemoryMiB: first?.memoryMiB ?? null,
  };
};

const isVirtual = (): boolean | null => {
  try {
    return /^flags\s*:.*\bhypervisor\b/m.test(readFileSync('/proc/cpuinfo', 'latin1'));
  } catch {
    return null;
  }
};
