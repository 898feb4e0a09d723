import Table from 'cli-table3';
import type { AnsweredBox, ChecklistAnswer } from './checklist';

const WIDEST = 160;
const NARROWEST = 80;
const OF_STATUS = 8;
const OF_BOX = 30;
/** Four lines and the spaces beside them. */
const OF_LINES = 4;

/**
 * A checklist as text: for each guide its boxes with their evidence, then what to do.
 * @param width of the terminal; unset where it goes elsewhere
 */
export function checklistText(answer: ChecklistAnswer, width = WIDEST): string {
  const { boxes, summary, release, asOf } = answer;
  const guides = [...new Set(boxes.map(({ guide }) => guide))];
  const total = `${summary.pass} pass, ${summary.warn} warn, ${summary.fail} fail`;
  return [
    ...guides.map((guide) => `${guide}\n${tableOf(ofGuide(boxes, guide), width)}`),
    ...remedies(boxes),
    `GridTokenX ${release}, ${asOf}: ${total}`,
  ].join('\n\n');
}

const ofGuide = (boxes: readonly AnsweredBox[], wanted: string): AnsweredBox[] =>
  boxes.filter(({ guide }) => guide === wanted);

function tableOf(boxes: readonly AnsweredBox[], width: number): string {
  const evidence = Math.min(WIDEST, Math.max(NARROWEST, width)) - OF_STATUS - OF_BOX - OF_LINES;
  const table = new Table({
    head: ['status', 'box', 'evidence'],
    colWidths: [OF_STATUS, OF_BOX, evidence],
    wordWrap: true,
    style: { head: [], border: [], compact: true },
  });
  for (const box of boxes) table.push([box.status, box.box, box.evidence]);
  return table.toString();
}

/** What mends several boxes is said once. */
function remedies(boxes: readonly AnsweredBox[]): string[] {
  const lines = (['fail', 'warn'] as const).flatMap((wanted) => {
    const open = boxes.filter(({ status }) => status === wanted);
    const mends = new Set(open.map(({ remedy }) => remedy));
    return [...mends].map((mend) => {
      const names = open.filter(({ remedy }) => remedy === mend).map(({ box }) => box);
      return `${wanted}  ${[...new Set(names)].join(', ')}: ${mend}.`;
    });
  });
  return lines.length === 0 ? [] : [['What to do', ...lines].join('\n')];
}
