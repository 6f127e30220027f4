// Stands in front of a program that answers JSON lines, and writes down what is said: `node line-recorder.mjs FOLDER PROGRAM ARGUMENT…`
// makes FOLDER/PID.txt, where a question begins with `> ` and an answer with `< `.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [, , folder, program, ...args] = process.argv;
const file = join(folder, `${process.pid}.txt`);
const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
createInterface({ input: process.stdin })
  .on('line', (line) => {
    appendFileSync(file, `> ${line}\n`);
    child.stdin.write(`${line}\n`);
  })
  .on('close', () => child.stdin.end());
createInterface({ input: child.stdout }).on('line', (line) => {
  appendFileSync(file, `< ${line}\n`);
  process.stdout.write(`${line}\n`);
});
child.on('close', (code) => {
  process.exitCode = code ?? 1;
});
