package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The stages of alignment as commands, one after the other. */
class AlignmentTest {
  private static final String ONE_STEP = "--max-iters=2";

  @TempDir private static Path folder;

  private static Path questions;
  private static Path pre;
  private static Path sft;

  private static CommandLineCall call(Object... words) {
    return CommandLineCall.of(words);
  }

  private static CommandLineCall done(Object... words) {
    CommandLineCall call = call(words);
    assertThat(call.code()).as(call.err() + call.out()).isZero();
    return call;
  }

  @BeforeAll
  static void preTrainAndFineTune() {
    questions = folder.resolve("questions");
    done("questions", "--out", questions, "--count=60", "--statements=300");
    Path tokens = folder.resolve("tokens");
    done("prepare", questions.resolve("statements.txt"), "--train-bpe=257", "--out", tokens);
    pre = folder.resolve("pre");
    done(
        "train",
        "--data",
        tokens,
        "--out",
        pre,
        "--preset=lecture-small",
        "--n-embd=16",
        "--n-head=2",
        "--n-layer=1",
        "--block-size=64",
        "--batch-size=2",
        "--max-iters=2",
        "--eval-iters=1",
        "--backend=cpu");
    sft = folder.resolve("sft");
    CommandLineCall tuned =
        done(
            "sft",
            "--init",
            pre,
            "--data",
            questions.resolve("sft.jsonl"),
            "--out",
            sft,
            ONE_STEP,
            "--add-special-tokens=<|pad|>",
            "--watch",
            "--backend=cpu");
    assertThat(tuned.out()).containsPattern("watch +http://127\\.0\\.0\\.1:\\d+/runs");
  }

  private static Path file(String name, String... lines) throws IOException {
    return Files.write(folder.resolve(name), List.of(lines));
  }

  private static Map<String, Object> json(String text) throws IOException {
    return JSON.std.mapFrom(text);
  }

  @Test
  void fineTuningWidensTheVocabularyAndAnswersAreMeasured() throws IOException {
    assertThat(Files.readString(sft.resolve("last/config.json"))).contains("\"vocab_size\" : 258");
    Map<String, Object> report =
        json(
            done(
                    "eval",
                    sft,
                    "--data",
                    questions.resolve("test.jsonl"),
                    "--rater=sentence",
                    "--json")
                .out());
    assertThat(report).containsKeys("exact_match", "sampled_exact_match", "score", "sentences");
    assertThat((Integer) report.get("prompts")).isPositive();
  }

  @Test
  void pairsTrainARewardModelWhichTrainsAPolicy() throws IOException {
    Path pairs = folder.resolve("given.jsonl");
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      lines.add(
          "{\"prompt\":\"Q: %d\\nA: \",\"chosen\":\"%d\",\"rejected\":\"%d\"}"
              .formatted(i, i, i + 1));
    }
    Files.write(pairs, lines);
    Path reward = folder.resolve("reward");
    CommandLineCall trained =
        done("reward", "--init", sft, "--data", pairs, "--out", reward, ONE_STEP, "--backend=cpu");
    assertThat(trained.out()).contains("a spread of 1").contains("ppo --init");
    assertThat(Files.readString(reward.resolve("best/config.json")))
        .contains("GPT2ForSequenceClassification");
    Map<String, Object> compared = json(done("eval", reward, "--data", pairs, "--json").out());
    assertThat(compared).containsEntry("pairs", 40).containsKeys("accuracy", "margin");
    assertThat(done("eval", reward, "--data", pairs).out()).contains("pairs     40");
    refused(1, "name pairs for it to compare with --data", "eval", reward);
    Path exported = folder.resolve("exported-reward");
    done("export", reward, "--out", exported);
    assertThat(exported.resolve("model.safetensors"))
        .hasSameBinaryContentAs(reward.resolve("best/model.safetensors"));
    assertThat(json(done("eval", exported, "--data", pairs, "--json").out()))
        .containsEntry("accuracy", compared.get("accuracy"));
    Path ppo = folder.resolve("ppo");
    Object[] command = {
      "ppo",
      "--init",
      sft,
      "--reward",
      reward,
      "--data",
      questions.resolve("prompts.jsonl"),
      "--out",
      ppo,
      ONE_STEP,
      "--batch-size=4",
      "--num-mini-batches=2",
      "--response-length=4",
      "--backend=cpu",
      "--json"
    };
    Map<String, Object> summary = json(done(command).out());
    assertThat(summary).containsKeys("eval_score", "eval_kl", "eval_exact_match");
    List<String> log = Files.readAllLines(ppo.resolve("metrics.jsonl"));
    assertThat(log).anyMatch(line -> line.contains("\"val/ratio_first\":1.0"));
    assertThat(Files.readAllLines(ppo.resolve("samples.jsonl"))).isNotEmpty();
    done("ppo", "--resume", "--out", ppo, "--max-iters=3");
    Path mixed = folder.resolve("mixed");
    done(
        "ppo",
        "--init",
        sft,
        "--reward=graded",
        "--data",
        questions.resolve("prompts.jsonl"),
        "--ptx-data",
        questions.resolve("statements.txt"),
        "--ptx-coef=1",
        "--share-value",
        "--out",
        mixed,
        ONE_STEP,
        "--batch-size=4",
        "--response-length=4");
    assertThat(mixed.resolve("metrics.jsonl")).content().contains("\"loss/ptx_avg\":");
    done("ppo", "--resume", "--out", mixed, "--max-iters=3");
    done("dpo", "--init", sft, "--data", pairs, "--out", folder.resolve("dpo"), ONE_STEP);
    Path judged = folder.resolve("judged.jsonl");
    Files.write(
        judged,
        IntStream.range(0, 40)
            .mapToObj(i ->
                "{\"prompt\":\"Q: %d\\nA: \",\"completion\":\"%d\",\"label\":%s}"
                    .formatted(i / 2, i, i % 2 == 0))
            .toList());
    assertThat(
            done("kto", "--init", sft, "--data", judged, "--out", folder.resolve("kto"), ONE_STEP)
                .out())
        .contains("38 answers to learn from and 2 held back");
    done(
        "grpo",
        "--init",
        sft,
        "--reward=graded",
        "--data",
        questions.resolve("prompts.jsonl"),
        "--out",
        folder.resolve("grpo"),
        ONE_STEP,
        "--batch-size=2",
        "--num-generations=2",
        "--response-length=4");
    assertThat(done("runs", folder).out()).contains("ppo").contains("grpo");
  }

  @Test
  void aPersonRanksInTheTerminal() throws IOException {
    Path out = folder.resolve("by-hand.jsonl");
    InputStream before = System.in;
    System.setIn(new ByteArrayInputStream("9\nu\ns\nq\n".getBytes(StandardCharsets.UTF_8)));
    try {
      CommandLineCall call =
          done(
              "rank",
              sft,
              "--data",
              questions.resolve("prompts.jsonl"),
              "--rater=terminal",
              "--out",
              out,
              "--limit=3",
              "--response-length=60");
      assertThat(call.out()).contains("1 of 3").contains("pairs    in " + out);
    } finally {
      System.setIn(before);
    }
    assertThat(Files.exists(out)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"sft", "reward", "ppo", "dpo", "kto", "grpo"})
  void aStageNeedsAModelAndData(String stage) {
    CommandLineCall call = call(stage, "--data", questions.resolve("sft.jsonl"));
    assertThat(call.code()).isEqualTo(2);
    assertThat(call.err()).contains("jambic " + stage + " needs --init");
    call = call(stage, "--resume");
    assertThat(call.code()).isEqualTo(2);
    assertThat(call.err()).contains("--resume needs the run's folder");
  }

  @Test
  void aRunGoesOnWithItsOwnCommandOnly() {
    CommandLineCall call = call("dpo", "--resume", "--out", sft);
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err()).contains("is of a run of 'jambic sft', not of 'jambic dpo'");
    call = call("train", "--resume", "--out", sft);
    assertThat(call.err()).contains("is of a run of 'jambic sft'; go on with that command");
  }

  @Test
  void whatIsWrongIsOneSentence() throws IOException {
    Path data = questions.resolve("sft.jsonl");
    Path prompts = questions.resolve("prompts.jsonl");
    refused(1, "line 1: ", "sft", "--init", pre, "--data", file("bad.jsonl", "{\"prompt\":1}"));
    refused(
        1,
        "there is no chat template",
        "sft",
        "--init",
        pre,
        "--data",
        data,
        "--chat-template=other");
    refused(2, "--batch-size", "sft", "--init", pre, "--data", data, "--batch-size=0");
    refused(
        1,
        "nobody; give the folder of a reward model",
        "ppo",
        "--init",
        sft,
        "--reward=nobody",
        "--data",
        prompts,
        "--response-length=4");
    refused(
        1,
        "leave no room for a prompt",
        "grpo",
        "--init",
        sft,
        "--reward=exact",
        "--data",
        prompts);
    refused(
        2,
        "--num-generations",
        "grpo",
        "--init",
        sft,
        "--reward=exact",
        "--data",
        prompts,
        "--num-generations=1");
    refused(
        2,
        "--samples must be at least 2",
        "rank",
        sft,
        "--data",
        prompts,
        "--rater=exact",
        "--out",
        folder.resolve("x.jsonl"),
        "--samples=1");
    refused(1, "exists already", "rank", sft, "--data", prompts, "--rater=exact", "--out", data);
    refused(
        2,
        "--ptx-coef needs the text that it weights",
        "ppo",
        "--init",
        sft,
        "--reward=exact",
        "--data",
        prompts,
        "--response-length=4",
        "--ptx-coef=1");
    refused(2, "--limit is for JSON Lines of prompts", "eval", pre, "--limit=3");
    refused(2, "--split is for the loss", "eval", sft, "--data", prompts, "--split=val");
    refused(1, "holds a run already", "sft", "--init", pre, "--data", data, "--out", sft);
  }

  private static void refused(int code, String sentence, Object... words) {
    CommandLineCall call = call(words);
    assertThat(call.err()).contains(sentence);
    assertThat(call.code()).as(call.err()).isEqualTo(code);
    assertThat(call.err().strip().lines().filter(line -> line.startsWith("jambic: "))).hasSize(1);
  }
}
