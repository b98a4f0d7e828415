/** Training a model to tell the label of a text: examples, objective, and the work of a run. */
package jambic.train.classify;
