// Numbers as people read them. Everything is computed, nothing is guessed: what is not known is an en dash.

export const unknown = '–';

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Bytes in binary units: 1536 → "1.5 KiB", 2147483648 → "2 GiB". At most three digits that mean something. */
export function formatBytes(bytes: number | undefined): string {
  if (bytes === undefined || !Number.isFinite(bytes)) {
    return unknown;
  }
  let value = Math.abs(bytes);
  let unit = 0;
  // 1023.95 would be rounded to "1024": the next unit says it better.
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${bytes < 0 ? '-' : ''}${trim(value.toFixed(digits))} ${units[unit]}`;
}

export const formatRate = (bytesPerSecond: number | undefined): string =>
  bytesPerSecond === undefined ? unknown : `${formatBytes(Math.round(bytesPerSecond))}/s`;

/** A fraction as a percentage: 0.034 → "3.4 %", 0.42 → "42 %". */
export function formatPercent(fraction: number | undefined): string {
  if (fraction === undefined || !Number.isFinite(fraction)) {
    return unknown;
  }
  const percent = fraction * 100;
  return `${percent < 9.95 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/** A span of seconds in its two largest units: 42 → "42 s", 3725 → "1 h 2 min", 200000 → "2 d 7 h". */
export function formatUptime(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) {
    return unknown;
  }
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86400);
  const hours = Math.floor((whole % 86400) / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (days > 0) {
    return join(`${days} d`, hours, 'h');
  }
  if (hours > 0) {
    return join(`${hours} h`, minutes, 'min');
  }
  return minutes > 0 ? join(`${minutes} min`, whole % 60, 's') : `${whole} s`;
}

/** The time of day, with the date when it is not today's. */
export function formatTime(at: string | undefined, now: Date = new Date()): string {
  const time = at === undefined ? new Date(NaN) : new Date(at);
  if (Number.isNaN(time.getTime())) {
    return unknown;
  }
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return time.toDateString() === now.toDateString() ? clock : `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${clock}`;
}

/** "2GiB", "512 MiB", "1.5g", or a plain number in the unit given: bytes, or undefined when it is none of these. */
export function parseBytes(text: string, plainUnit = 'B'): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgtp]?)(i?b)?\s*$/i.exec(text);
  if (!match) {
    return undefined;
  }
  const letter = (match[2] || (match[3] ? '' : plainUnit[0]!.replace(/b/i, ''))).toUpperCase();
  const power = letter === '' ? 0 : 'KMGTP'.indexOf(letter) + 1;
  const bytes = Math.round(Number(match[1]) * 1024 ** power);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** camelCase and kebab-case words as people write them: "atNextStart" → "at next start". */
export const formatWord = (word: string): string => word.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/[-_]/g, ' ').toLowerCase();

const trim = (number: string): string => number.replace(/\.0+$/, '');
const two = (value: number): string => String(value).padStart(2, '0');
const join = (first: string, rest: number, unit: string): string => (rest > 0 ? `${first} ${rest} ${unit}` : first);
