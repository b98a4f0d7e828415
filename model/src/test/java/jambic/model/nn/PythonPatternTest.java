package jambic.model.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import org.junit.jupiter.api.Test;

class PythonPatternTest {
  @Test
  void namesOfGroupsMayHaveUnderscores() {
    assertThat(PythonPattern.compile("a", "h\\.(?P<layer_no>\\d+)\\.attn").matcher("h.12.attn"))
        .matches(matcher -> matcher.matches());
  }

  @Test
  void whatJavaReadsOtherwiseIsRefused() {
    assertThatThrownBy(() -> PythonPattern.compile("a.json: 'target_modules'", "h.[0-9&&3]"))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith("a.json: 'target_modules': the regular expression 'h.[0-9&&3]'");
  }
}
