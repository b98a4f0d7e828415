package jambic.model.io;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class KeyRulesTest {
  private static final KeyRules RULES =
      new KeyRules()
          .obeys("width")
          .ignores("author")
          .supports("dora", false)
          .supports("drop", 0)
          .supports("list", List.of())
          .supports("never")
          .supportsOr("mend it there", "mended", false);

  private static JsonObject object(String key, Object value) {
    Map<String, Object> values = new HashMap<>();
    values.put(key, value);
    return new JsonObject("a.json", values);
  }

  @Test
  void acceptsWhatIsObeyedHarmlessSupportedOrNull() {
    assertThatCode(
            () -> {
              RULES.check(object("width", 3));
              RULES.check(object("author", List.of("me")));
              RULES.check(object("dora", false));
              RULES.check(object("drop", 0.0));
              RULES.check(object("list", List.of()));
              RULES.check(object("never", null));
              RULES.check(object("unheard of", null));
            })
        .doesNotThrowAnyException();
  }

  @Test
  void refusesAnUnknownKeyByName() {
    assertThatThrownBy(() -> RULES.check(object("unheard_of", 1)))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "a.json: the key 'unheard_of' is not known, so what it asks for cannot be obeyed;"
                + " remove it if it changes no result");
  }

  @Test
  void refusesAnUnsupportedValueAndSaysWhichIs() {
    assertThatThrownBy(() -> RULES.check(object("dora", true)))
        .hasMessage("a.json: 'dora' is 'true', which is not supported; false is");
    assertThatThrownBy(() -> RULES.check(object("mended", true)))
        .hasMessage("a.json: 'mended' is 'true', which is not supported; mend it there");
    assertThatThrownBy(() -> RULES.check(object("never", 1)))
        .hasMessage("a.json: 'never' is '1', which is not supported; leave it out");
  }
}
