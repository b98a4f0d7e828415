package jambic.app.align;

import jambic.app.cli.Interruptible;
import jambic.app.cli.RunRecord;
import jambic.model.chat.ChatTemplate;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
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
import jambic.train.stage.StageRun;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
    return new StageSession<>(spec, main, options, SftConfig.class, SftConfig.DEFAULTS)
        .run(this::load);
  }

  private StageSession.Loaded<Gpt> load(
      StageSession<SftConfig> session, SftConfig start, Backend backend) {
    InitialGpt initial = InitialGpt.of(session);
    AnswerEncoder encoder = initial.encoder();
    int context = start.common().lengthWithin(initial.shape().blockSize());
    Path file = session.data();
    Optional<Path> held = valid.file(session);
    Encoded<TokenExample> all = examples(session, encoder, file, context);
    HeldOut<TokenExample> parts =
        HeldOut.of(
            all.examples(), held.map(f -> examples(session, encoder, f, context).examples()));
    SftConfig config = session.lasting(start, epochs.epochs(), parts.train().size());
    String fingerprint = session.fingerprint(file, held);
    StageRun.Plan<GptConfig, Gpt> plan =
        new StageRun.Plan<>(
            Gpt.FORMAT,
            config,
            fingerprint,
            initial.template(),
            model -> Sft.work(model, config, parts.train(), parts.valid(), context));
    return new StageSession.Loaded<>(
        plan,
        () -> initial.trained(session, config, (float) config.dropout(), backend),
        initial.tokenizer(),
        session.choices(
            Map.of(
                RunRecord.VALID, held.map(Path::toString),
                ChatOptions.TEMPLATE, initial.template().map(ChatTemplate::label))),
        List.of(
            Text.format(
                "data     %,d examples to learn from and %,d held back",
                parts.train().size(), parts.valid().size())),
        (model, folder, log) -> List.of(initial.next(folder)));
  }

  private static Encoded<TokenExample> examples(
      StageSession<?> session, AnswerEncoder encoder, Path file, int context) {
    Rows<Demonstration> rows = DemonstrationFile.read(file);
    Encoded<TokenExample> encoded = ExampleEncoder.examples(encoder, rows.rows(), context + 1);
    session.tell(rows.notices(), encoded.dropped());
    return encoded;
  }
}
