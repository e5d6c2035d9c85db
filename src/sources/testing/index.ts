/** What tests of other rooms may use. */
export { type FakeHub, startFakeHub } from './fake-hub.ts';
export { patient } from './fixtures.ts';
