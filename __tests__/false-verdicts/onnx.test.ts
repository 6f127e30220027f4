import { situations } from './onnx.ts';
import { testSituations } from './situation.ts';

testSituations(situations, 'fast');
