export { answerTo } from './answer.js';
export { type CountedCall, type CountingProxy, type Counts, startCountingProxy } from './counting-proxy.js';
export { type SimulatedProvider, type SimulatedProviderOptions, startSimulatedProvider } from './simulated-provider.js';
export { type ExportedLine, reckon, type Reckoning } from './trace/reckoning.js';
export { type Observed, replayTrace, type TraceFault } from './trace/replay.js';
export { startTraceProvider, type TraceProvider } from './trace/trace-provider.js';
export { readTrace, type TraceRequest } from './trace/trace.js';
