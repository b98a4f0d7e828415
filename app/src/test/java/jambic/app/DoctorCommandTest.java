package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DoctorCommandTest {

  @Test
  void everyFindingIsALineAndTheCodeIsTheirSum() {
    CommandLineCall call = CommandLineCall.of("doctor");
    assertThat(call.out())
        .contains("java ", Runtime.version().toString(), "vector module", "compiler")
        .contains("hardware FMA", "vector width", "processors", "memory", "backend reference")
        .contains("ranks ");
    assertThat(call.out().lines()).allMatch(line -> line.matches("(ok  |MEND)  .*"));
    assertThat(call.out().lines().count()).isLessThanOrEqualTo(20);
    assertThat(call.out().lines()).noneMatch(line -> line.matches("ok {4}  .*"));
    assertThat(call.code()).isEqualTo(call.out().contains("MEND") ? 1 : 0);
  }

  @Test
  void jsonSaysTheSame() throws IOException {
    CommandLineCall call = CommandLineCall.of("doctor", "--json");
    Map<String, Object> result = JSON.std.mapFrom(call.out());
    assertThat(result.get("healthy")).isEqualTo(call.code() == 0);
    assertThat((List<?>) result.get("findings"))
        .hasSameSizeAs(CommandLineCall.of("doctor", "--verbose").out().lines().toList());
  }
}
