/** The provider that every build of ONNX Runtime has. Builds run on it, and so does a configuration that names none. */
export const hostProvider = 'cpu';

/** What measuring depends on, by execution provider. */
export interface ProviderFacts {
  /** How many launches may run side by side where no verdict rests on their being alone. */
  readonly lanes: number;
  /** Whether the meters that are read (resident set of a process, RAPL) count what an arm uses. */
  readonly metered: boolean;
  /** Whether weights and buffers lie in the memory of the process, where their places move the time of a step (ADR 11). */
  readonly placed: boolean;
  /** Whether it loads libraries of its own, which are looked for where the environment says. */
  readonly ownLibraries: boolean;
}

/** A device works for one launch at a time, in memory of its own, and none of its meters is read. */
const device: ProviderFacts = { lanes: 1, metered: false, placed: false, ownLibraries: true };

/** The providers that are no separate device. */
const onHost: Readonly<Record<string, ProviderFacts>> = {
  [hostProvider]: { lanes: 2, metered: true, placed: true, ownLibraries: false },
};

/** Returns what is known of a provider; one that the table does not name counts as a device. */
export const providerFacts = (provider: string): ProviderFacts => (Object.hasOwn(onHost, provider) ? (onHost[provider] ?? device) : device);
