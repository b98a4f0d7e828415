package jambic.model.translator;

import jambic.model.nn.KvCache;
import jambic.model.nn.PackedBatch;
import jambic.model.translator.BeamSearch.BestTokens;
import jambic.model.translator.BeamSearch.Choice;
import jambic.model.translator.BeamSearch.Hypothesis;
import jambic.tensor.DType;
import jambic.tensor.DecodeOps;
import jambic.tensor.InferenceOps;
import jambic.tensor.Program;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Searches the translations of many sentences at a time. Sentences of about the same length are
 * read together; what the decoder attends to is computed once for each, and the hypotheses of a
 * sentence are the queries of one call. What comes of a sentence does not depend on its neighbours.
 */
public final class TranslationDecoder implements AutoCloseable {
  /** Positions of a page: small, since hypotheses part often and their last page is copied. */
  private static final int PAGE = 16;

  private static final int MOST_ROWS = 256; // hypotheses at a time
  private static final int MOST_TOKENS = 4096; // of sources at a time
  private static final long MOST_CACHE = 256L << 20; // bytes of keys and values, if that does

  private final Translator model;
  private final TranslationSettings settings;
  private final int[] banned;
  private final Backend backend;
  private final Region reading; // what the encoder computes
  private final Region memory; // keys and values of a batch
  private final Region step; // what the decoder computes for the next tokens
  private final boolean many;

  /**
   * Makes a decoder that is fastest for many sentences at a time.
   *
   * @param model the model, which must stay open
   * @param settings how to search
   */
  public TranslationDecoder(Translator model, TranslationSettings settings) {
    this(model, settings, true);
  }

  /**
   * Makes a decoder that is fastest for a sentence at a time. Scores may differ in their last bits
   * from those of a decoder for many.
   *
   * @param model the model, which must stay open
   * @param settings how to search
   * @return the decoder, to be closed
   */
  public static TranslationDecoder ofOne(Translator model, TranslationSettings settings) {
    return new TranslationDecoder(model, settings, false);
  }

  private TranslationDecoder(Translator model, TranslationSettings settings, boolean many) {
    this.model = model;
    this.settings = settings;
    this.many = many;
    banned = settings.banned().stream().mapToInt(Integer::intValue).toArray();
    backend = model.backend();
    reading = backend.region();
    memory = backend.region();
    step = backend.region();
  }

  /** The search of one sentence, and where its translations go. */
  private record Sentence(int index, int[] tokens, BeamSearch search) {}

  /**
   * Translates sentences.
   *
   * @param sources token ids of each, with the end token
   * @return the best translations of each, the best first; as many as there are beams, or fewer
   * @throws jambic.tensor.JambicException if a sentence is longer than the model can read, or
   *     memory runs out
   */
  public List<List<Hypothesis>> decode(List<int[]> sources) {
    sources.forEach(source -> model.config().requireLength(source.length));
    List<List<Hypothesis>> results =
        new ArrayList<>(sources.stream().map(s -> List.<Hypothesis>of()).toList());
    List<Integer> order =
        IntStream.range(0, sources.size())
            .filter(i -> sources.get(i).length > 0)
            .boxed()
            .sorted(Comparator.comparingInt(i -> sources.get(i).length))
            .toList();
    List<Integer> tooLong = new ArrayList<>();
    for (int from = 0; from < order.size(); ) {
      int at = from;
      int room = room(sources.get(order.get(from)).length);
      int to = from + 1;
      while (to < order.size() && fits(to - from + 1, sources.get(order.get(to)).length)) {
        room = room(sources.get(order.get(to)).length);
        to++;
      }
      List<Integer> batch = order.subList(at, to);
      tooLong.addAll(decode(sources, batch, room, results));
      from = to;
    }
    int atOnce = Math.max(1, (int) (MOST_CACHE / bytes(settings.maxTokens())));
    for (int from = 0; from < tooLong.size(); from += atOnce) {
      List<Integer> batch = tooLong.subList(from, Math.min(tooLong.size(), from + atOnce));
      decode(sources, batch, settings.maxTokens(), results);
    }
    return results;
  }

  private InferenceOps ops(Region region) {
    return many ? DecodeOps.ofManyRows(backend, region) : new DecodeOps(backend, region);
  }

  /** Tokens of a translation that there is room for at first: few are longer. */
  private int room(int sourceLength) {
    return Math.min(settings.maxTokens(), 2 * sourceLength + 2 * PAGE);
  }

  /** Bytes of keys and values of a sentence's hypotheses. */
  private long bytes(int room) {
    long pages = HypothesisPages.needed(settings.beams(), room, PAGE);
    return pages * PAGE * model.config().width() * model.config().decoderLayers() * 8L;
  }

  private boolean fits(int sentences, int length) {
    return sentences * settings.beams() <= MOST_ROWS
        && sentences * length <= MOST_TOKENS
        && sentences * bytes(room(length)) <= MOST_CACHE;
  }

  /** Translates a batch; returns those that would need more room. */
  private List<Integer> decode(
      List<int[]> sources, List<Integer> indices, int room, List<List<Hypothesis>> results) {
    reading.rewind();
    memory.rewind();
    List<Sentence> sentences =
        indices.stream()
            .map(i ->
                new Sentence(
                    i, sources.get(i), new BeamSearch(settings.search(model.config().endToken()))))
            .toList();
    Batch batch = new Batch(sentences, room);
    while (batch.isRunning() && batch.pages.length() < room) {
      batch.step();
    }
    for (Sentence sentence : sentences) {
      results.set(sentence.index(), sentence.search().finished());
    }
    return sentences.stream().filter(s -> s.search().running() > 0).map(Sentence::index).toList();
  }

  /** Sentences that are translated side by side, each with a row for every beam. */
  private final class Batch {
    private final int beams = settings.beams();
    private final int vocabSize = model.vocabSize();
    private final KvCache cache;
    private final HypothesisPages pages;
    private List<Sentence> sentences;
    private Tensor lengths; // I32 (B)
    private List<Tensor> keysAndValues; // (B, S, 2C) of each layer
    private int[] tokens; // the newest of each row

    // The program of a step, and what goes in and comes out.
    private boolean computed;
    private PackedBatch packed;
    private Tensor copiedFrom;
    private Tensor copiedTo;
    private Tensor logits; // (R, 1, V)
    private Tensor sums; // (R)
    private Program program;
    private float[] scores;
    private float[] logSums;

    Batch(List<Sentence> sentences, int room) {
      this.sentences = sentences;
      int rows = sentences.size() * beams;
      cache =
          KvCache.ofPages(
              memory,
              backend.activationType(),
              model.config().decoderLayers(),
              model.config().width(),
              PAGE,
              HypothesisPages.needed(rows, room, PAGE));
      pages = new HypothesisPages(cache, rows, room);
      read();
      tokens = new int[rows];
      Arrays.fill(tokens, model.config().startToken());
      pages.start(IntStream.range(0, sentences.size()).map(i -> i * beams).toArray());
    }

    /** Runs the encoder. */
    private void read() {
      int longest = sentences.stream().mapToInt(s -> s.tokens().length).max().orElseThrow();
      int[] ids = new int[sentences.size() * longest];
      Arrays.fill(ids, model.config().padToken());
      for (int i = 0; i < sentences.size(); i++) {
        int[] source = sentences.get(i).tokens();
        System.arraycopy(source, 0, ids, i * longest, source.length);
      }
      Tensor source = reading.allocate(DType.I32, Shape.of(sentences.size(), longest));
      source.set(ids);
      lengths = memory.allocate(DType.I32, Shape.of(sentences.size()));
      lengths.set(sentences.stream().mapToInt(s -> s.tokens().length).toArray());
      Tensor encoded = model.encode(ops(reading), source, lengths);
      keysAndValues = model.keysAndValues(ops(memory), encoded);
    }

    boolean isRunning() {
      return sentences.stream().anyMatch(sentence -> sentence.search().running() > 0);
    }

    /** Adds a token to every hypothesis. */
    void step() {
      if (pages.length() < settings.maxTokens() - 1) { // the end token is forced at the last
        if (computed) {
          fill();
          program.run();
        } else {
          compute();
        }
        logits.toFloats(scores);
        sums.toFloats(logSums);
      }
      int[] parents = new int[tokens.length];
      Arrays.fill(parents, -1);
      for (int i = 0; i < sentences.size(); i++) {
        BeamSearch search = sentences.get(i).search();
        if (search.running() == 0) {
          continue;
        }
        int first = i * beams;
        List<Choice> choices = search.step(search.lastStep() ? List.of() : best(search, first));
        for (int beam = 0; beam < choices.size(); beam++) {
          parents[first + beam] = first + choices.get(beam).parent();
          tokens[first + beam] = choices.get(beam).token();
        }
      }
      pages.advance(parents);
      dropFinished();
    }

    private List<BestTokens> best(BeamSearch search, int first) {
      return IntStream.range(first, first + search.running())
          .mapToObj(row -> BestTokens.of(scores, row, vocabSize, logSums[row], 2 * beams, banned))
          .toList();
    }

    private void compute() {
      int rows = tokens.length;
      step.rewind();
      packed =
          new PackedBatch(
              step.allocate(DType.I32, Shape.of(rows, 1)),
              step.allocate(DType.I32, Shape.of(rows)),
              step.allocate(DType.I32, Shape.of(rows + 1)),
              step.allocate(DType.I32, Shape.of(rows)),
              step.allocate(DType.I32, Shape.of(rows, pages.width())));
      copiedFrom = step.allocate(DType.I32, Shape.of(rows));
      copiedTo = step.allocate(DType.I32, Shape.of(rows));
      packed.rows().set(IntStream.rangeClosed(0, rows).toArray());
      scores = new float[Math.multiplyExact(rows, vocabSize)];
      logSums = new float[rows];
      fill();
      InferenceOps ops = ops(step);
      cache.copy(ops, copiedFrom, copiedTo);
      logits = model.step(ops, cache, packed, keysAndValues, lengths);
      sums = ops.logSumExp(logits);
      program = ops.program();
      computed = true;
    }

    private void fill() {
      int[] positions = new int[tokens.length];
      Arrays.fill(positions, pages.length());
      int[] table = new int[tokens.length * pages.width()];
      pages.fill(table);
      packed.ids().set(tokens);
      packed.positions().set(positions);
      packed.starts().set(positions);
      packed.pages().set(table);
      copiedFrom.set(pages.copiedFrom());
      copiedTo.set(pages.copiedTo());
    }

    /** Goes on without the finished sentences once they are half of all. */
    private void dropFinished() {
      int[] running =
          IntStream.range(0, sentences.size())
              .filter(i -> sentences.get(i).search().running() > 0)
              .toArray();
      if (running.length == 0 || 2 * running.length > sentences.size()) {
        return;
      }
      Tensor index = memory.allocate(DType.I32, Shape.of(running.length));
      index.set(running);
      InferenceOps ops = new InferenceOps(backend, memory);
      keysAndValues =
          keysAndValues.stream()
              .map(all -> {
                Tensor rows = all.reshape(Shape.of(all.dim(0), all.dim(1) * all.dim(2)));
                Shape kept = Shape.of(running.length, all.dim(1), all.dim(2));
                return ops.rows(rows, index).reshape(kept);
              })
              .toList();
      int[] all = lengths.toInts();
      lengths = memory.allocate(DType.I32, Shape.of(running.length));
      lengths.set(IntStream.of(running).map(i -> all[i]).toArray());
      int[] rows =
          IntStream.of(running).flatMap(i -> IntStream.range(i * beams, (i + 1) * beams)).toArray();
      tokens = IntStream.of(rows).map(row -> tokens[row]).toArray();
      pages.keep(rows);
      sentences = IntStream.of(running).mapToObj(sentences::get).toList();
      computed = false;
    }
  }

  /** Frees what the decoder computed; the model stays open. */
  @Override
  public void close() {
    reading.close();
    memory.close();
    step.close();
  }
}
