package jambic.app.serve;

import jambic.app.cli.Interruption;
import java.util.concurrent.CountDownLatch;

/** Waits for Ctrl-C or SIGTERM. */
final class Stop {
  private final CountDownLatch asked = new CountDownLatch(1);

  Stop(Interruption interruption) {
    interruption.listen(asked::countDown);
    if (interruption.isRequested()) { // before it was listened to
      asked.countDown();
    }
  }

  void await() {
    try {
      asked.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
