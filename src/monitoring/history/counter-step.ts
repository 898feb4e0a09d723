/** What came to a counter since the snapshot before, in a window `w`: where it went down it was lost, and counts from zero. */
export const counterStep = (name: string): string =>
  `${name} - CASE WHEN ${name} >= lag(${name}) OVER w THEN lag(${name}) OVER w ELSE 0 END AS ${name}`;
