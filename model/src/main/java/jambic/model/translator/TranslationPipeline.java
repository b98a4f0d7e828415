package jambic.model.translator;

import jambic.model.checkpoint.Checkpoint;
import jambic.model.translator.BeamSearch.Hypothesis;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Translates texts: a {@link Translator}, its tokenizer and how to search. A blank text gives an
 * empty one; a text that is too long is cut at ends of sentences, and its parts are translated.
 *
 * {@snippet :
 * try (TranslationPipeline pipeline = TranslationPipeline.load(folder, backend)) {
 *   System.out.println(pipeline.translate("le 3 mars 2021"));
 * }
 * }
 */
public final class TranslationPipeline implements AutoCloseable {
  private final Translator model;
  private final TranslationTokenizer tokenizer;
  private final TranslationSettings settings;

  /**
   * Puts the parts together.
   *
   * @param model the model, which {@link #close} closes
   * @param tokenizer its tokenizer
   * @param settings how to search
   */
  public TranslationPipeline(
      Translator model, TranslationTokenizer tokenizer, TranslationSettings settings) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.settings = settings;
  }

  /**
   * Loads a stored model with its tokenizer and the settings that it is stored with.
   *
   * @param folder the folder of a checkpoint; of a run, its {@code best} or {@code last}
   * @param backend where it computes
   * @return the pipeline, to be closed
   * @throws JambicException if the folder holds no translator, or memory runs out
   */
  public static TranslationPipeline load(Path folder, Backend backend) {
    try (Checkpoint<TranslatorConfig, Translator> checkpoint =
        Checkpoint.open(Translator.FORMAT, folder)) {
      TranslationTokenizer tokenizer = TranslationTokenizer.read(folder);
      TranslationSettings settings = TranslationSettings.read(folder, checkpoint.config());
      return new TranslationPipeline(checkpoint.model(backend), tokenizer, settings);
    }
  }

  /**
   * Returns a pipeline with the same model that searches in another way.
   *
   * @param other how
   * @return the pipeline; to close either closes the model
   */
  public TranslationPipeline with(TranslationSettings other) {
    return new TranslationPipeline(model, tokenizer, other);
  }

  /**
   * Translates a text.
   *
   * @param text the text
   * @return its best translation
   * @throws JambicException if the vocabulary cannot express the text
   */
  public String translate(String text) {
    return best(text).getFirst().text();
  }

  /**
   * Translates many texts, which is quicker than one after the other.
   *
   * @param texts the texts
   * @return the best translation of each, in order
   * @throws JambicException if the vocabulary cannot express a text
   */
  public List<String> translate(List<String> texts) {
    return best(texts).stream().map(list -> list.getFirst().text()).toList();
  }

  /**
   * Finds the best translations of a text, sooner than among others. Their scores may differ in
   * their last bits from those that {@link #best(List)} finds.
   *
   * @param text the text
   * @return the best first, as there
   * @throws JambicException if the vocabulary cannot express the text
   */
  public List<Translation> best(String text) {
    try (TranslationDecoder decoder = TranslationDecoder.ofOne(model, settings)) {
      return best(decoder, List.of(text)).getFirst();
    }
  }

  /**
   * Finds the best translations of many texts. Those of a text do not depend on the others.
   *
   * @param texts the texts
   * @return those of each, the best first: as many as there are beams, or fewer; one for a text
   *     that is blank or was cut
   * @throws JambicException if the vocabulary cannot express a text
   */
  public List<List<Translation>> best(List<String> texts) {
    try (TranslationDecoder decoder = new TranslationDecoder(model, settings)) {
      return best(decoder, texts);
    }
  }

  private List<List<Translation>> best(TranslationDecoder decoder, List<String> texts) {
    List<int[]> sources = new ArrayList<>();
    List<List<Integer>> parts = new ArrayList<>(); // which sources each text has become
    for (String text : texts) {
      List<Integer> own = new ArrayList<>();
      if (!text.isBlank()) {
        for (int[] part : cut(text)) {
          own.add(sources.size());
          sources.add(part);
        }
      }
      parts.add(own);
    }
    List<List<Hypothesis>> found = decoder.decode(sources);
    return parts.stream().map(own -> joined(own, found)).toList();
  }

  private List<int[]> cut(String text) {
    return TextCutter.cut(text, tokenizer::encodeSource, model.config().maxLength());
  }

  /**
   * Tells whether a text is so long that it is cut.
   *
   * @param text the text
   * @return whether it has more tokens than the model reads at once
   */
  public boolean isCut(String text) {
    return !text.isBlank() && tokenizer.encodeSource(text).length > model.config().maxLength();
  }

  /**
   * Translates a sentence and tells which words of it the words of the translation were made from.
   *
   * @param text the sentence
   * @return the words of both and how much they belong together
   * @throws JambicException if the sentence is blank, or too long to be read at once
   */
  public Alignment align(String text) {
    int[] source = tokenizer.encodeSource(text);
    if (text.isBlank()) {
      throw new JambicException(
          "there is nothing to align: the sentence is blank; give some words");
    }
    model.config().requireLength(source.length);
    int[] written;
    try (TranslationDecoder decoder = TranslationDecoder.ofOne(model, settings)) {
      List<Integer> tokens = decoder.decode(List.of(source)).getFirst().getFirst().tokens();
      written = tokens.stream().mapToInt(Integer::intValue).toArray();
    }
    int[] read = new int[written.length]; // the start token, and all written ones but the last
    read[0] = model.config().startToken();
    System.arraycopy(written, 0, read, 1, written.length - 1);
    int layer = Alignment.layer(model.config().decoderLayers());
    return Alignment.of(words(source), words(written), model.crossAttention(source, read, layer));
  }

  private WordPieces words(int... ids) {
    return WordPieces.of(IntStream.of(ids).mapToObj(tokenizer::bytes).toList());
  }

  private List<Translation> joined(List<Integer> parts, List<List<Hypothesis>> found) {
    if (parts.size() == 1) {
      return found.get(parts.getFirst()).stream().map(this::translation).toList();
    }
    List<Translation> best =
        parts.stream().map(part -> translation(found.get(part).getFirst())).toList();
    return List.of(
        new Translation(
            String.join(" ", best.stream().map(Translation::text).toList()),
            best.stream().mapToDouble(Translation::score).sum(),
            best.stream().mapToInt(Translation::tokens).sum(),
            best.stream().allMatch(Translation::whole)));
  }

  private Translation translation(Hypothesis hypothesis) {
    int[] ids = hypothesis.tokens().stream().mapToInt(Integer::intValue).toArray();
    boolean whole = ids.length < settings.maxTokens();
    return new Translation(tokenizer.decode(ids), hypothesis.score(), ids.length, whole);
  }

  /**
   * Returns the model.
   *
   * @return it, open until this is closed
   */
  public Translator model() {
    return model;
  }

  /**
   * Returns the tokenizer.
   *
   * @return it
   */
  public TranslationTokenizer tokenizer() {
    return tokenizer;
  }

  /**
   * Returns how translations are searched for.
   *
   * @return the settings
   */
  public TranslationSettings settings() {
    return settings;
  }

  /** Closes the model. */
  @Override
  public void close() {
    model.close();
  }
}
