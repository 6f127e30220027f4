import { situations } from './digest.ts';
import { testSituations } from './situation.ts';

testSituations(situations, 'fast');
