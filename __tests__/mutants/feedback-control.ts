import { type Catalogue, edit } from './mutant.ts';

const loop = 'optimizations/feedback-control/proportional-integral.ts';
const subject = 'optimizations/feedback-control/subject.ts';

const noticedBy = ['settling-steps', 'overshoot', 'tracking-accuracy', 'ripple', 'stable'] as const;

export const feedbackControl: Catalogue = {
  optimization: 'feedback-control',
  mutants: [
    {
      id: 'gain-times-ten',
      what: 'the gain of the integral is ten times too large',
      edits: [edit(loop, 'integral += options.integral * error;', 'integral += 10 * options.integral * error;')],
      noticedBy,
    },
    {
      id: 'sign-of-the-error',
      what: 'the error has the wrong sign',
      edits: [edit(loop, 'const error = (setPoint - latency) / slope;', 'const error = (latency - setPoint) / slope;')],
      noticedBy,
    },
    {
      id: 'integral-without-a-limit',
      what: 'the integral runs on while the batch cannot',
      edits: [
        edit(loop, 'if (options.antiWindup) integral = limited(integral);', 'if (!options.antiWindup) integral = limited(integral);'),
      ],
      noticedBy,
    },
    {
      id: 'integral-forgotten',
      what: 'only the present error counts',
      edits: [edit(loop, 'integral += options.integral * error;', 'integral += 0 * options.integral * error;')],
      noticedBy,
    },
    {
      id: 'slope-forgotten',
      what: 'the error is in milliseconds, whatever a request adds',
      edits: [edit(loop, 'const error = (setPoint - latency) / slope;', 'const error = (setPoint - latency) / (slope > 0 ? 1 : slope);')],
      noticedBy,
    },
    {
      id: 'one-step-late',
      what: 'the loop answers what it saw a step before',
      edits: [
        edit(loop, '  let integral = initial;', '  let integral = initial;\n  let before = setPoint;'),
        edit(loop, '  return ({ latency }) => {', '  return ({ latency: now }) => {\n    const latency = before;\n    before = now;'),
      ],
      noticedBy,
    },
    {
      id: 'batch-rounded',
      what: 'the batch is cut to whole requests',
      edits: [
        edit(
          loop,
          'return limited(integral + options.proportional * error);',
          'return Math.floor(limited(integral + options.proportional * error));',
        ),
      ],
      noticedBy,
    },
    {
      id: 'gain-a-tenth',
      what: 'the gain of the integral is a tenth',
      edits: [edit(loop, 'integral += options.integral * error;', 'integral += 0.1 * options.integral * error;')],
      noticedBy,
    },
    {
      id: 'integral-from-the-least-batch',
      what: 'the integral begins at the least batch, whatever runs',
      edits: [edit(loop, 'let integral = initial;', 'let integral = Math.min(initial, minimum);')],
      noticedBy,
    },
  ],
  placebos: [
    {
      id: 'error-in-two-steps',
      what: 'the error is divided after it was named',
      edits: [
        edit(loop, 'const error = (setPoint - latency) / slope;', 'const apart = setPoint - latency;\n    const error = apart / slope;'),
      ],
    },
    {
      id: 'limits-swapped',
      what: 'limits are applied in the other order',
      edits: [edit(loop, 'Math.min(most, Math.max(minimum, batch))', 'Math.max(minimum, Math.min(most, batch))')],
    },
    {
      id: 'controller-named',
      what: 'the controller has another name',
      edits: [
        edit(subject, 'const control = proportionalIntegral(', 'const controller = proportionalIntegral('),
        edit(subject, 'batch: control(', 'batch: controller('),
      ],
    },
    {
      id: 'error-term-by-term',
      what: 'both terms of the error are divided before one is taken from the other',
      edits: [edit(loop, 'const error = (setPoint - latency) / slope;', 'const error = setPoint / slope - latency / slope;')],
    },
    {
      id: 'limit-as-a-choice',
      what: 'the integral is limited by an expression instead of a statement',
      edits: [
        edit(
          loop,
          'if (options.antiWindup) integral = limited(integral);',
          'integral = options.antiWindup ? limited(integral) : integral;',
        ),
      ],
    },
    {
      id: 'limits-by-branches',
      what: 'limits are applied by comparisons',
      edits: [edit(loop, 'Math.min(most, Math.max(minimum, batch))', 'batch < minimum ? minimum : batch > most ? most : batch')],
    },
    {
      id: 'state-in-an-object',
      what: 'the integral is a property of a state',
      edits: [
        edit(loop, '  let integral = initial;', '  const state = { integral: initial };'),
        edit(loop, '    integral += options.integral * error;', '    state.integral += options.integral * error;'),
        edit(
          loop,
          'if (options.antiWindup) integral = limited(integral);',
          'if (options.antiWindup) state.integral = limited(state.integral);',
        ),
        edit(
          loop,
          'return limited(integral + options.proportional * error);',
          'return limited(state.integral + options.proportional * error);',
        ),
      ],
    },
    {
      id: 'largest-by-a-comparison',
      what: 'the smaller of two maxima is found by a comparison',
      edits: [
        edit(
          loop,
          'Math.max(minimum, Math.min(maximum, options.maximum))',
          'Math.max(minimum, maximum < options.maximum ? maximum : options.maximum)',
        ),
      ],
    },
    {
      id: 'integral-from-the-initial-batch',
      what: 'the integral counts from the initial batch',
      edits: [
        edit(loop, '  let integral = initial;', '  let moved = 0;'),
        edit(loop, '    integral += options.integral * error;', '    moved += options.integral * error;'),
        edit(
          loop,
          'if (options.antiWindup) integral = limited(integral);',
          'if (options.antiWindup) moved = limited(initial + moved) - initial;',
        ),
        edit(
          loop,
          'return limited(integral + options.proportional * error);',
          'return limited(initial + moved + options.proportional * error);',
        ),
      ],
    },
  ],
};
