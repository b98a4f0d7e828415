package jambic.model.text;

import jambic.model.io.ErrorText;
import jambic.model.io.JsonObject;
import jambic.model.io.KeyRules;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Byte-level BPE vocabularies as files: {@code tokenizer.json} of Hugging Face's tokenizers, and
 * {@code vocab.json} with {@code merges.txt}, as OpenAI and older checkpoints have them.
 */
final class BpeFiles {
  private static final String VOCAB = "vocab.json";
  private static final String MERGES = "merges.txt";
  static final String END_OF_TEXT = "<|endoftext|>";

  private static final KeyRules MODEL =
      new KeyRules()
          .obeys("type", "vocab", "merges", "ignore_merges")
          .supports("dropout", 0)
          .supports("continuing_subword_prefix", "")
          .supports("end_of_word_suffix", "")
          // About bytes that the vocabulary lacks, which are refused where they occur.
          .ignores("unk_token", "fuse_unk", "byte_fallback");

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
    for (String character : new ByteEncoding().inOrder()) {
      vocab.put(character, vocab.size());
    }
    for (String merge : merges) {
      vocab.put(merge.replace(" ", ""), vocab.size());
    }
    List<AddedToken> added = List.of(endOfText(vocab.size()));
    return make("GPT-2", vocab, merges, added, BpeOptions.GPT2, TokenizerSettings.NONE);
  }

  /** The tokenizer of a folder's {@code vocab.json} and {@code merges.txt}. */
  static Optional<BpeTokenizer> find(Path folder) {
    boolean vocab = Files.exists(folder.resolve(VOCAB));
    boolean merges = Files.exists(folder.resolve(MERGES));
    if (vocab != merges) {
      throw new JambicException(
          Text.format(
              "%s has a %s but no %s, and a tokenizer needs both",
              folder, vocab ? VOCAB : MERGES, vocab ? MERGES : VOCAB));
    }
    return vocab ? Optional.of(readTwo(folder)) : Optional.empty();
  }

  /** GPT-2's only added token, as its tokenizer.json describes it. */
  static AddedToken endOfText(int id) {
    return AddedToken.of(id, END_OF_TEXT, true);
  }

  private static BpeTokenizer readTwo(Path folder) {
    TokenizerSettings settings = TokenizerSettings.read(folder);
    Path file = folder.resolve(MERGES);
    List<String> merges;
    try {
      merges = mergesOf(Files.readAllLines(file));
    } catch (IOException e) {
      throw new JambicException("cannot read " + file + ": " + ErrorText.reason(e), e);
    }
    Map<String, Integer> vocab = ids(JsonObject.read(folder.resolve(VOCAB)));
    List<AddedToken> added = added(folder.toString(), vocab, List.of(), settings, true);
    JsonObject json = settings.json();
    BpeOptions options =
        new BpeOptions(
            json.optionalBoolean("add_prefix_space").orElse(false),
            false,
            new PromptTemplate(
                ends(json, "add_bos_token", "bos_token", added),
                ends(json, "add_eos_token", "eos_token", added)));
    return make(folder.toString(), vocab, merges, added, options, settings);
  }

  /** The id of the end of a text, if settings ask for it. */
  private static List<Integer> ends(
      JsonObject settings, String key, String name, List<AddedToken> added) {
    if (!settings.optionalBoolean(key).orElse(false)) {
      return List.of();
    }
    String content =
        switch (settings.values().get(name)) {
          case null -> settings.values().containsKey(name) ? "" : END_OF_TEXT;
          case Map<?, ?> token -> String.valueOf(token.get("content"));
          case Object text -> text.toString();
        };
    return added.stream()
        .filter(token -> token.content().equals(content))
        .map(AddedToken::id)
        .findFirst()
        .map(List::of)
        .orElseThrow(() ->
            new JambicException(
                Text.format(
                    "%s: '%s' is true, but the vocabulary has no '%s'",
                    settings.where(), key, name)));
  }

  /** All added tokens; the class of GPT-2's tokenizers has one that nobody needs to name. */
  private static List<AddedToken> added(
      String where,
      Map<String, Integer> vocab,
      List<AddedToken> file,
      TokenizerSettings settings,
      boolean gpt2) {
    List<AddedToken> added = new ArrayList<>(AddedTokens.of(where, vocab, file, settings));
    Integer end = vocab.get(END_OF_TEXT);
    if (gpt2
        && end != null
        && added.stream().noneMatch(token -> token.content().equals(END_OF_TEXT))) {
      added.add(endOfText(end));
    }
    return added;
  }

  private static List<String> mergesOf(List<String> lines) {
    // An editor's byte order mark is no part of the text.
    String first = lines.isEmpty() ? "" : lines.getFirst().replaceFirst("^\uFEFF", "");
    Stream<String> titled = Stream.of(first).filter(line -> !line.startsWith("#version"));
    return Stream.concat(titled, lines.stream().skip(1)).filter(line -> !line.isBlank()).toList();
  }

  private static Map<String, Integer> ids(JsonObject json) {
    Map<String, Integer> ids = new LinkedHashMap<>();
    json.values().keySet().forEach(token -> ids.put(token, json.integer(token)));
    return ids;
  }

  /** The tokenizer of a {@code tokenizer.json} whose model is BPE. */
  static BpeTokenizer read(JsonObject json, TokenizerSettings settings) {
    TokenizerParts.check(json);
    TokenizerParts.checkDecoder(json, "ByteLevel");
    JsonObject model = json.object("model");
    MODEL.check(model);
    BpeOptions options =
        new BpeOptions(
            TokenizerParts.addsPrefixSpace(json),
            model.optionalBoolean("ignore_merges").orElse(false),
            PromptTemplate.read(json));
    requireAgreement(settings, options);
    List<String> merges = new ArrayList<>();
    for (Object merge : model.optionalList("merges").orElse(List.of())) {
      // A text in older files, a pair of texts in newer ones.
      merges.add(
          merge instanceof List<?> pair && pair.size() == 2
              ? pair.get(0) + " " + pair.get(1)
              : String.valueOf(merge));
    }
    Map<String, Integer> vocab = ids(model.object("vocab"));
    List<AddedToken> added =
        added(json.where(), vocab, TokenizerFile.added(json), settings, settings.isGpt2Class());
    return make(json.where(), vocab, merges, added, options, settings);
  }

  /** Refuses a file and settings by which tokenizers and transformers give other ids. */
  private static void requireAgreement(TokenizerSettings settings, BpeOptions options) {
    boolean prefix =
        settings
            .json()
            .optionalBoolean("add_prefix_space")
            .orElse(!settings.isGpt2Class() && options.addPrefixSpace());
    if (prefix != options.addPrefixSpace()) {
      throw new JambicException(
          Text.format(
              "%s: 'add_prefix_space' is %b, but %b in %s; make them agree",
              settings.where(), prefix, options.addPrefixSpace(), TokenizerFile.NAME));
    }
    if (options.ignoreMerges() && settings.isGpt2Class()) {
      throw new JambicException(
          settings.where()
              + ": the 'tokenizer_class' of GPT-2 does not know 'ignore_merges', which is true in"
              + " tokenizer.json; make it PreTrainedTokenizerFast");
    }
  }

  private static BpeTokenizer make(
      String where,
      Map<String, Integer> vocab,
      List<String> merges,
      List<AddedToken> added,
      BpeOptions options,
      TokenizerSettings settings) {
    Map<String, Integer> special = new LinkedHashMap<>();
    added.forEach(token -> special.put(token.content(), token.id()));
    Map<String, Integer> all = new LinkedHashMap<>(vocab);
    all.putAll(special);
    ByteEncoding alphabet = new ByteEncoding();
    byte[][] tokens = new byte[all.size()][];
    all.forEach((text, id) -> {
      if (id < 0 || id >= tokens.length || tokens[id] != null) {
        throw new JambicException(
            Text.format(
                "%s: the token %s has id %d, but the %d ids must be 0 to %d, each once",
                where, ErrorText.quote(text), id, tokens.length, tokens.length - 1));
      }
      if (special.containsKey(text)) {
        tokens[id] = text.getBytes(StandardCharsets.UTF_8);
      } else if (alphabet.isBytes(text)) {
        tokens[id] = alphabet.bytes(text);
      } else {
        throw new JambicException(
            Text.format(
                    "%s: the token %s is not made of the characters that stand for bytes, so this is no",
                    where, ErrorText.quote(text))
                + " byte-level vocabulary");
      }
    });
    if (tokens.length == 0) {
      throw new JambicException(where + ": the vocabulary is empty");
    }
    options.template().requireWithin(where, tokens.length);
    List<BpeMerges.Merge> parsed = new ArrayList<>(merges.size());
    for (String merge : merges) {
      String[] pair = merge.split(" ", -1);
      if (pair.length != 2) {
        throw new JambicException(
            Text.format(
                "%s: merge %d, %s, is not two tokens with a space between them",
                where, parsed.size() + 1, ErrorText.quote(merge)));
      }
      Integer left = vocab.get(pair[0]);
      Integer right = vocab.get(pair[1]);
      Integer merged = vocab.get(pair[0] + pair[1]);
      if (left == null || right == null || merged == null) {
        throw new JambicException(
            Text.format(
                "%s: merge %d, %s, needs tokens that the vocabulary lacks; vocabulary and merges do"
                    + " not belong together",
                where, parsed.size() + 1, ErrorText.quote(merge)));
      }
      parsed.add(new BpeMerges.Merge(left, right, merged));
    }
    if (!options.ignoreMerges()) {
      requireMade(where, vocab, parsed, special.keySet());
    }
    return new BpeTokenizer(tokens, parsed, added, options, settings);
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
            .filter(token -> !token.matches("<.*>|\\[.*]")) // an added one that nobody names
            .filter(token -> isPair(token, vocab))
            .toList();
    if (!lost.isEmpty()) {
      throw new JambicException(
          Text.format(
              "%s: no merge makes the token %s%s, so the merges are cut short or another vocabulary's, and both have to be fetched again; or it was added, and belongs into added_tokens.json",
              where,
              ErrorText.quote(lost.getFirst()),
              lost.size() == 1 ? "" : " and " + ErrorText.count(lost.size() - 1, "other")));
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
      List<AddedToken> added,
      BpeOptions options,
      TokenizerSettings settings) {
    ByteEncoding alphabet = new ByteEncoding();
    String[] texts = new String[tokens.length];
    List<AddedToken> inOrder =
        added.stream().sorted(Comparator.comparingInt(AddedToken::id)).toList();
    inOrder.forEach(token -> texts[token.id()] = token.content());
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
    json.put("added_tokens", inOrder.stream().map(AddedToken::toJson).toList());
    json.put("normalizer", null);
    json.put("pre_tokenizer", TokenizerParts.byteLevel(options.addPrefixSpace()));
    json.put("post_processor", options.template().toJson(inOrder).orElse(null));
    json.put("decoder", TokenizerParts.byteLevel(false));
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
            options.ignoreMerges(),
            "vocab",
            vocab,
            "merges",
            lines));
    JsonObject.write(folder.resolve(TokenizerFile.NAME), json);
    Map<String, Object> description = settings.toJson();
    boolean ended = inOrder.stream().anyMatch(token -> token.content().equals(END_OF_TEXT));
    if (ended && (settings.values().isEmpty() || settings.isGpt2Class())) {
      // What that class takes where a file does not say it.
      for (String key : List.of("bos_token", "eos_token", "unk_token")) {
        if (!description.containsKey(key)) {
          description.put(key, END_OF_TEXT);
        }
      }
    }
    JsonObject.write(folder.resolve(TokenizerFile.CLASS_FILE), description);
  }
}
