package jambic.bench;

import jambic.app.data.Corpora;
import jambic.app.terminal.Terminal;
import jambic.model.text.BpeTokenizer;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** English text into GPT-2's tokens and back: tiny Shakespeare nine times, ten megabytes. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class BpeBenchmark {
  private static final int REPEATS = 9;
  private static final int TINY_SHAKESPEARE = 1_115_394; // bytes, all of them ASCII

  private BpeTokenizer tokenizer;
  private String text;
  private int[] ids;

  /** Millions of bytes of the text. */
  static double megabytes() {
    return REPEATS * TINY_SHAKESPEARE * 1e-6;
  }

  /** Reads the text. */
  @Setup
  public void open() {
    Corpora corpora =
        Corpora.of(Terminal.ofErrors(new PrintWriter(System.err, true, StandardCharsets.UTF_8)));
    text = corpora.load(Corpora.TINY_SHAKESPEARE).text().repeat(REPEATS);
    tokenizer = BpeTokenizer.gpt2();
    ids = tokenizer.encode(text);
  }

  /** The text into ids. */
  @Benchmark
  public int[] encode() {
    return tokenizer.encode(text);
  }

  /** The ids into the text. */
  @Benchmark
  public String decode() {
    return tokenizer.decode(ids);
  }
}
