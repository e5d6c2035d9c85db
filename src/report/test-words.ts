/**
 * What each test does, in words for someone who has never met it. A test without an entry is told by its own question and null model.
 * @module
 */
import type { Evidence, EvidenceClass } from '../lineage/index.ts';

export const CLASS_WORDS: { readonly [name in EvidenceClass]: string } = {
  exact: 'exact: the p-value follows from symmetry alone, given the assumptions',
  calibrated: 'calibrated: its threshold was set on models of known descent, and it can be wrong on models unlike those',
  descriptive: 'descriptive: a number that describes, and decides nothing about chance',
};

/** Which place a part of a network gets is chance: training that starts anew deals the places anew. */
const PLACES = 'Which of them gets which place is settled by the random start. A training that starts anew deals the places anew.';
const COINS =
  'Two of them are exchanged in thought: for independent models the likeness then rises or falls with equal chance, like a coin; for models with a common past it mostly falls.';

const MEANINGS: { readonly [test: string]: string } = {
  'swap-sign/neurons': `A layer holds many neurons. ${PLACES} ${COINS}`,
  'swap-sign/value-channels': `Attention carries its content through numbered channels. ${PLACES} ${COINS}`,
  'swap-sign/residual-channels': `All layers write into shared numbered channels, seen here in the token table. ${PLACES} ${COINS}`,
  'swap-sign/filters': `A layer holds many filters. ${PLACES} ${COINS} Each layer is judged alone.`,
  'swap-sign/neurons-after-map': `The hidden spaces are first laid over each other by the tokens both know, which undoes rotations and reorderings. ${PLACES} ${COINS}`,
  'swap-sign/neurons-by-tokens': `Neurons are told by what they make of the same tokens, not by the channels they read, which undoes rotations and reorderings of the hidden space. ${PLACES} ${COINS}`,
  'full-comparison': 'Both files are read and laid over each other, tensor by tensor and number by number, to see what changed.',
  'channel-walk':
    'Channels are followed from the input through the layers; at each layer two independent halves of the inputs point to the same channel in a common descent, and rarely in strangers.',
  'regenerated-start':
    'A program’s default random start can be drawn anew from its seed. Where both models still lie along it, they share that start, which needs no contact between them.',
  'swap-sign/unreachable-tokens': `Some tokens can be produced by no text, so their rows stay as the random start left them. ${COINS}`,
  'swap-sign/adapter-b': `The half of an adapter that starts at zero holds training only. ${COINS}`,
  'swap-sign/adapter-a': `The half of an adapter that starts at random is compared. ${COINS}`,
  'equal-values': 'Tensors are compared number by number, after rounding to 16 bits. Long runs of equal numbers do not arise by chance.',
  'learned-agreement':
    'Some parts of a network keep much of the random start, others are filled by training. Models that only share a start agree on the first and far less on the second; the ratio tells the two apart.',
  'learned-agreement-after-map':
    'As learned-agreement, after the hidden spaces were laid over each other: agreement on what training fills, over agreement on what the start fixed.',
  'neuron-agreement':
    'A neuron is recognized by what it reads and, independently, by what it writes. In a common descent both ways point to the same neuron; in strangers rarely.',
  'shared-component-kurtosis':
    'What two models have in common is flat or bell-shaped when it is a random start, and heavy-tailed when it was trained.',
  'zero-start-vectors': 'Gains and shifts start at one and zero in every model. Where they agree beyond that, training made them agree.',
  'adapter-geometry/value-channels':
    'An adapter learns by gradients that pass through its base, and these carry the base’s geometry. The labels are shuffled to see what chance gives.',
  'adapter-geometry/neurons':
    'An adapter learns by gradients that pass through its base, and these carry the geometry of its neurons. The labels are shuffled to see what chance gives.',
};

/** Plain words, or '' for a test that is not known here. */
export function meaningOf(test: Evidence): string {
  return Object.hasOwn(MEANINGS, test.test) ? MEANINGS[test.test]! : '';
}
