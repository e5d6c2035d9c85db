// Two published ways to name a license, written from their description, over the same texts as Heirloom's catalogue.
import { splitWords } from '../../src/license/words.ts';

export interface Baseline {
  readonly name: string;
  /** Ids of a text, best first; `without` is left out of the texts compared with. */
  identify(text: string, without?: string): string[];
}

export type Texts = readonly (readonly [id: string, text: string])[];

/** Words without markup, copyright lines and list markers, as every tool of this kind strips them. */
function plainWords(text: string): string[] {
  const { words, flags } = splitWords(text);
  return words.filter((_, k) => flags[k] === 0);
}

/**
 * licensee (github.com/licensee/licensee, `Licensee::Matchers::Dice`): Sørensen-Dice over the sets of words, confidence threshold 98 %;
 * the best match is the file's one license.
 */
export function wordSetDice(texts: Texts, threshold = 0.98): Baseline {
  const sets = texts.map(([id, text]) => [id, new Set(plainWords(text))] as const);
  return {
    name: `word-set Dice >= ${threshold}`,
    identify: (text, without) => {
      const own = new Set(plainWords(text));
      let best = { id: '', dice: 0 };
      for (const [id, words] of sets) {
        if (id === without) continue;
        let shared = 0;
        for (const word of own) if (words.has(word)) shared++;
        const dice = (2 * shared) / (own.size + words.size);
        if (dice > best.dice) best = { id, dice };
      }
      return best.dice >= threshold ? [best.id] : [];
    },
  };
}

/**
 * Containment of 5-grams (Broder 1997, "On the resemblance and containment of documents"), the candidate step of ScanCode and
 * google/licenseclassifier: every license whose 5-grams stand in the file to 60 %, taken greedily, each explaining 5-grams of its own.
 */
export function fiveGramContainment(texts: Texts, threshold = 0.6): Baseline {
  const grams = (text: string): Set<string> => {
    const words = plainWords(text);
    const out = new Set<string>();
    for (let k = 0; k + 5 <= words.length; k++) out.add(words.slice(k, k + 5).join(' '));
    return out;
  };
  const sets = texts.map(([id, text]) => [id, grams(text)] as const);
  return {
    name: `5-gram containment >= ${threshold}`,
    identify: (text, without) => {
      const left = grams(text);
      const found: string[] = [];
      for (;;) {
        let best = { id: '', containment: 0, size: 0 };
        for (const [id, own] of sets) {
          if (id === without || found.includes(id) || own.size === 0) continue;
          let shared = 0;
          for (const gram of own) if (left.has(gram)) shared++;
          const containment = shared / own.size;
          if (containment > best.containment || (containment === best.containment && own.size > best.size))
            best = { id, containment, size: own.size };
        }
        if (best.containment < threshold) return found;
        found.push(best.id);
        for (const gram of sets.find(([id]) => id === best.id)![1]) left.delete(gram);
      }
    },
  };
}
