import { situations } from './numbers.ts';
import { testSituations } from './situation.ts';

testSituations(situations, 'fast');
