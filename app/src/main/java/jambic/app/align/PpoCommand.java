package jambic.app.align;

import jambic.app.cli.Interruptible;
import jambic.model.classifier.GptClassifier;
import jambic.model.gpt.Gpt;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.data.Dataset;
import jambic.train.data.TextFile;
import jambic.train.data.TokenSource;
import jambic.train.policy.AnswerScorer;
import jambic.train.policy.PolicyData;
import jambic.train.policy.PpoConfig;
import jambic.train.policy.PpoWork;
import jambic.train.stage.StageWork;
import jambic.train.stage.ValueModel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Trains a policy against a reward by PPO. */
@Command(
    name = "ppo",
    description = "Trains a policy against a reward: it learns to write what scores well.",
    mixinStandardHelpOptions = true,
    modelTransformer = PpoCommand.Flags.class,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic ppo --init sft --reward rm --data prompts.jsonl --out ppo",
      "  jambic ppo --init sft --reward graded --data prompts.jsonl --kl-coef 0.1"
    })
public final class PpoCommand implements Callable<Integer> {
  private static final String TEXT = "ptx-data";

  @Spec private CommandSpec spec;
  @ParentCommand private Interruptible main;
  @Mixin private StageOptions options;
  @Mixin private ValidData valid;

  @Option(
      names = "--reward",
      paramLabel = "REWARD",
      description = {RewardOption.HELP, "Default: a resumed run's own."})
  private Optional<String> reward = Optional.empty();

  @Option(
      names = "--ptx-data",
      paramLabel = "FILE",
      description = {
        "Text that the model was pre-trained on, to be mixed in with --ptx-coef (PPO-ptx).",
        "Default: none, or a resumed run's own."
      })
  private Optional<Path> text = Optional.empty();

  /** A flag for each hyperparameter. */
  static final class Flags implements IModelTransformer {
    @Override
    public CommandSpec transform(CommandSpec command) {
      return StageFlags.add(command, "PPO", PpoConfig.DEFAULTS, true);
    }
  }

  @Override
  public Integer call() {
    return new StageSession<>(spec, main, options, PpoConfig.class, PpoConfig.DEFAULTS)
        .run(this::load);
  }

  private StageSession.Loaded<Gpt> load(
      StageSession<PpoConfig> session, PpoConfig start, Backend backend) {
    GptStage stage = GptStage.of(session, valid);
    RewardOption scored = RewardOption.of(session, reward);
    InitialGpt initial = stage.initial();
    Optional<Path> text = session.chosen(TEXT, StageSession.lasting(this.text)).map(Path::of);
    PpoConfig config = session.lasting(start);
    if (text.isPresent() != config.ptxCoef() > 0) {
      throw new ParameterException(
          spec.commandLine(),
          text.isPresent()
              ? "--ptx-data counts for nothing without --ptx-coef; give both, or none"
              : "--ptx-coef needs the text that it weights; name it with --ptx-data");
    }
    PolicyData data =
        PolicyPrompts.read(stage, config.sampling().responseLength(), stage.context(start));
    return stage.loaded(
        config,
        0,
        Stream.concat(
                Stream.of(initial.fingerprint(), scored.fingerprint()),
                text.map(StageSession::sha256).stream())
            .toList(),
        Map.of(RewardOption.KEY, Optional.of(scored.name()), TEXT, text.map(Path::toString)),
        Text.format(
            "%,d prompts to learn with and %,d held back",
            data.train().size(), data.valid().size()),
        backend,
        policy -> work(session, initial, policy, scored, config, data, text, backend));
  }

  private static StageWork work(
      StageSession<?> session,
      InitialGpt initial,
      Gpt policy,
      RewardOption reward,
      PpoConfig config,
      PolicyData data,
      Optional<Path> text,
      Backend backend) {
    Optional<Dataset> dataset = // before the models, which take longer
        text.map(file ->
            Dataset.split(
                TokenSource.of(initial.tokenizer().encode(TextFile.read(file))),
                data.context(),
                file.toString()));
    Gpt reference = initial.reference(session, backend);
    AnswerScorer scorer = reward.scorer(backend, initial.tokenizer());
    ValueModel value =
        config.shareValue()
            ? ValueModel.sharing(policy)
            : ValueModel.of(
                reward.rater().isPresent()
                    ? initial.classifier(session, List.of("value"), 0, 0, config.seed(), backend)
                    : valueOf(reward, initial, backend));
    return new PpoWork(policy, reference, value, scorer, config, data, dataset);
  }

  /** The body of the reward model with a head of zeros: at first nothing is expected. */
  private static GptClassifier valueOf(RewardOption reward, InitialGpt initial, Backend backend) {
    GptClassifier value = reward.load(backend, initial.tokenizer());
    value.score().weight().set(new float[Math.toIntExact(value.score().weight().size())]);
    return value;
  }
}
