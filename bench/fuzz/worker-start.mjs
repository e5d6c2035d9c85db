// A worker thread does not inherit tsx.
import { register } from 'tsx/esm/api';

register();
await import('./worker.ts');
