import { afterAll } from 'vitest';
import { removeRoot } from '../repository/scratch-repository.ts';
import { testSituations } from './situation.ts';
import { situations } from './trees.ts';

afterAll(removeRoot);
testSituations(situations, 'fast');
