package jambic.app.align;

import jambic.app.cli.Interruptible;
import jambic.model.gpt.Gpt;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.policy.GrpoConfig;
import jambic.train.policy.GrpoWork;
import jambic.train.policy.PolicyData;
import jambic.train.stage.StageWork;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Trains a policy by comparing its answers to a prompt with each other. */
@Command(
    name = "grpo",
    description = "Trains a policy against a reward by comparing answers to a prompt (GRPO).",
    mixinStandardHelpOptions = true,
    modelTransformer = GrpoCommand.Flags.class,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic grpo --init sft --reward exact --data prompts.jsonl --out grpo",
      "  jambic grpo --init sft --reward rm --data prompts.jsonl --beta 0.04"
    })
public final class GrpoCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @ParentCommand private Interruptible main;
  @Mixin private StageOptions options;
  @Mixin private ValidData valid;

  @Option(
      names = "--reward",
      paramLabel = "REWARD",
      description = {RewardOption.HELP, "Default: a resumed run's own."})
  private Optional<String> reward = Optional.empty();

  /** A flag for each hyperparameter. */
  static final class Flags implements IModelTransformer {
    @Override
    public CommandSpec transform(CommandSpec command) {
      return StageFlags.add(command, "GRPO", GrpoConfig.DEFAULTS, true);
    }
  }

  @Override
  public Integer call() {
    return new StageSession<>(spec, main, options, GrpoConfig.class, GrpoConfig.DEFAULTS)
        .run(this::load);
  }

  private StageSession.Loaded<Gpt> load(
      StageSession<GrpoConfig> session, GrpoConfig start, Backend backend) {
    GptStage stage = GptStage.of(session, valid);
    RewardOption scored = RewardOption.of(session, reward);
    InitialGpt initial = stage.initial();
    GrpoConfig config = session.lasting(start);
    PolicyData data =
        PolicyPrompts.read(stage, config.sampling().responseLength(), stage.context(start));
    return stage.loaded(
        config,
        0,
        List.of(initial.fingerprint(), scored.fingerprint()),
        Map.of(RewardOption.KEY, Optional.of(scored.name())),
        Text.format(
            "%,d prompts to learn with and %,d held back",
            data.train().size(), data.valid().size()),
        backend,
        policy -> work(session, initial, policy, scored, config, data, backend));
  }

  private static StageWork work(
      StageSession<?> session,
      InitialGpt initial,
      Gpt policy,
      RewardOption reward,
      GrpoConfig config,
      PolicyData data,
      Backend backend) {
    return new GrpoWork(
        policy,
        initial.reference(session, backend),
        reward.scorer(backend, initial.tokenizer()),
        config,
        data);
  }
}
