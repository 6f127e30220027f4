import { situations as failedStarts } from './failed-start.ts';
import { measureRegressed, situations } from './files.ts';
import { testSituations } from './situation.ts';

measureRegressed();
testSituations([...situations, ...failedStarts], 'fast');
