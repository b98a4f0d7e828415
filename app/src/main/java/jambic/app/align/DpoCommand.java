package jambic.app.align;

import jambic.app.cli.Interruptible;
import jambic.app.ranks.RankOptions;
import jambic.model.gpt.Gpt;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.example.AnswerEncoder;
import jambic.train.example.TokenPair;
import jambic.train.preference.Dpo;
import jambic.train.preference.DpoConfig;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Learns from pairs of answers without a reward model. */
@Command(
    name = "dpo",
    description = "Learns from pairs of answers, without a reward model (DPO and its relatives).",
    mixinStandardHelpOptions = true,
    modelTransformer = DpoCommand.Flags.class,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic dpo --init sft --data pairs.jsonl --out dpo",
      "  jambic dpo --init sft --data pairs.jsonl --loss-type ipo --beta 0.2"
    })
public final class DpoCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @ParentCommand private Interruptible main;
  @Mixin private StageOptions options;
  @Mixin private RankOptions shared;
  @Mixin private ValidData valid;
  @Mixin private Epochs epochs;

  /** A flag for each hyperparameter. */
  static final class Flags implements IModelTransformer {
    @Override
    public CommandSpec transform(CommandSpec command) {
      return StageFlags.add(command, "Direct preference optimization", DpoConfig.DEFAULTS, false);
    }
  }

  @Override
  public Integer call() {
    return new StageSession<>(spec, main, options, DpoConfig.class, DpoConfig.DEFAULTS, shared)
        .run(this::load);
  }

  private StageSession.Loaded<Gpt> load(
      StageSession<DpoConfig> session, DpoConfig start, Backend backend) {
    GptStage stage = GptStage.of(session, valid);
    int context = stage.context(start);
    AnswerEncoder encoder = stage.initial().encoder();
    HeldOut<TokenPair> parts =
        PairData.read(session, encoder, stage.file(), stage.held(), false, context + 1);
    DpoConfig config = session.lasting(start, epochs.epochs(), parts.train().size());
    return stage.loaded(
        config,
        0,
        List.of(stage.initial().fingerprint()),
        Map.of(),
        Text.format(
            "%,d pairs to learn from and %,d held back",
            parts.train().size(), parts.valid().size()),
        backend,
        policy -> {
          try (Gpt reference = stage.initial().reference(session, backend)) {
            return Dpo.work(
                policy, reference, config, parts.train(), parts.valid(), context, session.ranks());
          }
        });
  }
}
