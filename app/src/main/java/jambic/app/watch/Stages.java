package jambic.app.watch;

import jambic.train.classify.ClassifyConfig;
import jambic.train.config.RunConfig;
import jambic.train.policy.GrpoConfig;
import jambic.train.policy.PpoConfig;
import jambic.train.preference.DpoConfig;
import jambic.train.preference.KtoConfig;
import jambic.train.preference.RewardConfig;
import jambic.train.stage.SftConfig;
import jambic.train.stage.StageConfig;
import java.util.Map;

/** All stages by their names. */
final class Stages {
  private static final Map<String, RunConfig.Reader> READERS =
      Map.of(
          SftConfig.STAGE, StageConfig.reader(SftConfig.class, SftConfig.STAGE),
          RewardConfig.STAGE, StageConfig.reader(RewardConfig.class, RewardConfig.STAGE),
          PpoConfig.STAGE, StageConfig.reader(PpoConfig.class, PpoConfig.STAGE),
          DpoConfig.STAGE, StageConfig.reader(DpoConfig.class, DpoConfig.STAGE),
          KtoConfig.STAGE, StageConfig.reader(KtoConfig.class, KtoConfig.STAGE),
          GrpoConfig.STAGE, StageConfig.reader(GrpoConfig.class, GrpoConfig.STAGE),
          ClassifyConfig.STAGE, StageConfig.reader(ClassifyConfig.class, ClassifyConfig.STAGE));

  private Stages() {}

  /** Reads the configuration of any kind of run. */
  static RunConfig any(Map<?, ?> values, String json, String name) {
    return READERS
        .getOrDefault(String.valueOf(values.get(RunConfig.STAGE_KEY)), RunConfig::of)
        .read(values, json, name);
  }

  /** The name of the command that a run is of. */
  static String command(RunConfig config) {
    return config instanceof StageConfig stage ? stage.stage() : "train";
  }
}
