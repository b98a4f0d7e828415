/** The search for translations by the log-probabilities of their tokens. */
package jambic.model.translator;
