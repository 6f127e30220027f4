import { tmpdir } from 'node:os';
import { openSides } from '../building/sides.ts';
import { type Check, type FailedCheck, failedCheck, isFailed, tried } from '../checks/check.ts';
import { meterCheck } from '../checks/meter-check.ts';
import { planChecks } from '../checks/plan-check.ts';
import type { Config } from '../config/config.ts';
import { GateError } from '../errors.ts';
import { comparisonOf } from '../planning/comparison.ts';
import { readHeadConfig } from '../planning/configurations.ts';
import { modelIds, openModel } from '../planning/model-folder.ts';
import { type Confinement, findConfinement } from '../processes/confinement.ts';
import { hostProvider } from '../records/provider.ts';
import type { Json } from '../records/words.ts';
import { counted, quantity } from '../report/number.ts';
import { gitEnvironment } from '../repository/git-environment.ts';
import { requireGit } from '../repository/git-version.ts';
import { openRepository } from '../repository/repository.ts';
import { type CommandContext, subjectEnvironment, workerProgram } from '../run/context.ts';
import { requireOwnable, requireWritable } from '../run/own-folder.ts';
import { runFolderOf } from '../run/run-folder.ts';
import { describeRuntime } from '../run/runtime-description.ts';
import { askWorker, fixedLimits } from '../run/worker-process.ts';
import { storeUsage } from '../store/usage.ts';
import { type MachineFacts, machineFacts } from '../telemetry/machine.ts';
import { type MachineState, machineState } from '../telemetry/machine-state.ts';
import { openEnergyMeter } from '../telemetry/rapl.ts';
import { runnerClass } from '../telemetry/runner-class.ts';
import { aligned, type CommandOutput } from './command-output.ts';

const marks = { ok: 'ok', absent: '–', warning: '?', bad: '✗' } as const satisfies Record<Check['status'], string>;
const limits = fixedLimits(60);
/** Below this a run of the miniatures may fill the device. */
const scarceBytes = 2 ** 30;
const busyPercent = 10;

/**
 * What this machine can measure: each part is tried, not only looked for, and what is missing is said, not thrown. The exit status
 * is 0 when a run could begin, else that of the first thing in its way.
 */
export const doctor = async (context: CommandContext): Promise<CommandOutput> => {
  const facts = await machineFacts(subjectEnvironment(context));
  const config = await tried('configuration', () => describeConfig(context));
  const runtime = config.found?.runtime ?? { provider: hostProvider, threads: 1 };
  const library = config.found?.measuresAlone === true ? noLibrary : await tried('runtime', () => runtimeCheck(context, runtime));
  const isolation = config.found?.isolation ?? null;
  const parts = [
    ...machineChecks(facts, machineState()),
    library.check,
    ...(library.found === null || library.found.ort === null ? [] : await providerChecks(context, runtime)),
    meterCheck(facts, runtime.provider, openEnergyMeter() !== null),
    confinementCheck(findConfinement()),
    (await tried('git', () => describeGit(context))).check,
    config.check,
    ...(isolation === null ? [] : [(await tried('isolation', () => describeIsolation(context, isolation))).check]),
    ...modelChecks(context),
    (await tried('store', () => describeStore(context))).check,
    (await tried('run folder', () => describeRunFolder(context))).check,
  ];
  // What a part has told already, the plan would tell once more.
  const planned = (await planChecks(context)).filter(
    (check) => !isFailed(check) || !parts.some((part) => isFailed(part) && part.code === check.code),
  );
  const found = [...parts, ...planned];
  const first = found.find(({ status }) => status === 'bad');
  const named = library.found === null ? null : runnerClass({ ...facts, ...runtime, ort: library.found.ort });
  const exitCode = first === undefined ? 0 : isFailed(first) && first.exit === 2 ? 2 : 3;
  const checks = found.map(({ id, status, says }): Check => ({ id, status, says }));
  const end = first === undefined ? `A run can begin. Runner class: ${named ?? 'unknown'}.` : `A run cannot begin: see ${first.id}.`;
  return {
    exitCode,
    text: `${aligned(checks.map(({ id, status, says }) => [marks[status], id, says]))}\n\n${end}`,
    json: {
      schema: 'optimization-gate/doctor/1',
      ready: first === undefined,
      runnerClass: named,
      checks,
      machine: { ...facts },
    } as unknown as Json,
  };
};

const machineChecks = (facts: MachineFacts, state: MachineState): readonly Check[] => {
  const { cpu, cores, memoryBytes, virtual, platform, release } = facts;
  const { freeMemoryBytes, load, pressure, clockSource, governor } = state;
  const busy = pressure !== null && pressure >= busyPercent;
  const throttling = governor !== null && governor !== 'performance';
  return [
    { id: 'node', status: 'ok', says: `${process.versions.node} on ${platform}, kernel ${release}` },
    {
      id: 'processor',
      status: 'ok',
      says: `${cpu}, ${counted(cores, 'core')}${virtual === true ? ', virtual machine' : ''}`,
    },
    {
      id: 'memory',
      status: freeMemoryBytes < scarceBytes ? 'warning' : 'ok',
      says: `${quantity(memoryBytes, 'bytes')}, of which ${quantity(freeMemoryBytes, 'bytes')} free`,
    },
    {
      id: 'pressure',
      status: pressure === null ? 'absent' : busy ? 'warning' : 'ok',
      says: `${pressure === null ? 'the kernel does not say' : `something waited for a processor in ${pressure} % of the last 10 s`}${load === null ? '' : `, load ${load.toFixed(1)}`}${busy ? ': what is measured now is noisier' : ''}`,
    },
    {
      id: 'clocks',
      status: throttling ? 'warning' : clockSource === null ? 'absent' : 'ok',
      says: `time from ${clockSource ?? 'an unknown source'}, ${governor === null ? 'frequency not in our hands' : `frequency by "${governor}"`}${throttling ? ': "performance" is steadier' : ''}`,
    },
    facts.gpu === null
      ? { id: 'gpu', status: 'absent', says: 'none that nvidia-smi lists' }
      : {
          id: 'gpu',
          status: 'ok',
          says: `${facts.gpu}${facts.gpuMemoryMiB === null ? '' : `, ${quantity(facts.gpuMemoryMiB * 2 ** 20, 'bytes')}`}, driver ${facts.gpuDriver ?? 'unknown'}`,
        },
  ];
};

/** Of a configuration whose programs all measure by themselves. */
const noLibrary = {
  check: { id: 'runtime', status: 'absent', says: 'no entry needs ONNX Runtime: every program measures by itself' },
  found: { ort: null },
} as const;

interface RuntimeChoice {
  readonly provider: string;
  readonly threads: number;
}

const runtimeCheck = async (context: CommandContext, choice: RuntimeChoice) => {
  const { ort, digest } = await describeRuntime(context, choice, true);
  return { check: { status: 'ok' as const, says: `ONNX Runtime ${ort}, digest ${digest.slice(0, 12)}` }, ort };
};

/** The configured provider must calculate; the others are tried too, each in a process that it may bring down. */
const providerChecks = async (context: CommandContext, { provider, threads }: RuntimeChoice): Promise<readonly (Check | FailedCheck)[]> => {
  const probe = (name: string) =>
    tried(`provider ${name}`, async () => {
      const { providers } = await askWorker(workerProgram(context), { type: 'probe', provider: name, threads }, 'probed', limits, name);
      return {
        check: { status: 'ok' as const, says: `calculates${name === provider ? '; it is the one that is configured' : ''}` },
        providers,
      };
    });
  const wanted = await probe(provider);
  const plain = provider === hostProvider ? wanted : await probe(hostProvider);
  const others = (plain.found?.providers ?? []).filter((name) => name !== provider && name !== hostProvider);
  const checks = [wanted.check, ...(plain === wanted ? [] : [plain.check])];
  for (const { check } of await Promise.all(others.map(probe))) {
    // Nobody asked for it, so it is not in the way of anything.
    checks.push(isFailed(check) ? { id: check.id, status: 'absent', says: `not usable here: ${check.plain}` } : check);
  }
  return checks;
};

const confinementCheck = ({ kind }: Confinement): Check => ({
  id: 'processes',
  status: kind === 'marks' ? 'warning' : 'ok',
  says: {
    namespaces: 'code under test runs in a PID namespace, which ends all of its processes',
    reaper: 'code under test runs below a process that ends all of its processes; code that kills this one first escapes',
    marks:
      'code under test is found by its process tree and a mark: a daemon can escape; util-linux with namespaces, or perl, would end it',
  }[kind],
});

const describeGit = async (context: CommandContext) => {
  const version = await requireGit(tmpdir(), gitEnvironment(process.env));
  const repository = await openRepository(context.root);
  const { commit, from } = await comparisonOf(context, repository);
  const how = {
    named: 'as named',
    host: 'as the host says',
    'merge-commit': 'first parent of the merge',
    'merge-base': 'merge base',
    payload: 'as the event says',
    parent: 'first parent of head',
    head: 'head itself',
  }[from];
  return { check: { status: 'ok' as const, says: `${version}, base is ${commit.slice(0, 12)} (${how})` } };
};

const describeConfig = async (context: CommandContext) => {
  const { origin, models, optimizations, runtime, isolation } = await readHeadConfig(context, await openRepository(context.root));
  const says = `${origin}: ${counted(models.length, 'model')} × ${counted(optimizations.length, 'optimization')}, ${runtime.provider} with ${counted(runtime.threads, 'thread')}`;
  const measuresAlone = optimizations.every(({ door }) => door.kind === 'measure');
  return { check: { status: 'ok' as const, says }, runtime, isolation, measuresAlone };
};

const describeIsolation = async (context: CommandContext, isolation: NonNullable<Config['isolation']>) => {
  const sides = await openSides(context, { isolation }, await openRepository(context.root));
  await sides.release();
  const { user, baseUser } = isolation;
  const says = baseUser === null ? `code under test can run as ${user}` : `code of head can run as ${user}, that of base as ${baseUser}`;
  return { check: { status: 'ok' as const, says } };
};

/** Opening a model checks every file of it against the digests of its card. */
const modelChecks = (context: CommandContext): readonly (Check | FailedCheck)[] => {
  const ids = modelIds(context.root, context.packageRoot);
  if (ids.length === 0)
    return [
      failedCheck(
        'models',
        new GateError('model-unknown', 'The models were looked for. Expected a folder models/ID with a card.json, found none.'),
      ),
    ];
  const damaged: FailedCheck[] = [];
  for (const id of ids) {
    try {
      openModel(id, context.root, context.packageRoot);
    } catch (thrown) {
      damaged.push(failedCheck(`model ${id}`, thrown));
    }
  }
  return damaged.length > 0 ? damaged : [{ id: 'models', status: 'ok', says: `${ids.join(', ')}: every file as on its card` }];
};

const describeStore = async ({ storeRoot, root }: CommandContext) => {
  await requireOwnable({ path: storeRoot, noun: 'store', option: 'store' }, root);
  const { exists, artefacts, bytes, freeBytes, writable } = await storeUsage(storeRoot);
  const holds = exists ? `${counted(artefacts.count, 'artefact')}, ${quantity(bytes, 'bytes')}` : 'not there yet, made by the first run';
  const status = !writable ? ('bad' as const) : freeBytes < scarceBytes ? ('warning' as const) : ('ok' as const);
  const says = `${storeRoot}: ${holds}; ${quantity(freeBytes, 'bytes')} free${writable ? '' : '; this user may not write there'}`;
  return { check: { status, says } };
};

const describeRunFolder = async (context: CommandContext) => {
  const path = runFolderOf(context);
  const folder = { path, noun: 'run folder', option: 'run-dir' } as const;
  await requireOwnable(folder, context.root);
  requireWritable(folder);
  return { check: { status: 'ok' as const, says: path } };
};
