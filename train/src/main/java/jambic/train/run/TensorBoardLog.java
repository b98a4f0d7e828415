package jambic.train.run;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/**
 * The metrics of a run as TensorBoard reads them: {@code loss/train}, {@code lr}, {@code
 * grad_norm}, {@code tokens_per_s} and {@code mfu} of every iteration; {@code loss/val} and, on the
 * same batches' number, {@code loss/train_eval} of every evaluation.
 *
 * <p>The file is a sequence of TFRecords (length, masked CRC-32C of the length, bytes, masked
 * CRC-32C of the bytes; little-endian), each a protocol buffer {@code Event} with a {@code
 * Summary}, as TensorFlow's {@code event.proto} and {@code record_writer.h} define them. An event
 * is one write, so a kill leaves at most the last one unfinished, which resuming removes.
 */
public final class TensorBoardLog implements Closeable {
  /** The file's name in a run's folder; TensorBoard looks for {@code tfevents} in it. */
  public static final String FILE_NAME = "events.out.tfevents.jambic";

  private static final String VERSION = "brain.Event:2";
  private static final int MASK = 0xa282ead8;
  private static final int HEADER = Long.BYTES + Integer.BYTES;
  private static final int LONGEST = 1 << 20; // our events have some hundred bytes

  // Field numbers and wire types of the protocol buffers.
  private static final int WALL_TIME = 1 << 3 | 1;
  private static final int STEP = 2 << 3;
  private static final int FILE_VERSION = 3 << 3 | 2;
  private static final int SUMMARY = 5 << 3 | 2;
  private static final int VALUE = 1 << 3 | 2;
  private static final int TAG = 1 << 3 | 2;
  private static final int SIMPLE_VALUE = 2 << 3 | 5;

  private final Path file;
  private final FileOutputStream out; // a channel would be closed by an interrupt

  private TensorBoardLog(Path file, boolean append) throws IOException {
    this.file = file;
    this.out = new FileOutputStream(file.toFile(), append);
  }

  /**
   * Starts a file, over one that may be there.
   *
   * @param file where; its folder must exist
   * @return the file, without metrics
   * @throws JambicException if it cannot be written
   */
  public static TensorBoardLog create(Path file) {
    try {
      TensorBoardLog events = new TensorBoardLog(file, false);
      ByteArrayOutputStream event = event(0);
      event.write(FILE_VERSION);
      bytes(event, VERSION.getBytes(StandardCharsets.UTF_8));
      events.write(event);
      return events;
    } catch (IOException e) {
      throw cannot("write", file, e);
    }
  }

  /**
   * Continues a file from an iteration, as if the events at and after it had never been written.
   *
   * @param file the file; created if there is none
   * @param iter the iteration at which the run continues
   * @return the file, ready for the metrics of {@code iter}
   * @throws JambicException if it cannot be read or written
   */
  public static TensorBoardLog resume(Path file, int iter) {
    if (!Files.exists(file)) {
      return create(file);
    }
    try {
      long end = endBefore(file, iter);
      if (end == 0) {
        return create(file);
      }
      try (RandomAccessFile whole = new RandomAccessFile(file.toFile(), "rw")) {
        whole.setLength(end);
      }
      return new TensorBoardLog(file, true);
    } catch (IOException e) {
      throw cannot("continue", file, e);
    }
  }

  /**
   * Appends an event.
   *
   * @param metrics what to show
   * @throws JambicException if it cannot be written, for example to a full disk
   */
  public void append(Metrics metrics) {
    ByteArrayOutputStream summary = new ByteArrayOutputStream();
    switch (metrics) {
      case Metrics.Step step -> {
        value(summary, "loss/train", step.loss());
        value(summary, "lr", step.lr());
        value(summary, "grad_norm", step.gradNorm());
        value(summary, "tokens_per_s", step.tokensPerSecond());
        step.mfu().ifPresent(mfu -> value(summary, "mfu", mfu));
        step.others().forEach((name, value) -> value(summary, name, value));
      }
      case Metrics.Evaluation evaluation -> {
        if (!Double.isNaN(evaluation.valLoss())) {
          value(summary, "loss/train_eval", evaluation.trainLoss());
          value(summary, "loss/val", evaluation.valLoss());
        }
        evaluation.others().forEach((name, value) -> value(summary, name, value));
      }
    }
    ByteArrayOutputStream event = event(metrics.iter());
    event.write(SUMMARY);
    bytes(event, summary.toByteArray());
    try {
      write(event);
    } catch (IOException e) {
      throw cannot("write", file, e);
    }
  }

  @Override
  public void close() {
    try {
      out.close();
    } catch (IOException e) {
      throw cannot("close", file, e);
    }
  }

  private static ByteArrayOutputStream event(int step) {
    ByteArrayOutputStream event = new ByteArrayOutputStream();
    event.write(WALL_TIME);
    event.writeBytes(little(8).putDouble(System.currentTimeMillis() / 1e3).array());
    event.write(STEP);
    varint(event, step);
    return event;
  }

  private static void value(ByteArrayOutputStream summary, String tag, double number) {
    ByteArrayOutputStream value = new ByteArrayOutputStream();
    value.write(TAG);
    bytes(value, tag.getBytes(StandardCharsets.UTF_8));
    value.write(SIMPLE_VALUE);
    value.writeBytes(little(4).putFloat((float) number).array());
    summary.write(VALUE);
    bytes(summary, value.toByteArray());
  }

  private static void bytes(ByteArrayOutputStream out, byte[] bytes) {
    varint(out, bytes.length);
    out.writeBytes(bytes);
  }

  private static void varint(ByteArrayOutputStream out, long value) {
    for (; value > 0x7f; value >>>= 7) {
      out.write((int) value & 0x7f | 0x80);
    }
    out.write((int) value);
  }

  private void write(ByteArrayOutputStream event) throws IOException {
    byte[] data = event.toByteArray();
    ByteBuffer record = little(HEADER + data.length + Integer.BYTES);
    record.putLong(data.length);
    record.putInt(crc(record.array(), Long.BYTES));
    record.put(data);
    record.putInt(crc(data, data.length));
    out.write(record.array());
  }

  private static ByteBuffer little(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Masked, because a CRC of bytes that hold CRCs is a weak one. */
  private static int crc(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return Integer.rotateRight((int) crc.getValue(), 15) + MASK;
  }

  /** The bytes of the sound events before an iteration; 0 if not even the first is sound. */
  private static long endBefore(Path file, int iter) throws IOException {
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      long end = 0;
      while (true) {
        byte[] header = in.readNBytes(HEADER);
        if (header.length < HEADER) {
          return end;
        }
        ByteBuffer fields = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
        long length = fields.getLong();
        if (fields.getInt() != crc(header, Long.BYTES) || length < 0 || length > LONGEST) {
          return end;
        }
        byte[] data = in.readNBytes((int) length);
        byte[] sum = in.readNBytes(Integer.BYTES);
        if (sum.length < Integer.BYTES
            || ByteBuffer.wrap(sum).order(ByteOrder.LITTLE_ENDIAN).getInt()
                != crc(data, data.length)
            || end > 0 && step(ByteBuffer.wrap(data)) >= iter) {
          return end;
        }
        end += HEADER + length + Integer.BYTES;
      }
    }
  }

  /** The step of an event that this class wrote: the field after the time. */
  private static long step(ByteBuffer event) {
    event.position(Math.min(event.limit(), 1 + Double.BYTES + 1));
    long step = 0;
    for (int shift = 0; event.hasRemaining(); shift += 7) {
      byte next = event.get();
      step |= (next & 0x7fL) << shift;
      if (next >= 0) {
        break;
      }
    }
    return step;
  }

  private static JambicException cannot(String verb, Path file, IOException e) {
    return new JambicException(Text.format("cannot %s %s: %s", verb, file, ErrorText.reason(e)), e);
  }
}
