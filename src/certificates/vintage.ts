/**
 * When certified energy was generated, as one ISO 8601 expression: the month (`2026-05`) when the whole period
 * lies in one, else the year (`2026`), else the years from first to last (`2025/2026`). It never names a time
 * in which nothing of the energy was generated, nor leaves one out.
 * @param from first instant of the half-open period
 * @param to its end, which does not belong to it
 * @param timeZone IANA name of the meter's time zone: months and years are what people there call them
 */
export function vintageOf(from: Date, to: Date, timeZone: string): string {
  const first = monthOf(from, timeZone);
  const last = monthOf(new Date(to.getTime() - 1), timeZone);
  if (first === last) return first;
  const [firstYear, lastYear] = [first.slice(0, 4), last.slice(0, 4)];
  return firstYear === lastYear ? firstYear : `${firstYear}/${lastYear}`;
}

function monthOf(instant: Date, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en', {
    timeZone,
    calendar: 'iso8601',
    year: 'numeric',
    month: '2-digit',
  }).formatToParts(instant);
  const valueOf = (type: Intl.DateTimeFormatPartTypes) =>
    parts.find((part) => part.type === type)?.value ?? '';
  return `${valueOf('year').padStart(4, '0')}-${valueOf('month')}`;
}
