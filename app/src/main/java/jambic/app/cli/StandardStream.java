package jambic.app.cli;

import jambic.model.io.ErrorText;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** A standard stream that remembers why it could not be written, which a PrintWriter forgets. */
public final class StandardStream extends OutputStream {
  /** A reader that has read enough, such as {@code head}, is no failure. */
  private static final String CLOSED_BY_READER = "Broken pipe";

  private final FileOutputStream stream;
  private String reason = "";

  public StandardStream(FileDescriptor descriptor) {
    stream = new FileOutputStream(descriptor);
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    try {
      stream.write(bytes, offset, length);
    } catch (IOException e) {
      reason = ErrorText.reason(e);
      throw e;
    }
  }

  /** Whether something that somebody waits for was not written. */
  public boolean isLost() {
    return !reason.isEmpty() && !reason.equals(CLOSED_BY_READER);
  }

  /** Why not. */
  public String reason() {
    return reason;
  }
}
