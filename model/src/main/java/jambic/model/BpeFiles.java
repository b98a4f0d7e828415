package jambic.model;

import jambic.tensor.JambicException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Byte-level BPE vocabularies as files: {@code tokenizer.json} of Hugging Face's tokenizers, and
 * {@code vocab.json} with {@code merges.txt}, as OpenAI and older checkpoints have them.
 */
final class BpeFiles {
  private static final String VOCAB = "vocab.json";
  private static final String MERGES = "merges.txt";
  private static final String ADDED = "added_tokens.json";
  static final String END_OF_TEXT = "<|endoftext|>";

  private BpeFiles() {}

  /** GPT-2's vocabulary follows from its merges: the bytes, what each merge makes, the end. */
  static BpeTokenizer gpt2() {
    List<String> merges;
    try (InputStream in = BpeFiles.class.getResourceAsStream("gpt2-merges.txt");
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      merges = mergesOf(lines.readAllLines());
    } catch (IOException e) {
      throw new IllegalStateException("this module's own file can be read", e);
    }
    Map<String, Integer> vocab = new HashMap<>();
    for (String character : new ByteAlphabet().inOrder()) {
      vocab.put(character, vocab.size());
    }
    for (String merge : merges) {
      vocab.put(merge.replace(" ", ""), vocab.size());
    }
    return make("GPT-2", vocab, merges, Map.of(END_OF_TEXT, vocab.size()), Set.of());
  }

  /** The tokenizer of a folder's {@code vocab.json} and {@code merges.txt}. */
  static Optional<BpeTokenizer> find(Path folder) {
    boolean vocab = Files.exists(folder.resolve(VOCAB));
    boolean merges = Files.exists(folder.resolve(MERGES));
    if (vocab != merges) {
      throw new JambicException(
          "%s has a %s but no %s, and a tokenizer needs both"
              .formatted(folder, vocab ? VOCAB : MERGES, vocab ? MERGES : VOCAB));
    }
    return vocab ? Optional.of(readTwo(folder)) : Optional.empty();
  }

  private static BpeTokenizer readTwo(Path folder) {
    requireNothingAdded(folder.resolve(TokenizerFile.CLASS_FILE));
    Path file = folder.resolve(MERGES);
    List<String> merges;
    try {
      merges = mergesOf(Files.readAllLines(file));
    } catch (IOException e) {
      throw new JambicException("cannot read " + file + ": " + Wording.reason(e), e);
    }
    Map<String, Integer> vocab = ids(JsonObject.read(folder.resolve(VOCAB)));
    Map<String, Integer> special = new HashMap<>();
    if (Files.exists(folder.resolve(ADDED))) {
      special.putAll(ids(JsonObject.read(folder.resolve(ADDED))));
    }
    // These files do not say which tokens are special: what looks so and no merge makes.
    Set<String> made = new HashSet<>();
    merges.forEach(merge -> made.add(merge.replace(" ", "")));
    vocab.forEach((token, id) -> {
      if (token.length() > 2 && token.matches("<.*>|\\[.*]") && !made.contains(token)) {
        special.put(token, id);
      }
    });
    return make(folder.toString(), vocab, merges, special, Set.of());
  }

  /** Refuses settings by which transformers gives a text other ids than these two files do. */
  private static void requireNothingAdded(Path settings) {
    if (Files.exists(settings)) {
      JsonObject json = JsonObject.read(settings);
      for (String key : List.of("add_prefix_space", "add_bos_token")) {
        if (json.optionalBoolean(key).orElse(false)) {
          throw unsupported(json, "'" + key + "' is true");
        }
      }
    }
  }

  private static List<String> mergesOf(List<String> lines) {
    boolean titled = !lines.isEmpty() && lines.getFirst().startsWith("#version");
    return lines.subList(titled ? 1 : 0, lines.size()).stream()
        .filter(line -> !line.isBlank())
        .toList();
  }

  private static Map<String, Integer> ids(JsonObject json) {
    Map<String, Integer> ids = new LinkedHashMap<>();
    json.values().keySet().forEach(token -> ids.put(token, json.integer(token)));
    return ids;
  }

  /** The tokenizer of a {@code tokenizer.json} whose model is BPE. */
  static BpeTokenizer read(JsonObject json) {
    requireGpt2(json);
    JsonObject model = json.object("model");
    List<String> merges = new ArrayList<>();
    for (Object merge : model.optionalList("merges").orElse(List.of())) {
      // A text in older files, a pair of texts in newer ones.
      merges.add(
          merge instanceof List<?> pair && pair.size() == 2
              ? pair.get(0) + " " + pair.get(1)
              : String.valueOf(merge));
    }
    Map<String, Integer> special = new HashMap<>();
    Set<String> plain = new HashSet<>();
    for (Object added : json.optionalList("added_tokens").orElse(List.of())) {
      if (!(added instanceof Map<?, ?> token
          && token.get("content") instanceof String content
          && token.get("id") instanceof Integer id)) {
        throw new JambicException(
            json.where() + ": an entry of 'added_tokens' lacks its content or its id");
      }
      special.put(content, id);
      if (Boolean.FALSE.equals(token.get("special"))) {
        plain.add(content);
      }
    }
    return make(json.where(), ids(model.object("vocab")), merges, special, plain);
  }

  /** Refuses what would give other ids than GPT-2's way of encoding. */
  private static void requireGpt2(JsonObject json) {
    JsonObject model = json.object("model");
    JsonObject pieces =
        json.optionalObject("pre_tokenizer")
            .orElseThrow(() -> unsupported(json, "it has no 'pre_tokenizer'"));
    if (!pieces.optionalText("type").orElse("").equals("ByteLevel")) {
      throw unsupported(
          json, "its pre_tokenizer is " + Wording.quote(pieces.optionalText("type").orElse("")));
    }
    if (pieces.optionalBoolean("add_prefix_space").orElse(true)) {
      throw unsupported(json, "'add_prefix_space' is true");
    }
    if (!pieces.optionalBoolean("use_regex").orElse(true)) {
      throw unsupported(json, "'use_regex' is false");
    }
    if (json.optionalObject("normalizer").isPresent()) {
      throw unsupported(json, "it has a normalizer");
    }
    if (model.optionalBoolean("ignore_merges").orElse(false)) {
      throw unsupported(json, "'ignore_merges' is true");
    }
    if (model.optionalFloat("dropout").orElse(0f) != 0) {
      throw unsupported(json, "it drops merges at random");
    }
    for (String affix : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
      if (!model.optionalText(affix).orElse("").isEmpty()) {
        throw unsupported(json, "it has a '" + affix + "'");
      }
    }
  }

  private static JambicException unsupported(JsonObject json, String difference) {
    return new JambicException(
        "%s holds a BPE tokenizer unlike GPT-2's, which is not supported: %s"
            .formatted(json.where(), difference));
  }

  private static BpeTokenizer make(
      String where,
      Map<String, Integer> vocab,
      List<String> merges,
      Map<String, Integer> special,
      Set<String> plain) {
    Map<String, Integer> all = new LinkedHashMap<>(vocab);
    all.putAll(special);
    ByteAlphabet alphabet = new ByteAlphabet();
    byte[][] tokens = new byte[all.size()][];
    all.forEach((text, id) -> {
      if (id < 0 || id >= tokens.length || tokens[id] != null) {
        throw new JambicException(
            "%s: the token %s has id %d, but the %d ids must be 0 to %d, each once"
                .formatted(where, Wording.quote(text), id, tokens.length, tokens.length - 1));
      }
      if (special.containsKey(text)) {
        tokens[id] = text.getBytes(StandardCharsets.UTF_8);
      } else if (alphabet.isBytes(text)) {
        tokens[id] = alphabet.bytes(text);
      } else {
        throw new JambicException(
            "%s: the token %s is not made of the characters that stand for bytes, so this is no"
                    .formatted(where, Wording.quote(text))
                + " byte-level vocabulary");
      }
    });
    if (tokens.length == 0) {
      throw new JambicException(where + ": the vocabulary is empty");
    }
    List<BpeMerges.Merge> parsed = new ArrayList<>(merges.size());
    for (String merge : merges) {
      String[] pair = merge.split(" ", -1);
      if (pair.length != 2) {
        throw new JambicException(
            "%s: merge %d, %s, is not two tokens with a space between them"
                .formatted(where, parsed.size() + 1, Wording.quote(merge)));
      }
      Integer left = vocab.get(pair[0]);
      Integer right = vocab.get(pair[1]);
      Integer merged = vocab.get(pair[0] + pair[1]);
      if (left == null || right == null || merged == null) {
        throw new JambicException(
            ("%s: merge %d, %s, needs tokens that the vocabulary lacks; vocabulary and merges do"
                    + " not belong together")
                .formatted(where, parsed.size() + 1, Wording.quote(merge)));
      }
      parsed.add(new BpeMerges.Merge(left, right, merged));
    }
    requireMade(where, vocab, parsed, special.keySet());
    return new BpeTokenizer(tokens, parsed, special, plain);
  }

  /**
   * Refuses merges that end early. Every vocabulary may have tokens that no merge makes: bytes,
   * what was added, what it was padded with. But what two of its tokens make together came from a
   * merge.
   */
  private static void requireMade(
      String where, Map<String, Integer> vocab, List<BpeMerges.Merge> merges, Set<String> special) {
    BitSet made = new BitSet();
    merges.forEach(merge -> made.set(merge.merged()));
    List<String> lost =
        vocab.keySet().stream()
            .filter(token -> !made.get(vocab.get(token)) && !special.contains(token))
            .filter(token -> isPair(token, vocab))
            .toList();
    if (!lost.isEmpty()) {
      throw new JambicException(
          "%s: no merge makes the token %s%s, so the merges are cut short or another vocabulary's, and both have to be got anew; or it was added, and belongs into added_tokens.json"
              .formatted(
                  where,
                  Wording.quote(lost.getFirst()),
                  lost.size() == 1 ? "" : " and " + Wording.count(lost.size() - 1, "other")));
    }
  }

  private static boolean isPair(String token, Map<String, Integer> vocab) {
    return IntStream.range(1, token.length())
        .anyMatch(at ->
            vocab.containsKey(token.substring(0, at)) && vocab.containsKey(token.substring(at)));
  }

  /** Writes {@code tokenizer.json}, as Hugging Face's tokenizers write GPT-2's. */
  static void write(
      Path folder,
      byte[][] tokens,
      List<BpeMerges.Merge> merges,
      Map<String, Integer> special,
      Set<String> plain) {
    ByteAlphabet alphabet = new ByteAlphabet();
    String[] texts = new String[tokens.length];
    List<Object> added = new ArrayList<>();
    special.entrySet().stream()
        .sorted(Map.Entry.comparingByValue())
        .forEach(entry -> {
          texts[entry.getValue()] = entry.getKey();
          added.add(
              TokenizerFile.ordered(
                  "id", entry.getValue(),
                  "content", entry.getKey(),
                  "single_word", false,
                  "lstrip", false,
                  "rstrip", false,
                  "normalized", false,
                  "special", !plain.contains(entry.getKey())));
        });
    Map<String, Object> vocab = new LinkedHashMap<>();
    for (int id = 0; id < tokens.length; id++) {
      if (texts[id] == null) {
        texts[id] = alphabet.text(tokens[id]);
      }
      vocab.put(texts[id], id);
    }
    List<String> lines =
        merges.stream().map(merge -> texts[merge.left()] + " " + texts[merge.right()]).toList();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("version", "1.0");
    json.put("truncation", null);
    json.put("padding", null);
    json.put("added_tokens", added);
    json.put("normalizer", null);
    json.put("pre_tokenizer", byteLevel());
    json.put("post_processor", null);
    json.put("decoder", byteLevel());
    json.put(
        "model",
        TokenizerFile.ordered(
            "type",
            "BPE",
            "dropout",
            null,
            "unk_token",
            null,
            "continuing_subword_prefix",
            null,
            "end_of_word_suffix",
            null,
            "fuse_unk",
            false,
            "byte_fallback",
            false,
            "ignore_merges",
            false,
            "vocab",
            vocab,
            "merges",
            lines));
    JsonObject.write(folder.resolve(TokenizerFile.NAME), json);
    Map<String, Object> description =
        TokenizerFile.ordered(
            "tokenizer_class", "PreTrainedTokenizerFast", "clean_up_tokenization_spaces", false);
    if (special.containsKey(END_OF_TEXT)) {
      description.put("bos_token", END_OF_TEXT);
      description.put("eos_token", END_OF_TEXT);
      description.put("unk_token", END_OF_TEXT);
    }
    JsonObject.write(folder.resolve(TokenizerFile.CLASS_FILE), description);
  }

  private static Map<String, Object> byteLevel() {
    return TokenizerFile.ordered(
        "type", "ByteLevel", "add_prefix_space", false, "trim_offsets", true, "use_regex", true);
  }
}
