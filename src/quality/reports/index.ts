export type { ReportDetails, TaskDetails } from './details.ts';
export { toHtml } from './html.ts';
export { toJson } from './json.ts';
export { toJUnit } from './junit.ts';
export { toMarkdown } from './markdown.ts';
export { toTable } from './table.ts';
