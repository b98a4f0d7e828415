package jambic.model.text;

import jambic.model.io.ErrorText;
import jambic.model.io.JsonObject;
import jambic.model.io.KeyRules;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a tokenizer puts around a prompt, such as a token for the beginning: the {@code
 * post_processor} of a {@code tokenizer.json}, for a single text.
 *
 * @param before ids before the text's
 * @param after ids behind them
 */
record PromptTemplate(List<Integer> before, List<Integer> after) {
  static final PromptTemplate NONE = new PromptTemplate(List.of(), List.of());

  // What is left concerns offsets in the text, segments, and pairs of texts.
  private static final KeyRules BYTE_LEVEL =
      new KeyRules().obeys("type").ignores("add_prefix_space", "trim_offsets", "use_regex");
  private static final KeyRules TEMPLATE =
      new KeyRules().obeys("type", "single", "special_tokens").ignores("pair");
  private static final KeyRules PIECE = new KeyRules().obeys("SpecialToken", "Sequence");
  private static final KeyRules PLACE = new KeyRules().obeys("id").ignores("type_id");
  private static final KeyRules ROBERTA =
      new KeyRules().obeys("type", "sep", "cls").ignores("trim_offsets", "add_prefix_space");
  private static final KeyRules SEQUENCE = new KeyRules().obeys("type", "processors");

  PromptTemplate {
    before = List.copyOf(before);
    after = List.copyOf(after);
  }

  /** The template of a whole file. */
  static PromptTemplate read(JsonObject json) {
    return json.optionalObject("post_processor").map(PromptTemplate::of).orElse(NONE);
  }

  private static PromptTemplate of(JsonObject json) {
    String type = json.text("type");
    return switch (type) {
      case "ByteLevel" -> {
        BYTE_LEVEL.check(json);
        yield NONE;
      }
      case "TemplateProcessing" -> template(json);
      case "RobertaProcessing", "BertProcessing" -> {
        ROBERTA.check(json);
        yield new PromptTemplate(List.of(idOfPair(json, "cls")), List.of(idOfPair(json, "sep")));
      }
      case "Sequence" -> {
        SEQUENCE.check(json);
        PromptTemplate all = NONE;
        for (JsonObject one : json.objects("processors")) {
          all = of(one).around(all);
        }
        yield all;
      }
      default ->
          throw new JambicException(
              Text.format(
                  "%s: the post-processor %s is not supported; TemplateProcessing, RobertaProcessing, BertProcessing, ByteLevel and Sequence are",
                  json.where(), ErrorText.quote(type)));
    };
  }

  private PromptTemplate around(PromptTemplate inner) {
    List<Integer> begin = new ArrayList<>(before);
    begin.addAll(inner.before);
    List<Integer> end = new ArrayList<>(inner.after);
    end.addAll(after);
    return new PromptTemplate(begin, end);
  }

  private static PromptTemplate template(JsonObject json) {
    TEMPLATE.check(json);
    List<Integer> before = new ArrayList<>();
    List<Integer> after = new ArrayList<>();
    boolean text = false;
    for (JsonObject piece : json.objects("single")) {
      PIECE.check(piece);
      Optional<JsonObject> token = piece.optionalObject("SpecialToken");
      if (token.isPresent()) {
        PLACE.check(token.get());
        (text ? after : before).addAll(ids(json, token.get().text("id")));
        continue;
      }
      JsonObject sequence = piece.object("Sequence");
      PLACE.check(sequence);
      if (text || !sequence.text("id").equals("A")) {
        throw new JambicException(
            json.where() + ": 'single' must have the sequence A once and no other");
      }
      text = true;
    }
    if (!text) {
      throw new JambicException(json.where() + ": 'single' lacks the sequence A, the text");
    }
    return new PromptTemplate(before, after);
  }

  private static List<Integer> ids(JsonObject json, String token) {
    JsonObject entry = json.object("special_tokens").object(token);
    List<Integer> ids = new ArrayList<>();
    for (Object id : entry.optionalList("ids").orElse(List.of())) {
      ids.add(requireInteger(entry, id));
    }
    return ids;
  }

  /** The id in a list of a token and its id. */
  private static int idOfPair(JsonObject json, String key) {
    List<?> pair = json.optionalList(key).orElse(List.of());
    return requireInteger(json, pair.size() == 2 ? pair.get(1) : pair);
  }

  private static int requireInteger(JsonObject json, Object id) {
    if (id instanceof Integer integer) {
      return integer;
    }
    throw new JambicException(
        Text.format(
            "%s has %s where the id of a token should be",
            json.where(), ErrorText.quote(String.valueOf(id))));
  }

  /** Refuses ids that a vocabulary lacks. */
  void requireWithin(String where, int vocabSize) {
    for (List<Integer> ids : List.of(before, after)) {
      for (int id : ids) {
        if (id < 0 || id >= vocabSize) {
          throw new JambicException(
              Text.format(
                  "%s: the post_processor adds the token id %d, which the vocabulary lacks",
                  where, id));
        }
      }
    }
  }

  /** The post-processor that gives this, empty where there is nothing to add. */
  Optional<Map<String, Object>> toJson(List<AddedToken> tokens) {
    if (equals(NONE)) {
      return Optional.empty();
    }
    Map<Integer, String> names = new HashMap<>();
    tokens.forEach(token -> names.put(token.id(), token.content()));
    Map<String, Object> special = new HashMap<>();
    List<Object> single = new ArrayList<>();
    before.forEach(id -> single.add(piece(id, names, special)));
    single.add(Map.of("Sequence", TokenizerFile.ordered("id", "A", "type_id", 0)));
    after.forEach(id -> single.add(piece(id, names, special)));
    List<Object> pair = new ArrayList<>(single);
    pair.add(Map.of("Sequence", TokenizerFile.ordered("id", "B", "type_id", 0)));
    return Optional.of(
        TokenizerFile.ordered(
            "type",
            "TemplateProcessing",
            "single",
            single,
            "pair",
            pair,
            "special_tokens",
            special));
  }

  private static Object piece(int id, Map<Integer, String> names, Map<String, Object> special) {
    String name = names.getOrDefault(id, String.valueOf(id));
    special.put(
        name, TokenizerFile.ordered("id", name, "ids", List.of(id), "tokens", List.of(name)));
    return Map.of("SpecialToken", TokenizerFile.ordered("id", name, "type_id", 0));
  }
}
