import { measureRegressed, situations } from './files.ts';
import { testSituations } from './situation.ts';

measureRegressed();
testSituations(situations, 'fast');
