package jambic.app;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.cli.CompletionValues;
import jambic.app.cli.Hyperparameters;
import jambic.app.cli.TrainFlags;
import jambic.app.plan.PlanReport;
import jambic.app.plan.TranslationPlanReport;
import jambic.model.gpt.PublishedGpt;
import jambic.tensor.Backends;
import jambic.tensor.JambicException;
import jambic.tensor.Precision;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.config.NearestName;
import jambic.train.config.Preset;
import jambic.train.config.Pretraining;
import jambic.train.config.TrainConfig;
import jambic.train.config.TranslationConfig;
import jambic.train.config.TranslationPreset;
import jambic.train.plan.DeviceSpec;
import jambic.train.plan.Network;
import jambic.train.plan.Plan;
import jambic.train.plan.StageMemory;
import jambic.train.plan.TranslationPlan;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says what a run will cost before it is started. */
@Command(
    name = "plan",
    description = {
      "Reckons a run's parameters, FLOPs, memory and time before it is started.",
      "Nothing is trained; a run on this machine measures its peak, which takes a moment."
    },
    mixinStandardHelpOptions = true,
    modelTransformer = TrainFlags.class,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic plan                                   the default run on this machine",
      "  jambic plan gpt2 --device a100 --devices 8    nanoGPT's GPT-2 on a node of A100s",
      "  jambic plan gpt3-2.7b --device h100 --devices 61 --mfu 0.5",
      "  jambic plan gpt2-xl --device cpu --devices 8 --network ethernet-10g",
      "  jambic plan gpt2-xl --batch-size 1 --device h200 --tokens 30e9 --json",
      "  jambic plan transformer-base --device h100    the paper's translator on an H100",
      "  jambic plan gpt2 --stage ppo --lora-rank 8    the models of a stage of alignment",
      "  jambic plan --list                            the models and devices known by name"
    })
final class PlanCommand implements Callable<Integer> {

  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "NAME",
      completionCandidates = CompletionValues.Plans.class,
      description = {
        "Where the hyperparameters start: a preset, also of a",
        "translator, or a published model, as gpt2-xl or",
        "gpt3-175b. Default: ${DEFAULT-VALUE}."
      },
      defaultValue = "shakespeare-char-cpu")
  private String name;

  @Option(
      names = "--preset",
      paramLabel = "PRESET",
      completionCandidates = CompletionValues.Plans.class,
      description = "The same NAME, as the other commands take it.")
  private Optional<String> preset = Optional.empty();

  @Option(
      names = "--vocab-size",
      paramLabel = "N",
      description = {
        "Different tokens. Default: 65, as tiny Shakespeare has,",
        "50257 for GPT-2, what begins with it, and GPT-3, and a",
        "translator's own: 2000 or 37000."
      })
  private Optional<Integer> vocabSize = Optional.empty();

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      completionCandidates = CompletionValues.Devices.class,
      description = {
        "What computes: cpu, this machine as measured now, or an",
        "accelerator by its data sheet, as h100. Default: ${DEFAULT-VALUE}."
      },
      defaultValue = CompletionValues.CPU)
  private String device;

  @Option(
      names = "--devices",
      paramLabel = "N",
      description = "How many share the micro batches of a step. Default: ${DEFAULT-VALUE}.",
      defaultValue = "1")
  private int devices;

  @Option(
      names = "--network",
      paramLabel = "NETWORK",
      completionCandidates = CompletionValues.Networks.class,
      description = {
        "What several devices talk over, as h100-ndr or",
        "ethernet-10g. Default: what the device usually comes with."
      })
  private Optional<String> network = Optional.empty();

  @Option(
      names = "--mfu",
      paramLabel = "SHARE",
      description = {
        "The share of the peak that is reckoned with. Default: ${DEFAULT-VALUE},",
        "an assumption; jambic bench measures it here."
      },
      defaultValue = "0.4")
  private double mfu;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      description = "Tokens to train on, as 300e9. Default: those of --max-iters.")
  private Optional<Double> tokens = Optional.empty();

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads of the device cpu. Default: all processors.")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--stage",
      paramLabel = "STAGE",
      description = {
        "A stage of alignment, as ppo: what memory its models take.",
        "Default: pre-training."
      })
  private Optional<String> stage = Optional.empty();

  @Option(names = "--list", description = "List the models and devices known by name.")
  private boolean list;

  @Option(names = "--json", description = "Print one JSON object instead.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    if (list) {
      out.print(json ? JSON.std.asString(PlanReport.knownFields()) + "\n" : PlanReport.known());
    } else {
      require(
          preset.isEmpty() || !spec.commandLine().getParseResult().hasMatchedPositional(0),
          "NAME and --preset exclude each other; give one of them");
      name = preset.orElse(name);
      requireSane();
      Optional<TranslationPreset> translator = TranslationPreset.named(name);
      if (stage.isPresent()) {
        require(network.isEmpty(), "--network is for pre-training; leave it out with --stage");
        require(translator.isEmpty(), "--stage is for a GPT; leave it out of a translator's plan");
        StageMemory memory = stageMemory();
        out.print(json ? JSON.std.asString(memory.fields()) + "\n" : PlanReport.text(name, memory));
      } else if (translator.isPresent()) {
        TranslationPlan plan = plan(translator.get());
        out.print(
            json
                ? JSON.std.asString(TranslationPlanReport.fields(name, plan, network())) + "\n"
                : TranslationPlanReport.text(name, plan, network()));
      } else {
        Plan plan = plan();
        out.print(
            json
                ? JSON.std.asString(PlanReport.fields(name, plan, network())) + "\n"
                : PlanReport.text(name, plan, network()));
      }
    }
    out.flush();
    return 0;
  }

  private void requireSane() {
    require(devices >= 1, "--devices must be at least 1, not " + devices);
    require(
        threads >= 1 && threads <= Backends.MAX_THREADS,
        Text.format("--threads must be from 1 to %d, not %d", Backends.MAX_THREADS, threads));
    require(
        mfu > 0 && mfu <= 1,
        "--mfu must be above 0 and at most 1, not " + Hyperparameters.text(mfu));
  }

  private TranslationPlan plan(TranslationPreset start) {
    require(tokens.isEmpty(), "--tokens is for a GPT; give --max-iters, a translator's updates");
    TranslationConfig config = TrainFlags.over(start.config(), spec);
    return TranslationPlan.of(config, device(), devices, mfu);
  }

  private StageMemory stageMemory() {
    try {
      Plan plan = plan();
      return StageMemory.of(stage.orElseThrow(), plan.config().tuning(), plan.model());
    } catch (JambicException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private Plan plan() {
    TrainFlags.requireNoneOfTranslators(spec, "--vocab-size");
    Optional<PublishedGpt> family = PublishedGpt.named(name);
    TrainConfig config =
        Hyperparameters.over(family.map(Pretraining::of).orElseGet(this::preset), spec);
    boolean subwords = family.isPresent() || Preset.named(name).init().isPresent();
    int vocabulary = vocabSize.orElse(subwords ? PublishedGpt.VOCAB_SIZE : 65);
    require(vocabulary >= 1, "--vocab-size must be at least 1, not " + vocabulary);
    double count =
        tokens.orElse(
            family.isPresent()
                    && !spec.commandLine().getParseResult().hasMatchedOption("--max-iters")
                ? PublishedGpt.TOKENS
                : (double) config.tokensPerIter() * config.run().maxIters());
    require(
        count >= 1 && count <= 1e18,
        "--tokens must be from 1 to 1e18, not " + Hyperparameters.text(count));
    return Plan.of(config, vocabulary, device(), devices, mfu, count);
  }

  private TrainConfig preset() {
    return Stream.of(Preset.values())
        .filter(preset -> preset.presetName().equals(name))
        .findFirst()
        .orElseThrow(() ->
            new ParameterException(
                spec.commandLine(),
                "there is no preset or model "
                    + name
                    + NearestName.choice(name, CompletionValues.Plans.NAMES)))
        .config();
  }

  private Network network() {
    require(
        network.isEmpty() || devices > 1,
        "--network is what several devices talk over; give --devices, too");
    return network
        .map(named ->
            Network.named(named)
                .orElseThrow(() ->
                    new ParameterException(
                        spec.commandLine(),
                        "there is no network "
                            + named
                            + NearestName.choice(named, CompletionValues.Networks.NAMES))))
        .orElseGet(() -> Network.of(device));
  }

  private DeviceSpec device() {
    if (device.equals(CompletionValues.CPU)) {
      try (Backend backend = Backends.open(CompletionValues.CPU, threads)) {
        return new DeviceSpec(
            backend.name(),
            backend.description(),
            backend.peakFlops(),
            Precision.FP32,
            Runtime.getRuntime().maxMemory());
      }
    }
    return DeviceSpec.named(device)
        .orElseThrow(() ->
            new ParameterException(
                spec.commandLine(),
                "there is no device "
                    + device
                    + NearestName.choice(device, CompletionValues.Devices.NAMES)));
  }

  private void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new ParameterException(spec.commandLine(), otherwise);
    }
  }
}
