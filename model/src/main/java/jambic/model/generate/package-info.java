/** Generation: sampling, batches, conversations, and an engine for many requests at a time. */
package jambic.model.generate;
