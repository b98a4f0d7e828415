/** Optimizers, clipping and learning-rate schedules. */
package jambic.train.optim;
