package jambic.train.stage;

import jambic.model.Model;
import jambic.model.ModelConfig;
import jambic.model.checkpoint.BaseModelResolver;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.classifier.ClassifierConfig;
import jambic.model.classifier.GptClassifier;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.nn.Initializer;
import jambic.model.text.CharTokenizer;
import jambic.model.text.Tokenizer;
import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.train.config.FlatRecord;
import jambic.train.data.Dataset;
import jambic.train.data.TokenSource;
import jambic.train.example.AnswerEncoder;
import jambic.train.example.Prompt;
import jambic.train.example.PromptRow;
import jambic.train.example.TokenExample;
import jambic.train.example.TokenJudged;
import jambic.train.example.TokenPair;
import jambic.train.example.TokenPrompt;
import jambic.train.parallel.DataParallel;
import jambic.train.policy.AnswerScorer;
import jambic.train.policy.GrpoConfig;
import jambic.train.policy.GrpoWork;
import jambic.train.policy.PolicyData;
import jambic.train.policy.PpoConfig;
import jambic.train.policy.PpoWork;
import jambic.train.policy.Reward;
import jambic.train.preference.Dpo;
import jambic.train.preference.DpoConfig;
import jambic.train.preference.Kto;
import jambic.train.preference.KtoConfig;
import jambic.train.preference.Ranking;
import jambic.train.preference.RewardConfig;
import jambic.train.preference.RewardModeling;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Models of a thousand weights, and data for every stage: a letter is asked for the one that
 * follows it.
 */
public final class Toy implements AutoCloseable {
  public static final String LETTERS = "abcdefgh";
  public static final Tokenizer TOKENIZER =
      CharTokenizer.of(LETTERS + "?").withSpecialTokens(List.of("<|endoftext|>"));
  public static final AnswerEncoder ENCODER =
      new AnswerEncoder(TOKENIZER, Optional.empty(), AnswerEncoder.requireEnd(TOKENIZER));
  public static final int CONTEXT = 16;
  public static final GptConfig SHAPE =
      new GptConfig(
          TOKENIZER.vocabSize(),
          CONTEXT,
          2,
          2,
          16,
          0,
          0,
          Activation.GELU_TANH,
          true,
          true,
          true,
          false,
          1e-5f);

  /** The share of an answer that is the letter b. */
  public static final Reward MANY_B =
      answers ->
          answers.stream()
              .mapToDouble(a ->
                  (double) a.answer().chars().filter(c -> c == 'b').count()
                      / Math.max(1, a.answer().length()))
              .toArray();

  /** Short runs; the models are so small that high rates suit them. */
  private static final Map<String, Object> SHORT =
      Map.of(
          "batchSize", 4,
          "gradientAccumulationSteps", 2,
          "maxIters", 6,
          "evalInterval", 3,
          "evalIters", 2,
          "learningRate", 1e-2,
          "minLr", 1e-3,
          "warmupIters", 2,
          "lrDecayIters", 6);

  public static final SftConfig SFT =
      FlatRecord.with(SftConfig.class, SftConfig.DEFAULTS, with(Map.of("dropout", 0.1)));
  public static final String PACKED = "sft, packed";
  private static final SftConfig PACKING =
      FlatRecord.with(SftConfig.class, SFT, Map.of("packing", true, "batchSize", 2));
  public static final DpoConfig DPO = FlatRecord.with(DpoConfig.class, DpoConfig.DEFAULTS, SHORT);
  public static final KtoConfig KTO = FlatRecord.with(KtoConfig.class, KtoConfig.DEFAULTS, SHORT);
  public static final RewardConfig REWARD =
      FlatRecord.with(
          RewardConfig.class,
          RewardConfig.DEFAULTS,
          with(Map.of("centerRewardsCoefficient", 0.01)));
  public static final PpoConfig PPO =
      FlatRecord.with(
          PpoConfig.class,
          PpoConfig.DEFAULTS,
          with(
              Map.of(
                  "batchSize", 8,
                  "gradientAccumulationSteps", 1,
                  "responseLength", 4,
                  "numPpoEpochs", 2,
                  "numMiniBatches", 2,
                  "klTarget", 0.05,
                  "klHorizon", 20,
                  "valueLearningRate", 1e-2)));

  /** PPO with one body for policy and value, and text mixed in. */
  public static final String SHARED = "ppo, shared and mixed";

  public static final GrpoConfig GRPO =
      FlatRecord.with(
          GrpoConfig.class,
          GrpoConfig.DEFAULTS,
          with(
              Map.of(
                  "gradientAccumulationSteps", 1,
                  "responseLength", 4,
                  "numGenerations", 4,
                  "numIterations", 2,
                  "numMiniBatches", 2,
                  "beta", 0.04)));

  private static Map<String, Object> with(Map<String, Object> others) {
    Map<String, Object> all = new LinkedHashMap<>(SHORT);
    all.putAll(others);
    return all;
  }

  public final Backend backend;
  private final List<AutoCloseable> open = new ArrayList<>();

  public Toy(int threads) {
    backend = Backends.open("cpu", threads);
  }

  /** A run that may begin, or go on. */
  public record Run<C extends ModelConfig, M extends Model>(
      StageRun.Plan<C, M> plan, Supplier<M> model, Backend backend) {
    public StageRun<M> begin(Path folder) {
      return begin(folder, DataParallel.alone());
    }

    public StageRun<M> begin(Path folder, DataParallel ranks) {
      return StageRun.begin(plan, model, Optional.of(TOKENIZER), folder, ranks);
    }

    public StageRun<M> resume(Path folder) {
      return StageRun.resume(plan, backend, BaseModelResolver.NONE, folder);
    }
  }

  /** The run of a stage; a policy is rewarded as {@link #MANY_B} says. */
  public Run<?, ?> run(String stage) {
    return switch (stage) {
      case SftConfig.STAGE ->
          run(SFT, model -> Sft.work(model, SFT, examples(), examples(), CONTEXT), () -> gpt(0.1f));
      case PACKED ->
          run(
              PACKING,
              model -> Sft.work(model, PACKING, examples(), examples(), CONTEXT),
              () -> gpt(0.1f));
      case DpoConfig.STAGE, KtoConfig.STAGE, RewardConfig.STAGE ->
          preferences(stage, 2, DataParallel.alone());
      case PpoConfig.STAGE -> ppo(PPO, MANY_B);
      case SHARED ->
          ppo(
              FlatRecord.with(PpoConfig.class, PPO, Map.of("shareValue", true, "ptxCoef", 1.0)),
              MANY_B);
      default -> run(GRPO, policy -> grpo(policy, gpt(0), GRPO), () -> gpt(0));
    };
  }

  /** The run of a stage that learns from preferences, with so many micro batches an update. */
  public Run<?, ?> preferences(String stage, int micros, DataParallel ranks) {
    Map<String, Object> batches = Map.of("gradientAccumulationSteps", micros);
    DpoConfig dpo = FlatRecord.with(DpoConfig.class, DPO, batches);
    KtoConfig kto = FlatRecord.with(KtoConfig.class, KTO, batches);
    RewardConfig reward = FlatRecord.with(RewardConfig.class, REWARD, batches);
    return switch (stage) {
      case DpoConfig.STAGE ->
          run(
              dpo,
              model -> {
                try (Gpt reference = gpt(0)) {
                  return Dpo.work(model, reference, dpo, pairs(), pairs(), CONTEXT, ranks);
                }
              },
              () -> gpt(0));
      case KtoConfig.STAGE ->
          run(
              kto,
              model -> {
                try (Gpt reference = gpt(0)) {
                  return Kto.work(model, reference, kto, judged(), judged(), CONTEXT, ranks);
                }
              },
              () -> gpt(0));
      default ->
          new Run<>(
              new StageRun.Plan<>(
                  GptClassifier.FORMAT,
                  reward,
                  "data",
                  Optional.empty(),
                  model ->
                      RewardModeling.work(
                          model, reward, Ranking.of(pairs()), Ranking.of(pairs()), CONTEXT, ranks)),
              () -> classifier("reward", 0.1),
              backend);
    };
  }

  public Run<GptConfig, Gpt> ppo(PpoConfig config, Reward reward) {
    return run(config, policy -> ppo(policy, gpt(0), config, reward), () -> gpt(0));
  }

  public Run<GptConfig, Gpt> run(
      StageConfig config, java.util.function.Function<Gpt, StageWork> work, Supplier<Gpt> model) {
    return new Run<>(
        new StageRun.Plan<>(Gpt.FORMAT, config, "data", Optional.empty(), work), model, backend);
  }

  public PpoWork ppo(Gpt policy, Gpt reference, PpoConfig config, Reward reward) {
    return new PpoWork(
        policy,
        reference,
        config.shareValue() ? ValueModel.sharing(policy) : ValueModel.of(classifier("value", 0)),
        AnswerScorer.of(reward, TOKENIZER),
        config,
        prompts(),
        config.ptxCoef() > 0 ? Optional.of(text()) : Optional.empty());
  }

  /** The alphabet over and over. */
  public static Dataset text() {
    int[] ids = TOKENIZER.encode(LETTERS.repeat(80));
    return Dataset.split(TokenSource.of(ids), CONTEXT, "letters");
  }

  public GrpoWork grpo(Gpt policy, Gpt reference, GrpoConfig config) {
    return new GrpoWork(policy, reference, AnswerScorer.of(MANY_B, TOKENIZER), config, prompts());
  }

  /** Always the same weights. */
  public Gpt gpt(float dropout) {
    return new Gpt(backend, SHAPE.withDropout(dropout, dropout), new Initializer(0.1f, true, 7));
  }

  public GptClassifier classifier(String label, double std) {
    try (Gpt body = gpt(0)) {
      return GptClassifier.of(body, List.of(label), ClassifierConfig.NO_PAD, std, 7);
    }
  }

  /** A policy with adapters on a stored model. */
  public Gpt adapted(Path folder, StageConfig config) {
    Path base = folder.resolve("base");
    try (Gpt model = gpt(0)) {
      Checkpoint.save(Gpt.FORMAT, base, model, Optional.of(TOKENIZER));
    }
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, base)) {
      return checkpoint.adapted(
          backend,
          checkpoint.config(),
          config.common().tuning().lora(base).orElseThrow(),
          config.seed());
    }
  }

  /** Closes something with the rest, before the backend. */
  public <C extends AutoCloseable> C opened(C one) {
    open.add(one);
    return one;
  }

  public static int[] question(int letter) {
    return TOKENIZER.encode(LETTERS.charAt(letter) + "?");
  }

  private static String after(int letter) {
    return String.valueOf(LETTERS.charAt((letter + 1) % LETTERS.length()));
  }

  public static List<TokenExample> examples() {
    List<TokenExample> examples = new ArrayList<>();
    for (int i = 0; i < LETTERS.length(); i++) {
      examples.add(TokenExample.of(question(i), ENCODER.answer(after(i))));
    }
    return examples;
  }

  public static List<TokenPair> pairs() {
    List<TokenPair> pairs = new ArrayList<>();
    for (int i = 0; i < LETTERS.length(); i++) {
      int[] wrong = ENCODER.answer(LETTERS.substring(0, 1 + i % 3).repeat(2));
      pairs.add(new TokenPair(question(i), ENCODER.answer(after(i)), wrong, 0));
    }
    return pairs;
  }

  /** The answers of {@link #pairs}, each on its own. */
  public static List<TokenJudged> judged() {
    List<TokenJudged> answers = new ArrayList<>();
    for (TokenPair pair : pairs()) {
      answers.add(new TokenJudged(pair.prompt(), pair.chosen(), true));
      answers.add(new TokenJudged(pair.prompt(), pair.rejected(), false));
    }
    return answers;
  }

  public static PolicyData prompts() {
    List<TokenPrompt> prompts = new ArrayList<>();
    for (int i = 0; i < LETTERS.length(); i++) {
      Prompt prompt = new Prompt.Plain(LETTERS.charAt(i) + "?");
      prompts.add(
          new TokenPrompt(
              ENCODER.prompt(prompt),
              new PromptRow(prompt, Optional.of(after(i)), Optional.empty())));
    }
    return new PolicyData(prompts, prompts, TOKENIZER, ENCODER, CONTEXT);
  }

  public static Map<String, float[]> weights(Model model) {
    Map<String, float[]> weights = new LinkedHashMap<>();
    for (Map.Entry<String, Tensor> one : model.parameters().byName().entrySet()) {
      weights.put(one.getKey(), one.getValue().toFloats());
    }
    return weights;
  }

  @Override
  public void close() {
    for (AutoCloseable one : open.reversed()) {
      try {
        one.close();
      } catch (Exception e) { // none of a model, a run or an engine
        throw new IllegalStateException(e);
      }
    }
    backend.close();
  }
}
