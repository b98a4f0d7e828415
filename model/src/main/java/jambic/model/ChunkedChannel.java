package jambic.model;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/**
 * Gathers writes into chunks outside the Java heap. Writing a large heap buffer straight to a file
 * makes the JDK keep a copy of it outside the heap for the life of the thread.
 */
final class ChunkedChannel implements WritableByteChannel {
  private final WritableByteChannel target;
  private final ByteBuffer chunk = ByteBuffer.allocateDirect(1 << 20);
  private long written;

  ChunkedChannel(WritableByteChannel target) {
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
    return target.isOpen();
  }

  /** Passes on what is left and leaves the target open. */
  @Override
  public void close() throws IOException {
    flush();
  }

  private void flush() throws IOException {
    chunk.flip();
    while (chunk.hasRemaining()) {
      target.write(chunk);
    }
    chunk.clear();
  }
}
