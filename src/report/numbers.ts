/**
 * Numbers for people: short, never rounded into a stronger claim than the number makes, without locale.
 * The exact values stand in the JSON answer.
 * @module
 */

/** `1,234`, `123 k`, `1.2 M`, `7.6 B` (thousand million), `1.2 T`. */
export function humanCount(n: number): string {
  if (!Number.isFinite(n)) return 'unknown';
  if (Math.abs(n) < 100_000) return grouped(n);
  return scaled(n, ['k', 'M', 'B', 'T']);
}

/** `812 bytes`, `3.4 MB`, `14.5 GB`: decimal units, as drives and hubs count. */
export function humanBytes(n: number): string {
  if (!Number.isFinite(n)) return 'unknown';
  if (n < 1000) return n === 1 ? '1 byte' : `${n} bytes`;
  return scaled(n, ['kB', 'MB', 'GB', 'TB']);
}

function scaled(n: number, units: readonly string[]): string {
  let value = n / 1000;
  let unit = 0;
  // 999.95 would print as 1000.0 in the smaller unit.
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Math.abs(value) < 99.95 ? value.toFixed(1).replace(/\.0$/, '') : value.toFixed(0)} ${units[unit]!}`;
}

/** Thousands grouped by commas; the fraction, if any, kept to four significant digits. */
export function grouped(n: number): string {
  const [whole, fraction] = (Number.isInteger(n) ? String(n) : decimal(n)).split('.');
  const split = whole!.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  return fraction === undefined ? split : `${split}.${fraction}`;
}

/** Four significant digits, `1.2e-5` outside 0.001 to 10^15; whole above 10,000. */
export function decimal(n: number): string {
  if (!Number.isFinite(n)) return 'not a number';
  if (Number.isInteger(n) && Math.abs(n) < 1e15) return String(n);
  const size = Math.abs(n);
  if (size !== 0 && (size < 1e-3 || size >= 1e15)) return n.toExponential(2).replace(/\.?0+e/, 'e');
  return size >= 1e4 ? n.toFixed(0) : trimZeros(n.toPrecision(4));
}

function trimZeros(text: string): string {
  return text.includes('.') && !text.includes('e') ? text.replace(/\.?0+$/, '') : text;
}

/** `98 %`; 100 % and 0 % only when they are exact. */
export function percent(fraction: number): string {
  if (!Number.isFinite(fraction)) return 'unknown';
  const value = fraction * 100;
  if (value === 0 || value === 100) return `${value} %`;
  if (value > 99.9 && value < 100) return '> 99.9 %';
  if (value > 0 && value < 0.1) return '< 0.1 %';
  return `${value > 99 || value < 10 ? trimZeros(value.toFixed(1)) : value.toFixed(0)} %`;
}

/**
 * `p < 10^-19` for small values, `p = 0.034` for others, always at least the true value: -19.3 is below 10^-19.
 * A corrected value may pass 1; a probability does not.
 */
export function pValue(log10P: number): string {
  if (!Number.isFinite(log10P)) return 'p unknown';
  if (log10P >= 0) return 'p = 1';
  if (log10P >= -3) return `p = ${decimal(Math.min(1, Number((10 ** log10P).toPrecision(2))))}`;
  return `p < 10^${Math.floor(log10P) + 1}`;
}
