/** What a model learns: which batches it sees, and the loss. */
package jambic.train.objective;
