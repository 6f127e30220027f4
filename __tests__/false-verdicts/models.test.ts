import { afterAll } from 'vitest';
import { removeRoot } from '../repository/scratch-repository.ts';
import { situations } from './models.ts';
import { testSituations } from './situation.ts';

afterAll(removeRoot);
testSituations(situations, 'fast');
