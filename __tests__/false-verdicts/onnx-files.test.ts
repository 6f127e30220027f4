import { situations } from './onnx-files.ts';
import { testSituations } from './situation.ts';

testSituations(situations, 'fast');
