/** Data sets, optimizers, schedules and the training loop. */
module jambic.train {
  requires transitive jambic.model;
  requires com.fasterxml.jackson.jr.ob;

  exports jambic.train;
}
