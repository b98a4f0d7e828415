package jambic.cuda;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;

/** A call into one of NVIDIA's libraries that failed. */
final class CudaException extends JambicException {
  private static final long serialVersionUID = 1L;

  /**
   * A failure.
   *
   * @param code what the call returned
   * @param name the library's name for it
   * @param call the function
   * @param advice what to do, as half a sentence; may be empty
   */
  CudaException(int code, String name, String call, String advice) {
    super(
        Text.format(
            "%s failed with error %d (%s)%s",
            call, code, name, advice.isEmpty() ? "" : "; " + advice));
  }
}
