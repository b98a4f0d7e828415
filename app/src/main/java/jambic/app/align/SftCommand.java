package jambic.app.align;

import jambic.app.cli.Interruptible;
import jambic.app.ranks.RankOptions;
import jambic.model.gpt.Gpt;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.example.AnswerEncoder;
import jambic.train.example.Demonstration;
import jambic.train.example.DemonstrationFile;
import jambic.train.example.Encoded;
import jambic.train.example.ExampleEncoder;
import jambic.train.example.Rows;
import jambic.train.example.TokenExample;
import jambic.train.stage.Sft;
import jambic.train.stage.SftConfig;
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

/** Fine-tunes a model on demonstrations. */
@Command(
    name = "sft",
    description = "Fine-tunes a model on demonstrations: it learns the answers, not the prompts.",
    mixinStandardHelpOptions = true,
    modelTransformer = SftCommand.Flags.class,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic sft --init runs/NAME --data sft.jsonl --out sft",
      "  jambic sft --init gpt2 --data sft.jsonl --lora-rank 8 --learning-rate 1e-4"
    })
public final class SftCommand implements Callable<Integer> {
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
      return StageFlags.add(command, "Supervised fine-tuning", SftConfig.DEFAULTS, false);
    }
  }

  @Override
  public Integer call() {
    return new StageSession<>(spec, main, options, SftConfig.class, SftConfig.DEFAULTS, shared)
        .run(this::load);
  }

  private StageSession.Loaded<Gpt> load(
      StageSession<SftConfig> session, SftConfig start, Backend backend) {
    GptStage stage = GptStage.of(session, valid);
    AnswerEncoder encoder = stage.initial().encoder();
    int context = stage.context(start);
    Encoded<TokenExample> all = examples(session, encoder, stage.file(), context);
    HeldOut<TokenExample> parts =
        HeldOut.of(
            stage.file(),
            all.examples(),
            stage.held().map(f -> examples(session, encoder, f, context).examples()),
            row -> row);
    long perEpoch =
        start.packing()
            ? (long) Sft.batches(start, parts.train(), context).perEpoch()
                * start.common().batch().batchSize()
            : parts.train().size();
    SftConfig config = session.lasting(start, epochs.epochs(), perEpoch);
    return stage.loaded(
        config,
        (float) config.dropout(),
        List.of(),
        Map.of(),
        Text.format(
            "%,d examples to learn from and %,d held back",
            parts.train().size(), parts.valid().size()),
        backend,
        model -> Sft.work(model, config, parts.train(), parts.valid(), context, session.ranks()));
  }

  private static Encoded<TokenExample> examples(
      StageSession<?> session, AnswerEncoder encoder, Path file, int context) {
    Rows<Demonstration> rows = DemonstrationFile.read(file);
    Encoded<TokenExample> encoded = ExampleEncoder.examples(encoder, rows.rows(), context + 1);
    session.tell(rows.notices(), encoded.dropped());
    return encoded;
  }
}
