/**
 * TensorFlow.js: the topology in `model.json` names layers or operations, the manifest names files.
 * @module
 */
import type { JsonValue } from '../../base/index.ts';
import { judgeKerasObject } from './keras.ts';
import { type Collector, report } from '../rules.ts';
import { judgeOperation } from './tensorflow-operations.ts';

const isObject = (value: JsonValue | undefined): value is { [key: string]: JsonValue } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** Nodes and paths looked at. (CWE-834) */
const MAX_NODES = 1_000_000;

/** @param root of a `model.json`. */
export function judgeTfjs(root: { readonly [key: string]: JsonValue }, file: string, into: Collector): void {
  const topology = root['modelTopology'];
  if (isObject(topology)) {
    const library = isObject(topology['library']) ? topology['library']['function'] : undefined;
    const functions = Array.isArray(library)
      ? library.flatMap((one) => (isObject(one) && Array.isArray(one['nodeDef']) ? one['nodeDef'] : []))
      : [];
    const nodes = Array.isArray(topology['node']) ? topology['node'] : null;
    if (nodes)
      for (const node of [...nodes, ...functions].slice(0, MAX_NODES))
        if (isObject(node) && typeof node['op'] === 'string')
          judgeOperation(
            node['op'],
            { file, field: `modelTopology.node.${typeof node['name'] === 'string' ? node['name'].slice(0, 100) : ''}` },
            into,
          );
    if (!nodes) judgeKerasObject(topology, file, into);
  }
  const manifest = root['weightsManifest'];
  if (!Array.isArray(manifest)) return;
  for (const [i, group] of manifest.slice(0, 10_000).entries()) {
    const paths = isObject(group) && Array.isArray(group['paths']) ? group['paths'] : [];
    for (const path of paths.slice(0, MAX_NODES)) {
      if (typeof path !== 'string') continue;
      const where = { file, field: `weightsManifest[${i}].paths` };
      if (/^[a-z][a-z0-9+.-]*:\/\/|^\/\//i.test(path)) report(into, 'odd-address', where, `weights are fetched from ${path.slice(0, 100)}`);
      else if (/^\/|\\|\0|^[a-z]:/i.test(path) || path.split('/').includes('..'))
        report(into, 'external-path', where, `weights are read from ${JSON.stringify(path.slice(0, 100))}, outside the model's folder`);
    }
  }
}
