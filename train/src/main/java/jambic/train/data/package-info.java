/** Tokens to train on: texts, folders of token files, and the batches drawn from them. */
package jambic.train.data;
