import { describe, expect, it } from 'vitest';
import { errorReport } from '../../src/commands/error-report.ts';
import { GateError } from '../../src/errors.ts';

const path = `/home/runner/${'work/'.repeat(200)}card.json`;

describe('errorReport', () => {
  it('has the reason before the path, and names the project where there are several', () => {
    const { comment } = errorReport(new GateError('model-invalid', 'the card is of another model', { where: path }), null, 'packages/a');
    const [title, reason, at] = comment.split('\n\n');
    expect(title).toBe('### ❌ Error in `packages/a`: the gate did not come to a verdict');
    expect(reason).toBe('`error[model-invalid]`: the card is of another model');
    expect(at).toBe('At `…/work/card.json`.');
  });

  it('has neither where there is none', () => {
    const { comment, project } = errorReport(new GateError('shallow-clone', 'history is missing'), null, null);
    expect(comment).toMatch(/^### ❌ Error: the gate did not come to a verdict\n\n`error\[shallow-clone\]`: history is missing\n\nSet /);
    expect(project).toBeNull();
  });
});
