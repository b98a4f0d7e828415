/** Sentences with their translations: files of them, validation splits, batches by length. */
package jambic.train.pairs;
