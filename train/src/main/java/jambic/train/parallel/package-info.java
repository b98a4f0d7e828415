/**
 * Training on several processes (ranks) at once: who computes which micro batch, and sums whose
 * bits do not depend on the number of ranks.
 */
package jambic.train.parallel;
