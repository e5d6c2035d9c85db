/**
 * Small matrices with known values, shared by the tests of naming schemes.
 * @module
 */
import { expect } from 'vitest';
import { counted, type Matrix, matrixAt, rowsOf, tinyModel } from './tiny.ts';

/** Width 8, 4 heads of 2, 2 key/value heads, 12 neurons. */
export const D = 8;
export const FF = 12;
export const q: Matrix = counted([8, D], 1);
export const k: Matrix = counted([8, D], 2);
export const v: Matrix = counted([8, D], 3);
export const o: Matrix = counted([D, 8], 4);
export const gate: Matrix = counted([FF, D], 5);
export const up: Matrix = counted([FF, D], 6);
export const down: Matrix = counted([D, FF], 7);
export const k2: Matrix = rowsOf(k, 0, 4);
export const v2: Matrix = rowsOf(v, 0, 4);
export const norm = (seed: number): Matrix => counted([D], 100 + seed);
export const vector = (size: number, seed: number): Matrix => counted([size], 200 + seed);

/** Every named slot holds exactly these values. */
export async function holds(
  tensors: Record<string, Matrix>,
  config: unknown,
  scheme: string,
  expected: Record<string, Matrix>,
): Promise<void> {
  const model = await tinyModel(tensors, config);
  expect(model.findings).toEqual([]);
  expect(model.scheme).toBe(scheme);
  const got: Record<string, Matrix> = {};
  for (const slot of Object.keys(expected)) got[slot] = await matrixAt(model, slot);
  expect(got).toEqual(expected);
}
