const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** A number of bytes for people, in powers of 1000 and three digits: `12.3 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes, unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}
