export { residentMegabytes } from './resident-memory.js';
export { startStand, type ApiProcess, type Stand, type StandOptions, type StandProcess } from './stand.js';
export { startQuickProvider, type QuickProvider } from './quick-provider.js';
