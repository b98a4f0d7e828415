package jambic.serve.openai;

import jambic.model.text.Tokenizer;
import jambic.serve.http.HttpError;
import jambic.serve.model.ServedModel;
import jambic.tensor.JambicException;
import java.util.List;
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
    Object given = fields.value(name).orElse(List.of());
    List<?> all = given instanceof List<?> list ? list : List.of(given);
    if (all.isEmpty() || all.contains("")) {
      throw HttpError.ofField(name, "'" + name + "' must be a text that is not empty, or a list");
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
      return several.stream().map(this::one).toList();
    }
    return List.of(one(given));
  }

  private int[] one(Object given) {
    return switch (given) {
      case String text -> encode(text);
      case List<?> ids when !ids.isEmpty() -> ids(ids);
      case null, default ->
          throw HttpError.ofField(
              name, "'" + name + "' must be a text, token ids, or a list of these");
    };
  }

  private int[] ids(List<?> ids) {
    int most = served.model().vocabSize() - 1;
    return ids.stream().mapToInt(id -> Fields.integer(name, id, 0, most)).toArray();
  }

  /** Text is never a special token. */
  private int[] encode(String text) {
    Tokenizer tokenizer = served.tokenizer();
    try {
      return text.isEmpty() ? start(tokenizer) : tokenizer.encodePrompt(text, false);
    } catch (JambicException e) {
      throw HttpError.ofField(name, e.getMessage());
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
