import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeOutput } from './output.ts';

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'heirloom-output-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('an output file', () => {
  test('is written whole, in folders that are made for it, over what was there', async () => {
    const path = join(dir, 'a', 'b', 'report.html');
    await writeOutput(path, 'one');
    await writeOutput(path, 'two');
    expect(readFileSync(path, 'utf8')).toBe('two');
    expect(readdirSync(join(dir, 'a', 'b'))).toEqual(['report.html']);
  });

  test('that is a device stays a device', async () => {
    await writeOutput('/dev/null', 'gone');
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  test('behind a link is written where the link points', async () => {
    writeFileSync(join(dir, 'real'), 'old');
    symlinkSync(join(dir, 'real'), join(dir, 'link'));
    await writeOutput(join(dir, 'link'), 'new');
    expect(lstatSync(join(dir, 'link')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(dir, 'real'), 'utf8')).toBe('new');
  });

  test('that cannot be written is a typed error, and leaves nothing', async () => {
    mkdirSync(join(dir, 'folder'));
    writeFileSync(join(dir, 'file'), '');
    for (const path of [join(dir, 'folder'), join(dir, 'file', 'below')])
      await expect(writeOutput(path, 'x')).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE', where: { file: path } });
    expect(readdirSync(dir).sort()).toEqual(['file', 'folder']);
  });
});
