export { answerTo } from './answer.js';
export { type CountedCall, type CountingProxy, type Counts, startCountingProxy } from './counting-proxy.js';
export { type SimulatedProvider, type SimulatedProviderOptions, startSimulatedProvider } from './simulated-provider.js';
