package jambic.app.align;

import jambic.app.cli.Interruptible;
import jambic.app.cli.RunRecord;
import jambic.model.chat.ChatTemplate;
import jambic.model.classifier.GptClassifier;
import jambic.model.gpt.Gpt;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.policy.AnswerScorer;
import jambic.train.policy.PolicyData;
import jambic.train.policy.PpoConfig;
import jambic.train.policy.PpoWork;
import jambic.train.stage.StageRun;
import jambic.train.stage.StageWork;
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
  static final String REWARD = "reward";

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
    InitialGpt initial = InitialGpt.of(session);
    RewardOption scored =
        new RewardOption(session.needed(REWARD, reward.map(r -> new RewardOption(r).lasting())));
    int context = start.common().lengthWithin(initial.shape().blockSize());
    Path file = session.data();
    Optional<Path> held = valid.file(session);
    PpoConfig config = session.lasting(start);
    PolicyData data =
        PolicyPrompts.read(
            session, initial, file, held, context, config.sampling().responseLength());
    return new StageSession.Loaded<>(
        new StageRun.Plan<>(
            Gpt.FORMAT,
            config,
            String.join(
                " ", session.fingerprint(file, held), initial.fingerprint(), scored.fingerprint()),
            initial.template(),
            policy -> work(session, initial, policy, scored, config, data, backend)),
        () -> initial.trained(session, config, 0, backend),
        initial.tokenizer(),
        session.choices(
            Map.of(
                REWARD,
                Optional.of(scored.name()),
                RunRecord.VALID,
                held.map(Path::toString),
                ChatOptions.TEMPLATE,
                initial.template().map(ChatTemplate::label))),
        List.of(
            Text.format(
                "data     %,d prompts to learn with and %,d held back",
                data.train().size(), data.valid().size())),
        (model, folder, log) -> List.of(initial.next(folder)));
  }

  private static StageWork work(
      StageSession<?> session,
      InitialGpt initial,
      Gpt policy,
      RewardOption reward,
      PpoConfig config,
      PolicyData data,
      Backend backend) {
    Gpt reference = initial.reference(session, backend);
    AnswerScorer scorer = reward.scorer(backend, initial.tokenizer());
    GptClassifier value =
        reward.rater().isPresent()
            ? initial.classifier(session, List.of("value"), 0, 0, config.seed(), backend)
            : valueOf(reward, initial, backend);
    return new PpoWork(policy, reference, value, scorer, config, data);
  }

  /** The body of the reward model with a head of zeros: at first nothing is expected. */
  private static GptClassifier valueOf(RewardOption reward, InitialGpt initial, Backend backend) {
    GptClassifier value = reward.load(backend, initial.tokenizer());
    value.score().weight().set(new float[Math.toIntExact(value.score().weight().size())]);
    return value;
  }
}
