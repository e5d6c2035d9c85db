/**
 * What TensorFlow operations do beside arithmetic. Source: TensorFlow 2 op definitions (`core/ops/*_ops.cc`), JFrog "model threats".
 * `SaveV2`, `RestoreV2`, `MergeV2Checkpoints` and asset tables stand in every SavedModel and are left alone.
 * @module
 */
import type { Where } from '../../base/index.ts';
import { type Collector, report } from '../rules.ts';

const ACTS: Readonly<Record<string, string>> = {
  ReadFile: 'reads any file', WriteFile: 'writes any file', MatchingFiles: 'lists files', PyFunc: 'calls Python', PyFuncStateless: 'calls Python',
  EagerPyFunc: 'calls Python', NumpyFunction: 'calls Python', LoadLibrary: 'loads native code', LoadPluggableDeviceLibrary: 'loads native code', Rpc: 'opens network connections',
  TryRpc: 'opens network connections', DeleteFile: 'deletes files', RenameFile: 'moves files', CopyFile: 'copies files', WriteRawFile: 'writes any file',
}; // prettier-ignore
const TRUSTS: Readonly<Record<string, string>> = {
  TextLineReader: 'reads files', TextLineReaderV2: 'reads files', WholeFileReader: 'reads files', WholeFileReaderV2: 'reads files',
  FixedLengthRecordReader: 'reads files', FixedLengthRecordReaderV2: 'reads files', TFRecordReader: 'reads files', TFRecordReaderV2: 'reads files',
  LMDBReader: 'reads files', TextLineDataset: 'reads files', TextLineDatasetV2: 'reads files', FixedLengthRecordDataset: 'reads files',
  FixedLengthRecordDatasetV2: 'reads files', TFRecordDataset: 'reads files', TFRecordDatasetV2: 'reads files', CSVDataset: 'reads files', CSVDatasetV2: 'reads files',
  SqlDataset: 'opens a database', LMDBDataset: 'reads files', DataServiceDataset: 'opens network connections', DataServiceDatasetV2: 'opens network connections',
  DataServiceDatasetV3: 'opens network connections', DataServiceDatasetV4: 'opens network connections', RegisterDataset: 'opens network connections',
  SaveDataset: 'writes files', SaveDatasetV2: 'writes files', SnapshotDataset: 'writes files', SnapshotDatasetV2: 'writes files', DatasetToTFRecord: 'writes files',
  CreateSummaryFileWriter: 'writes files', CreateSummaryDbWriter: 'opens a database', Abort: 'ends the program', DebugIdentity: 'sends tensors to an address',
  DebugIdentityV2: 'sends tensors to an address', DebugNanCount: 'sends tensors to an address', DebugNumericSummary: 'sends tensors to an address',
  LoadDataset: 'reads files', LoadDatasetV2: 'reads files',
}; // prettier-ignore

/** What an operation does that no model needs, or undefined. */
export function actsOf(op: string): string | undefined {
  return Object.hasOwn(ACTS, op) ? ACTS[op] : undefined;
}

/** @param op name of an operation, also behind TensorFlow Lite's `Flex`. */
export function judgeOperation(op: string, where: Where, into: Collector): void {
  const acts = actsOf(op);
  if (acts) return report(into, 'graph-operation', where, `the graph holds ${op}, which ${acts}`);
  // TensorFlow 1 had the same data sets under another name.
  const plain = op.replace(/^Experimental/, '');
  const trusts = Object.hasOwn(TRUSTS, plain) ? TRUSTS[plain] : undefined;
  if (trusts) report(into, 'graph-operation-trust', where, `the graph holds ${op}, which ${trusts}`);
}
