/** Hyperparameters, and named sets of them. */
package jambic.train.config;
