/** What a reader has to know of the words and tables of a report in Markdown. */
import type { Verdict } from '../records/verdict.ts';
import { cellsByKind } from './listed-metric.ts';
import { allowanceText, counted } from './number.ts';

type Kinds = ReturnType<typeof cellsByKind>;

const confirmed = (family: number): string =>
  family === 0
    ? 'No timed metric needed a confirmation in this pull request.'
    : `p is corrected for everything that needed a confirmation in this pull request: ${counted(family, 'timed metric')}.`;

/** What is compared, for what the verdict has of each. */
const compared = ({ modelled, measured }: Kinds): readonly string[] => [
  ...(modelled.length === 0
    ? []
    : [
        '- A **cell** is one optimization of one model. Three versions of the model are measured side by side. The **reference** is the model before any optimization; **base** and **head** are what the code of each commit makes of it.',
      ]),
  ...(measured.length === 0
    ? []
    : [
        '- A **measurement** is a cell without a model: a program of the project says the numbers. It is started in the tree of **base** and in that of **head**, side by side.',
      ]),
];

const referenceNote = ({ modelled }: Kinds): readonly string[] =>
  modelled.length === 0
    ? []
    : [
        '- The **reference** stands beside base and head where the same launches measured all three. Else its column says how head compares with it in launches that ran both.',
      ];

/** How the tables of a comment are read, folded away. */
export const guide = (verdict: Verdict): string =>
  [
    '<details><summary>How to read this</summary>',
    [
      ...compared(cellsByKind(verdict.cells)),
      '- A **launch** is one fresh process that measures. Five screening launches look for a change, later ones confirm it; a **self-check** tests the machine.',
      '- **Change** is head against base, the centre of all launches, with its interval. Numbers of base and head are medians over launches. Where the machine was faster in some launches than in others, the two can differ; then the change says that it is **within launches**. ↓ lower is better, ↑ higher is better. Only a change that is worse beyond its tolerance, and told from noise, is a regression.',
      '- In brackets behind a number of head stands its own 95 % interval: of a mean over held-out windows, or of an improvement over launches.',
      `- ${confirmed(verdict.statistics.family)} At most ${allowanceText(verdict.statistics.alpha, { scale: 'log', unit: '' })} of pull requests without a regression may fail by chance.`,
      '- **passed** needs evidence. **unchanged** means the same artefact on the same runtime, so nothing can have regressed. **inconclusive** means that a large change could not be ruled out.',
      ...referenceNote(cellsByKind(verdict.cells)),
      '- **described** and **advisory** numbers never decide. **–** was not measured: the coverage says why.',
    ].join('\n'),
    '</details>',
  ].join('\n\n');
