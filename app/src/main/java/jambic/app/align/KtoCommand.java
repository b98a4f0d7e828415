package jambic.app.align;

import jambic.app.cli.Interruptible;
import jambic.app.ranks.RankOptions;
import jambic.model.gpt.Gpt;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.example.AnswerEncoder;
import jambic.train.example.Encoded;
import jambic.train.example.ExampleEncoder;
import jambic.train.example.Judged;
import jambic.train.example.JudgedFile;
import jambic.train.example.Rows;
import jambic.train.example.TokenJudged;
import jambic.train.preference.Kto;
import jambic.train.preference.KtoConfig;
import java.nio.IntBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Learns from answers that were each judged good or bad. */
@Command(
    name = "kto",
    description = "Learns from answers that are each judged good or bad (KTO).",
    mixinStandardHelpOptions = true,
    modelTransformer = KtoCommand.Flags.class,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic kto --init sft --data judged.jsonl --out kto",
      "Rows are {\"prompt\": ..., \"completion\": ..., \"label\": true|false}."
    })
public final class KtoCommand implements Callable<Integer> {
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
      return StageFlags.add(command, "Kahneman-Tversky optimization", KtoConfig.DEFAULTS, false);
    }
  }

  @Override
  public Integer call() {
    return new StageSession<>(spec, main, options, KtoConfig.class, KtoConfig.DEFAULTS, shared)
        .run(this::load);
  }

  private StageSession.Loaded<Gpt> load(
      StageSession<KtoConfig> session, KtoConfig start, Backend backend) {
    GptStage stage = GptStage.of(session, valid);
    int context = stage.context(start);
    AnswerEncoder encoder = stage.initial().encoder();
    HeldOut<TokenJudged> parts =
        HeldOut.of(
            stage.file(),
            answers(session, encoder, stage.file(), context),
            stage.held().map(f -> answers(session, encoder, f, context)),
            judged -> IntBuffer.wrap(judged.prompt()));
    KtoConfig config = session.lasting(start, epochs.epochs(), parts.train().size());
    return stage.loaded(
        config,
        0,
        List.of(stage.initial().fingerprint()),
        Map.of(),
        Text.format(
            "%,d answers to learn from and %,d held back",
            parts.train().size(), parts.valid().size()),
        backend,
        policy -> {
          try (Gpt reference = stage.initial().reference(session, backend)) {
            return Kto.work(
                policy, reference, config, parts.train(), parts.valid(), context, session.ranks());
          }
        });
  }

  private static List<TokenJudged> answers(
      StageSession<?> session, AnswerEncoder encoder, Path file, int context) {
    Rows<Judged> rows = JudgedFile.read(file);
    Encoded<TokenJudged> encoded = ExampleEncoder.judged(encoder, rows.rows(), context + 1);
    session.tell(rows.notices(), encoded.dropped());
    long good = encoded.examples().stream().filter(TokenJudged::good).count();
    if (good == 0 || good == encoded.examples().size()) {
      session
          .terminal()
          .print(
              Text.format(
                  "warning  all answers of %s are judged %s; KTO learns from both kinds",
                  file, good == 0 ? "bad" : "good"));
    }
    return encoded.examples();
  }
}
