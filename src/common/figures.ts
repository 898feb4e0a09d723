/** A size for people: 1.4 GB is 1.4 × 1024³ bytes. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const size = bytes / 1024 ** power;
  return `${size.toFixed(power === 0 || size >= 100 ? 0 : 1)} ${units[power]}`;
}

/** A number for people: 1 234 567. */
export const formatCount = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ' ');

/** A time for people: 0.35 ms, 1.20 s, 3 min 20 s, 2 h 5 min, 4 d 3 h. */
export function formatMilliseconds(milliseconds: number): string {
  if (milliseconds < 1_000) return `${significant(milliseconds)} ms`;
  const seconds = milliseconds / 1_000;
  if (seconds < 60) return `${significant(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A share for people: 0.9312 is 93.1 %. */
export const formatShare = (share: number): string => `${(share * 100).toFixed(1)} %`;

const significant = (figure: number): string => figure.toFixed(figure >= 100 ? 0 : figure >= 10 ? 1 : 2);
