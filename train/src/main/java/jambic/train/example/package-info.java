/** Files of examples to align a model with, and the tokens that they become. */
package jambic.train.example;
