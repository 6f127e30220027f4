import { Console } from 'node:console';
import { runtimeRoots } from './runtime/library.ts';

// `worker` speaks IPC with the orchestrator that forked it; `worker subject [--module FILE]` speaks JSON lines on standard input and output.
const [mode, flag, module] = process.argv.slice(2);
const roots = runtimeRoots(process.env['ORT_PATH'] ?? null, process.cwd());

if (mode === 'subject') {
  // What a user's module prints must not get between the answers.
  globalThis.console = new Console(process.stderr);
  const { serveSubject } = await import('./worker/subject.ts');
  await serveSubject(process.stdin, process.stdout, { roots, module: flag === '--module' && module !== undefined ? module : null });
} else {
  const [{ serveOrchestrator }, { clocks }] = await Promise.all([import('./worker/orchestrator.ts'), import('./worker/clocks.ts')]);
  serveOrchestrator(process, roots, clocks);
}
