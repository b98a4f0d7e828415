/** How near texts come to the texts that they should be: BLEU, chrF and exact match. */
package jambic.train.metric;
