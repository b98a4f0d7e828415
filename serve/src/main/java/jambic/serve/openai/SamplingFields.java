package jambic.serve.openai;

import jambic.model.generate.GenerationConfig;
import jambic.model.generate.SamplingParams;
import jambic.serve.http.HttpError;
import jambic.serve.model.ServedModel;
import jambic.tensor.JambicException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ThreadLocalRandom;

/** How the tokens of an answer are chosen: what the request says, else the model's files. */
final class SamplingFields {
  private static final String LOGIT_BIAS = "logit_bias";

  private SamplingFields() {}

  /** Of the first of some answers to a prompt; each has the next seed. */
  static SamplingParams of(Fields fields, ServedModel served, int answers) {
    GenerationConfig files = served.generation();
    long seed =
        fields
            .seed("seed", answers - 1)
            .orElseGet(() -> ThreadLocalRandom.current().nextLong(Long.MAX_VALUE - answers));
    boolean drawn = fields.value("temperature").isPresent() || files.doSample().orElse(true);
    float temperature =
        fields
            .number("temperature", 0, 2)
            .or(() -> drawn ? files.temperature() : Optional.of(0f))
            .orElse(1f);
    try {
      return new SamplingParams(
              temperature,
              topK(fields, files),
              fields.positive("top_p", 1).or(files::topP).orElse(1f),
              fields.positive("repetition_penalty", 10).orElseGet(files::repetitionPenalty),
              seed)
          .withPresencePenalty(fields.number("presence_penalty", -2, 2).orElse(0f))
          .withFrequencyPenalty(fields.number("frequency_penalty", -2, 2).orElse(0f))
          .withLogitBias(bias(fields, served));
    } catch (JambicException e) { // of a file that says what cannot be
      throw HttpError.of(400, "the model's generation_config.json: " + e.getMessage());
    }
  }

  private static int topK(Fields fields, GenerationConfig files) {
    OptionalInt given = fields.integer("top_k", -1, Integer.MAX_VALUE);
    return given.isPresent() ? Math.max(0, given.getAsInt()) : files.topK().orElse(0);
  }

  private static Map<Integer, Float> bias(Fields fields, ServedModel served) {
    Map<Integer, Float> bias = new HashMap<>();
    fields
        .object(LOGIT_BIAS)
        .ifPresent(given ->
            given
                .values()
                .forEach((id, value) ->
                    bias.put(
                        token(id, served),
                        Fields.number(LOGIT_BIAS + "." + id, value, -100, 100))));
    return bias;
  }

  private static int token(String id, ServedModel served) {
    int candidates = Math.min(served.model().vocabSize(), served.tokenizer().vocabSize());
    try {
      int token = Integer.parseInt(id);
      if (token >= 0 && token < candidates) {
        return token;
      }
    } catch (NumberFormatException notAnId) {
      // As one that is too large.
    }
    throw Fields.wrong(LOGIT_BIAS, "an object of token ids below " + candidates, id);
  }
}
