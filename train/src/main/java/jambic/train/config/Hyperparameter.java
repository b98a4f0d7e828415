package jambic.train.config;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Describes a component of a settings record: a flag, and a key of a run's JSON. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Hyperparameter {
  /**
   * Returns what it is, as the help has it.
   *
   * @return a line without a period
   */
  String value();

  /**
   * Returns what runs did before there was a choice: their recorded settings lack it.
   *
   * @return the value as text; empty where every recorded run has one
   */
  String former() default "";
}
