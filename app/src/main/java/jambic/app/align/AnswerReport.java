package jambic.app.align;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.chat.ChatTemplate;
import jambic.model.gpt.Gpt;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.example.AnswerEncoder;
import jambic.train.example.ExampleEncoder;
import jambic.train.example.PromptFile;
import jambic.train.example.TokenPrompt;
import jambic.train.policy.AnswerScorer;
import jambic.train.policy.MatchRater;
import jambic.train.policy.Rollout;
import jambic.train.policy.Rollouts;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** How many prompts a model answers rightly: greedily, and by drawing at temperature 1. */
public final class AnswerReport {
  private static final long SEED = 1337;

  /**
   * How much is measured.
   *
   * @param responseLength the longest answer in tokens
   * @param prompts that are taken from the beginning of the file
   */
  public record Limits(int responseLength, int prompts) {}

  /** Right answers among some. */
  private static final class Count {
    private int right;
    private int all;

    double share() {
      return (double) right / all;
    }
  }

  private AnswerReport() {}

  /** Whether a file is one of prompts. */
  public static boolean isFor(String data) {
    return data.endsWith(".jsonl") || data.endsWith(".jsonl.gz");
  }

  /** Lets the model answer, and prints what came of it. */
  public static void print(
      Gpt model,
      Tokenizer tokenizer,
      Optional<ChatTemplate> template,
      Path data,
      Limits limits,
      Optional<String> rater,
      boolean json,
      PrintWriter out) {
    AnswerEncoder encoder =
        new AnswerEncoder(tokenizer, template, AnswerEncoder.requireEnd(tokenizer));
    int context = model.contextLength();
    List<TokenPrompt> prompts = new ArrayList<>();
    for (TokenPrompt prompt :
        ExampleEncoder.prompts(encoder, PromptFile.read(data).rows(), context).examples()) {
      if (prompt.row().answer().isPresent() && prompts.size() < limits.prompts()) {
        prompts.add(prompt);
      }
    }
    if (prompts.isEmpty()) {
      throw new JambicException(
          data + " has no row with an 'answer' to compare with; give the right answers");
    }
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("prompts", prompts.size());
    int length = Math.min(context, limits.responseLength());
    try (Rollouts rollouts =
        new Rollouts(model, context, length, prompt -> encoder.end(prompt.row().prompt()))) {
      Map<String, Count> kinds = new TreeMap<>();
      Map<String, Count> drawnKinds = new TreeMap<>();
      List<Rollout> greedy = rollouts.draw(prompts, 0, SEED, 0, () -> false).orElseThrow();
      List<Rollout> drawn = rollouts.draw(prompts, 1, SEED, 0, () -> false).orElseThrow();
      report.put("exact_match", share(greedy, tokenizer, kinds));
      report.put("sampled_exact_match", share(drawn, tokenizer, drawnKinds));
      if (rater.isPresent()) {
        try (AnswerScorer scorer =
            new RewardOption(rater.get()).scorer(model.backend(), tokenizer)) {
          report.put("score", Arrays.stream(scorer.score(drawn)).average().orElseThrow());
        }
      }
      report.put(
          "sentences",
          drawn.stream()
              .mapToInt(a -> MatchRater.isSentence(tokenizer.decode(a.words())) ? 1 : 0)
              .average()
              .orElseThrow());
      report.put("ended", drawn.stream().mapToInt(a -> a.ended() ? 1 : 0).average().orElseThrow());
      report.put(
          "mean_length", drawn.stream().mapToInt(a -> a.answer().length).average().orElseThrow());
      if (kinds.size() > 1) {
        report.put("exact_match_by_kind", shares(kinds));
        report.put("sampled_exact_match_by_kind", shares(drawnKinds));
      }
    }
    print(report, json, out);
  }

  private static Map<String, Double> shares(Map<String, Count> kinds) {
    Map<String, Double> shares = new LinkedHashMap<>();
    kinds.forEach((kind, count) -> shares.put(kind, count.share()));
    return shares;
  }

  private static double share(
      List<Rollout> answers, Tokenizer tokenizer, Map<String, Count> kinds) {
    Count all = new Count();
    for (Rollout answer : answers) {
      boolean right =
          answer.ended()
              && MatchRater.isRight(
                  tokenizer.decode(answer.words()), answer.prompt().row().answer().orElseThrow());
      Count kind =
          kinds.computeIfAbsent(answer.prompt().row().kind().orElse("other"), _ -> new Count());
      for (Count count : List.of(all, kind)) {
        count.all++;
        count.right += right ? 1 : 0;
      }
    }
    return all.share();
  }

  private static void print(Map<String, Object> report, boolean json, PrintWriter out) {
    if (json) {
      try {
        out.println(JSON.std.asString(report));
        return;
      } catch (IOException e) {
        throw new IllegalStateException("numbers always have JSON", e);
      }
    }
    out.println(Text.format("prompts      %,d", report.get("prompts")));
    out.println(Text.format("exact match  %.1f %% greedily", 100 * number(report, "exact_match")));
    out.println(
        Text.format(
            "             %.1f %% drawn at temperature 1",
            100 * number(report, "sampled_exact_match")));
    if (report.get("exact_match_by_kind") instanceof Map<?, ?> kinds
        && report.get("sampled_exact_match_by_kind") instanceof Map<?, ?> drawn) {
      kinds.forEach((kind, share) ->
          out.println(
              Text.format(
                  "  %-10s %.1f %% greedily, %.1f %% drawn",
                  kind, 100 * (Double) share, 100 * (Double) drawn.get(kind))));
    }
    if (report.containsKey("score")) {
      out.println(Text.format("score        %.3f on average", number(report, "score")));
    }
    out.println(
        Text.format(
            "sentences    %.1f %% of the drawn answers", 100 * number(report, "sentences")));
    out.println(
        Text.format(
            "ended        %.1f %% by themselves, after %.1f tokens on average",
            100 * number(report, "ended"), number(report, "mean_length")));
  }

  private static double number(Map<String, Object> report, String name) {
    return (Double) report.get(name);
  }
}
