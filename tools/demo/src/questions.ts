import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** Asked when the file of real questions is not there. */
const OWN_SUBJECTS = [
  'a bakery that opens its second shop',
  'a dentist who wants more Saturday patients',
  'a hotel on the coast in the low season',
  'an online shop for running shoes',
  'a language school with evening courses',
  'a bank that wants to win students',
  'a museum with a new wing',
  'a coffee roaster who sells subscriptions',
];
const OWN_TASKS = [
  'Write three headlines for',
  'Which audience should be addressed first by',
  'Propose five hashtags for',
  'What should the landing page say for',
  'Write a short e-mail for former customers of',
  'Which objections will buyers have against',
  'Name a budget split over channels for',
  'Give a slogan of at most six words for',
];

export const ownQuestions: readonly string[] = OWN_TASKS.flatMap((task) =>
  OWN_SUBJECTS.map((subject) => `${task} ${subject}.`),
);

/**
 * Distinct questions: real ones from the file of question pairs if it is there, else a small list of our own.
 * @param most how many at the most
 */
export function questions(
  pairsFile: string,
  most: number,
): { readonly list: readonly string[]; readonly source: string } {
  if (!existsSync(pairsFile)) {
    return { list: ownQuestions.slice(0, most), source: 'its own list: the file of questions is not there' };
  }
  const distinct = new Set<string>();
  for (const line of gunzipSync(readFileSync(pairsFile)).toString().split('\n')) {
    if (distinct.size >= most) break;
    if (line !== '') distinct.add((JSON.parse(line) as { a: string }).a);
  }
  return { list: [...distinct], source: 'real questions' };
}
