import { z } from 'zod';
import { instant, pageQuery, uuid } from '../../common/request-schemas';
import { CERTIFICATE_STATUSES } from '../certificate-life-cycle';

const LONGEST_DAYS = 366;
const DAY_MS = 86_400_000;

/** Text that is shown to everybody who verifies a certificate: one line, without control characters. */
const line = (longest: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(longest)
    .regex(/^\P{Cc}+$/u, 'must be one line of text');

/** The half-open period `[from, to)` of a meter, at most a year, over before it is certified. */
export const issueBody = z
  .strictObject({ meterId: uuid(), from: instant(), to: instant() })
  .superRefine(({ from, to }, context) => {
    const refuse = (message: string) => context.addIssue({ code: 'custom', path: ['to'], message });
    if (to <= from) refuse('must be after from: the period is from, included, to to, excluded');
    else if (to.getTime() - from.getTime() > LONGEST_DAYS * DAY_MS)
      refuse(`must be at most ${LONGEST_DAYS} days after from`);
    if (to.getTime() > Date.now()) refuse('must not be in the future: only what was generated is certified');
  });

export const listQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(CERTIFICATE_STATUSES).optional(),
  userId: uuid().optional(),
});

/** Any text: what is no number of a certificate is a certificate that does not exist. */
export const byNumber = z.strictObject({ certificateId: z.string().max(200) });

export const transferBody = z.strictObject({ toUserId: uuid() });
export const retireBody = z.strictObject({ beneficiary: line(200), purpose: line(500) });
export const withdrawBody = z.strictObject({ reason: line(500) });

export type IssueRequest = z.output<typeof issueBody>;
export type ListRequest = z.output<typeof listQuery>;
export type Retirement = z.output<typeof retireBody>;
