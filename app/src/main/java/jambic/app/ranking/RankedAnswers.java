package jambic.app.ranking;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.chat.Message;
import jambic.model.io.AtomicFile;
import jambic.model.text.Tokenizer;
import jambic.train.example.Prompt;
import jambic.train.example.PromptRow;
import jambic.train.policy.Rollout;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Different answers to a prompt, each with a score: a higher one is better.
 *
 * @param row the prompt
 * @param answers texts that differ
 * @param scores of them
 * @param unended answers that did not end, which are left out
 */
record RankedAnswers(PromptRow row, List<String> answers, List<Double> scores, int unended) {
  /** Answers that were drawn; of equal ones the first counts. */
  static RankedAnswers of(
      PromptRow row, List<Rollout> drawn, double[] scores, Tokenizer tokenizer) {
    Map<String, Double> different = new LinkedHashMap<>();
    int unended = 0;
    for (int i = 0; i < scores.length; i++) {
      if (drawn.get(i).ended()) {
        different.putIfAbsent(tokenizer.decode(drawn.get(i).words()), scores[i]);
      } else {
        unended++;
      }
    }
    return new RankedAnswers(
        row, List.copyOf(different.keySet()), List.copyOf(different.values()), unended);
  }

  /** All pairs of which one is better, a line of JSON each. */
  List<String> lines() {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < answers.size(); i++) {
      for (int j = 0; j < answers.size(); j++) {
        if (scores.get(i) > scores.get(j)) {
          lines.add(line(answers.get(i), answers.get(j)));
        }
      }
    }
    return lines;
  }

  private String line(String chosen, String rejected) {
    Map<String, Object> fields = new LinkedHashMap<>();
    switch (row.prompt()) {
      case Prompt.Plain(String text) -> {
        fields.put("prompt", text);
        fields.put("chosen", chosen);
        fields.put("rejected", rejected);
      }
      case Prompt.Chat(List<Message> messages) -> {
        fields.put("prompt", messages.stream().map(RankedAnswers::json).toList());
        fields.put("chosen", List.of(json(new Message("assistant", chosen))));
        fields.put("rejected", List.of(json(new Message("assistant", rejected))));
      }
    }
    try {
      return JSON.std.asString(fields);
    } catch (IOException e) {
      throw new IllegalStateException("texts always have JSON", e);
    }
  }

  private static Map<String, String> json(Message message) {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("role", message.role());
    fields.put("content", message.content());
    return fields;
  }

  /** Writes all pairs, and returns how many there are. */
  static int write(List<RankedAnswers> ranked, Path out) {
    List<String> lines = ranked.stream().flatMap(answers -> answers.lines().stream()).toList();
    if (!lines.isEmpty()) {
      AtomicFile.writeString(out, String.join("\n", lines) + "\n");
    }
    return lines.size();
  }
}
