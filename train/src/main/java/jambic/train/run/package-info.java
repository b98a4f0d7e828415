/** A run: its loop, its log, its checkpoints, and how it goes on after a stop. */
package jambic.train.run;
