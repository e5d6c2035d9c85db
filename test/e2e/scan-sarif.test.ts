import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { heirloom, scratch } from './cli.ts';

const dir = scratch();

test('heirloom scan --sarif gives each finding its rule, place and evidence, and says when something could not be read', async () => {
  const bad = join(dir, 'a model.pkl');
  writeFileSync(bad, "cposix\nsystem\n(S'true'\ntR.");
  const clean = join(dir, 'config.json');
  writeFileSync(clean, '{"model_type": "llama"}');
  const { code, json } = await heirloom(['scan', bad, clean, '--sarif']);
  expect(code).toBe(1);
  const [run] = json().runs;
  expect(json().version).toBe('2.1.0');
  expect(run.invocations).toEqual([{ executionSuccessful: true, toolExecutionNotifications: [] }]);
  const [result] = run.results;
  expect(run.tool.driver.rules[result.ruleIndex]).toMatchObject({ id: result.ruleId, shortDescription: { text: expect.any(String) } });
  expect(result).toMatchObject({
    ruleId: 'safety/pickle-dangerous-global',
    level: 'error',
    properties: { tier: 'malicious', callable: 'posix.system' },
  });
  const { artifactLocation, region } = result.locations[0].physicalLocation;
  expect(artifactLocation.uri).toMatch(/a%20model\.pkl$/);
  expect(region.byteOffset).toBeGreaterThanOrEqual(0);

  const missing = await heirloom(['scan', clean, join(dir, 'none'), '--sarif']);
  expect(missing.code).toBe(2);
  expect(missing.json().runs[0].invocations[0]).toMatchObject({
    executionSuccessful: false,
    toolExecutionNotifications: [{ level: 'error' }],
  });
});
