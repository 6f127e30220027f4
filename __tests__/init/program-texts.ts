/** A program that prunes, by what it is called with. */
export const pruneProgram = (more = ''): string => `import argparse
import onnx

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True, help="ONNX file to read")
parser.add_argument("--output", required=True)
${more}
options = parser.parse_args()
onnx.save(onnx.load(options.model), options.output)
`;

/** A program that answers each line with numbers. */
export const roundProgram = (printed = '{"decode-latency": milliseconds, "tokens": 8}'): string => `import json
import sys
import time

for line in sys.stdin:
    started = time.perf_counter()
    milliseconds = 1000 * (time.perf_counter() - started)
    print(json.dumps(${printed}), flush=True)
`;

/** A module that rounds weights. */
export const roundModule = `import { copyFileSync } from 'node:fs';
export const build = async ({ input, output }) => {
  for (const { graph } of input.stages) copyFileSync(\`\${input.folder}/\${graph}\`, \`\${output}/\${graph}\`);
  return { stages: input.stages };
};
`;
