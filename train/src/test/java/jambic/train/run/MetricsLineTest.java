package jambic.train.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MetricsLineTest {
  private final MetricsLine line = new MetricsLine();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0",
        "-0.0",
        "1",
        "-7",
        "0.001",
        "4.1722869873046875",
        "1.0E-5",
        "3.0e+8",
        "123456789012",
        "12345678901234567890",
        "0.1234567890123456789",
        "9007199254740993",
        "9007199254740992.5",
        "5e-324",
        "1.7976931348623157E308",
        "-2.2250738585072014E-308",
        "0.30000000000000004"
      })
  void aNumberHasAllItsBits(String number) {
    Map<String, Double> spaced = numbers("{\"iter\": 3, \"x\": " + number + "}");
    assertThat(numbers("{\"iter\":3,\"x\":" + number + "}"))
        .containsExactly(Map.entry("x", Double.parseDouble(number)))
        .isEqualTo(spaced);
  }

  @Test
  void randomNumbersHaveAllTheirBits() {
    Random random = new Random(5);
    for (int i = 0; i < 20_000; i++) {
      double value =
          switch (i % 3) {
            case 0 -> Double.longBitsToDouble(random.nextLong());
            case 1 -> random.nextFloat() * 10;
            default -> Math.rint(random.nextDouble() * 1e6) / 1e3;
          };
      if (Double.isFinite(value)) {
        assertThat(numbers("{\"iter\":3,\"x\":" + value + ",\"y\":1}"))
            .containsExactly(Map.entry("x", value), Map.entry("y", 1.0));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "{}",
        "{\"iter\":1",
        "{\"iter\":1,}",
        "{\"iter\":-1,\"x\":2}",
        "{\"iter\":1.0,\"x\":2}",
        "{\"iter\":9999999999,\"x\":2}",
        "{\"iter\":1,\"x\":1-2}",
        "{\"iter\":1,\"x\":.5}",
        "{\"iter\":1,\"x\":5.}",
        "{\"iter\":1,\"x\":01}",
        "{\"iter\":1,\"x\":}",
        "{\"iter\":1 \"x\":2}",
        "[1]",
        "\0\0\0\0{\"iter\":\"x\"}", // as bytes of UTF-32 begin
        "\0{\"iter\":\"x\"}",
        "null"
      })
  void whatIsNoLineIsNone(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    assertThat(line.read(bytes, 0, bytes.length)).isFalse();
  }

  @Test
  void otherValuesAndOddNamesAreReadToo() {
    assertThat(
            numbers("{\"iter\":1,\"a\\\"b\":2,\"é\":3,\"t\":\"x\",\"o\":{\"iter\":9},\"l\":[4]}"))
        .containsExactly(Map.entry("a\"b", 2.0), Map.entry("é", 3.0));
    assertThat(numbers("{\"x\":5,\"iter\":1,\"big\":1e999}")).containsExactly(Map.entry("x", 5.0));
  }

  private Map<String, Double> numbers(String text) {
    byte[] bytes = ("," + text + ",").getBytes(StandardCharsets.UTF_8);
    assertThat(line.read(bytes, 1, bytes.length - 2)).as(text).isTrue();
    Map<String, Double> numbers = new LinkedHashMap<>();
    for (int i = 0; i < line.count(); i++) {
      numbers.put(line.name(i), line.value(i));
    }
    return numbers;
  }
}
