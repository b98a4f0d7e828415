package jambic.serve.openai;

import jambic.model.text.Tokenizer;
import jambic.serve.http.HttpError;
import jambic.serve.model.ServedModel;
import jambic.tensor.JambicException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The prompts of a request: a text, token ids, or a list of either. */
final class Prompts {
  private static final String NEWLINE = "\n";
  private static final int MOST = 64;

  private final ServedModel served;
  private final String name;

  /** Of a field. */
  Prompts(ServedModel served, String name) {
    this.served = served;
    this.name = name;
  }

  /** Those of a field that must be there; an empty text is refused. */
  List<int[]> given(Fields fields) {
    Object given = fields.value(name).orElse("");
    requireText(given, name);
    if (given instanceof List<?> several) {
      for (int i = 0; i < several.size(); i++) {
        requireText(Optional.ofNullable(several.get(i)).orElse(""), name + "[" + i + "]");
      }
    }
    return of(fields);
  }

  List<int[]> of(Fields fields) {
    Object given = fields.value(name).orElse("");
    if (given instanceof List<?> several
        && !several.isEmpty()
        && several.stream().noneMatch(Number.class::isInstance)) {
      if (several.size() > MOST) {
        throw HttpError.ofField(name, "a request has at most " + MOST + " prompts");
      }
      List<int[]> prompts = new ArrayList<>();
      for (Object one : several) {
        prompts.add(one(one, name + "[" + prompts.size() + "]", "a text or token ids"));
      }
      return prompts;
    }
    return List.of(one(given, name, "a text, token ids, or a list of these"));
  }

  private static void requireText(Object given, String where) {
    if (given.equals("") || given.equals(List.of())) {
      throw HttpError.ofField(where, "'" + where + "' must not be empty");
    }
  }

  private int[] one(Object given, String where, String wanted) {
    return switch (given) {
      case String text -> encode(text, where);
      case List<?> ids when !ids.isEmpty() -> TokenIds.of(ids, where, served.model().vocabSize());
      case null, default -> throw Fields.wrong(where, wanted, given);
    };
  }

  /** Text is never a special token. */
  private int[] encode(String text, String where) {
    Tokenizer tokenizer = served.tokenizer();
    try {
      return text.isEmpty() ? start(tokenizer) : tokenizer.encodePrompt(text, false);
    } catch (JambicException e) {
      throw HttpError.ofField(where, "'" + where + "': " + e.getMessage());
    }
  }

  /** Without a prompt a text begins, as {@code jambic sample} lets it. */
  private static int[] start(Tokenizer tokenizer) {
    if (tokenizer.endOfText().isPresent()) {
      int[] begin = {tokenizer.endOfText().getAsInt()};
      return Stream.of(tokenizer.promptBegin(), begin, tokenizer.promptEnd())
          .flatMapToInt(IntStream::of)
          .toArray();
    }
    try {
      return tokenizer.encodePrompt(NEWLINE, false);
    } catch (JambicException noLines) {
      return new int[] {0};
    }
  }
}
