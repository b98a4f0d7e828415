package jambic.train.run;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Follows a log while a run writes it: {@link #update} reads what was added since. Every number of
 * a line is a point of the curve of its name. Lines that are not of a log are left out; the last
 * one counts once it is whole.
 *
 * <p>A resumed run writes its log anew, without what came after its checkpoint. Then all is read
 * again, and the {@linkplain Mark marks} from before no longer hold.
 *
 * <p>For any number of threads.
 */
public final class MetricsTail {
  private static final int CHUNK = 1 << 20;

  /** How many bytes must still be there as they were read. */
  private static final int COMPARED = 256;

  /**
   * How far a reader is.
   *
   * @param version of the log
   * @param counts the points of each curve that it has
   */
  public record Mark(int version, Map<String, Integer> counts) {
    /** Copies the map. */
    public Mark {
      counts = Map.copyOf(counts);
    }
  }

  private final Path file;
  private final MetricsLine line = new MetricsLine();
  private final Map<String, Curve> curves = new LinkedHashMap<>();
  private Optional<Object> fileKey = Optional.empty();
  private byte[] before = {}; // the bytes that end at the position
  private long position;
  private long seenSize = -1;
  private long seenTime;
  private int version;
  private int damaged;

  /**
   * Follows a log from its beginning; nothing is read yet.
   *
   * @param file the log; need not exist yet
   */
  public MetricsTail(Path file) {
    this.file = file;
  }

  /**
   * Reads what was added.
   *
   * @return whether there was a change
   * @throws JambicException if the file cannot be read
   */
  public synchronized boolean update() {
    try {
      BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
      Optional<Object> key = Optional.ofNullable(now.fileKey());
      long time = now.lastModifiedTime().toMillis();
      if (now.size() == seenSize && time == seenTime && key.equals(fileKey)) {
        return false;
      }
      int versionBefore = version;
      long positionBefore = position;
      try (SeekableByteChannel in = Files.newByteChannel(file)) {
        if (!key.equals(fileKey) || now.size() < position || !isContinued(in)) {
          reset();
        }
        read(in);
      }
      fileKey = key;
      seenSize = now.size();
      seenTime = time;
      return version != versionBefore || position != positionBefore;
    } catch (NoSuchFileException e) {
      boolean had = position > 0;
      reset();
      return had;
    } catch (IOException e) {
      throw new JambicException(Text.format("cannot read %s: %s", file, ErrorText.reason(e)), e);
    }
  }

  private void reset() {
    if (position > 0) {
      version++;
    }
    curves.clear();
    damaged = 0;
    position = 0;
    before = new byte[0];
    fileKey = Optional.empty();
    seenSize = -1;
  }

  /** Another file may be longer, and have the key that a deleted one had. */
  private boolean isContinued(SeekableByteChannel in) throws IOException {
    ByteBuffer there = ByteBuffer.allocate(before.length);
    in.position(position - before.length);
    while (there.hasRemaining() && in.read(there) >= 0) {}
    return Arrays.equals(before, 0, before.length, there.array(), 0, there.position());
  }

  private void read(SeekableByteChannel in) throws IOException {
    byte[] bytes = new byte[Math.clamp(in.size() - position, 0, CHUNK)];
    while (bytes.length > 0) {
      ByteBuffer chunk = ByteBuffer.wrap(bytes);
      in.position(position);
      while (chunk.hasRemaining() && in.read(chunk) >= 0) {}
      int whole = lines(bytes, chunk.position());
      if (whole == 0 && chunk.position() == CHUNK) {
        whole = CHUNK; // no line of a log is so long
        damaged++;
      }
      if (whole == 0) {
        return;
      }
      position += whole;
      before = Arrays.copyOfRange(bytes, Math.max(0, whole - COMPARED), whole);
    }
  }

  /** Reads the whole lines, and returns their length. */
  private int lines(byte[] bytes, int length) {
    int begin = 0;
    for (int i = 0; i < length; i++) {
      if (bytes[i] == '\n') {
        add(bytes, begin, i - begin);
        begin = i + 1;
      }
    }
    return begin;
  }

  private void add(byte[] bytes, int offset, int length) {
    if (!line.read(bytes, offset, length)) {
      damaged++;
      return;
    }
    for (int i = 0; i < line.count(); i++) {
      Curve curve = curves.computeIfAbsent(line.name(i), _ -> new Curve());
      if (!curve.add(line.iter(), line.value(i))) {
        version++;
      }
    }
  }

  /**
   * How many lines were left out, as they are not of a log.
   *
   * @return their number
   */
  public synchronized int damagedLines() {
    return damaged;
  }

  /**
   * The names of the curves.
   *
   * @return names, in the order in which they came
   */
  public synchronized List<String> names() {
    return List.copyOf(curves.keySet());
  }

  /**
   * The newest number of a name.
   *
   * @param name of the curve
   * @return its last value
   */
  public synchronized OptionalDouble last(String name) {
    Curve curve = curves.get(name);
    return curve == null ? OptionalDouble.empty() : OptionalDouble.of(curve.last());
  }

  /**
   * What the steps took; evaluations and saving come on top.
   *
   * @return their seconds, if there were any
   */
  public synchronized OptionalDouble seconds() {
    Curve millis = curves.get("ms");
    return millis == null ? OptionalDouble.empty() : OptionalDouble.of(millis.sum() / 1e3);
  }

  /**
   * How many updates the log has seen.
   *
   * @return the number, 0 before the first
   */
  public synchronized int updates() {
    Curve steps = curves.get("ms");
    return steps == null ? 0 : steps.lastIter() + 1;
  }

  /**
   * What can be drawn of a curve. Where there is too much, each stretch is shown by its lowest and
   * its highest point, so that no peak is lost.
   *
   * @param name of the curve
   * @param from the first iteration
   * @param to the last
   * @param most points, at least 4
   * @param smoothing the weight of earlier points in an exponential moving average, from 0, which
   *     leaves all as it is, to below 1
   * @return the points, none where there is no such curve
   */
  public synchronized CurvePoints points(
      String name, int from, int to, int most, double smoothing) {
    Curve curve = curves.getOrDefault(name, new Curve());
    return (smoothing == 0 ? curve : curve.smoothed(smoothing)).between(from, to, most);
  }

  /**
   * How far the log was read.
   *
   * @return the end, for {@link #since}
   */
  public synchronized Mark mark() {
    Map<String, Integer> counts = new LinkedHashMap<>();
    curves.forEach((name, curve) -> counts.put(name, curve.count()));
    return new Mark(version, counts);
  }

  /**
   * What was added.
   *
   * @param mark from before
   * @return the new points by name; empty if the mark holds no longer, because the log was
   *     rewritten
   */
  public synchronized Optional<Map<String, CurvePoints>> since(Mark mark) {
    if (mark.version != version) {
      return Optional.empty();
    }
    Map<String, CurvePoints> added = new LinkedHashMap<>();
    curves.forEach((name, curve) -> {
      int known = mark.counts.getOrDefault(name, 0);
      if (curve.count() > known) {
        added.put(name, curve.after(known));
      }
    });
    return Optional.of(added);
  }
}
