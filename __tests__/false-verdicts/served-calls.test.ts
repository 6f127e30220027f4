import { situations } from './served-calls.ts';
import { testSituations } from './situation.ts';

testSituations(situations, 'fast');
