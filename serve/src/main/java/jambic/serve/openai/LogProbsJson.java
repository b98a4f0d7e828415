package jambic.serve.openai;

import jambic.model.generate.FinishReason;
import jambic.model.generate.GeneratedToken;
import jambic.model.generate.TokenLogProbs;
import jambic.model.text.Tokenizer;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Log-probabilities in OpenAI's two shapes. */
final class LogProbsJson {
  private static final double LEAST = -9999; // JSON has no infinity

  private final Tokenizer tokenizer;

  LogProbsJson(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** Of a conversation: each token with its bytes. */
  Map<String, Object> ofChat(List<Choice.Placed> tokens) {
    List<Object> content = new ArrayList<>();
    for (Choice.Placed token : tokens) {
      TokenLogProbs logProbs = token.logProbs().orElseThrow();
      Map<String, Object> fields = entry(token.id(), logProbs.chosen());
      fields.put(
          "top_logprobs",
          logProbs.top().stream().map(top -> entry(top.id(), top.logProb())).toList());
      content.add(fields);
    }
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("content", content);
    fields.put("refusal", null);
    return fields;
  }

  private Map<String, Object> entry(int id, double logProb) {
    byte[] bytes = bytes(id);
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("token", new String(bytes, StandardCharsets.UTF_8));
    fields.put("logprob", finite(logProb));
    fields.put("bytes", IntStream.range(0, bytes.length).map(i -> bytes[i] & 0xff).toArray());
    return fields;
  }

  /** Of a completion: a list for each kind of value. */
  Map<String, Object> ofCompletion(List<Choice.Placed> tokens) {
    List<String> names = new ArrayList<>();
    List<Double> logProbs = new ArrayList<>();
    List<Map<String, Double>> tops = new ArrayList<>();
    List<Integer> offsets = new ArrayList<>();
    for (Choice.Placed token : tokens) {
      names.add(name(token.id()));
      logProbs.add(token.logProbs().map(l -> finite(l.chosen())).orElse(null));
      tops.add(token.logProbs().map(l -> top(token.id(), l)).orElse(null));
      offsets.add(token.offset());
    }
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("tokens", names);
    fields.put("token_logprobs", logProbs);
    fields.put("top_logprobs", tops);
    fields.put("text_offset", offsets);
    return fields;
  }

  /** The likeliest, and the chosen one if it is not among them. */
  private Map<String, Double> top(int chosen, TokenLogProbs logProbs) {
    Map<String, Double> top = new LinkedHashMap<>();
    logProbs.top().forEach(one -> top.putIfAbsent(name(one.id()), finite(one.logProb())));
    top.putIfAbsent(name(chosen), finite(logProbs.chosen()));
    return top;
  }

  /** The text of a token, or its bytes where they are no text alone. */
  String name(int id) {
    byte[] bytes = bytes(id);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException part) {
      return IntStream.range(0, bytes.length)
          .mapToObj(i -> "\\x" + Integer.toHexString(0x100 | bytes[i] & 0xff).substring(1))
          .collect(Collectors.joining("", "bytes:", ""));
    }
  }

  /** A padded model's last ids have no text. */
  private byte[] bytes(int id) {
    return id < tokenizer.vocabSize() ? tokenizer.decodeBytes(id) : new byte[0];
  }

  /** The tokens of a prompt, in their places. */
  List<Choice.Placed> placed(int[] prompt, List<Optional<TokenLogProbs>> logProbs) {
    Choice choice = new Choice(tokenizer, Set.of());
    for (int i = 0; i < prompt.length; i++) {
      Optional<TokenLogProbs> one = i < logProbs.size() ? logProbs.get(i) : Optional.empty();
      choice.chosen(new GeneratedToken(prompt[i], one));
    }
    return choice.ended(FinishReason.LENGTH);
  }

  private static double finite(double logProb) {
    return Math.max(logProb, LEAST);
  }
}
