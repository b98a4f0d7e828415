package jambic.app.terminal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class CtrlCTest {
  @Test
  @Timeout(60)
  void itIsHeardAndThisProcessGoesOn() throws Exception {
    Semaphore outer = new Semaphore(0);
    Semaphore inner = new Semaphore(0);
    try (CtrlC _ = CtrlC.hear(outer::release)) {
      try (CtrlC _ = CtrlC.hear(inner::release)) {
        interrupt();
        assertThat(inner.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
        interrupt();
        assertThat(inner.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
      }
      assertThat(outer.availablePermits()).isZero();
      interrupt(); // means again what it did before
      assertThat(outer.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
      assertThat(inner.availablePermits()).isZero();
    }
  }

  private static void interrupt() throws Exception {
    String self = Long.toString(ProcessHandle.current().pid());
    try {
      assertThat(new ProcessBuilder("kill", "-INT", self).start().waitFor()).isZero();
    } catch (IOException e) {
      abort("there is no kill");
    }
  }
}
