import { afterAll } from 'vitest';
import { removeRoot } from '../repository/scratch-repository.ts';
import { situations } from './configuration.ts';
import { testSituations } from './situation.ts';

afterAll(removeRoot);
testSituations(situations, 'fast');
