package jambic.model.io;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/**
 * Gathers writes into chunks. Writing a large heap buffer straight to a file makes the JDK keep a
 * copy of it outside the heap for the life of the thread.
 */
final class ChunkedChannel implements WritableByteChannel {
  private final OutputStream target;
  private final ByteBuffer chunk = ByteBuffer.allocate(1 << 18);
  private long written;

  ChunkedChannel(OutputStream target) {
    this.target = target;
  }

  /** How many bytes were written so far. */
  long written() {
    return written;
  }

  @Override
  public int write(ByteBuffer source) throws IOException {
    int count = source.remaining();
    while (source.hasRemaining()) {
      int part = Math.min(source.remaining(), chunk.remaining());
      chunk.put(chunk.position(), source, source.position(), part);
      chunk.position(chunk.position() + part);
      source.position(source.position() + part);
      if (!chunk.hasRemaining()) {
        flush();
      }
    }
    written += count;
    return count;
  }

  @Override
  public boolean isOpen() {
    return true;
  }

  /** Passes on what is left and leaves the target open. */
  @Override
  public void close() throws IOException {
    flush();
  }

  private void flush() throws IOException {
    target.write(chunk.array(), 0, chunk.position());
    chunk.clear();
  }
}
