import { isAbsolute, relative, resolve } from 'node:path';
import { toolEnvironment } from '../processes/environment.ts';

type Environment = Readonly<Record<string, string>>;

/** Which configuration git reads. */
const configurationName = /^(GIT_CONFIG_(COUNT|KEY_\d+|VALUE_\d+|GLOBAL|SYSTEM|NOSYSTEM|PARAMETERS)|XDG_CONFIG_HOME)$/;
/** How git reaches a remote, and proves who it is. `RUNNER_TEMP` stands in the `core.sshCommand` of the checkout action. */
const connectionName =
  /^(GIT_(SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|ALLOW_PROTOCOL|PROTOCOL_FROM_USER|PROXY_\w+|SSL_\w+|HTTP_\w+)|SSH_(AUTH_SOCK|AGENT_PID|ASKPASS|ASKPASS_REQUIRE)|(HTTP|HTTPS|ALL|NO)_PROXY|(http|https|all|no)_proxy|RUNNER_TEMP)$/;
/** Where git looks for a repository. */
const placeName = /^GIT_(DIR|WORK_TREE|CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM)$/;

/**
 * The part of an environment that git needs to find, read and fetch a repository as it does in any other step of the job. It may
 * hold credentials, so it is for git alone: user code sees `allowedEnvironment`.
 */
export const gitEnvironment = (source: Readonly<Record<string, string | undefined>>): Record<string, string> => {
  const allowed = toolEnvironment(source);
  for (const [name, value] of Object.entries(source)) {
    if (value === undefined) continue;
    if ([configurationName, connectionName, placeName].some((known) => known.test(name))) allowed[name] = value;
  }
  return allowed;
};

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''").replaceAll('!', "'\\!'")}'`;

/**
 * Settings as environment of git, which count more than every file and than `GIT_CONFIG_COUNT`. They stand in the variable that git
 * itself uses for `-c`: releases before 2.31 know no other, and in arguments every user of the machine could read them.
 */
export const settingsEnvironment = (settings: readonly (readonly [key: string, value: string])[]): Environment => ({
  // Only a key that holds `=` needs the form of later releases: older ones would end it there.
  GIT_CONFIG_PARAMETERS: settings
    .map(([key, value]) => (key.includes('=') ? `${quoted(key)}=${quoted(value)}` : quoted(`${key}=${value}`)))
    .join(' '),
});

/** An environment with that of one command: the settings of both count, those of the command more. */
export const withEnvironment = (environment: Environment, own: Environment): Environment => {
  const parameters = [environment['GIT_CONFIG_PARAMETERS'], own['GIT_CONFIG_PARAMETERS']].filter((one) => one !== undefined && one !== '');
  return { ...environment, ...own, ...(parameters.length === 0 ? {} : { GIT_CONFIG_PARAMETERS: parameters.join(' ') }) };
};

const holds = (folder: string, path: string): boolean => {
  const inside = relative(folder, path);
  return inside === '' || !(inside.startsWith('..') || isAbsolute(inside));
};

/** An environment without the two variables that say where one repository lies: they would hide every other one. */
export const withoutPlace = ({ GIT_DIR: _, GIT_WORK_TREE: __, ...others }: Environment): Environment => others;

/** An environment to find the repository of a folder in: where one repository lies counts inside its working tree alone, by absolute paths. */
export const placedEnvironment = (environment: Environment, folder: string): Environment => {
  const { GIT_DIR: directory, GIT_WORK_TREE: tree } = environment;
  const workTree = resolve(tree ?? '.');
  if (directory === undefined || !holds(workTree, folder)) return withoutPlace(environment);
  return { ...environment, GIT_DIR: resolve(directory), GIT_WORK_TREE: workTree };
};
