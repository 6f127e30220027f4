/** The page of a workflow run, or null where the environment does not say which run it is. */
export const runUrl = (environment: Readonly<Record<string, string | undefined>>): string | null => {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = environment;
  return server && repository && run ? `${server}/${repository}/actions/runs/${run}` : null;
};
