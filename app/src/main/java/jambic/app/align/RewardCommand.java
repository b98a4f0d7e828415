package jambic.app.align;

import jambic.app.cli.Interruptible;
import jambic.app.cli.RunRecord;
import jambic.app.ranks.RankOptions;
import jambic.model.chat.ChatTemplate;
import jambic.model.classifier.GptClassifier;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.example.Demonstration;
import jambic.train.example.DemonstrationFile;
import jambic.train.example.ExampleEncoder;
import jambic.train.example.Rows;
import jambic.train.example.TokenExample;
import jambic.train.example.TokenPair;
import jambic.train.preference.Ranking;
import jambic.train.preference.RewardConfig;
import jambic.train.preference.RewardModeling;
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
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Trains a reward model on pairs of answers. */
@Command(
    name = "reward",
    description = "Trains a reward model: it learns from pairs which answers people prefer.",
    mixinStandardHelpOptions = true,
    modelTransformer = RewardCommand.Flags.class,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {"  jambic reward --init sft --data pairs.jsonl --out rm"})
public final class RewardCommand implements Callable<Integer> {
  private static final String DEMONSTRATIONS = "demonstrations";

  @Spec private CommandSpec spec;
  @ParentCommand private Interruptible main;
  @Mixin private StageOptions options;
  @Mixin private RankOptions shared;
  @Mixin private ValidData valid;

  @Option(
      names = "--demonstrations",
      paramLabel = "FILE",
      description = {
        "Answers by people, as 'jambic sft' takes them: their mean score will be 0.",
        "Default: the mean of the answers in --data is."
      })
  private Optional<Path> demonstrations = Optional.empty();

  @Option(
      names = "--epochs",
      paramLabel = "N",
      description = "How often each prompt is seen; --max-iters overrides it. Default: 1.")
  private double epochs = 1;

  /** A flag for each hyperparameter. */
  static final class Flags implements IModelTransformer {
    @Override
    public CommandSpec transform(CommandSpec command) {
      return StageFlags.add(command, "The reward model", RewardConfig.DEFAULTS, false);
    }
  }

  @Override
  public Integer call() {
    return new StageSession<>(
            spec, main, options, RewardConfig.class, RewardConfig.DEFAULTS, shared)
        .run(this::load);
  }

  private StageSession.Loaded<GptClassifier> load(
      StageSession<RewardConfig> session, RewardConfig start, Backend backend) {
    InitialGpt initial = InitialGpt.of(session);
    int context = start.common().lengthWithin(initial.shape().blockSize());
    Path file = session.data();
    Optional<Path> held = valid.file(session);
    HeldOut<TokenPair> parts = PairData.read(session, initial.encoder(), file, held, true, context);
    List<Ranking> train = Ranking.of(parts.train());
    List<Ranking> measured = Ranking.of(parts.valid());
    RewardConfig config = session.lasting(start, epochs, train.size());
    Optional<List<int[]>> centred = demonstrations(session, initial, context);
    return new StageSession.Loaded<>(
        new StageRun.Plan<>(
            GptClassifier.FORMAT,
            config,
            session.fingerprint(file, held),
            initial.template(),
            model -> RewardModeling.work(model, config, train, measured, context, session.ranks())),
        () ->
            initial.classifier(
                session,
                List.of("reward"),
                1 / Math.sqrt(initial.shape().nEmbd() + 1), // Stiennon et al., 2020
                0,
                config.seed(),
                backend),
        initial.tokenizer(),
        session.choices(
            Map.of(
                RunRecord.VALID,
                held.map(Path::toString),
                DEMONSTRATIONS,
                session.chosen(DEMONSTRATIONS, StageSession.lasting(demonstrations)),
                ChatOptions.TEMPLATE,
                initial.template().map(ChatTemplate::label))),
        List.of(
            Text.format(
                "data     %,d pairs of %,d prompts to learn from, %,d pairs held back",
                parts.train().size(), train.size(), parts.valid().size())),
        (model, folder, log) ->
            new RewardResult(initial, centred, parts.valid().size(), sequences(parts.train()))
                .finish(model, folder, log));
  }

  /** What people answered, if that was given: prompts with answers as tokens. */
  private Optional<List<int[]>> demonstrations(
      StageSession<?> session, InitialGpt initial, int context) {
    return session
        .chosen(DEMONSTRATIONS, StageSession.lasting(demonstrations))
        .map(file -> {
          Rows<Demonstration> rows = DemonstrationFile.read(Path.of(file));
          return ExampleEncoder.examples(initial.encoder(), rows.rows(), context)
              .examples()
              .stream()
              .map(TokenExample::ids)
              .toList();
        });
  }

  /** The policy's own answers. */
  private static List<int[]> sequences(List<TokenPair> pairs) {
    return Ranking.of(pairs).stream().flatMap(ranking -> ranking.sequences().stream()).toList();
  }
}
