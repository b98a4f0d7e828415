/**
 * Data sets, optimizers, schedules and the training loop. Start at the package {@link
 * jambic.train}.
 */
module jambic.train {
  requires transitive jambic.model;
  requires com.fasterxml.jackson.core;
  requires com.fasterxml.jackson.jr.ob;
  requires java.xml;
  requires static jdk.jfr;

  exports jambic.train;
  exports jambic.train.classify;
  exports jambic.train.config;
  exports jambic.train.data;
  exports jambic.train.example;
  exports jambic.train.metric;
  exports jambic.train.objective;
  exports jambic.train.optim;
  exports jambic.train.pairs;
  exports jambic.train.parallel;
  exports jambic.train.plan;
  exports jambic.train.policy;
  exports jambic.train.preference;
  exports jambic.train.run;
  exports jambic.train.stage;
}
