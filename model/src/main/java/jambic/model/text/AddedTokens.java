package jambic.model.text;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** Brings together the tokens that a folder's files add to a vocabulary, as transformers does. */
final class AddedTokens {
  private final Map<String, Integer> vocab;
  private final Map<String, AddedToken> tokens = new LinkedHashMap<>();

  private AddedTokens(Map<String, Integer> vocab) {
    this.vocab = vocab;
  }

  /**
   * The tokens of a file and its settings.
   *
   * @param where the file
   * @param vocab the model's own tokens
   * @param file the tokens that it adds, in its order, by which those that are new get their ids
   * @param settings what stands beside it
   */
  static List<AddedToken> of(
      String where, Map<String, Integer> vocab, List<AddedToken> file, TokenizerSettings settings) {
    AddedTokens all = new AddedTokens(vocab);
    List<AddedToken> named = settings.named();
    Set<String> names = new HashSet<>();
    named.forEach(token -> names.add(token.content()));
    file.forEach(token -> all.put(all.requireId(where, token), names));
    settings.added().forEach(token -> all.put(all.requireId(settings.where(), token), names));
    for (AddedToken token : named) {
      if (!all.tokens.containsKey(token.content())) {
        all.put(token.withId(all.idOf(token.content())), names);
      }
    }
    return List.copyOf(all.tokens.values());
  }

  /**
   * Adds special tokens to those of a tokenizer. One that it has already as an ordinary token keeps
   * its id, as in transformers.
   *
   * @param texts of the new ones; those that are there are passed over
   * @param added those of the tokenizer
   * @param ordinary the ids of all its tokens by their texts
   * @param vocabSize the first id that is free
   */
  static List<AddedToken> with(
      List<String> texts, List<AddedToken> added, Map<String, Integer> ordinary, int vocabSize) {
    Map<String, AddedToken> all = new LinkedHashMap<>();
    added.forEach(token -> all.put(token.content(), token));
    int free = vocabSize;
    for (String text : texts) {
      if (text.isEmpty()) {
        throw new JambicException("a special token must not be empty; give it a text");
      }
      AddedToken known = all.get(text);
      if (known == null) {
        Integer id = ordinary.get(text);
        all.put(text, AddedToken.of(id == null ? free++ : id, text, true));
      } else {
        all.put(text, known.asSpecial());
      }
    }
    return List.copyOf(all.values());
  }

  /** Refuses a token whose id is not the one that Hugging Face's tokenizers give it. */
  private AddedToken requireId(String where, AddedToken token) {
    int id = idOf(token.content());
    if (id != token.id()) {
      throw new JambicException(
          Text.format(
              "%s: the added token %s has the id %d, but with this vocabulary it gets %d",
              where, ErrorText.quote(token.content()), token.id(), id));
    }
    return token;
  }

  private void put(AddedToken token, Set<String> named) {
    tokens.put(token.content(), named.contains(token.content()) ? token.asSpecial() : token);
  }

  /** The id that a token has, or gets as a new one. */
  private int idOf(String content) {
    AddedToken known = tokens.get(content);
    if (known != null) {
      return known.id();
    }
    Integer id = vocab.get(content);
    return id != null
        ? id
        : (int) Stream.concat(vocab.keySet().stream(), tokens.keySet().stream()).distinct().count();
  }
}
