package jambic.app.ranking;

import jambic.app.align.RewardOption;
import jambic.app.cli.Interruptible;
import jambic.app.cli.ModelArgument;
import jambic.app.cli.RunFolder;
import jambic.app.terminal.Keyboard;
import jambic.app.terminal.Terminal;
import jambic.model.chat.ChatTemplate;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.example.AnswerEncoder;
import jambic.train.example.ExampleEncoder;
import jambic.train.example.PromptFile;
import jambic.train.example.PromptRow;
import jambic.train.example.Rows;
import jambic.train.example.TokenPrompt;
import jambic.train.policy.AnswerScorer;
import jambic.train.policy.Rollout;
import jambic.train.policy.Rollouts;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Lets a model answer prompts several times and ranks the answers. */
@Command(
    name = "rank",
    description = {
      "Lets a model answer prompts several times, ranks the answers, writes pairs.",
      "Equal answers count once, and those that do not end are left out."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic rank sft --data prompts.jsonl --rater graded --out pairs.jsonl",
      "  jambic rank sft --data prompts.jsonl --rater rm --samples 8 --out pairs.jsonl",
      "  jambic rank sft --data prompts.jsonl --rater terminal --limit 50 --out pairs.jsonl"
    })
public final class RankCommand implements Callable<Integer> {
  private static final String BY_PERSON = "terminal";
  private static final int AT_ONCE = 64; // prompts

  @Spec private CommandSpec spec;
  @ParentCommand private Interruptible main;
  @Mixin private ModelArgument model;

  @Option(
      names = "--data",
      paramLabel = "FILE",
      required = true,
      description = "Prompts: JSON Lines with 'prompt', and 'answer' where a rater needs it.")
  private Path data;

  @Option(
      names = "--rater",
      paramLabel = "RATER",
      required = true,
      description = {
        "Who ranks: terminal, a person who orders the answers here by arrow keys or numbers; or one of these.",
        RewardOption.HELP
      })
  private String rater;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "FILE",
      required = true,
      description = "Where the pairs go: JSON Lines with prompt, chosen and rejected.")
  private Path out;

  @Option(
      names = "--samples",
      paramLabel = "K",
      description = "Answers to each prompt. Default: 4.")
  private int samples = 4;

  @Option(
      names = "--limit",
      paramLabel = "N",
      description = "Take the first N prompts only. Default: all.")
  private Optional<Integer> limit = Optional.empty();

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "What scores are divided by. Default: 1.")
  private float temperature = 1;

  @Option(
      names = "--response-length",
      paramLabel = "N",
      description = "Longest answer in tokens, its end included. Default: 53.")
  private int responseLength = 53;

  @Option(names = "--seed", paramLabel = "N", description = "Of the answers. Default: 1337.")
  private long seed = 1337;

  @Option(
      names = "--resume",
      description = "Go on after the last prompt that --out has pairs of, with --rater terminal.")
  private boolean resume;

  @Override
  public Integer call() {
    require(samples >= 2, "--samples must be at least 2: one answer cannot be ranked");
    require(temperature > 0 && Float.isFinite(temperature), "--temperature must be above 0");
    require(responseLength >= 1, "--response-length must be at least 1");
    require(limit.orElse(1) >= 1, "--limit must be at least 1");
    require(
        !resume || rater.equals(BY_PERSON),
        "--resume is for --rater terminal; the others are done at once");
    if (Files.exists(out) && !resume) {
      throw new JambicException(out + " exists already; name another file, or delete it");
    }
    Terminal terminal = Terminal.of(spec.commandLine().getOut());
    try (Backend backend = model.backend();
        Checkpoint<GptConfig, Gpt> checkpoint = model.checkpoint()) {
      Tokenizer tokenizer = RunFolder.tokenizer(checkpoint);
      Optional<ChatTemplate> template = ChatTemplate.find(checkpoint.folder());
      AnswerEncoder encoder =
          new AnswerEncoder(tokenizer, template, AnswerEncoder.requireEnd(tokenizer));
      List<TokenPrompt> prompts = prompts(terminal, encoder, checkpoint.config().blockSize());
      try (Gpt gpt = checkpoint.model(backend);
          Rollouts rollouts =
              new Rollouts(
                  gpt,
                  checkpoint.config().blockSize(),
                  responseLength,
                  prompt -> encoder.end(prompt.row().prompt()))) {
        return rater.equals(BY_PERSON)
            ? byPerson(terminal, tokenizer, prompts, rollouts)
            : byScores(terminal, backend, tokenizer, prompts, rollouts);
      }
    }
  }

  /** By the arrow keys, or by lines where there is no terminal. */
  private int byPerson(
      Terminal terminal, Tokenizer tokenizer, List<TokenPrompt> prompts, Rollouts rollouts) {
    PrintWriter shown = spec.commandLine().getOut();
    Optional<Keyboard> keyboard = Keyboard.open(main.interruption()::isRequested);
    try {
      OrderInput orders =
          keyboard
              .<OrderInput>map(keys -> new ArrowOrder(keys, shown, terminal::width))
              .orElseGet(() ->
                  new TypedOrder(
                      new BufferedReader(
                          new InputStreamReader(System.in, Charset.defaultCharset())),
                      shown));
      return new TerminalRanking(shown, orders, tokenizer, out, resume)
          .rank(prompts, asked -> draw(rollouts, asked));
    } finally {
      keyboard.ifPresent(Keyboard::close);
    }
  }

  private void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new ParameterException(spec.commandLine(), otherwise);
    }
  }

  private List<TokenPrompt> prompts(Terminal terminal, AnswerEncoder encoder, int context) {
    Rows<PromptRow> rows = PromptFile.read(data);
    var encoded = ExampleEncoder.prompts(encoder, rows.rows(), context);
    encoded.dropped().sentence().ifPresent(line -> terminal.print("note     " + line));
    List<TokenPrompt> all = encoded.examples();
    return all.subList(0, Math.min(all.size(), limit.orElse(all.size())));
  }

  /** K answers to each prompt, side by side; empty if it was stopped. */
  private Optional<List<Rollout>> draw(Rollouts rollouts, List<TokenPrompt> asked) {
    List<TokenPrompt> repeated =
        asked.stream()
            .flatMap(prompt -> IntStream.range(0, samples).mapToObj(_ -> prompt))
            .toList();
    int round = Arrays.hashCode(asked.getFirst().ids()); // alike wherever it is drawn
    return rollouts.draw(repeated, temperature, seed, round, main.interruption()::isRequested);
  }

  private int byScores(
      Terminal terminal,
      Backend backend,
      Tokenizer tokenizer,
      List<TokenPrompt> prompts,
      Rollouts rollouts) {
    List<RankedAnswers> ranked = new ArrayList<>();
    try (AnswerScorer scorer = new RewardOption(rater).scorer(backend, tokenizer)) {
      for (int from = 0; from < prompts.size(); from += AT_ONCE) {
        List<TokenPrompt> asked = prompts.subList(from, Math.min(prompts.size(), from + AT_ONCE));
        Optional<List<Rollout>> drawn = draw(rollouts, asked);
        if (drawn.isEmpty()) {
          return Interruptible.INTERRUPTED;
        }
        double[] scores = scorer.score(drawn.get());
        for (int i = 0; i < asked.size(); i++) {
          ranked.add(
              RankedAnswers.of(
                  asked.get(i).row(),
                  drawn.get().subList(i * samples, (i + 1) * samples),
                  Arrays.copyOfRange(scores, i * samples, (i + 1) * samples),
                  tokenizer));
        }
        terminal.status("ranking", (double) (from + asked.size()) / prompts.size(), new String[0]);
      }
    }
    terminal.clear();
    int pairs = RankedAnswers.write(ranked, out);
    long unended = ranked.stream().mapToLong(RankedAnswers::unended).sum();
    if (unended > 0) {
      terminal.print(
          Text.format(
              "note     %,d of %,d answers did not end and are left out; raise --response-length for more",
              unended, (long) samples * prompts.size()));
    }
    if (pairs == 0) {
      throw new JambicException(
          "no two answers to a prompt were rated differently, so there are no pairs; take more"
              + " --samples, a higher --temperature or another --rater");
    }
    terminal.print(Text.format("pairs    %,d of %,d prompts, in %s", pairs, prompts.size(), out));
    return 0;
  }
}
